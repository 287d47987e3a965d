package bmc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// An instrument reads one meter. It is used by one goroutine.
type instrument interface {
	// name is short and always the same.
	name() string

	// read takes a reading; it may take long, and ends with ctx where what it
	// reads allows that. An error for which isAbsent holds says that there is no
	// such meter here.
	read(ctx context.Context) (sample, error)

	// close gives back what the other end holds for it.
	close(ctx context.Context)
}

// A sample is one reading of a meter.
type sample struct {
	about    string // what was read, for people
	watts    float64
	at       time.Time // when it was measured; zero: when it was asked for
	register *register // nil if the meter shows no energy
}

// A register is energy that a meter counts itself.
type register struct {
	id     string // tells it from another register
	mj     uint64
	driver string // another value means that it began anew
}

// absent says that there is no such meter.
type absent struct{ error }

func isAbsent(err error) bool {
	var a absent
	return errors.As(err, &a)
}

// A patient error says when it makes sense to try again.
type patient interface {
	error
	RetryAfter() time.Duration
}

// later is a patient error.
type later struct {
	error
	in time.Duration
}

func (l later) Unwrap() error             { return l.error }
func (l later) RetryAfter() time.Duration { return l.in }

// A view is what is known of a meter since its last good reading.
type view struct {
	about   string
	watts   float64
	at      time.Time
	energy  metric.Raw
	epoch   metric.Raw
	quality metric.Quality
	counter string // how energy is counted, for people
}

// A poller reads an instrument on its own clock.
type poller struct {
	instrument
	period   time.Duration
	tally    *tally // owned by poll
	failures int    // in a row; owned by poll

	// Guarded by the source's mutex.
	tried     bool
	asked     time.Time
	took      time.Duration // the last good reading
	err       error         // why the last reading failed
	goodSince time.Time     // zero while it fails
	anew      bool          // what it integrated until now is not to be shown
	view      view
}

// Bounds of the pace.
const (
	fileEvery   = time.Second
	oldest      = time.Minute // a reading beyond this is not of the present
	absentEvery = time.Minute
	rarest      = 5 * time.Minute // that a failing meter is tried
)

func (s *Source) poller(i instrument, period time.Duration, boot string) *poller {
	return &poller{instrument: i, period: period, tally: newTally(i.name(), s.c.State, boot, period, s.c.Watts, s.log)}
}

// fresh reports whether the newest reading is of the present at now.
func (p *poller) fresh(now time.Time) bool {
	return !p.view.at.IsZero() && now.Sub(p.view.at) <= min(oldest, 3*max(p.period, p.took))
}

// poll reads p for as long as ctx lasts.
func (s *Source) poll(ctx context.Context, c *channel, p *poller) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell/2)
		defer cancel()
		p.close(ctx)
		s.mu.Lock()
		s.tryOnce(p)
		s.mu.Unlock()
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now()
		s.mu.Lock()
		wanted := c.wanted(p, now)
		if wanted {
			p.asked = now
		}
		s.mu.Unlock()
		wait := p.period
		if wanted {
			wait = s.once(ctx, c, p, now)
		}
		timer.Reset(wait)
	}
}

// once takes one reading, asked for at asked, and says how long to wait for the
// next.
func (s *Source) once(ctx context.Context, c *channel, p *poller, asked time.Time) time.Duration {
	got, err := p.read(ctx)
	if err == nil && !(got.watts > 0 && got.watts <= s.c.Watts) {
		err = fmt.Errorf("%s says %v W, which no running host draws", got.about, got.watts)
	}
	if ctx.Err() != nil {
		return 0
	}
	took := time.Since(asked)
	var v view
	if err == nil {
		if got.at.IsZero() {
			got.at = asked
		}
		if s.begin(p) {
			p.tally.restart()
		}
		v = p.tally.add(got)
		p.failures = 0
	} else {
		p.failures++
	}
	s.take(c, p, v, took, err)

	var l patient
	switch {
	case err == nil:
		return max(p.period-took, p.period/4)
	case errors.As(err, &l):
		return min(max(l.RetryAfter(), p.period), 3*rarest)
	case isAbsent(err):
		return absentEvery
	}
	return min(p.period<<min(p.failures-1, 10), rarest)
}

// begin reports whether p's integral is to begin anew.
func (s *Source) begin(p *poller) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	anew := p.anew
	p.anew = false
	return anew
}

// take publishes what came of a reading.
func (s *Source) take(c *channel, p *poller, v view, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && !isAbsent(err) && (p.err == nil || !p.tried) {
		s.log.Warn("meter fails", "source", c.label, "meter", p.name(), "error", err)
	}
	s.tryOnce(p)
	p.err = err
	now := time.Now()
	if err != nil {
		p.goodSince = time.Time{}
	} else {
		if p.anew {
			v.energy = metric.Missing
		}
		p.took, p.view = took, v
		if p.goodSince.IsZero() {
			p.goodSince = now
		}
	}
	c.choose(now, s.log) // a worse meter may have waited for this one's failure
}

// tryOnce says that p was tried.
func (s *Source) tryOnce(p *poller) {
	if !p.tried {
		p.tried = true
		s.settled.Done()
	}
}
