package guard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// The test binary is its own child: asked by these, it is a part and no test.
const (
	partVariable = "GUARD_TEST_PART"
	roomVariable = "GUARD_TEST_ROOM" // directory that test and child share
)

func TestMain(m *testing.M) {
	if part := os.Getenv(partVariable); part != "" {
		os.Exit(play(part, os.Getenv(roomVariable)))
	}
	os.Exit(m.Run())
}

// play is what a child does.
func play(part, room string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.WriteFile(filepath.Join(room, "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600)
	count(room, "starts")
	os.WriteFile(filepath.Join(room, "since"), []byte(strconv.FormatInt(Since().UnixMicro(), 10)), 0o600)
	in, out, err := os.Stdin, os.Stdout, error(nil)
	switch part {
	case "serve":
	case "printing": // as a C library would
		in, out, err = Stdio()
		syscall.Write(1, []byte("the library says hello\n"))
	case "talking":
		for i := range 5000 {
			fmt.Fprintln(os.Stderr, "line", i, strings.Repeat("x", 5000))
		}
	case "refusing":
		err := Refuse(os.Stdout, []string{"dcgm: libdcgm.so.4 not found", "nvml: libnvidia-ml.so.1 not found"})
		fmt.Fprint(os.Stderr, errors.Join(err, nil))
		return 0
	case "symbol":
		fmt.Fprintln(os.Stderr, "collector: symbol lookup error: collector: undefined symbol: dcgmConnect_v3")
		return 127
	case "garbage":
		os.Stdin.Read(make([]byte, 1))
		fmt.Print("\x00\x00\x00\x05hello and no more")
		<-ctx.Done()
		return 0
	case "huge":
		os.Stdin.Read(make([]byte, 1))
		fmt.Print("\xff\xff\xff\xff")
		<-ctx.Done()
		return 0
	case "half": // dies within a frame
		os.Stdin.Read(make([]byte, 1))
		fmt.Print("\x00\x00\x10\x00half")
		fmt.Fprintln(os.Stderr, "fatal error: unexpected signal during runtime execution\n[signal SIGSEGV]\n\ngoroutine 1 [running]:")
		return 2
	case "closing": // its output, and stays
		os.Stdout.Close()
		<-ctx.Done()
		return 0
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		select {}
	case "parent":
		c := New(Config{Name: "inner", Command: []string{os.Args[0]}, Env: []string{partVariable + "=serve"}})
		var r gpu.Reading
		for c.Read(ctx, time.Now(), &r) != nil {
		}
		os.WriteFile(filepath.Join(room, "answered"), nil, 0o600)
		select {}
	default:
		return 9
	}
	if err == nil {
		err = Serve(ctx, &library{room: room}, in, out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// count counts in a file of the room.
func count(room, name string) int {
	path := filepath.Join(room, name)
	b, _ := os.ReadFile(path)
	n, _ := strconv.Atoi(string(b))
	os.WriteFile(path, []byte(strconv.Itoa(n+1)), 0o600)
	return n + 1
}

// library is a driver that does what the files of a room say.
type library struct{ room string }

func (l *library) Name() string { return "library" }

func (l *library) says(name string) bool {
	_, err := os.Stat(filepath.Join(l.room, name))
	return err == nil
}

func (l *library) Read(ctx context.Context, now time.Time, r *gpu.Reading) error {
	n := count(l.room, "reads")
	if l.says("crash") {
		os.Remove(filepath.Join(l.room, "crash"))
		panic("the library made a mistake")
	}
	r.Events = append(r.Events, gpu.Event{UUID: "GPU-0", PCI: "0000:3b:00.0", Code: 13, Time: now.UnixMicro()})
	for l.says("hang") { // as a C call does: whatever ctx says
		time.Sleep(time.Millisecond)
	}
	if l.says("error") {
		return errors.New("the host engine is gone")
	}
	b := gpu.Board{UUID: "GPU-0", Model: "H100", PCI: "0000:3b:00.0", Driver: "550"}
	b.Clear()
	b.Values[gpu.Power] = metric.Of(100)
	b.Values[gpu.Energy] = metric.Raw(1000 * n)
	r.Boards = []gpu.Board{b}
	r.Found = "library 1.0"
	return nil
}

func (l *library) Close() error {
	os.WriteFile(filepath.Join(l.room, "closed"), nil, 0o600)
	return nil
}
