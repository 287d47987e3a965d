package report

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// JobSchema is that of job statements.
const JobSchema = "gigawatch-job-statement/1"

// Ways by which energy at a boundary is known.
const (
	HopMeasured  = "measured"  // by counters of what the job held
	HopAllocated = "allocated" // its share of what meters show
	HopEstimated = "estimated" // by what the operator states
)

// A JobStatement is the energy of a training job, or of several together, at each
// boundary: Regulation (EU) 2024/1689, Annex XI, section 1, 2(e).
type JobStatement struct {
	Schema   string      `json:"schema"`
	Law      []string    `json:"law"`
	Site     string      `json:"site"`
	SiteName string      `json:"site_name"`
	Names    string      `json:"names"` // opaque or joined
	Asked    [2]string   `json:"asked"` // from, to
	Start    string      `json:"start"` // of the first hour that it held a board
	End      string      `json:"end"`   // of the last
	Jobs     []JobPart   `json:"jobs"`
	About    JobAbout    `json:"stated"`
	Boards   []string    `json:"gpu_models"` // of the whole site at that time
	Counts   []JobBoards `json:"gpu_count"`
	Days     Decimal     `json:"wall_clock_days"`
	Training string      `json:"training_time_range"` // as authorities are told
	GPUDays  Decimal     `json:"gpu_days"`
	Rounded  string      `json:"gpu_days_1_figure"`
	Energies []JobEnergy `json:"energies"`
	PUE      Figure      `json:"pue"`
	Shared   Figure      `json:"shared_ratio"`
	Gauges   []Figure    `json:"boards_showed"` // while the jobs held them
	Carbon   []Figure    `json:"carbon"`
	Method   string      `json:"method"`
	Missing  []string    `json:"missing,omitempty"` // that the form asks for and nobody states
	Issues   []Issue     `json:"issues"`
	Ledger   Books       `json:"ledger"`
	Program  string      `json:"program,omitempty"`
}

// JobAbout is what no meter tells of a job: as its provider states it.
type JobAbout struct {
	Model         string   `yaml:"model" json:"model,omitempty"`
	Provider      string   `yaml:"provider" json:"provider,omitempty"`
	Phases        []string `yaml:"phases" json:"phases,omitempty"`
	Failed        string   `yaml:"failed_runs_included" json:"failed_runs_included,omitempty"` // yes or no
	Board         string   `yaml:"gpu_model" json:"gpu_model,omitempty"`                       // with its variant
	PowerLimit    string   `yaml:"gpu_power_limit_w" json:"gpu_power_limit_w,omitempty"`
	SMActive      string   `yaml:"sm_active" json:"sm_active,omitempty"` // means of the time, 0 to 1
	TensorActive  string   `yaml:"tensor_active" json:"tensor_active,omitempty"`
	Checkpointing string   `yaml:"activation_checkpointing" json:"activation_checkpointing,omitempty"` // yes or no
	Compute       string   `yaml:"compute_flop" json:"compute_flop,omitempty"`
	ComputeMethod string   `yaml:"compute_method" json:"compute_method,omitempty"`
	Evidence      string   `yaml:"evidence" json:"evidence,omitempty"`
	StartExact    string   `yaml:"start" json:"start,omitempty"`
	EndExact      string   `yaml:"end" json:"end,omitempty"`
	Notes         string   `yaml:"notes" json:"notes,omitempty"`
}

// A JobPart is one of the jobs.
type JobPart struct {
	Job     string  `json:"job"`
	Tenant  string  `json:"tenant,omitempty"`
	Start   string  `json:"start"`
	End     string  `json:"end"`
	GPU     string  `json:"gpu_mj"` // exact
	Node    string  `json:"node_mj"`
	GPUDays Decimal `json:"gpu_days"`

	gpu, node, held int64
	first, last     int64 // hours since 1970
}

// JobBoards is how many boards were held from one hour to another, on average of an
// hour.
type JobBoards struct {
	From  string  `json:"from"`
	To    string  `json:"to"`
	Count Decimal `json:"count"`
}

// A JobEnergy is that of a job at one boundary, or the reason why there is none.
type JobEnergy struct {
	Boundary    string             `json:"boundary"`
	Printed     string             `json:"mwh_2_figures,omitempty"`
	KWh         *Decimal           `json:"kwh,omitempty"`
	Millijoules string             `json:"mj,omitempty"`
	Method      string             `json:"method,omitempty"`
	How         string             `json:"how,omitempty"`
	Coverage    *Decimal           `json:"coverage_pct,omitempty"`
	Shares      map[string]Decimal `json:"shares,omitempty"` // of what was counted, by how it is known
	Missing     string             `json:"missing,omitempty"`
}

// A JobInput is what a job statement is made of.
type JobInput struct {
	Site     *site.Site
	Basis    *account.Basis
	Ledger   Hourly
	Books    Books
	From, To time.Time // whole hours; no figure reaches further
	Jobs     []string  // "": all of the tenant
	Tenant   string    // "": of whoever
	About    JobAbout
	Program  string
}

