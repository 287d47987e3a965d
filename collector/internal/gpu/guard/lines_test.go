package guard

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatALibraryLacks(t *testing.T) {
	for line, want := range map[string]string{
		"collector: symbol lookup error: collector: undefined symbol: dcgmConnect_v3":                            "libdcgm.so.4 lacks dcgmConnect_v3: DCGM 4.5 or newer is needed",
		"/usr/bin/collector: symbol lookup error: /usr/bin/collector: undefined symbol: nvmlDeviceGetPowerUsage": "libnvidia-ml.so.1 lacks nvmlDeviceGetPowerUsage: a newer NVIDIA driver is needed",
		"a: symbol lookup error: /lib/libdcgm.so.4: undefined symbol: foo, version GLIBC_2.99":                   "a library lacks foo: a newer one is needed",
		"a: symbol lookup error: ":         "",
		"undefined symbol: dcgmConnect_v3": "",
		"":                                 "",
		"a: symbol lookup error: b: no such version": "",
	} {
		if got, ok := missing(line); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", line, got, ok)
		}
	}
}

func TestLastWords(t *testing.T) {
	for name, x := range map[string]struct{ said, want string }{
		"nothing":             {"\n \n", ""},
		"the last line":       {"one\ntwo\nthree\n", "three"},
		"without an end":      {"one\ntwo", "two"},
		"a crash":             {"hello\nfatal error: unexpected signal\n[signal SIGSEGV]\ngoroutine 1:\n\tmain.go:1\n", "fatal error: unexpected signal"},
		"a fault in C":        {"SIGSEGV: segmentation violation\nPC=0x0\n", "SIGSEGV: segmentation violation"},
		"a panic":             {"panic: x\n\ngoroutine 1\n", "panic: x"},
		"a linker's":          {"a: symbol lookup error: a: undefined symbol: b\nmore\n", "a: symbol lookup error: a: undefined symbol: b"},
		"a line that is long": {strings.Repeat("é", 5000) + "\nlast\n", "last"},
	} {
		l := lines{log: slog.New(slog.DiscardHandler)}
		l.read(strings.NewReader(x.said))
		if got := l.telling(); got != x.want {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
	var l lines
	l.log = slog.New(slog.DiscardHandler)
	l.read(strings.NewReader(strings.Repeat("é", 5000)))
	if n := len(l.telling()); n == 0 || n > maxText+3 {
		t.Errorf("keeps %d bytes of a long line", n)
	}
}

// trickle is a reader of a line a second.
type trickle struct{ left int }

func (r *trickle) Read(b []byte) (int, error) {
	if r.left == 0 {
		return strings.NewReader("").Read(b)
	}
	r.left--
	time.Sleep(time.Second)
	return copy(b, "word\n"), nil
}

func TestLogTakesSoManyLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		count := func(what string, read func(l *lines)) (said, more int) {
			t.Helper()
			var log bytes.Buffer
			read(&lines{log: slog.New(slog.NewTextHandler(&log, nil))})
			return strings.Count(log.String(), "GPU reader says"), strings.Count(log.String(), "said more")
		}
		if said, more := count("a flood", func(l *lines) { l.read(strings.NewReader(strings.Repeat("word\n", 100_000))) }); said != maxLines || more != 1 {
			t.Errorf("of a flood %d lines, and %d times that there was more", said, more)
		}
		if said, _ := count("an hour", func(l *lines) { l.read(&trickle{3600}) }); said < 1100 || said > 1300 {
			t.Errorf("of 3600 lines in an hour %d", said)
		}
	})
}
