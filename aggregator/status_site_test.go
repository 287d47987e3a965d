package main

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

func TestAReasonIsShownInShortWithItsDetail(t *testing.T) {
	for reason, want := range map[string][2]string{
		"no metered PUE: no facility meter: none has role grid_input": {"no metered PUE", "no facility meter: none has role grid_input"},
		"no whole minute in which all meters are known; not known: a": {"no whole minute in which all meters are known", "not known: a"},
		"insufficient data: 93 % are known; not known: a for 5m0s":    {"insufficient data", "93 % are known; not known: a for 5m0s"},
		"no tariff is configured":                                     {"no tariff is configured", ""},
	} {
		if f := figureOf(&account.KPI{Reason: reason}); f.Reason != want[0] || f.Detail != want[1] {
			t.Errorf("%s: %q, %q", reason, f.Reason, f.Detail)
		}
	}
	v := 1.2
	if f := figureOf(&account.KPI{Value: &v, Reason: "interim: the period is not over"}); f.Reason != "" || !f.Interim {
		t.Errorf("%+v", f)
	}
}
