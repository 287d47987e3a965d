package report

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/site"
)

// Ledger is what a report asks of the books.
type Ledger interface {
	Branches(site string, from, to int64, yield func(*account.HourBranches) bool) error
	KPIs(site string, q account.KPIQuestion) ([]account.KPI, error)
}

// An Input is all that a record is made of.
type Input struct {
	Site   *site.Site
	Basis  *account.Basis // what the site file states, as figures take it
	Ledger Ledger
	Books  Books // as they were found when they were held against their log
	Rules  *Set
	Beside []*Set
	Year   int
	Now    time.Time // no figure reaches further

	Weather      Series // daily means of the outdoor temperature, °C; zero: none
	Others       []*site.Site
	Earlier      []*Record // of this site and of others, of this year and of years before
	SeenStorage  *big.Rat  // PB, raw, that agents of hosts see; nil: unknown
	RegionalCDD  *Decimal  // published for the region; nil: unknown
	Program      string
	LAU          func(code string) bool // whether a table of the period has it; nil: there is no table
	LogUnchanged error                  // what is wrong with the log in the eyes of earlier records
	Trace        *Trace                 // to be filled; nil: nobody wants it
}

// build is a record in the making.
type build struct {
	*Input
	r     *Record
	sums  *sums
	kpis  map[string]*account.KPI
	spent map[string][]claim // guarantees that were used, by number
	deals []deal             // of the agreements of the site file, in that order
	early *earlier           // nil: the period is the whole year
}

// Build makes the record of a year.
func Build(in Input) (*Record, error) {
	switch {
	case in.Site == nil || in.Basis == nil || in.Ledger == nil || in.Rules == nil:
		return nil, errors.New("build report: site, basis, ledger and rules are needed")
	case in.Year < 1990 || in.Year > 2100:
		return nil, fmt.Errorf("build report of %s: %d is no year of 1990 to 2100", in.Site.Token, in.Year)
	}
	b := &build{Input: &in, r: &Record{
		Schema: Schema, Site: in.Site.Token, SiteName: in.Site.Name, Country: in.Site.Country, Ledger: in.Books, Program: in.Program,
		RuleSet: in.Rules.id(), Due: in.Rules.Due(in.Year),
		Evidence: []Evidence{}, Issues: []Issue{}, Months: []Month{}, Meters: []Meter{},
	}}
	b.r.Ledger.Terms = in.Basis.Version()
	b.r.DCRef, b.r.EntityRef = b.text("dc_ref"), b.text("entity_ref")
	if err := b.period(); err != nil {
		return nil, fmt.Errorf("build report of %s: %w", in.Site.Token, err)
	}
	b.about()
	if err := b.read(); err != nil {
		return nil, fmt.Errorf("build report of %s: %w", in.Site.Token, err)
	}
	b.renewables()
	for i := range in.Rules.Figures {
		b.r.Figures = append(b.r.Figures, b.figure(&in.Rules.Figures[i]))
	}
	for i := range in.Rules.Indicators {
		b.r.Indicators = append(b.r.Indicators, b.indicator(&in.Rules.Indicators[i], b.r.Figure))
	}
	b.size()
	b.inside()
	b.previews()
	b.meters()
	b.months()
	b.evidence()
	b.check()
	if b.Trace != nil {
		b.Trace.fill(b)
	}
	return b.r, nil
}

func (s *Set) id() RuleSetID { return RuleSetID{s.ID, s.Status, s.Hash, s.Law} }

// read asks the ledger.
func (b *build) read() error {
	p := &b.r.Period
	s, err := b.sumUp(p.from, p.to)
	if err != nil {
		return err
	}
	b.sums = s
	b.r.Ledger.Unsealed = s.unsealed
	if err := b.readBefore(); err != nil {
		return err
	}
	b.kpis = map[string]*account.KPI{}
	if p.to <= p.from {
		return nil
	}
	names := []string{"pue", "cue", "cue_market", "carbon_location", "carbon_market", "carbon_scope1", "cfe", "carbon_hourly", "carbon_market_hourly"}
	ks, err := b.Ledger.KPIs(b.Site.Token, account.KPIQuestion{Names: names, From: p.from, To: p.to, Category: b.Basis.Category})
	if err != nil {
		return err
	}
	for i := range ks {
		b.kpis[ks[i].Name] = &ks[i]
	}
	return nil
}

// figure makes the figure that a asks for.
func (b *build) figure(a *Asked) Figure {
	f := Figure{Key: a.Key, Point: a.Point, Symbol: a.Symbol, Title: a.Title, Unit: a.Unit, At: a.At, Unknown: a.Unknown}
	if make, ok := b.makers()[a.Key]; ok {
		make(&f, a)
	} else {
		b.entered(&f, a)
	}
	if f.Value == nil && f.Is == nil && f.List == nil && !f.None && f.Missing == "" {
		f.Missing = "nothing is known of it"
	}
	if f.Missing != "" {
		f.Quality, f.Method, f.Evidence = "", "", ""
	}
	return f
}

// makers are how figures are made that are not entered alone.
func (b *build) makers() map[string]func(*Figure, *Asked) {
	return map[string]func(*Figure, *Asked){
		"pd_it_kw": b.installedIT, "e_dc_kwh": b.facility, "e_dc_bg_kwh": b.backup, "e_it_kwh": b.it,
		"c_btg_kw": b.battery, "w_in_m3": b.water, "w_in_pot_m3": b.potable, "w_in_fre_m3": b.fresh, "e_reuse_kwh": b.reuse,
		"t_in_c": b.setPoint, "cdd": b.degreeDays,
		"e_res_tot_kwh": b.renewable, "e_res_goo_kwh": b.guaranteed, "e_res_ppa_kwh": b.agreed, "e_res_os_kwh": b.ownGeneration,
		"c_serv": b.capacity, "c_stor_pb": b.capacity,
		"e_electric_kwh":  func(f *Figure, a *Asked) { b.byMeter(f, a, gSupply, perKWh) },
		"e_purchased_kwh": func(f *Figure, a *Asked) { b.byMeter(f, a, gGrid, perKWh) },
		"e_export_kwh":    func(f *Figure, a *Asked) { b.byMeter(f, a, gExport, perKWh) },
	}
}
