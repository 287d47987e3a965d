package meter

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A line is what several meters are reached by, one at a time.
type line struct{ free chan struct{} }

func newLine() *line {
	l := &line{make(chan struct{}, 1)}
	l.free <- struct{}{}
	return l
}

// Bounds of the pace.
const (
	spread = 10 * time.Second // over which first readings are, or a period
	rarest = 5 * time.Minute  // that a failing meter is tried
	grace  = time.Second      // for a reader to end after its time
	often  = time.Second      // that one which sends is read
)

// an answer of a reader.
type answer struct {
	values []Value
	err    error
}

// poll reads d on its own clock for as long as ctx lasts. Its first reading is
// somewhere in the first period, so that meters are not all asked at once.
func (s *Source) poll(ctx context.Context, d *device) {
	h := fnv.New64a()
	io.WriteString(h, d.Name)
	next := time.Now().Add(time.Duration(h.Sum64() % uint64(max(1, min(d.Period, spread)))))
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	defer func() {
		s.tryOnce(d)
		if c, ok := d.Reader.(io.Closer); ok {
			if err := c.Close(); err != nil {
				d.log.Debug("meter was not let go of", "meter", d.Name, "error", err)
			}
		}
	}()
	var sent <-chan struct{}
	if r, ok := d.Reader.(Sender); ok {
		sent = r.Sent()
	}
	for last := (time.Time{}); ; {
		select {
		case <-ctx.Done():
			return
		case <-sent:
			if wait := max(time.Until(last.Add(often)), 0); time.Now().Add(wait).Before(next) {
				next = time.Now().Add(wait)
				timer.Reset(wait)
			}
			continue
		case <-timer.C:
		}
		last = time.Now()
		wait, alive := s.once(ctx, d, next)
		if !alive {
			return
		}
		if wait > 0 {
			next = time.Now().Add(wait)
		} else {
			next = next.Add(d.Period)
			if late := time.Since(next); late > 0 { // what was not read then is not made up for
				next = next.Add(late - late%d.Period + d.Period)
			}
		}
		timer.Reset(time.Until(next))
	}
}

// once takes the reading of d that was due at a time. It says how long to wait
// for the next, 0 until that is due; alive is false once ctx has ended.
func (s *Source) once(ctx context.Context, d *device, due time.Time) (wait time.Duration, alive bool) {
	select {
	case <-ctx.Done():
		return 0, false
	case <-d.line.free:
	}
	asked := time.Now()
	said := ""
	if waited := asked.Sub(due); waited > d.Period {
		d.fail(metric.MeterLate)
		said = fmt.Sprintf("its line is so busy that it was asked %v late", waited.Round(time.Second))
	}
	d.trouble("line", said)

	answers := make(chan answer, 1)
	go func() {
		values, err := d.read(ctx)
		answers <- answer{values, err}
	}()
	overdue := time.NewTimer(d.Timeout + grace)
	defer overdue.Stop()
	var a answer
	select {
	case a = <-answers:
		d.line.free <- struct{}{}
	case <-overdue.C:
		d.line.free <- struct{}{} // the others need not wait for it
		s.took(d, answer{err: errors.New("its reader does not end")}, asked)
		select {
		case <-answers: // too late to be of use
			return d.Period, true
		case <-ctx.Done():
			return 0, false
		}
	case <-ctx.Done():
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case <-answers:
		case <-late.C:
		}
		return 0, false
	}
	if ctx.Err() != nil {
		return 0, false
	}
	return s.took(d, a, asked), true
}

// took takes an answer, and says how long to wait for the next.
func (s *Source) took(d *device, a answer, asked time.Time) time.Duration {
	if len(a.values) == 0 && a.err == nil {
		a.err = errors.New("it answers, and says nothing that is known here")
	}
	d.take(a.values, asked, time.Now())
	said := ""
	if a.err != nil {
		said = strings.ReplaceAll(a.err.Error(), "\n", "; ") // one of several has lines
		if slices.ContainsFunc(a.values, known) {
			d.fail(metric.MeterPartial)
		} else {
			d.fail(metric.MeterNoAnswer)
		}
	}
	d.trouble("reading", said)
	s.tryOnce(d)
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.ContainsFunc(a.values, known) {
		d.failures, d.answered = 0, time.Now()
		return 0
	}
	d.failures++
	var p Patient
	if errors.As(a.err, &p) {
		return min(max(p.RetryAfter(), d.Period), 3*rarest)
	}
	return max(d.Period, min(d.Period<<min(d.failures-1, 10), rarest))
}

// tryOnce says that d was tried.
func (s *Source) tryOnce(d *device) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.tried {
		d.tried = true
		s.settled.Done()
	}
}
