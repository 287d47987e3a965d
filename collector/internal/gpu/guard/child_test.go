package guard

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// ward is a child and the room it shares with the test.
type ward struct {
	t    *testing.T
	room string
	c    *Child
	r    gpu.Reading
}

// keep starts nothing yet. All times are short, save those that a busy machine
// would overrun.
func keep(t *testing.T, part string, change ...func(*Config)) *ward {
	t.Helper()
	before := runtime.NumGoroutine()
	w := &ward{t: t, room: t.TempDir()}
	c := Config{
		Name: "dcgm", Command: []string{os.Args[0]}, Env: []string{partVariable + "=" + part, roomVariable + "=" + w.room},
		Wait: 50 * time.Millisecond, OpenFor: time.Minute, HangFor: time.Minute, KillAfter: 20 * time.Second,
		Retry: 10 * time.Millisecond, RetryMost: 40 * time.Millisecond, Refused: time.Minute,
	}
	for _, f := range change {
		f(&c)
	}
	w.c = New(c)
	t.Cleanup(func() {
		if err := w.c.Close(); err != nil {
			t.Error(err)
		}
		if err := w.read(); err != errClosed {
			t.Errorf("reading after the end: %v", err)
		}
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
			t.Errorf("a child is left: %d, %v", pid, err)
		}
		w.until("no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	})
	return w
}

func (w *ward) read() error { return w.c.Read(context.Background(), time.Now(), &w.r) }

func (w *ward) until(what string, ok func() bool) {
	w.t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			w.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// answer reads until there is one.
func (w *ward) answer() {
	w.t.Helper()
	w.until("it answers", func() bool { return w.read() == nil })
}

// failure reads until there is one that says so.
func (w *ward) failure(want string) {
	w.t.Helper()
	var err error
	w.until("it fails with "+want, func() bool { err = w.read(); return err != nil && strings.Contains(err.Error(), want) })
}

func (w *ward) tell(name string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.room, name), nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *ward) take(name string) { os.Remove(filepath.Join(w.room, name)) }

func (w *ward) number(name string) int {
	b, _ := os.ReadFile(filepath.Join(w.room, name))
	n, _ := strconv.Atoi(string(b))
	return n
}

func (w *ward) says(name string) bool {
	_, err := os.Stat(filepath.Join(w.room, name))
	return err == nil
}

func TestChildAnswers(t *testing.T) {
	w := keep(t, "serve")
	if w.c.Name() != "dcgm" || w.c.p != nil {
		t.Error("it has another name, or runs before it is asked")
	}
	w.answer()
	for n := 2; n < 6; n++ {
		w.answer()
		b := w.r.Boards[0]
		if got := w.number("reads"); b.Values[gpu.Energy] != metric.Raw(1000*n) || got != n || len(w.r.Events) != 1 || w.r.Found != "library 1.0" {
			t.Errorf("answer %d is %v of %d readings, %d events", n, b.Values[gpu.Energy], got, len(w.r.Events))
		}
		if age := time.Since(time.UnixMicro(w.r.Time)); age < 0 || age > time.Minute {
			t.Errorf("it is %v old", age)
		}
	}
	w.tell("error")
	w.failure("the host engine is gone")
	w.take("error")
	w.answer()
	if n := w.number("starts"); n != 1 {
		t.Errorf("%d starts", n)
	}
	w.c.Close()
	if !w.says("closed") {
		t.Error("the driver was not closed")
	}
}

func TestChildThatHangsForAWhile(t *testing.T) {
	w := keep(t, "serve")
	w.answer()
	w.tell("hang")
	reads := w.number("reads")
	begin := time.Now()
	for range 5 {
		if err := w.read(); err != gpu.ErrPending {
			t.Fatalf("error %v", err)
		}
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("five readings took %v", took)
	}
	if n := w.number("reads"); n != reads+1 {
		t.Errorf("the driver was asked %d times", n-reads)
	}
	w.take("hang")
	w.answer()
	if len(w.r.Events) != 1 || w.r.Boards[0].Values[gpu.Energy] != metric.Raw(1000*(reads+1)) {
		t.Errorf("the answer that came too late is not the next one's: %v", w.r.Boards[0].Values[gpu.Energy])
	}
	w.answer()
	if len(w.r.Events) != 1 || w.r.Boards[0].Values[gpu.Energy] != metric.Raw(1000*(reads+2)) || w.number("starts") != 1 {
		t.Errorf("after it: %v", w.r.Boards[0].Values[gpu.Energy])
	}
}

func TestAnswerMayTakeAsLongAsTheContextSays(t *testing.T) {
	w := keep(t, "serve", func(c *Config) { c.Wait = time.Nanosecond })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := w.c.Read(ctx, time.Now(), &w.r); err != nil || len(w.r.Boards) != 1 {
		t.Errorf("the first reading: %v", err)
	}
	w.tell("hang")
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := w.c.Read(ctx, time.Now(), &w.r); err != gpu.ErrPending {
		t.Errorf("error %v", err)
	}
	w.take("hang")
}

func TestChildThatHangsForTooLong(t *testing.T) {
	w := keep(t, "serve", func(c *Config) { c.HangFor = 200 * time.Millisecond })
	w.answer()
	w.tell("hang")
	for {
		err := w.read()
		if err != gpu.ErrPending {
			if !strings.Contains(err.Error(), "no answer for 200ms") {
				t.Errorf("error %v", err)
			}
			break
		}
	}
	w.take("hang")
	// Until another child has answered it is said that the last one failed.
	for {
		err := w.read()
		if err == nil {
			break
		}
		if errors.Is(err, gpu.ErrPending) {
			t.Fatal("it says that an answer is pending while there is no child")
		}
	}
	if n := w.number("starts"); n != 2 {
		t.Errorf("%d starts", n)
	}
}

func TestChildThatHearsNoSignal(t *testing.T) {
	w := keep(t, "deaf", func(c *Config) { c.OpenFor, c.KillAfter = 300*time.Millisecond, 200*time.Millisecond })
	w.failure("no answer for 300ms")
	pid := w.c.p.cmd.Process.Pid
	w.until("it is killed", func() bool { w.read(); return w.c.p == nil || w.c.p.cmd.Process.Pid != pid })
	w.until("another is started", func() bool { w.read(); return w.number("starts") > 1 })
}

func TestCloseEndsADeafChild(t *testing.T) {
	w := keep(t, "deaf", func(c *Config) { c.KillAfter = 100 * time.Millisecond })
	w.read()
	w.until("it has begun", func() bool { return w.says("starts") })
	// What follows is in keep.
}

func TestChildThatCrashes(t *testing.T) {
	w := keep(t, "serve")
	for range 3 {
		w.answer()
		w.tell("crash")
		w.failure("exit status 2: panic: the library made a mistake")
	}
	w.answer()
	if n := w.number("starts"); n != 4 {
		t.Errorf("%d starts", n)
	}
}

func TestAnotherChildKnowsSinceWhen(t *testing.T) {
	if !Since().IsZero() {
		t.Error("the test is taken for a child")
	}
	begin := time.Now()
	w := keep(t, "serve")
	w.answer()
	first := time.UnixMicro(int64(w.number("since"))).Add(overlap)
	if first.Before(begin.Truncate(time.Microsecond)) || first.After(time.Now()) {
		t.Errorf("the first is told of events since %v, %v after it was made", first, first.Sub(begin))
	}
	w.answer()
	newest := w.r.Time
	w.tell("crash")
	w.failure("panic")
	w.answer()
	if got := time.UnixMicro(int64(w.number("since"))).Add(overlap).UnixMicro(); got != newest {
		t.Errorf("the second since %d, the newest answer was of %d", got, newest)
	}
}

func TestChildrenThatFail(t *testing.T) {
	for part, want := range map[string]string{
		"symbol":  "libdcgm.so.4 lacks dcgmConnect_v3: DCGM 4.5 or newer is needed",
		"garbage": "what the process of the driver's library sent is no answer: decode a frame",
		"huge":    "is no answer: a frame of 4294967295 bytes",
		"half":    "exit status 2: fatal error: unexpected signal during runtime execution",
		"closing": "process of the driver's library end",
		"unknown": "exit status 9",
	} {
		t.Run(part, func(t *testing.T) {
			w := keep(t, part)
			w.failure(want)
			w.until("it was started thrice", func() bool { w.read(); return w.number("starts") >= 3 })
			w.failure(want)
		})
	}
}

func TestNoSuchCommand(t *testing.T) {
	for name, command := range map[string][]string{"no command": nil, "no such file": {"/no/such/file"}} {
		w := keep(t, "", func(c *Config) { c.Command = command })
		w.failure("start child")
		if w.read() == nil {
			t.Errorf("%s: it answers", name)
		}
	}
}

func TestBackOff(t *testing.T) {
	c := New(Config{Retry: time.Second, RetryMost: 10 * time.Second})
	for _, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if got := c.backOff(); got != want*time.Second {
			t.Errorf("%v, want %v s", got, want)
		}
	}
}

func TestNoDriver(t *testing.T) {
	w := keep(t, "refusing")
	w.failure("there is no driver on this host")
	if got := strings.Join(w.r.Refused, "; "); got != "dcgm: libdcgm.so.4 not found; nvml: libnvidia-ml.so.1 not found" {
		t.Errorf("refused: %s", got)
	}
	w.until("it has ended", func() bool { w.read(); return w.c.p == nil })
	if left := time.Until(w.c.next); left < 30*time.Second {
		t.Errorf("asked again after %v", left)
	}
	if err := w.read(); err == nil || w.number("starts") != 1 || len(w.r.Refused) != 2 {
		t.Errorf("error %v, %d starts, refused %q", err, w.number("starts"), w.r.Refused)
	}
	w.c.next = time.Now()
	w.until("it is asked again", func() bool { w.read(); return w.number("starts") == 2 })
}

func TestWhatALibraryPrintsIsNoAnswer(t *testing.T) {
	w := keep(t, "printing")
	w.answer()
	w.answer()
	if w.number("starts") != 1 {
		t.Error("it failed in between")
	}
	w.c.Close()
}

func TestChildThatTalks(t *testing.T) {
	w := keep(t, "talking", func(c *Config) { c.Wait = 10 * time.Second })
	w.answer()
}

func TestChildEndsWithItsParent(t *testing.T) {
	w := keep(t, "parent", func(c *Config) { c.Wait = time.Millisecond })
	w.read()
	w.until("the child's child has answered", func() bool { return w.says("answered") })
	pid := w.number("pid") // of the inner one, which wrote last
	if pid == w.c.p.cmd.Process.Pid || pid == 0 {
		t.Fatalf("pid %d is not the inner one's", pid)
	}
	w.c.p.cmd.Process.Kill()
	w.until("the child's child has ended", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) })
}

