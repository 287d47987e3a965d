package fault

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// counted tells make soak what was injected, by the rows of FAULTS.md. The difference is
// that of all seeds, and of no row alone.
func counted(t *testing.T, seeds int, s *tally) {
	injected := map[string]int{}
	for k := range kinds {
		for row := range strings.FieldsSeq(table[k].rows) {
			injected[row] += s.Injected[k.String()]
		}
	}
	for _, row := range slices.Sorted(maps.Keys(injected)) {
		t.Logf(`soak: {"row":%s,"injected":%d,"seeds":%d,"mj":%d}`, row, injected[row], seeds, s.difference)
	}
}

// told tells it of damage to files, since there was so much of it; it is how much there is
// now.
func told(t *testing.T, row int, all map[string]*verdicts, before verdicts) (now verdicts) {
	for _, v := range all {
		now.tried += v.tried
		now.silent += v.silent
	}
	t.Logf(`soak: {"row":%d,"injected":%d,"silent":%d}`, row, now.tried-before.tried, now.silent-before.silent)
	return now
}
