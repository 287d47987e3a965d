package intake

import (
	"math/big"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Amount is an amount of a register in the unit that people use, to a thousandth
// of it.
func Amount(w account.Wide, n metric.Number) string {
	per, unit := int64(metric.MillijoulesPerKWh), " kWh"
	if n == metric.MeterWater {
		per, unit = 1_000_000, " m³"
	}
	return fixed(w, per) + unit
}

// fixed is w in units of per, with three digits behind the point.
func fixed(w account.Wide, per int64) string {
	n := new(big.Int).SetUint64(w.Hi)
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(w.Lo))
	n.Mul(n, big.NewInt(1000))
	n.Add(n, big.NewInt(per/2)).Quo(n, big.NewInt(per))
	s := n.String()
	if len(s) < 4 {
		s = strings.Repeat("0", 4-len(s)) + s
	}
	return s[:len(s)-3] + "." + s[len(s)-3:]
}
