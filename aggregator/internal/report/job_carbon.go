package report

import (
	"math/big"
)

// carbon gives a job its share of what the site's energy emits: by the hour,
// location-based; by the month, market-based, for contracts are booked by the year.
func (m *jobMake) carbon() error {
	location := Figure{Key: "co2_location_kg", Title: "Carbon, scope 2, location-based", Unit: "kg", Quality: QualityCalculated,
		Method: "of each hour, the site's carbon by the kWh times the job's energy at the facility"}
	market := Figure{Key: "co2_market_kg", Title: "Carbon, scope 2, market-based", Unit: "kg", Quality: QualityCalculated,
		Method: "of each month, the site's carbon by the kWh times the job's energy at the facility"}
	defer func() { m.s.Carbon = []Figure{location, market} }()
	if h := m.facilityHours; h.missing != "" {
		for _, f := range []*Figure{&location, &market} {
			f.Missing, f.Quality, f.Method = "energy at the facility is missing: "+h.missing, "", ""
		}
		return nil
	}
	byHour := make([]*big.Rat, len(m.hours)) // kg by the mJ
	for i, v := range m.facilityHours.hours {
		if s := m.at(i); v != nil && s.allFacility && s.facility > 0 {
			from := m.from + int64(i)*hourMillis
			ks, err := kpisOf(m.Ledger, m.Site.Token, m.Basis.Category, from, from+hourMillis, "carbon_location")
			if err != nil {
				return err
			}
			if k := ks["carbon_location"]; k.Value != nil && k.Coverage >= 0.99 {
				byHour[i] = new(big.Rat).Quo(ratOf(*k.Value), big.NewRat(s.facility, 1))
			}
		}
	}
	for n := range m.months {
		x := &m.months[n]
		ks, err := kpisOf(m.Ledger, m.Site.Token, m.Basis.Category, x.from, x.to, "carbon_location", "carbon_market")
		if err != nil {
			return err
		}
		var facility int64
		for at := x.from; at < x.to; at += hourMillis {
			facility += m.site[(at-m.siteFrom)/hourMillis].facility
		}
		for _, y := range []struct {
			f     *Figure
			name  string
			hours []*big.Rat
		}{{&location, "carbon_location", byHour}, {&market, "carbon_market", nil}} {
			k := ks[y.name]
			if y.f.Missing != "" {
				continue
			}
			sum := new(big.Rat)
			for i, v := range m.facilityHours.hours {
				if v == nil || m.month(i) != x {
					continue
				}
				switch {
				case y.hours != nil && y.hours[i] != nil:
					sum = sumOf(sum, new(big.Rat).Mul(v, y.hours[i]))
				case k.Value == nil || facility == 0:
					y.f.Missing = x.name + ": " + k.Reason
				default:
					sum = sumOf(sum, new(big.Rat).Mul(v, new(big.Rat).Quo(ratOf(*k.Value), big.NewRat(facility, 1))))
				}
			}
			if y.f.exact == nil {
				y.f.exact = new(big.Rat)
			}
			y.f.exact = sumOf(y.f.exact, sum)
			for _, flag := range k.Flags {
				y.f.Notes = append(y.f.Notes, x.name+": "+flag.Code+": "+flag.Text)
			}
		}
	}
	for _, f := range []*Figure{&location, &market} {
		if f.Missing != "" {
			f.Quality, f.Method = "", ""
			continue
		}
		f.set(f.exact, 3)
	}
	return nil
}

// judge says what the statement lacks.
func (m *jobMake) judge() {
	a := &m.s.About
	for _, x := range []struct{ is, what string }{
		{a.Model, "model"}, {a.Board, "gpu_model, with its variant"}, {a.PowerLimit, "gpu_power_limit_w"}, {a.Failed, "failed_runs_included"},
		{a.Checkpointing, "activation_checkpointing"}, {a.SMActive, "sm_active"}, {a.TensorActive, "tensor_active"}, {a.Compute, "compute_flop"}, {a.ComputeMethod, "compute_method"},
	} {
		if x.is == "" && m.s.gauge(x.what) == nil {
			m.s.Missing = append(m.s.Missing, x.what)
		}
	}
	if len(a.Phases) == 0 {
		m.s.Missing = append(m.s.Missing, "phases")
	}
	warn := func(code, text, fix string) {
		m.s.Issues = append(m.s.Issues, Issue{Code: code, Severity: Warning, Text: text, Fix: fix})
	}
	if m.open > 0 {
		m.s.Issues = append(m.s.Issues, Issue{Code: "E_UNSEALED", Severity: Error, Text: "hours of it are not sealed yet", Fix: "wait until the ledger has sealed them"})
	}
	if m.s.Ledger.Simulated {
		m.s.Issues = append(m.s.Issues, Issue{Code: "E_SIMULATED", Severity: Error, Text: "readings come from a model and not from meters", Fix: "do not hand this on"})
	}
	var gpu, node int64
	for _, p := range m.parts {
		gpu, node = gpu+p.gpu, node+p.node
	}
	if node > 0 && node < gpu {
		warn("W_NODE_BELOW_GPU", "nodes drew less than their boards: some nodes have no counter", "give each node a counter")
	}
	for i := range m.s.Energies {
		e := &m.s.Energies[i]
		switch {
		case e.Missing != "":
			warn("W_BOUNDARY_MISSING", e.Boundary+": "+e.Missing, "see the reason")
		case e.Coverage != nil && e.Coverage.Cmp(Whole(95)) < 0:
			warn("W_COVERAGE", e.Boundary+": "+e.Coverage.String()+" % is known of hours of their own", "import readings of the meters that are missing")
		}
	}
	if len(m.s.Boards) > 1 && a.Board == "" {
		warn("W_GPU_MODEL", "the site has boards of several models", "state gpu_model")
	}
}