// zombie reports whether a process has ended and only its parent does not care.
func zombie(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(state, "Z")
}

// The state of boards lives with the agent: whatever becomes of children, energy
// goes on where it was and an event counts once.
func TestBoardsOutliveTheChild(t *testing.T) {
	w := keep(t, "serve", func(c *Config) { c.HangFor = 300 * time.Millisecond })
	root := t.TempDir()
	s, err := gpu.New(gpu.Config{Driver: w.c, Place: metric.Place{Host: "n1"}, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	read := func() map[metric.Number]metric.Raw {
		t.Helper()
		l, values, err := s.Read(t.Context(), time.Now(), nil)
		if err != nil {
			t.Fatal(err)
		}
		m := map[metric.Number]metric.Raw{}
		for i, c := range l.Columns {
			m[c.Metric] = values[i] // there is one board
		}
		return m
	}
	state := func(want metric.Raw) (got map[metric.Number]metric.Raw) {
		t.Helper()
		w.until("its state is another", func() bool {
			got = read()
			state, ok := got[metric.GPUState]
			return ok && state == want
		})
		return got
	}
	first := state(metric.GPUOk)
	last := first
	for _, trouble := range []string{"crash", "hang"} {
		w.tell(trouble)
		got := state(metric.GPUUnreachable)
		if got[metric.GPUEnergyJoules] != metric.Missing || got[metric.CounterEpoch] != first[metric.CounterEpoch] {
			t.Errorf("after a %s: %d mJ, another epoch: %v", trouble, got[metric.GPUEnergyJoules], got[metric.CounterEpoch] != first[metric.CounterEpoch])
		}
		w.take(trouble)
		got = state(metric.GPUOk)
		if got[metric.CounterEpoch] != first[metric.CounterEpoch] || got[metric.GPUEnergyJoules] <= last[metric.GPUEnergyJoules] {
			t.Errorf("after a %s: %d mJ after %d, another epoch: %v", trouble, got[metric.GPUEnergyJoules], last[metric.GPUEnergyJoules], got[metric.CounterEpoch] != first[metric.CounterEpoch])
		}
		last = got
	}
	// Each reading told of one event; those of children that died with it are lost,
	// and none counts twice.
	if n, reads := last[metric.GPUXIDEvents], metric.Raw(w.number("reads")); n > reads || n < 3 {
		t.Errorf("%d events of %d readings", n, reads)
	}
}
