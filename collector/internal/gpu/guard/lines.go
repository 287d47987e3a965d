package guard

import (
	"bufio"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Bounds of what is taken of a child's standard error.
const (
	maxText   = 1000 // bytes of a line
	maxLines  = 20   // at once in the log
	linesMore = 3 * time.Second
)

// lines are what a child says on standard error: it goes to the log, so much of
// it, and the line that tells why the child ended is kept.
type lines struct {
	log    *slog.Logger
	kept   string
	told   bool // kept is how a crash begins, and stays
	tokens int
	since  time.Time // when tokens was reckoned
	unsaid int
}

// read reads all there is.
func (l *lines) read(from io.Reader) {
	l.tokens, l.since = maxLines, time.Now()
	in := bufio.NewReaderSize(from, maxText)
	whole := true // the rest of a long line is passed over
	for {
		b, err := in.ReadSlice('\n')
		if text := strings.TrimSpace(strings.ToValidUTF8(string(b), "�")); text != "" && whole {
			l.take(text)
		}
		whole = err != bufio.ErrBufferFull
		if err != nil && whole {
			break
		}
	}
	if l.unsaid > 0 {
		l.log.Info("GPU reader said more than is logged", "lines", l.unsaid)
	}
}

func (l *lines) take(text string) {
	if !l.told {
		l.kept, l.told = text, crash(text)
	}
	if n := int(time.Since(l.since) / linesMore); n > 0 {
		l.tokens, l.since = min(maxLines, l.tokens+n), time.Now()
	}
	if l.tokens == 0 {
		l.unsaid++
		return
	}
	if l.unsaid > 0 {
		l.log.Info("GPU reader said more than is logged", "lines", l.unsaid)
		l.unsaid = 0
	}
	l.tokens--
	l.log.Info("GPU reader says", "line", text)
}

// telling is the line that tells most of the child's end, once it is read.
func (l *lines) telling() string { return l.kept }

// crash reports whether a line is how Go or the dynamic linker say that they
// cannot go on; what follows tells less.
func crash(text string) bool {
	for _, p := range []string{"panic: ", "fatal error: ", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"} {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return strings.Contains(text, "symbol lookup error: ")
}

// missing says what a program lacks whose dynamic linker gave up with that line:
//
//	collector: symbol lookup error: collector: undefined symbol: dcgmConnect_v3
func missing(line string) (why string, ok bool) {
	_, line, ok = strings.Cut(line, "symbol lookup error: ")
	if !ok {
		return "", false
	}
	_, symbol, ok := strings.Cut(line, "undefined symbol: ")
	if !ok {
		return "", false
	}
	symbol, _, _ = strings.Cut(strings.TrimSpace(symbol), ",") // a version may follow
	switch {
	case strings.HasPrefix(symbol, "dcgm"):
		return "libdcgm.so.4 lacks " + symbol + ": DCGM 4.5 or newer is needed", true
	case strings.HasPrefix(symbol, "nvml"):
		return "libnvidia-ml.so.1 lacks " + symbol + ": a newer NVIDIA driver is needed", true
	}
	return "a library lacks " + symbol + ": a newer one is needed", true
}
