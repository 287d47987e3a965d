package report_test

import (
	"math/big"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

func TestSignificantFiguresAreRoundedHalfUp(t *testing.T) {
	for _, tc := range []struct {
		v       string
		figures int
		want    string
	}{
		{"1799.773175", 2, "1.8 x 10^3"}, {"1082.916864", 2, "1.1 x 10^3"}, {"9.96", 2, "1.0 x 10^1"}, {"0.0445", 2, "4.5 x 10^-2"}, {"1.25", 2, "1.3"},
		{"-120", 2, "-1.2 x 10^2"}, {"73728", 1, "7 x 10^4"}, {"0.95", 1, "1"}, {"0", 2, "0"}, {"10", 2, "1.0 x 10^1"}, {"99.5", 2, "1.0 x 10^2"},
		{"1/3", 3, "3.33 x 10^-1"}, {"1234567890123456789", 4, "1.235 x 10^18"},
	} {
		v, _ := new(big.Rat).SetString(tc.v)
		if got := report.Significant(v, tc.figures); got != tc.want {
			t.Errorf("%s to %d figures is %s, want %s", tc.v, tc.figures, got, tc.want)
		}
	}
}
