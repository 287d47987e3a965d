package agent

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/gigawatch/gigawatch/collector/site"
)

// Every protocol of a site's file is spoken: what is not read of the example has
// no file of a secret.
func TestEveryProtocolOfASiteFileIsSpoken(t *testing.T) {
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		t.Fatal(err)
	}
	shared := &lines{}
	spoken := map[string]bool{}
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Read == nil || m.Read.CSV != nil {
			continue
		}
		_, err := openMeter(s, m, shared)
		if err == nil {
			spoken[m.Read.Protocol()] = true
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", m.Read.Protocol(), err)
		}
	}
	t.Logf("spoken: %v", spoken)
}
