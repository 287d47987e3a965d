package meter

import (
	"strings"
	"testing"
)

func TestWhatARatioPointsAt(t *testing.T) {
	for ratio, want := range map[float64]string{
		0.00101: "a thousandth of what its power says: unit kWh?", 980: "a thousand times", 0.1: "a tenth", 97: "a hundred times",
		1. / 3600: "a 3600th", 3590: "3600 times", 41: "", 0: "",
	} {
		if got := guess(ratio); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%g: %s", ratio, got)
		}
	}
}
