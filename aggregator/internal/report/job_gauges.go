package report

import (
	"math/big"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// gaugeSum is what boards showed, times the ms for which they did.
type gaugeSum struct{ sum, known account.Wide }

func (g *gaugeSum) add(m account.Mean) {
	g.sum, g.known = g.sum.AddSigned(int64(m.Sum)), g.known.AddSigned(int64(m.Known)) // a restatement may take away
}

// jobGauges are the figures of them.
var jobGauges = [account.Gauges]struct {
	key, title, unit string
	per              int64 // of what is counted to the unit
	places           int
}{
	account.SMActive:     {"sm_active", "SM active, mean (DCGM field 1002)", "1", 1000, 3},
	account.TensorActive: {"tensor_active", "Tensor pipe active, mean (DCGM field 1004)", "1", 1000, 3},
	account.PowerLimit:   {"gpu_power_limit_w", "Power limit of a board, mean (DCGM field 164)", "W", 1, 0},
}

// gauges says what boards showed while the jobs held them, and for how much of that
// time it is known. Nothing is derived from it.
func (m *jobMake) gauges() error {
	var held int64
	for _, p := range m.parts {
		held += p.held
	}
	for k, is := range jobGauges {
		f := Figure{Key: is.key, Title: is.title, Unit: is.unit, Quality: QualityMeasured, Method: "mean over the boards and the time that the jobs held them"}
		known := rat(m.means[k].known)
		if known.Sign() <= 0 || held <= 0 {
			f.Missing, f.Quality, f.Method = "boards do not show it, or their agents are of a version that does not hand it on", "", ""
		} else {
			f.set(new(big.Rat).Quo(rat(m.means[k].sum), new(big.Rat).Mul(known, big.NewRat(is.per, 1))), is.places)
			c, _ := decimalOf(new(big.Rat).Mul(new(big.Rat).Quo(known, big.NewRat(held, 1)), big.NewRat(100, 1)), 3)
			f.Coverage = &c
		}
		m.s.Gauges = append(m.s.Gauges, f)
	}
	return nil
}

// gauge is a figure of what boards showed; nil if none is known.
func (s *JobStatement) gauge(key string) *Figure {
	for i := range s.Gauges {
		if f := &s.Gauges[i]; f.Key == key && f.Value != nil {
			return f
		}
	}
	return nil
}

// gaugeOr is what is stated of a gauge, or else what boards showed.
func (s *JobStatement) gaugeOr(stated, key string) string {
	if f := s.gauge(key); stated == "" && f != nil {
		return f.Value.String() + " (measured, " + f.Coverage.String() + " % of the time)"
	}
	return stated
}
