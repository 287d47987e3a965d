//go:build cgo && linux

package dcgm_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// says fails unless one sentence of what is refused has all the parts; with
// an empty part nothing may be refused.
func says(t *testing.T, r gpu.Reading, parts ...string) {
	t.Helper()
	if parts[0] == "" {
		if len(r.Refused) > 0 {
			t.Errorf("refused %q, want nothing", r.Refused)
		}
		return
	}
	if !slices.ContainsFunc(r.Refused, func(s string) bool {
		return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(s, p) })
	}) {
		t.Errorf("refused %q, want a sentence with %q", r.Refused, parts)
	}
}
