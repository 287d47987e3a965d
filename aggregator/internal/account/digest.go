package account

import "github.com/gigawatch/gigawatch/collector/metric"

// A Digest is a site's hour in short: what answers by site rest on.
type Digest struct {
	Sums    [Quantities]Amount
	Shares  [Allocations]JobSum // by what they were given to
	Metered uint32              // by quantity: something was read, or should have been

	Carbon Wide // mJ from the grid times mg CO2e/kWh, of the minutes whose intensity is known

	// Covered and Expected are milliseconds: for hosts and boards, summed over
	// them; for meters, of the hour itself, by the worst known of the meters that
	// add up, so that a branch that is missing does not read as zero. Those of the
	// facility stand under Other.
	Covered, Expected [Quantities]int64
}

// NewDigest is u in short.
func NewDigest(u *Summary) *Digest {
	d := &Digest{Sums: u.Sums, Shares: u.Shares}
	for q := GridInput; q < Quantities; q++ {
		for m := range 60 {
			if u.Expected[q][m] > 0 {
				d.Metered |= 1 << q
			}
		}
		if !u.Sums[q].IsZero() {
			d.Metered |= 1 << q
		}
		if q != HostEnergy && q != GPUEnergy {
			d.Covered[q], d.Expected[q] = u.worst(q)
			continue
		}
		for m := range 60 {
			d.Covered[q] += int64(min(u.Covered[q][m], u.Expected[q][m]))
			d.Expected[q] += int64(u.Expected[q][m])
		}
	}
	for m, g := range u.Grams {
		if g > 1 {
			d.Carbon, _ = d.Carbon.Add(product(u.Amount[GridInput][m], uint64(g-1))) // 60 terms of 64 + 22 bits fit
		}
	}
	d.Covered[Other], d.Expected[Other] = u.worst(GridInput, GeneratorOutput, OnsiteGeneration, Export)
	return d
}

// worst is the time for which the worst known of the quantities is known, and
// the time for which any should be.
func (s *Summary) worst(of ...Quantity) (covered, expected int64) {
	for m := range 60 {
		wanted, known := false, uint64(minute)
		for _, q := range of {
			if e := s.Expected[q][m]; e > 0 {
				wanted = true
				part, _ := share(uint64(minute), min(s.Covered[q][m], e), e)
				known = min(known, part)
			}
		}
		if wanted {
			covered += int64(known)
			expected += minute
		}
	}
	return covered, expected
}

// Grams is a sum of Carbon in grams.
func Grams(carbon Wide) float64 { return carbon.Float() / metric.MillijoulesPerKWh / 1000 }
