//go:build cgo && linux

package dcgm_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
)

var _ gpu.Driver = (*dcgm.Driver)(nil)

func TestTheFormOfAnAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := newEngine(t, 1)
	for name, c := range map[string]struct {
		address, want string
		unix          int64
	}{
		"a socket's path":         {e.socket, e.socket, 1},
		"a socket with a scheme":  {"unix://" + e.socket, e.socket, 1},
		"a host and port":         {l.Addr().String(), l.Addr().String(), 0},
		"a host with a scheme":    {"tcp://" + l.Addr().String(), l.Addr().String(), 0},
		"another scheme":          {"vsock://3:5555", "", 0},
		"a scheme without a path": {"unix://dcgm", "", 0},
		"nothing":                 {"tcp://", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := dcgm.Open(dcgm.Config{Address: c.address, Library: library})
			if c.want == "" {
				if err == nil {
					d.Close()
					t.Fatal("it is taken")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			// The two arguments are what every DCGM 4 understands.
			if got := e.Seen.Address(); got != c.want || e.Seen.UnixSocket != c.unix {
				t.Errorf("connected to %s, socket %d; want %s, %d", got, e.Seen.UnixSocket, c.want, c.unix)
			}
		})
	}
}

// nobody fails unless the usual port is free for the test.
func nobody(t *testing.T) {
	if c, err := net.DialTimeout("tcp", "localhost:5555", time.Second); err == nil {
		c.Close()
		t.Skip("something listens on localhost:5555")
	}
}

func TestTheUsualPortIsNextAndThenAnEngineOfOurOwn(t *testing.T) {
	nobody(t)
	e := newEngine(t, 2)
	e.closed()
	var r gpu.Reading

	d := e.open()
	e.next(d, &r)
	if want := "DCGM 4.6.0 in this process: 2 GPUs"; r.Found != want || e.Seen.Embedded != 1 {
		t.Errorf("found %q, want %q", r.Found, want)
	}
	says(t, r, "No DCGM engine at unix://"+e.socket, "no such file")
	says(t, r, "No DCGM engine at localhost:5555", "connection refused")
	if value(r.Boards[1], gpu.Power) != 71 {
		t.Error("it reads nothing")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}

	l, err := net.Listen("tcp", "127.0.0.1:5555")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	d = e.open()
	e.next(d, &r)
	if want := "DCGM 4.6.0 host engine at localhost:5555: 2 GPUs"; r.Found != want {
		t.Errorf("found %q, want %q", r.Found, want)
	}
}

func TestAnEngineThatStartsAfterUsIsGoneOverTo(t *testing.T) {
	nobody(t)
	e := newEngine(t, 1)
	e.Module = 1
	e.closed()
	d := e.open()
	var r gpu.Reading
	for range 130 {
		e.next(d, &r)
		time.Sleep(100 * time.Microsecond)
	}
	if e.Seen.Embedded != 1 || e.Seen.Connects != 0 {
		t.Fatalf("%d engines of our own, %d connections", e.Seen.Embedded, e.Seen.Connects)
	}
	e.up()
	want := "DCGM 4.6.0 host engine at unix://" + e.socket + ": 1 GPU"
	for limit := time.Now().Add(20 * time.Second); r.Found != want; {
		if time.Now().After(limit) {
			t.Fatalf("found %q, want %q", r.Found, want)
		}
		e.pass(time.Second)
		_ = d.Read(context.Background(), e.clock, &r) // it fails while going over
		time.Sleep(time.Millisecond)
	}
	says(t, r, "")
	if e.next(d, &r); missing(r.Boards[0]) || len(r.Boards) != 1 {
		t.Error("it reads nothing")
	}
}

func TestAnEngineOfOurOwnWithoutGPUsIsNone(t *testing.T) {
	nobody(t)
	e := newEngine(t, 0)
	e.closed()
	_, err := dcgm.Open(dcgm.Config{Library: library})
	if err == nil || !strings.Contains(err.Error(), "in this process: it finds no GPU") {
		t.Errorf("error %v", err)
	}
}

func TestAConnectionWhoseLogInFailed(t *testing.T) {
	nobody(t)
	e := newEngine(t, 1)
	e.Login = 1
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	says(t, r, "No DCGM engine at unix://"+e.socket, "read version: Host engine connection invalid")
}

func TestAKilledEngine(t *testing.T) {
	e := newEngine(t, 8)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	before := r.Boards[7]
	e.kill()
	e.pass(time.Second)
	connects, began := e.Seen.Connects, time.Now()
	for range 300 {
		e.pass(time.Second)
		if err := d.Read(context.Background(), e.clock, &r); err == nil {
			t.Fatal("no error")
		}
		if !missing(r.Boards[7]) || len(r.Events) > 0 {
			t.Fatal("something is told")
		}
		time.Sleep(100 * time.Microsecond)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("300 readings took %v", took)
	}
	// It was knocked at with a growing pause, and nothing more.
	if n := e.Seen.Connects - connects; n > 0 {
		t.Errorf("%d attempts at an engine that does not listen", n)
	}
	e.up()
	if took := e.recover(d, &r); took > 40*time.Second {
		t.Errorf("recovered after %v", took)
	}
	if b := r.Boards[7]; b.UUID != before.UUID || missing(b) || value(b, gpu.PowerLimit) != 700 {
		t.Errorf("board %+v", b)
	}
	if e.Seen.Groups > 8 || e.Seen.FieldGroups > 8 {
		t.Errorf("%d groups and %d field groups stay", e.Seen.Groups, e.Seen.FieldGroups)
	}
}

