package report

import (
	"slices"
	"strings"
)

// behind are the sheets of what stands behind the figures.
func (r *Record) behind(b *book) {
	s := b.sheet("Months", "Months", column{"Month", 10}, column{"Total energy kWh", 20}, column{"Energy of IT kWh", 20}, column{"PUE", 12}, column{"Mean load of IT kW", 22},
		column{"Water m³", 14}, column{"Heat reused kWh", 20}, column{"Coverage %", 14})
	for i := range r.Months {
		m := &r.Months[i]
		s.add(b.style.text, m.Month, m.Facility, m.IT, m.PUE, m.Load, m.Water, m.Reuse, m.Coverage)
	}
	s = b.sheet("Meters", "Meters", column{"Meter", 24}, column{"Role", 18}, column{"Place", 30}, column{"Read", 20}, column{"Estimated besides", 20}, column{"Unit", 8},
		column{"Coverage %", 14}, column{"Longest gap min", 19}, column{"Devices: serial, model, class, calibrated, from, to, registers", 70})
	for i := range r.Meters {
		m := &r.Meters[i]
		var plates []string
		for _, d := range m.Devices {
			parts := slices.DeleteFunc([]string{d.Serial, d.Model, d.Accuracy, d.Calibrated, d.From, d.To, d.Initial, d.Final}, func(t string) bool { return t == "" })
			plates = append(plates, strings.Join(parts, ", "))
		}
		role := m.Role
		if m.TakenOff {
			role += ", taken off"
		}
		gap := Whole(m.LongestGap)
		s.add(b.style.text, m.ID, role, m.Point, &m.Amount, m.Estimated, m.Unit, m.Coverage, &gap, strings.Join(plates, "\n"))
	}
	if len(r.Gaps) > 0 {
		s = b.sheet("Gaps", "Times in which meters were not read, longest first", column{"Meter", 24}, column{"From", 28}, column{"Minutes", 10}, column{"Estimated", 18}, column{"Unit", 8}, column{"By", 60})
		for i := range r.Gaps {
			g := &r.Gaps[i]
			n := Whole(g.Minutes)
			s.add(b.style.text, g.Meter, g.From, &n, g.Estimated, g.Unit, g.Method)
		}
	}
	if len(r.Guarantees)+len(r.Agreements) > 0 {
		s = b.sheet("Renewables", "Guarantees of origin and agreements", column{"Number or name", 30}, column{"Of", 18}, column{"Volume kWh", 20}, column{"Counts kWh", 20},
			column{"Produced", 28}, column{"Retired", 14}, column{"Why", 50}, column{"Evidence", 44})
		for i := range r.Guarantees {
			g := &r.Guarantees[i]
			s.add(b.style.text, g.ID, strings.ReplaceAll(g.Of, "_", " "), &g.KWh, &g.Counts, g.Produced, g.Retired, g.Why, g.Evidence)
		}
		for i := range r.Agreements {
			a := &r.Agreements[i]
			s.add(b.style.text, a.Name, "agreement, "+a.How, a.Delivered, &a.Counts, "", "", a.Why, a.Evidence)
		}
	}
	s = b.sheet("Evidence", "What stands behind what was entered", column{"Entry", 30}, column{"Value", 60}, column{"Evidence", 80})
	for _, e := range r.Evidence {
		s.add(b.style.text, e.Key, e.Value, e.Text)
	}
	s = b.sheet("Issues", "Rules that are broken", column{"Code", 26}, column{"Severity", 10}, column{"Field", 18}, column{"What", 80}, column{"What to do", 60}, column{"Comment of the operator", 40})
	for i := range r.Issues {
		x := &r.Issues[i]
		style, severity := b.style.warn, "warning"
		if x.Severity == Error {
			style, severity = b.style.error, "error"
		} else if !x.Open() {
			style = b.style.text
		}
		s.add(style, x.Code, severity, x.Field, x.Text, x.Fix, x.Comment)
	}
}
