package account_test

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// Why there is no figure: what the site is known by, and who was silent in the
// time that is asked for.
func TestTheReasonIsOfTheTimeThatIsAskedFor(t *testing.T) {
	const minute = 60 * second
	two := map[string][]uint64{"grid_input-a": energies(120), "grid_input-b": energies(121), "ups_output": energies(100)}
	spare := []account.Meter{backup("grid_input-b", "grid_input-a")}
	for name, tc := range map[string]struct {
		s             stretch
		stated        []account.Meter
		from, to, now int64 // minutes after noon
		want          string
	}{
		"minutes are known": {s: stretch{meters: two, silent: map[string][]int{"grid_input-a": {0, 1, 2, 3}}}, to: 60, now: 10,
			want: "no whole minute in which all meters are known; not known: grid_input-a for 10m0s"},
		"a backup stands beside a meter": {s: stretch{meters: two}, stated: spare, to: 60, now: 10, want: "no whole quarter of an hour yet in which all meters are known"},
		"and the time is over":           {s: stretch{meters: two}, stated: spare, from: 20, to: 30, now: 60, want: "no whole quarter of an hour in which all meters are known"},
		"an office is taken off": {s: stretch{meters: map[string][]uint64{"grid_input": energies(120), "ups_output": energies(100), "office": energies(5)}},
			stated: []account.Meter{{Name: "office", Less: true}}, to: 60, now: 14, want: "no whole quarter of an hour yet in which all meters are known"},
		"it was silent before": {s: stretch{meters: two, silent: map[string][]int{"grid_input-a": {0}, "grid_input-b": {2, 3}}}, from: 30, to: 60, now: 60,
			want: "no whole minute in which all meters are known; not known: grid_input-b for 30m0s"},
		"it was silent in a part of it": {s: stretch{meters: two, silent: map[string][]int{"grid_input-b": {1, 2}}}, from: 20, to: 40, now: 60,
			want: "no whole minute in which all meters are known; not known: grid_input-b for 20m0s"},
	} {
		b := basis(t, account.Terms{Meters: tc.s.rest(tc.stated)})
		k := tc.s.ask(t, b, account.KPIQuestion{Names: []string{"pue"}, From: noon + tc.from*minute, To: noon + tc.to*minute, Now: noon + tc.now*minute})
		if k.Value != nil || strings.TrimPrefix(k.Reason, "no metered PUE: ") != tc.want {
			t.Errorf("%s: %v, %q, want %q", name, k.Value, k.Reason, tc.want)
		}
	}
}