func TestAnEngineThatComesBackOlder(t *testing.T) {
	e := newEngine(t, 1)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	e.kill()
	e.Forget("4.1.0", 1523)
	e.up()
	e.recover(d, &r)
	says(t, r, "The engine does not know field 1523")
	if missing(r.Boards[0]) || !strings.Contains(r.Found, "4.1.0") {
		t.Errorf("found %q", r.Found)
	}
}

func TestAConnectionThatIsCutAgainAndAgain(t *testing.T) {
	e := newEngine(t, 2)
	d := e.open()
	var r gpu.Reading
	for range 10 {
		e.next(d, &r)
		e.Cut++
		e.pass(time.Second)
		if d.Read(context.Background(), e.clock, &r) == nil {
			t.Fatal("no error")
		}
		e.recover(d, &r)
	}
	if e.Seen.Groups > 8 || e.Seen.FieldGroups > 8 {
		t.Errorf("%d groups and %d field groups stay", e.Seen.Groups, e.Seen.FieldGroups)
	}
}

func TestAFrozenEngineHoldsAReadingUpAndNoMore(t *testing.T) {
	e := newEngine(t, 2)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	e.Frozen = 1
	e.pass(time.Second)
	done := make(chan error)
	go func() { done <- d.Read(context.Background(), e.clock, &r) }()
	select {
	case err := <-done:
		t.Fatalf("it returned: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	e.Frozen = 0
	if err := <-done; err != nil || missing(r.Boards[1]) {
		t.Errorf("it went on, and: %v", err)
	}
}

func TestConnectingToAFrozenEngineHoldsNothingUp(t *testing.T) {
	e := newEngine(t, 1)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	e.kill()
	for range 2 {
		e.pass(time.Second)
		if d.Read(context.Background(), e.clock, &r) == nil {
			t.Fatal("no error")
		}
	}
	e.Frozen = 1 // it listens, and does not answer
	e.up()
	for range 100 {
		e.pass(time.Second)
		if d.Read(context.Background(), e.clock, &r) == nil {
			t.Fatal("no error")
		}
		time.Sleep(time.Millisecond)
	}
	e.Frozen = 0
	e.recover(d, &r)
	if missing(r.Boards[0]) {
		t.Error("it reads nothing")
	}
}

func TestAnswersInAnotherOrderAreNoAnswers(t *testing.T) {
	e := newEngine(t, 2)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	e.Shuffled = 1
	e.pass(time.Second)
	if err := d.Read(context.Background(), e.clock, &r); err == nil || !missing(r.Boards[0]) {
		t.Errorf("error %v, missing %t", err, missing(r.Boards[0]))
	}
	e.Shuffled = 0
	e.next(d, &r)
	if value(r.Boards[0], gpu.Power) != 70 || value(r.Boards[0], gpu.PowerLimit) != 700 {
		t.Error("and then nothing is told")
	}
}

func TestReadingAfterTheEnd(t *testing.T) {
	e := newEngine(t, 1)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	if err := errors.Join(d.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
	if d.Read(context.Background(), e.clock, &r) == nil {
		t.Error("no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.open().Read(ctx, e.clock, &r); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestTheLibraryIsFoundByItsName(t *testing.T) {
	nobody(t)
	newEngine(t, 1)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DCGM_TEST_LIBRARY=by its name", "LD_LIBRARY_PATH="+filepath.Dir(library))
	if out, err := cmd.Output(); err != nil || string(out) != "error: <nil>\n" {
		t.Errorf("%v, said %q", err, out)
	}
}

func TestLibrariesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	poor := filepath.Join(dir, "libdcgm.so.4")
	source := filepath.Join(dir, "poor.c")
	if err := os.WriteFile(source, []byte("int dcgmInit(void) { return 0; }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", poor, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, c := range map[string]struct{ library, want string }{
		"there is none":        {filepath.Join(dir, "none.so"), "No such file"},
		"it is no library":     {source, "load DCGM"},
		"it lacks what we use": {poor, "lacks dcgmShutdown, dcgmConnect_v2, "},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "DCGM_TEST_LIBRARY="+c.library)
			out, err := cmd.Output()
			if err != nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v, said %q, want %q", err, out, c.want)
			}
		})
	}
}

func TestTheDoubleHasEverySymbol(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := double.Check(program, library); err != nil {
		t.Error(err)
	}
	if err := double.Check(program, program); err == nil || !strings.Contains(err.Error(), "lacks") || !strings.Contains(err.Error(), "dcgmInit") {
		t.Errorf("a library without symbols is taken: %v", err)
	}
}

func TestAProgramThatIsBoundEagerlyIsFound(t *testing.T) {
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.c"), filepath.Join(dir, "main")
	if err := os.WriteFile(source, []byte("int main(void) { return 0; }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"-Wl,-z,now", "-Wl,-z,lazy"} {
		if out, err := exec.Command("cc", flag, "-o", program, source).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		err := double.Check(program, library)
		if eager := flag == "-Wl,-z,now"; eager != (err != nil) {
			t.Errorf("with %s: %v", flag, err)
		}
	}
}
