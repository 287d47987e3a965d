package report

import (
	"fmt"
	"math/big"
	"strings"
	"time"
)

// JSON is the statement as it is kept.
func (s *JobStatement) JSON() ([]byte, error) { return indented(s) }

func (s *JobStatement) leaflet() *leaflet {
	p := &leaflet{
		kind: "job statement", title: "Energy of a training job", name: named(s.SiteName, s.Site), period: plainTime(s.Start) + " to " + plainTime(s.End) + " UTC",
		simulated: s.Ledger.Simulated, mark: "energy of a training job", program: s.Program, made: timeOf(s.End),
		says: "For the technical documentation of a general-purpose AI model: " + strings.Join(s.Law, "; ") + ". The form defines no boundary, so each is named; figures of different boundaries do not compare.",
		foot: fmt.Sprintf("Ledger of %d leaves, root %.16s…", s.Ledger.Leaves, s.Ledger.Root),
	}
	if n := len(s.Jobs); n == 1 {
		p.name = s.Jobs[0].Job + " at " + p.name
	} else {
		p.name = fmt.Sprintf("%d jobs at %s", n, p.name)
	}
	a := &s.About
	fact := func(name, value string) {
		if value == "" {
			value = "not stated"
		}
		p.facts = append(p.facts, [2]string{name, value})
	}
	for i := range s.Energies {
		e := &s.Energies[i]
		if e.Missing != "" {
			fact("Energy "+e.where(), "not known: "+e.Missing)
			continue
		}
		fact("Energy "+e.where(), fmt.Sprintf("%s MWh (%s)", e.Printed, e.Method))
	}
	fact("Model", a.Model)
	fact("Provider", a.Provider)
	fact("Phases", strings.Join(a.Phases, ", "))
	fact("Failed and restarted runs included", a.Failed)
	fact("Training time", s.Days.String()+" days by the wall clock; "+s.Training)
	fact("Hardware", s.Rounded+" GPU-days ("+s.GPUDays.String()+")")
	board := a.Board
	if board == "" && len(s.Boards) > 0 {
		board = "boards of the site at that time: " + strings.Join(s.Boards, ", ")
	}
	fact("GPU model and variant", board)
	fact("GPU power limit, W", s.gaugeOr(a.PowerLimit, "gpu_power_limit_w"))
	fact("Activation checkpointing", a.Checkpointing)
	fact("SM active (mean)", s.gaugeOr(a.SMActive, "sm_active"))
	fact("Tensor pipe active (mean)", s.gaugeOr(a.TensorActive, "tensor_active"))
	fact("Compute, FLOP", strings.Trim(a.Compute+"; "+a.ComputeMethod, "; "))
	if a.StartExact+a.EndExact != "" {
		fact("Stated start and end", a.StartExact+" to "+a.EndExact)
	}
	if a.Notes != "" {
		fact("Notes", a.Notes)
	}
	fact("Evidence", a.Evidence)
	if a.SMActive != "" || a.TensorActive != "" || s.gauge("sm_active") != nil || s.gauge("tensor_active") != nil {
		p.says += " Utilisation is stated beside the energy and nothing is derived from it."
	}

	b := block{title: "Energy at each boundary", says: "Two significant figures, half up; the exact value beside them is what the ledger holds or what follows from it.", lanes: []lane{
		{"Boundary", 19, 0}, {"MWh, 2 figures", 24, 1}, {"kWh", 25, 1}, {"Exact mJ", 32, 1}, {"Method", 17, 0}, {"Coverage %", 19, 1}, {"How", 44, 0}}}
	for i := range s.Energies {
		e := &s.Energies[i]
		how := e.How + e.mix()
		if e.Missing != "" {
			how = "not known: " + e.Missing
		}
		b.row(boundaries[e.Boundary], e.Printed, text(e.KWh), e.Millijoules, e.Method, text(e.Coverage), how)
	}
	p.blocks = append(p.blocks, b)

	b = block{title: "What lies between, and carbon", lanes: []lane{{"Figure", 60, 0}, {"Value", 34, 1}, {"Unit", 14, 0}, {"Coverage %", 18, 1}, {"How", 54, 0}}}
	for _, f := range append([]Figure{s.Shared, s.PUE}, s.Carbon...) {
		how := strings.TrimPrefix(strings.Join(append([]string{f.Method, f.At, f.Evidence}, f.Notes...), "; "), "; ")
		if f.Missing != "" {
			how = "not known: " + f.Missing
		}
		b.row(f.Title, text(f.Value), unitWords(f.Unit), text(f.Coverage), strings.Trim(strings.ReplaceAll(how, "; ; ", "; "), "; "))
	}
	p.blocks = append(p.blocks, b)

	b = block{title: "What boards showed", says: "While the jobs held them. No energy and no compute is derived from it.", lanes: []lane{{"Figure", 60, 0}, {"Value", 34, 1}, {"Unit", 14, 0}, {"Coverage %", 18, 1}, {"How", 54, 0}}}
	for _, f := range s.Gauges {
		how := f.Method
		if f.Missing != "" {
			how = "not known: " + f.Missing
		}
		b.row(f.Title, text(f.Value), unitWords(f.Unit), text(f.Coverage), how)
	}
	p.blocks = append(p.blocks, b)

	b = block{title: "Jobs", says: "Start and end are those of the first and last hour in which the job held a board.", lanes: []lane{{"Job", 18, 0}, {"Tenant", 15, 0}, {"Start", 33.5, 0}, {"End", 33.5, 0}, {"GPU-days", 18, 1}, {"GPU mJ", 31, 1}, {"Node mJ", 31, 1}}}
	for i := range s.Jobs {
		x := &s.Jobs[i]
		b.row(x.Job, x.Tenant, x.Start, x.End, x.GPUDays.String(), x.GPU, x.Node)
	}
	p.blocks = append(p.blocks, b)

	b = block{title: "Boards held", lanes: []lane{{"From", 60, 0}, {"To", 60, 0}, {"Boards, mean of an hour", 60, 1}}}
	for i, x := range s.Counts {
		if i == mostCounts {
			b.says = fmt.Sprintf("The first %d of %d changes; JSON has them all.", mostCounts, len(s.Counts))
			break
		}
		b.row(x.From, x.To, x.Count.String())
	}
	p.blocks = append(p.blocks, b)

	b = block{title: "Method", lanes: []lane{{"Item", 30, 0}, {"Text", 150, 0}}}
	b.row("Method", s.Method)
	if len(s.Missing) > 0 {
		b.row("Not stated", strings.Join(s.Missing, ", "))
	}
	b.row("Ledger", fmt.Sprintf("log of %d leaves, root %s; %d files of sealed hours were held against it", s.Ledger.Leaves, s.Ledger.Root, s.Ledger.Files))
	p.blocks = append(p.blocks, b)
	p.issues(s.Issues)
	return p
}