// ErrNothing means that the books hold nothing of what is asked for.
var ErrNothing = errors.New("the books hold nothing of it")

// A jobHour is what the jobs drew in an hour, mJ.
type jobHour struct{ gpu, node, held int64 }

// A jobMake is a job statement in the making.
type jobMake struct {
	*JobInput
	s        *JobStatement
	from, to int64
	hours    []jobHour
	parts    map[account.Job]*JobPart
	mix      [2]account.Amount // boards, nodes
	means    [account.Gauges]gaugeSum
	open     int64 // hours
	site     []siteHour
	siteFrom int64
	months   []monthSpan

	facilityHours *hop
}

// JobOf makes the statement of jobs.
func JobOf(in JobInput) (*JobStatement, error) {
	switch {
	case in.Site == nil || in.Basis == nil || in.Ledger == nil:
		return nil, errors.New("job statement: site, basis and ledger are needed")
	case len(in.Jobs) == 0 && in.Tenant == "":
		return nil, errors.New("job statement: neither a job nor a tenant is named")
	}
	m := &jobMake{JobInput: &in, from: in.From.UnixMilli(), to: in.To.UnixMilli(), parts: map[account.Job]*JobPart{}, s: &JobStatement{
		Schema: JobSchema, Site: in.Site.Token, SiteName: in.Site.Name, About: in.About, Ledger: in.Books, Program: in.Program, Issues: []Issue{},
		Law: []string{"Regulation (EU) 2024/1689, Article 53(1)(a), Annex XI, section 1, 2(d) and 2(e)"}, Names: namesJoined,
	}}
	if err := wholeHours(m.from, m.to); err != nil {
		return nil, fmt.Errorf("job statement of %s: %w", in.Site.Token, err)
	}
	for _, of := range []func() error{m.read, m.readSite, m.describe, m.models, m.gauges, m.energies, m.carbon} {
		if err := of(); err != nil {
			return nil, fmt.Errorf("job statement of %s: %w", in.Site.Token, err)
		}
	}
	m.judge()
	return m.s, nil
}

// stretch is how many hours are asked for at once.
const stretch = 24

// read adds up the hours of the jobs.
func (m *jobMake) read() error {
	m.hours = make([]jobHour, (m.to-m.from)/hourMillis)
	of := account.Selection{Tenant: m.Tenant}
	if len(m.Jobs) == 1 {
		of.Job = m.Jobs[0]
	}
	for i, boundary := range []metric.Boundary{metric.GPUs, metric.Hosts} {
		for from := m.from; from < m.to; from += stretch * hourMillis {
			q := account.Question{Site: m.Site.Token, By: account.ByJob, Boundary: boundary, From: from, To: min(m.to, from+stretch*hourMillis), Step: hourMillis, Of: of}
			lines, err := m.Ledger.Energy(q)
			if err != nil {
				return err
			}
			for k := range lines {
				if err := m.take(i, &lines[k]); err != nil {
					return err
				}
			}
		}
	}
	if len(m.parts) == 0 {
		return fmt.Errorf("%w: job %s, tenant %q, %s to %s", ErrNothing, some(m.Jobs), m.Tenant, m.From.UTC().Format(time.RFC3339), m.To.UTC().Format(time.RFC3339))
	}
	return nil
}

// take adds a line of boards (0) or of nodes (1).
func (m *jobMake) take(i int, l *account.Line) (err error) {
	if l.Allocation != account.Allocated || l.Reason != "" || len(m.Jobs) > 0 && !slices.Contains(m.Jobs, l.Job) {
		return nil
	}
	mj, err := totalOf(l)
	if err != nil {
		return err
	}
	if m.mix[i], err = m.mix[i].Add(l.Energy); err != nil {
		return err
	}
	key := account.Job{Name: l.Job, Tenant: l.Tenant}
	p := m.parts[key]
	if p == nil {
		p = &JobPart{Job: l.Job, Tenant: l.Tenant, first: l.From / hourMillis, last: l.From / hourMillis}
		m.parts[key] = p
	}
	p.first, p.last = min(p.first, l.From/hourMillis), max(p.last, l.From/hourMillis)
	h := &m.hours[(l.From-m.from)/hourMillis]
	if i == 0 {
		p.gpu, p.held = p.gpu+mj, p.held+l.HeldMillis
		h.gpu, h.held = h.gpu+mj, h.held+l.HeldMillis
		for k := range m.means {
			m.means[k].add(l.Means[k])
		}
		if !l.Final {
			m.open++
		}
		return nil
	}
	p.node += mj
	h.node += mj
	return nil
}

