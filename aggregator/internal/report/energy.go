package report

import (
	"fmt"
	"math/big"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Smallest units to a unit of the report.
const (
	perKWh = int64(metric.MillijoulesPerKWh) // mJ
	perM3  = int64(1_000_000)                // mL
	perM   = int64(1_000_000)                // millionths
)

// percent is part of whole in per cent, to three places.
func percent(part, whole int64) *Decimal {
	if whole <= 0 {
		return nil
	}
	d, _ := decimalOf(big.NewRat(part*100, whole), 3)
	return &d
}

// length is how long the period is, as far as figures reach, ms.
func (b *build) length() int64 { return b.r.Period.to - b.r.Period.from }

// measured makes a figure of v, in smallest units, which rests on what the meters
// of g cover and on the mix of how they are known.
func (b *build) measured(f *Figure, a *Asked, v *big.Rat, per int64, g *group, mix *group) {
	f.set(over(v, per), a.Decimals)
	f.Meters, f.Coverage, f.Shares = g.names(), percent(g.covered, b.length()), mix.shares()
	f.Quality = QualityMeasured
	if g.guessed() || mix.guessed() {
		f.Quality = QualityEstimated
	}
	f.Method = "sum of what registers counted, by the quarter of an hour"
	f.Notes = append(f.Notes, g.notes()...)
}

// guessed reports whether more of g is estimated than a figure that is measured
// may be: of more than a day at once, or a twentieth.
func (g *group) guessed() bool {
	guess, _ := g.mix[metric.EstimatedProfile].Add(g.mix[metric.EstimatedStatic])
	return g.longGaps > 0 || rat(guess).Cmp(new(big.Rat).Mul(rat(g.total()), big.NewRat(1, 20))) > 0
}

// notes say what was done to come to know g.
func (g *group) notes() (out []string) {
	say := func(is bool, text string) {
		if is {
			out = append(out, text)
		}
	}
	say(g.how.Backup, "a backup meter stands in where its primary was not read")
	say(g.how.Completed, "a branch without a reading is what stands above it less what stands beside it")
	say(g.how.Corrected, "readings were corrected, or put in by hand")
	say(g.how.Estimated, "what was not read is as a file of readings estimates it")
	say(g.longGaps > 0, "a meter was not read for more than a day: what it took then is estimated")
	say(g.unfilled > 0, "a meter was not read, and nothing is known to estimate it by: that energy is missing from the figure")
	return out
}

// noMeter says why a group has no figure.
func (b *build) noMeter(of string) string {
	switch of {
	case gIT:
		return "no IT meter: none has role ups_output, pdu_output or it_input"
	case gSupply:
		return "no facility meter: none has role grid_input, generator_output or onsite_generation"
	}
	return "no meter of it"
}

// carried is the energy of carriers that no meter counts, mJ, of the period.
func (b *build) carried() (sum *big.Rat, names []string) {
	terms, names := b.carriers()
	return spreadOf(terms, b.r.Period.from, b.r.Period.to), names
}

// spreadOf is what falls of terms between two times.
func spreadOf(terms []term, from, to int64) *big.Rat {
	sum := new(big.Rat)
	for i := range terms {
		sum = sumOf(sum, terms[i].between(from, to))
	}
	return sum
}

// facility is all that came in and stayed: EDC.
func (b *build) facility(f *Figure, a *Asked) {
	g := b.sums.groups
	carried, names := b.carried()
	if !g[gSupply].any() {
		f.Missing = b.noMeter(gSupply)
		return
	}
	in := sumOf(rat(g[gSupply].total()), carried)
	out := sumOf(rat(g[gExport].total()), rat(g[gOutside].total()))
	left := lessOf(in, out)
	if left.Sign() < 0 {
		f.Missing = "more leaves the site than comes in: a meter counts the wrong way, or is missing"
		return
	}
	b.measured(f, a, left, perKWh, g[gFacility], g[gSupply])
	f.Method = "what came in from the grid, generators and on-site generation, less what was exported and used outside, by the quarter of an hour"
	if carried.Sign() > 0 {
		f.Notes = append(f.Notes, fmt.Sprintf("with %s kWh of carriers that no meter counts: %s", number(over(carried, perKWh)), some(names)))
	}
}

// some lists a few names.
func some(names []string) string {
	t := ""
	for i, n := range names {
		switch {
		case i == 5:
			return t + fmt.Sprintf(" and %d more", len(names)-i)
		case i > 0:
			t += ", "
		}
		t += n
	}
	return t
}

// byMeter makes a figure of one group, or of what is entered where that has none.
func (b *build) byMeter(f *Figure, a *Asked, of string, per int64) {
	g := b.sums.groups[of]
	if !g.any() {
		b.entered(f, a)
		if f.Missing != "" {
			f.Missing = b.noMeter(of) + "; " + f.Missing
		}
		return
	}
	b.measured(f, a, rat(g.total()), per, g, g)
}

// backup is what generators gave. Where the site states that it has none, that is
// nothing.
func (b *build) backup(f *Figure, a *Asked) {
	if g := b.sums.groups[gGenerator]; !g.any() && len(b.Site.Generators) == 0 {
		if is, ok := truth(b.text("backup_generators")); ok && !is {
			e, _ := b.Site.Answer("backup_generators", b.Year)
			f.set(new(big.Rat), a.Decimals)
			f.Quality, f.Evidence, f.Method = QualityEntered, e.Evidence, "the operator states that there are no back-up generators"
			return
		}
	}
	b.byMeter(f, a, gGenerator, perKWh)
}

// it is the energy of IT: EIT.
func (b *build) it(f *Figure, a *Asked) {
	g := b.sums.groups[gIT]
	if !g.any() {
		f.Missing = b.noMeter(gIT)
		return
	}
	b.measured(f, a, rat(g.total()), perKWh, g, g)
	f.At = fmt.Sprintf("%s (PUE category %d)", account.CategoryPoint(b.Basis.Category), b.Basis.Category)
	if t := b.text("e_it_point"); t != "" {
		f.At += "; " + t
	}
	f.Notes = append(f.Notes, "PUE of another category is not comparable")
}

func (b *build) water(f *Figure, a *Asked) {
	b.byMeter(f, a, gWater, perM3)
	if c := b.Basis.WaterCategory; c > 0 {
		f.At = fmt.Sprintf("%s; WUE category %d", f.At, c)
	}
}

func (b *build) potable(f *Figure, a *Asked) { b.byMeter(f, a, gPotable, perM3) }

// fresh is water of the mains, wells and rivers.
func (b *build) fresh(f *Figure, a *Asked) {
	g := b.sums.groups
	switch {
	case rat(g[gUnscoped].total()).Sign() > 0:
		f.Missing = "nobody states whether the water of " + some(g[gUnscoped].names()) + " is fresh: write water: fresh or water: reused at the meter"
	case !g[gFresh].any() && g[gWater].any():
		b.measured(f, a, new(big.Rat), perM3, g[gWater], g[gFresh])
	default:
		b.byMeter(f, a, gFresh, perM3)
	}
}

// reuse is the heat that was handed over, less what cools the site itself.
func (b *build) reuse(f *Figure, a *Asked) {
	g := b.sums.groups
	if !g[gHeat].any() {
		b.entered(f, a)
		if is, ok := truth(b.text("waste_heat_reused")); f.Missing != "" && ok && !is {
			e, _ := b.Site.Answer("waste_heat_reused", b.Year)
			f.Missing = ""
			f.set(new(big.Rat), a.Decimals)
			f.Quality, f.Evidence, f.Method = QualityEntered, e.Evidence, "the operator states that no heat is handed over"
			return
		}
		if f.Missing != "" {
			f.Missing = b.noMeter(gHeat) + "; " + f.Missing
		}
		return
	}
	given := rat(g[gHeat].total())
	own := b.ownCooling(given)
	off := sumOf(own, rat(g[gHeatBack].total()))
	b.measured(f, a, lessOf(given, off), perKWh, g[gHeatAll], g[gHeat])
	f.Method = "heat handed over, less what comes back or cools the site itself, by the quarter of an hour"
	if off.Sign() > 0 {
		f.Notes = append(f.Notes, fmt.Sprintf("%s kWh were handed over, and %s kWh of it came back or cooled the site itself: the figure, its months and its hours are what is left", number(over(given, perKWh)), number(over(off, perKWh))))
	}
}
