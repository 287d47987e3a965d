package carbon

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// A poller asks one provider, which has one request on its way at most.
type poller struct {
	name  string
	feeds []*feed
}

// A feed is one thing that a provider is asked for.
type feed struct {
	what   string
	period time.Duration
	// fetch asks for it at the time now. An error loses what was asked for; what
	// did arrive is returned even so.
	fetch func(ctx context.Context, now time.Time) ([]delivery, error)

	due      time.Time // owned by the poller
	failures int       // in a row; owned by the poller

	tried bool // the rest is guarded by the source's mutex
	good  time.Time
	err   error
}

// A delivery is what a provider said of one quantity.
type delivery struct {
	vendor   *vendor
	quantity Quantity
	figures  []figure
}

// Bounds of the pace.
const (
	firstRetry = time.Minute
	rarest     = time.Hour // that a failing feed is asked
	roundTime  = 10 * time.Minute
	saveEvery  = 5 * time.Second
	farewell   = 5 * time.Second
	turnAfter  = 5 * time.Second
	turnWithin = 30 * time.Second
)

// spread is a share of d that is always the same for a name: collectors of many
// sites do not ask at the same second.
func spread(name string, d time.Duration) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(name))
	return time.Duration(float64(d) * float64(h.Sum32()) / (1 << 32))
}

// jitter is d, longer by up to a tenth.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/10+1) }

// Run polls until ctx ends, and writes what there is to remember.
func (s *Source) Run(ctx context.Context) error {
	var working sync.WaitGroup
	for _, p := range s.pollers {
		working.Go(func() { s.poll(ctx, p) })
	}
	working.Go(func() { s.keep(ctx) })
	over := make(chan struct{})
	go func() {
		working.Wait()
		close(over)
	}()
	<-ctx.Done()
	late := time.NewTimer(farewell)
	defer late.Stop()
	select {
	case <-over:
	case <-late.C:
		s.log.Warn("left a provider of grid figures that does not answer", "zone", s.c.Zone)
	}
	return nil
}

// Settle waits until every provider was asked once, or ctx ends. Run must be
// running.
func (s *Source) Settle(ctx context.Context) {
	all := make(chan struct{})
	go func() {
		s.settled.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-ctx.Done():
	}
}

// keep writes the journal, and forgets what is too old.
func (s *Source) keep(ctx context.Context) {
	defer func() {
		s.save()
		if s.journal != nil {
			s.journal.close()
		}
	}()
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	last := slotOf(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if at := slotOf(now); at != last {
				s.turn(last, at, now)
				last = at
			}
			s.save()
		}
	}
}

// turn is for when a quarter of an hour is over: what came too late for it can
// be said now.
func (s *Source) turn(last, at slot, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restate(at, now)
	if at/aDay != last/aDay {
		s.prune(at)
	}
}

// poll asks p's feeds when they are due.
func (s *Source) poll(ctx context.Context, p *poller) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, f := range p.feeds {
			s.tryOnce(f)
		}
	}()
	timer := time.NewTimer(spread(s.c.Zone+p.name, 2*time.Second))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		next := p.feeds[0]
		for _, f := range p.feeds[1:] {
			if f.due.Before(next.due) {
				next = f
			}
		}
		if wait := time.Until(next.due); wait > 0 {
			timer.Reset(wait)
			continue
		}
		wait, all := s.once(ctx, p, next)
		next.due = time.Now().Add(wait)
		if all {
			for _, f := range p.feeds {
				if f.due.Before(next.due) {
					f.due = next.due
				}
			}
		}
		timer.Reset(0)
	}
}

// once asks for one feed and says how long to wait before it is asked again, or
// before the provider is asked for anything.
func (s *Source) once(ctx context.Context, p *poller, f *feed) (wait time.Duration, all bool) {
	now := time.Now()
	round, cancel := context.WithTimeout(ctx, roundTime)
	list, err := f.fetch(round, now)
	cancel()
	if ctx.Err() != nil {
		return 0, false
	}
	if errors.Is(err, errSame) {
		err = nil
	}
	s.take(p, f, list, err)
	if err == nil {
		f.failures = 0
		if wait = jitter(f.period); f.period < time.Hour {
			wait = min(wait, s.untilTurn(f, time.Now()))
		}
		return wait, false
	}
	f.failures++
	wait = min(firstRetry<<min(f.failures-1, 10), max(f.period, rarest))
	if quiet := (pause{}); errors.As(err, &quiet) {
		return jitter(quiet.wait), true
	}
	return jitter(wait), false
}

// untilTurn is how long it is until an hour has turned and there is news.
func (s *Source) untilTurn(f *feed, now time.Time) time.Duration {
	return now.Truncate(time.Hour).Add(time.Hour + turnAfter + spread(s.c.Zone+f.what, turnWithin)).Sub(now)
}

// take puts what was said on the shelves and restates what it makes better.
func (s *Source) take(p *poller, f *feed, list []delivery, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	at := slotOf(now)
	changed := false
	for _, d := range list {
		for _, n := range d.vendor.shelves[d.quantity].put(d.quantity, d.figures, at) {
			s.note(figureEntry(d.quantity, d.vendor.name, &n))
			changed = true
		}
	}
	if changed {
		s.restate(at, now)
	}
	switch {
	case err != nil && (f.err == nil || !f.tried):
		s.log.Warn("provider of grid figures fails", "zone", s.c.Zone, "provider", p.name, "feed", f.what, "error", err)
	case err == nil && f.err != nil:
		s.log.Info("provider of grid figures answers again", "zone", s.c.Zone, "provider", p.name, "feed", f.what)
	}
	f.err = err
	if err == nil {
		f.good = now
	}
	s.tryOnce(f)
}

// tryOnce says that f was tried.
func (s *Source) tryOnce(f *feed) {
	if !f.tried {
		f.tried = true
		s.settled.Done()
	}
}

// Describe says in one line what the quarter of an hour uses, and who does not
// answer and why.
func (s *Source) Describe() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	var parts []string
	for q := range Quantity(quantities) {
		c, ok := s.book.slots[q][slotOf(now)]
		if !ok {
			if c.choice, ok = s.choose(q, slotOf(now)); !ok {
				parts = append(parts, q.String()+" unknown")
				continue
			}
		}
		unit := "g/kWh"
		if q == Price {
			unit = "EUR/MWh"
		}
		parts = append(parts, fmt.Sprintf("%s %.1f %s (%s, tier %d, %s)", q, c.value, unit, c.provider, c.basis.Tier(), c.basis))
	}
	if celsius, ok := s.temperature(now); ok {
		parts = append(parts, fmt.Sprintf("outside %.1f °C", celsius))
	}
	for _, p := range s.pollers {
		for _, f := range p.feeds {
			switch {
			case f.err != nil:
				parts = append(parts, fmt.Sprintf("%s %s fails: %v", p.name, f.what, f.err))
			case !f.tried:
				parts = append(parts, fmt.Sprintf("%s %s not asked yet", p.name, f.what))
			}
		}
	}
	for _, v := range s.vendors {
		for q := range v.shelves {
			if n := v.shelves[q].refused; n > 0 {
				parts = append(parts, fmt.Sprintf("%d figures of %s for %s refused as impossible", n, v.name, Quantity(q)))
			}
		}
	}
	if s.diskError != nil {
		parts = append(parts, fmt.Sprintf("not remembered: %v", s.diskError))
	}
	return s.c.Zone + ": " + strings.Join(parts, "; ")
}