// boundaries are what energy is of, in words.
var boundaries = map[string]string{"gpu": "GPU boards", "node": "nodes", "it": "IT", "facility": "facility"}

// where is a boundary as it stands after the word energy.
func (e *JobEnergy) where() string {
	if e.Boundary == "facility" {
		return "at the facility"
	}
	return "of " + boundaries[e.Boundary]
}

// mix says by which shares the energy is known, where not all of it is measured.
func (e *JobEnergy) mix() string {
	if _, all := e.Shares["measured"]; len(e.Shares) == 0 || all && len(e.Shares) == 1 {
		return ""
	}
	var parts []string
	for _, m := range qualityMarks() {
		if share, ok := e.Shares[m.name]; ok {
			pct, _ := decimalOf(new(big.Rat).Mul(share.Rat(), big.NewRat(100, 1)), 3)
			parts = append(parts, pct.String()+" % "+m.text)
		}
	}
	return "; of what was counted " + strings.Join(parts, ", ")
}

// mostCounts bounds a table.
const mostCounts = 120

// issues lists what is wrong.
func (p *leaflet) issues(list []Issue) {
	if len(list) == 0 {
		return
	}
	b := block{title: "Issues", lanes: []lane{{"Code", 42, 0}, {"What", 88, 0}, {"What to do", 50, 0}}}
	for i := range list {
		b.row(list[i].Code, list[i].Text, list[i].Fix)
	}
	p.blocks = append(p.blocks, b)
}

// plainTime is a time of a statement without what people need not read: it is UTC.
func plainTime(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Format("2006-01-02 15:04")
	}
	return s
}

// named is what a site is called.
func named(name, token string) string {
	if name == "" || name == token {
		return token
	}
	return name + " (" + token + ")"
}

// timeOf is a time of a statement, which wrote it itself.
func timeOf(s string) time.Time {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Unix(0, 0).UTC()
}
