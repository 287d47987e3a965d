package guard

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// driver is one whose calls are functions.
type driver struct {
	read   func(ctx context.Context, r *gpu.Reading) error
	closed bool
	fails  error
}

func (d *driver) Name() string { return "driver" }
func (d *driver) Read(ctx context.Context, _ time.Time, r *gpu.Reading) error {
	return d.read(ctx, r)
}
func (d *driver) Close() error { d.closed = true; return d.fails }

// serving is a Serve that runs.
type serving struct {
	ask    *io.PipeWriter
	frames *reader
	out    *io.PipeReader
	result chan error
	cancel func()
}

func serve(d gpu.Driver) *serving {
	in, ask := io.Pipe()
	out, answers := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	s := &serving{ask, newReader(out), out, make(chan error, 1), cancel}
	go func() {
		s.result <- Serve(ctx, d, in, answers)
		in.Close()
		answers.Close()
	}()
	return s
}

func (s *serving) answer(t *testing.T) *answer {
	t.Helper()
	if _, err := s.ask.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	a, err := s.frames.read()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestServeAnswersEachRequestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		d := &driver{}
		d.read = func(_ context.Context, r *gpu.Reading) error {
			n++
			if len(r.Events) > 0 || r.Time != 0 {
				t.Error("events or the time of the reading before are still there")
			}
			r.Events = append(r.Events, gpu.Event{Code: uint32(n)})
			switch n {
			case 2:
				return errors.New("gone")
			case 3:
				r.Time = 7
			case 4:
				r.Events = make([]gpu.Event, maxEvents+2)
				r.Refused = []string{"a"}
			}
			r.Found = "it"
			return nil
		}
		s := serve(d)
		a := s.answer(t)
		if a.Reading.Time != time.Now().UnixMicro() || a.Reading.Events[0].Code != 1 || a.Error != "" || a.Reading.Found != "it" {
			t.Errorf("first: %v", a)
		}
		if a = s.answer(t); a.Error != "gone" || len(a.Reading.Events) != 1 {
			t.Errorf("an error: %v", a)
		}
		if a = s.answer(t); a.Reading.Time != 7 || a.Error != "" {
			t.Errorf("with a time of its own: %v", a)
		}
		if a = s.answer(t); len(a.Reading.Events) != maxEvents || len(a.Reading.Refused) != 2 {
			t.Errorf("%d events, refused %q", len(a.Reading.Events), a.Reading.Refused)
		}
		s.ask.Close()
		if err := <-s.result; err != nil || !d.closed || n != 4 {
			t.Errorf("%v after %d readings, closed %v", err, n, d.closed)
		}
	})
}

func TestServeEnds(t *testing.T) {
	for name, end := range map[string]func(s *serving){
		"with its input":   func(s *serving) { s.ask.Close() },
		"with its context": func(s *serving) { s.cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Run("while it waits", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := &driver{fails: errors.New("not closed well")}
					s := serve(d)
					end(s)
					if err := <-s.result; err == nil || !strings.Contains(err.Error(), "close driver: not closed well") {
						t.Errorf("error %v", err)
					}
				})
			})
			t.Run("while the driver reads", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := &driver{read: func(ctx context.Context, _ *gpu.Reading) error { <-ctx.Done(); return ctx.Err() }}
					s := serve(d)
					s.ask.Write([]byte{1})
					synctest.Wait()
					end(s)
					if err := <-s.result; err != nil || !d.closed {
						t.Errorf("error %v, closed %v", err, d.closed)
					}
				})
			})
			t.Run("while the driver hangs", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					hang := make(chan struct{})
					d := &driver{read: func(context.Context, *gpu.Reading) error { <-hang; return nil }}
					s := serve(d)
					s.ask.Write([]byte{1, 1, 1})
					synctest.Wait()
					end(s)
					if err := <-s.result; !errors.Is(err, errHangs) || d.closed {
						t.Errorf("error %v, closed %v", err, d.closed)
					}
					close(hang)
				})
			})
		})
	}
	t.Run("with its output", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &driver{read: func(context.Context, *gpu.Reading) error { return nil }}
			s := serve(d)
			s.out.Close()
			s.ask.Write([]byte{1})
			if err := <-s.result; err == nil || !strings.Contains(err.Error(), "write reading") || !d.closed {
				t.Errorf("error %v, closed %v", err, d.closed)
			}
		})
	})
}
