package main

import (
	"math/rand/v2"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
)

// A load moves GPUs as a training job does: all of them busy, with short dips
// when they wait for one another.
type load struct {
	rand  *rand.Rand
	busy  bool
	share []float64 // of the power between rest and limit
	heat  []float64 // °C
}

func newLoad(seed uint64, gpus int) *load {
	l := &load{rand: rand.New(rand.NewPCG(seed, 1)), busy: true, share: make([]float64, gpus), heat: make([]float64, gpus)}
	for i := range l.heat {
		l.heat[i] = 34
	}
	return l
}

const rest, limit = 70, 700 // W

func (l *load) move(w *double.World, now time.Time) {
	goal := 0.0
	if l.busy {
		if goal = 0.9; l.rand.IntN(20) == 0 {
			goal = 0.3
		}
	}
	for i := range min(w.GPUs(), len(l.share)) {
		g := w.GPU(i)
		l.share[i] += 0.5 * (goal + 0.05*l.rand.NormFloat64() - l.share[i])
		share := min(max(l.share[i], 0), 1)
		watts := rest + share*(limit-rest)
		l.heat[i] += 0.1 * (30 + watts/15 - l.heat[i])
		g.Power(now, watts)
		g.Set(150, int64(l.heat[i]))
		g.Set(140, int64(l.heat[i]+8))
		g.Set(153, 87-int64(l.heat[i]))
		g.Set(203, int64(100*share))
		g.Set(204, int64(60*share))
		g.Set(252, int64(4+70000*share))
		g.Set(100, int64(345+1635*share))
		g.SetFloat(1001, share)
		g.SetFloat(1002, 0.9*share)
		g.SetFloat(1004, 0.6*share)
		g.SetFloat(1005, 0.5*share)
		var reasons int64 = 1
		if share > 0 {
			reasons = 4
		}
		g.Set(112, reasons)
	}
}
