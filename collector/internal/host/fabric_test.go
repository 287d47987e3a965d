package host

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func ofFabric(got map[string]string) map[string]string {
	m := map[string]string{}
	for name, v := range got {
		if what, ok := strings.CutPrefix(name, "fabric_port_"); ok {
			m[what] = v
		}
	}
	return m
}

func TestRoCE(t *testing.T) {
	c := unpack(t, "amd")
	c.open()
	_, got := c.read()
	want := map[string]string{
		"bytes_total 1 direction=receive of mlx5_0":        "1000",
		"bytes_total 1 direction=transmit of mlx5_0":       "2000",
		"errors_total 1 kind=symbol of mlx5_0":             "missing", // Ethernet has none; the file's zero says nothing
		"errors_total 1 kind=receive of mlx5_0":            "11",
		"errors_total 1 kind=transmit_discard of mlx5_0":   "9",
		"errors_total 1 kind=link_integrity of mlx5_0":     "missing",
		"link_downs_total 1 of mlx5_0":                     "3",
		"rate_bits_per_second 1 of mlx5_0":                 "4e+11",
		"rate_max_bits_per_second 1 of mlx5_0":             "4e+11",
		"bytes_total 1 direction=receive of bnxt_re0":      "12345",
		"bytes_total 1 direction=transmit of bnxt_re0":     "54321",
		"errors_total 1 kind=symbol of bnxt_re0":           "missing",
		"errors_total 1 kind=receive of bnxt_re0":          "missing",
		"errors_total 1 kind=transmit_discard of bnxt_re0": "missing",
		"errors_total 1 kind=link_integrity of bnxt_re0":   "missing",
		"link_downs_total 1 of bnxt_re0":                   "missing",
		"rate_bits_per_second 1 of bnxt_re0":               "missing", // the link is down
		"rate_max_bits_per_second 1 of bnxt_re0":           "missing",
	}
	if d := cmp.Diff(want, ofFabric(got)); d != "" {
		t.Error(d)
	}
}

// A lane at fault halves the rate; the highest that was seen stands.
func TestRateBelowItsBest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := unpack(t, "intel")
		c.open()
		const dir = "sys/class/infiniband/mlx5_0/ports/1/"
		for _, x := range []struct{ rate, state, now, best string }{
			{"200 Gb/sec (2X NDR)", "4: ACTIVE", "2e+11", "2e+11"},
			{"400 Gb/sec (4X NDR)", "4: ACTIVE", "4e+11", "4e+11"},
			{"200 Gb/sec (2X NDR)", "4: ACTIVE", "2e+11", "4e+11"},
			{"10 Gb/sec (4X SDR)", "1: DOWN", "missing", "4e+11"},
			{"2.5 Gb/sec (1X SDR)", "2: INIT", "missing", "4e+11"},
			{"1000000000 Gb/sec", "4: ACTIVE", "missing", "4e+11"},
			{"800 Gb/sec (4X XDR)", "", "8e+11", "8e+11"}, // without a state
		} {
			if c.write(dir+"rate", x.rate); x.state != "" {
				c.write(dir+"state", x.state)
			} else {
				os.Remove(c.path(dir + "state"))
			}
			_, got := c.read()
			if now, best := got["fabric_port_rate_bits_per_second 1 of mlx5_0"], got["fabric_port_rate_max_bits_per_second 1 of mlx5_0"]; now != x.now || best != x.best {
				t.Errorf("%s, %s: %s of %s, want %s of %s", x.rate, x.state, now, best, x.now, x.best)
			}
			time.Sleep(slowEvery)
		}
	})
}
