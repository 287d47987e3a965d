package bus

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoIsRefusedAllTheTimeFillsNoLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := &natsLog{log: slog.New(slog.NewTextHandler(&out, nil))}
		for range 180 { // three minutes
			for range 1000 {
				l.Errorf("publish violation of %s", "n1")
			}
			time.Sleep(time.Second)
		}
		l.Warnf("other")
		if n := strings.Count(out.String(), "violation"); n != 3*mostLines {
			t.Errorf("%d lines in three minutes", n)
		}
		if !strings.Contains(out.String(), "lines_left_out=59940") || !strings.Contains(out.String(), "other") {
			t.Errorf("what was left out is not said:\n%.2000s", out.String())
		}
	})
}
