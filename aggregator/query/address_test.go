package query_test

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

func TestAnAddressThatIsNoneIsNotShown(t *testing.T) {
	c := query.Client{URL: "http://user:canary@[::1"}
	if _, err := c.Energy(t.Context(), query.EnergyQuestion{}); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}