// readSite reads what the whole site drew in the months of the jobs.
func (m *jobMake) readSite() error {
	first, last := m.to, m.from
	for i, h := range m.hours {
		if at := m.from + int64(i)*hourMillis; h != (jobHour{}) {
			first, last = min(first, at), max(last, at+hourMillis)
		}
	}
	m.months = monthsOf(m.Site, first, last, max(m.to, last))
	if len(m.months) == 0 {
		return nil
	}
	m.siteFrom = m.months[0].from
	var err error
	if m.site, err = siteHours(m.Ledger, m.Site.Token, m.siteFrom, m.months[len(m.months)-1].to, m.sharedMeters()); err != nil {
		return err
	}
	for i := range m.months {
		m.months[i].begun(m.site, m.siteFrom)
	}
	return nil
}

// sharedMeters are those of network and storage, which all nodes use together.
func (m *jobMake) sharedMeters() []string {
	e, ok := m.Site.Answer("shared_meters", m.From.In(m.Site.TimeZone).Year())
	if !ok {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.Value.Texts), func(t string) bool { return t == "" })
}

// statedRatio is a ratio that the operator states; nil if none is.
func (m *jobMake) statedRatio(key string) (v *big.Rat, evidence string) {
	b := build{Input: &Input{Site: m.Site, Year: m.From.In(m.Site.TimeZone).Year()}}
	v, e, _, ok := b.stated(key)
	if !ok || v.Sign() < 0 {
		return nil, ""
	}
	return v, e.Evidence
}

// at is the hour of the whole site that belongs to the i-th of the jobs.
func (m *jobMake) at(i int) *siteHour {
	n := (m.from + int64(i)*hourMillis - m.siteFrom) / hourMillis
	if n < 0 || n >= int64(len(m.site)) {
		return &siteHour{}
	}
	return &m.site[n]
}

// month is the one in which the i-th hour of the jobs lies.
func (m *jobMake) month(i int) *monthSpan {
	at := m.from + int64(i)*hourMillis
	for k := range m.months {
		if at >= m.months[k].from && at < m.months[k].to {
			return &m.months[k]
		}
	}
	return nil
}

func (m *jobMake) hour(number int64) string {
	return time.UnixMilli(number * hourMillis).UTC().Format(time.RFC3339)
}

// describe says when the jobs ran and what they held.
func (m *jobMake) describe() error {
	s := m.s
	s.Asked = [2]string{m.From.UTC().Format(time.RFC3339), m.To.UTC().Format(time.RFC3339)}
	var held int64
	first, last := m.to/hourMillis, m.from/hourMillis
	for _, p := range m.parts {
		held += p.held
		first, last = min(first, p.first), max(last, p.last)
		p.Start, p.End = m.hour(p.first), m.hour(p.last+1)
		p.GPU, p.Node = fmt.Sprint(p.gpu), fmt.Sprint(p.node)
		p.GPUDays, _ = decimalOf(big.NewRat(p.held, 24*hourMillis), 6)
		s.Jobs = append(s.Jobs, *p)
	}
	slices.SortFunc(s.Jobs, func(a, b JobPart) int {
		if a.first != b.first {
			return int(a.first - b.first)
		}
		return strings.Compare(a.Job+"\x00"+a.Tenant, b.Job+"\x00"+b.Tenant)
	})
	s.Start, s.End = m.hour(first), m.hour(last+1)
	s.Days, _ = decimalOf(big.NewRat(last+1-first, 24), 6)
	s.Training = trainingRange(last + 1 - first)
	s.GPUDays, _ = decimalOf(big.NewRat(held, 24*hourMillis), 6)
	s.Rounded = Significant(big.NewRat(held, 24*hourMillis), 1)
	for i := range m.hours {
		at := m.from/hourMillis + int64(i)
		if at < first || at > last {
			continue
		}
		n, _ := decimalOf(big.NewRat(m.hours[i].held, hourMillis), 2)
		if k := len(s.Counts) - 1; k >= 0 && s.Counts[k].Count.Cmp(n) == 0 {
			s.Counts[k].To = m.hour(at + 1)
			continue
		}
		s.Counts = append(s.Counts, JobBoards{m.hour(at), m.hour(at + 1), n})
	}
	return nil
}

// trainingRange is the range in which authorities are told a time.
func trainingRange(hours int64) string {
	switch months := float64(hours) / (24 * 365.25 / 12); {
	case months < 1:
		return "less than 1 month"
	case months <= 3:
		return "1 to 3 months"
	case months <= 6:
		return "3 to 6 months"
	}
	return "more than 6 months"
}

// models lists what boards the site has, in the middle of the time of the jobs.
func (m *jobMake) models() error {
	middle := (m.s.Jobs[0].first + m.s.Jobs[len(m.s.Jobs)-1].last) / 2 * hourMillis
	lines, err := m.Ledger.Energy(account.Question{Site: m.Site.Token, By: account.ByGPU, Boundary: metric.GPUs, From: middle, To: middle + hourMillis})
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range lines {
		if lines[i].Model != "" {
			seen[lines[i].Model] = true
		}
	}
	m.s.Boards = []string{}
	for name := range seen {
		m.s.Boards = append(m.s.Boards, name)
	}
	slices.Sort(m.s.Boards)
	return nil
}
