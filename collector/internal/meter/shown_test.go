package meter

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatShownNumbersStandFor(t *testing.T) {
	turning := func(n Shown) Shown { n.Modulus = 1000; return n }
	inverted := func(n Shown) Shown { n.Invert(); return n }
	energy := func(r Register) Value { return Value{Quantity: Energy, Register: r} }
	step := Size{wh, 1}
	for name, tc := range map[string]struct {
		q    Quantity
		n    Shown
		want Value
		says string
	}{
		"a gauge":                {Power, Whole(42), Value{Quantity: Power, Number: 42}, ""},
		"a gauge below zero":     {Power, Signed(-42), Value{Quantity: Power, Number: -42}, ""},
		"a gauge turned round":   {Power, inverted(Float64(-0.5)), Value{Quantity: Power, Number: 0.5}, ""},
		"steps":                  {Energy, Whole(42), energy(Register{Steps: 42, Size: step}), ""},
		"signed steps":           {Energy, Signed(42), energy(Register{Steps: 42, Size: step}), ""},
		"steps below zero":       {Energy, Signed(-42), energy(Register{}), "shows -42, and a register of energy does not go below zero; it may need invert"},
		"the lowest number":      {Energy, inverted(Signed(math.MinInt64)), energy(Register{Steps: 1 << 63, Size: step}), ""},
		"zero turned round":      {Energy, inverted(Whole(0)), energy(Register{Size: step}), ""},
		"steps turned round":     {Energy, inverted(Whole(42)), energy(Register{}), "shows -42, and a register of energy does not go below zero; it may need invert"},
		"steps of six digits":    {Energy, turning(Whole(999)), energy(Register{Steps: 999, Size: step, Modulus: 1000}), ""},
		"more than its digits":   {Energy, turning(Whole(1000)), energy(Register{Steps: 1000, Size: step}), ""},
		"a fraction":             {Energy, Float32(1.5), energy(Register{Steps: wh * 3 / 2, Size: Size{1, 1}, Grain: 1}), ""},
		"a fraction of 24 bits":  {Energy, Float32(1 << 24), energy(Register{Steps: wh << 24, Size: Size{1, 1}, Grain: 2 * wh}), ""},
		"a fraction without end": {Energy, Float64(math.Inf(1)), energy(Register{}), "+Inf is no reading of a register"},
	} {
		s, err := NewScale(tc.q, "1", map[Quantity]string{Power: "W", Energy: "Wh"}[tc.q])
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Value(Kind{Quantity: tc.q}, tc.n)
		says := ""
		if err != nil {
			says = err.Error()
		}
		if d := cmp.Diff(tc.want, got) + cmp.Diff(tc.says, says); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
