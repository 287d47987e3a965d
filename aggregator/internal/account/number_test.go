package account_test

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

func TestNumbersAsTextsSayThem(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 5: "5", 0.00001234567: "0.00001235", 1.3: "1.3", 999.97: "1000", 42.123456: "42.12", -3.5: "-3.5", 1999.6: "2000",
		12345.6: "12\u202f346", 497_213_456.4: "497\u202f213\u202f456", -1e9: "-1\u202f000\u202f000\u202f000", 1e15: "1\u202f000\u202f000\u202f000\u202f000\u202f000",
	} {
		if got := account.Number(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
	if got := account.Grouped("1234567.891011"); got != "1\u202f234\u202f567.891011" {
		t.Error(got)
	}
}
