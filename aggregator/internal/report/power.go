package report

import (
	"fmt"
	"math/big"

	"github.com/gigawatch/gigawatch/collector/site"
)

// installedIT is PDIT: what is stated of the power of IT, or else that of the hosts
// of the racks, weighted by the days of the period.
func (b *build) installedIT(f *Figure, a *Asked) {
	p := &b.r.Period
	if len(b.Site.ITPower) == 0 {
		b.ratedHosts(f, a)
		return
	}
	sum, covered := new(big.Rat), int64(0)
	basis, evidence := "", ""
	for i := range b.Site.ITPower {
		x := &b.Site.ITPower[i]
		n := p.within(x.Span)
		if n == 0 {
			continue
		}
		covered += n
		sum = sumOf(sum, new(big.Rat).Mul(big.NewRat(n, 1), big.NewRat(int64(x.Power), 1_000_000)))
		basis, evidence = x.Basis, x.Evidence
	}
	if covered < p.days() {
		f.Missing = fmt.Sprintf("it_power in the site file covers %d of %d days: write what was installed on the others", covered, p.days())
		return
	}
	f.set(over(sum, p.days()), a.Decimals)
	f.Quality, f.Evidence = QualityCalculated, evidence
	f.Method = basisText(basis) + ", as stated, weighted by days"
	f.Notes = append(f.Notes, "pd_it_basis: "+basis)
}

func basisText(basis string) string {
	if basis == "rated" {
		return "rated IT load, since installed power is not known"
	}
	return "installed IT power"
}

// ratedHosts is the nominal power of the hosts of the racks.
func (b *build) ratedHosts(f *Figure, a *Asked) {
	if v, e, why, ok := b.stated(a.Key); ok || why != "" {
		if !ok {
			f.Missing = why
			return
		}
		f.set(v, a.Decimals)
		basis := b.text("pd_it_basis")
		if basis == "" {
			basis = "installed"
		}
		f.Quality, f.Evidence, f.Method = QualityEntered, e.Evidence, basisText(basis)+", a mean as the operator states it"
		f.Notes = append(f.Notes, "pd_it_basis: "+basis)
		return
	}
	sum, unrated, hosts := new(big.Int), 0, 0
	for d, n := dateOf(b.r.Period.From), b.r.Period.days(); n > 0; d, n = d.Next(), n-1 {
		x := b.Site.Expected(b.Site.MidnightOf(d))
		sum.Add(sum, big.NewInt(int64(x.Power)))
		unrated, hosts = max(unrated, x.Unrated), max(hosts, x.Hosts)
	}
	switch {
	case hosts == 0:
		f.Missing = "neither it_power nor racks with hosts stand in the site file"
		return
	case unrated > 0:
		f.Missing = fmt.Sprintf("%d hosts of the site file have no rating: write rating: at their racks, or it_power:", unrated)
		return
	}
	f.set(over(new(big.Rat).SetInt(sum), b.r.Period.days()*1_000_000), a.Decimals)
	f.Quality, f.Method = QualityCalculated, "nominal power of the hosts of all racks in use, weighted by days"
	f.Notes = append(f.Notes, "pd_it_basis: installed", "network and storage count as far as they are hosts of the site file")
}

// battery is what batteries offer to the grid.
func (b *build) battery(f *Figure, a *Asked) {
	if _, _, why, ok := b.stated(a.Key); ok || why != "" {
		b.entered(f, a)
		return
	}
	var sum int64
	for i := range b.Site.Batteries {
		sum += int64(b.Site.Batteries[i].Offered)
	}
	if len(b.Site.Batteries) == 0 {
		is, ok := truth(b.text("grid_functions"))
		if !ok || is {
			f.Missing = "no batteries stand in the site file, and grid_functions is not no: write batteries:, or " + a.Key + " under report"
			return
		}
	}
	f.set(big.NewRat(sum, 1_000_000), a.Decimals)
	f.Quality, f.Method = QualityEntered, "what the batteries of the site file offer on average"
}

// setPoint is the mean of the set-points of all halls over the days of the period.
func (b *build) setPoint(f *Figure, a *Asked) {
	if _, _, why, ok := b.stated(a.Key); ok || why != "" {
		b.entered(f, a)
		return
	}
	if len(b.Site.SetPoints) == 0 {
		f.Missing = "no set_points stand in the site file, and " + notEntered(a.Key)
		return
	}
	halls := []string{""} // where none are told apart, the whole site
	if len(b.Site.Halls) > 0 {
		halls = nil
		for _, h := range b.Site.Halls {
			halls = append(halls, h.ID)
		}
	}
	sum, n := int64(0), int64(0)
	bare := ""
	for d, left := dateOf(b.r.Period.From), b.r.Period.days(); left > 0; d, left = d.Next(), left-1 {
		for _, h := range halls {
			t, ok := b.setOn(h, d)
			if !ok {
				if bare == "" {
					bare = fmt.Sprintf("no set-point is stated of %s on %s", hallText(h), d)
				}
				continue
			}
			sum, n = sum+int64(t), n+1
		}
	}
	if bare != "" {
		f.Missing = bare
		return
	}
	f.set(big.NewRat(sum, n*1000), a.Decimals)
	f.Quality, f.Method = QualityCalculated, "mean over halls and days of what is set"
}

func hallText(h string) string {
	if h == "" {
		return "the site"
	}
	return "hall " + h
}

// setOn is what is set in a hall on a day; what is said of the hall goes before what
// is said of all.
func (b *build) setOn(hall string, d site.Date) (t site.Temperature, ok bool) {
	for i := range b.Site.SetPoints {
		p := &b.Site.SetPoints[i]
		if !p.Contains(d) {
			continue
		}
		for _, h := range p.Halls {
			if h == hall {
				return p.Intake, true
			}
		}
		if len(p.Halls) == 0 {
			t, ok = p.Intake, true
		}
	}
	return t, ok
}
