//go:build cgo && linux

package dcgm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// A Driver reads the GPUs that a DCGM host engine knows. There can be one in a
// process.
type Driver struct {
	config Config
	log    *slog.Logger
	engine []address // where host engines may be

	session *session // nil while there is none
	at      []address
	closed  bool
	dialled chan outcome // of the attempt under way; nil while there is none
	retry   time.Time    // of the next attempt
	wait    time.Duration
	failed  int   // readings in a row
	why     error // there is no session

	sought chan address // a host engine found while one of our own runs; nil while none is sought

	since   int64       // µs; XIDs up to this time are known
	pending []gpu.Event // of readings that failed after these were taken

	boards   []*board // by index; those of this session's devices are in byDevice
	byDevice []*board // nil where the device is not identified
	switches []*nvswitch
	sockets  []*socket

	listed, slowed, checked, seekAt time.Time

	tried          []string // addresses, and why they are not used
	found, refused string   // refused: what was said last, to log it once
	said           []string
	changed        bool // what is found or refused
}

type outcome struct {
	session *session
	tried   []string
	err     error
}

// Open connects to the first host engine that answers: the configured one, the
// one on this host's usual port, or else one of our own inside this process.
func Open(c Config) (*Driver, error) {
	c = c.withDefaults()
	d := &Driver{config: c, log: c.Logger, wait: backoffMin}
	if c.Address != "" {
		a, err := parseAddress(c.Address)
		if err != nil {
			return nil, err
		}
		d.engine = append(d.engine, a)
	}
	if a := (address{"tcp", "localhost:" + port}); len(d.engine) == 0 || d.engine[0] != a {
		d.engine = append(d.engine, a)
	}
	if err := load(c.Library); err != nil {
		return nil, err
	}
	s, tried, err := dial(append(d.engine[:len(d.engine):len(d.engine)], embedded), c)
	if err != nil {
		errs := make([]error, len(tried))
		for i := range tried {
			errs[i] = errors.New(tried[i])
		}
		return nil, fmt.Errorf("open DCGM: %w", errors.Join(errs...))
	}
	if d.since = c.Since.UnixMicro(); c.Since.IsZero() {
		d.since = s.now()
	}
	d.adopt(s, tried)
	return d, nil
}

// due says whether it is time for what was last done at last.
func due(now, last time.Time, every time.Duration) bool {
	since := now.Sub(last)
	return since >= every || since < 0
}

// Name is the driver's name.
func (*Driver) Name() string { return "dcgm" }

// Read takes what the engine has read. It asks the GPUs for nothing, and it
// does not wait for an engine that is not there; one that is stopped holds it
// up until it goes on.
func (d *Driver) Read(ctx context.Context, now time.Time, r *gpu.Reading) error {
	if err := ctx.Err(); err != nil {
		r.Events = r.Events[:0]
		return err
	}
	r.Events = append(r.Events[:0], d.pending...)
	d.pending = d.pending[:0]
	err := d.ready(now)
	if err == nil {
		err = d.collect(now, r)
		d.settle(err, now)
	}
	if err != nil {
		for _, b := range d.boards {
			b.Clear()
		}
		d.quiet()
		d.slowed = time.Time{}
		d.pending, r.Events = append(d.pending, r.Events...), r.Events[:0]
	}
	d.fill(r)
	if err != nil {
		return fmt.Errorf("read GPUs through DCGM: %w", err)
	}
	return nil
}

func (d *Driver) collect(now time.Time, r *gpu.Reading) error {
	s := d.session
	if due(now, d.listed, listEvery) {
		if err := d.relist(now); err != nil {
			return err
		}
	}
	if s.nameless() {
		// An engine that has only begun has not read it yet.
		s.asked++
		if err := s.identify(); err != nil {
			return err
		}
		if d.recognize(); !s.nameless() {
			d.listed = time.Time{}
		}
	}
	if s.unnamed() {
		s.sought++
		if err := s.name(); err != nil {
			return err
		}
		d.recognize()
	}
	if err := d.values(now); err != nil {
		return err
	}
	if err := d.xids(now, r); err != nil {
		return err
	}
	return d.fabric(now)
}

// settle ends the session if it is of no more use. Three failures in a row end
// it too: what an engine refuses now it may have granted to begin with.
func (d *Driver) settle(err error, now time.Time) {
	if err == nil {
		d.failed, d.wait = 0, backoffMin
		d.seek(now)
		return
	}
	if d.failed++; lost(err) || d.failed >= 3 || d.session.broken {
		d.log.Warn("lost DCGM engine", "engine", d.session.at.String(), "error", err)
		d.drop([]address{d.session.at}, err)
	}
}

// drop ends the session; the next readings dial.
func (d *Driver) drop(at []address, why error) {
	d.session, d.at, d.why, d.failed = nil, at, why, 0
	d.retry = time.Time{}
	d.byDevice = nil
	d.start(true)
}

// start dials in its own goroutine, the only one that calls DCGM until its
// outcome is taken: connecting to an engine that is stopped takes as long as
// the engine likes.
func (d *Driver) start(shut bool) {
	c := make(chan outcome, 1)
	d.dialled = c
	at, config := d.at, d.config
	go func() {
		if shut {
			_ = dcgmlib.Shutdown()
		}
		s, tried, err := dial(at, config)
		c <- outcome{s, tried, err}
	}()
}

// ready says why there is no session, and sees to it that there will be one.
func (d *Driver) ready(now time.Time) error {
	switch {
	case d.closed:
		return errors.New("it is closed")
	case d.session != nil:
		return nil
	case d.dialled == nil:
		if now.Before(d.retry) {
			return d.why
		}
		d.start(false)
		return d.why
	}
	select {
	case o := <-d.dialled:
		d.dialled = nil
		if o.err != nil {
			d.why = errors.New(strings.TrimSuffix(o.tried[len(o.tried)-1], "."))
			d.retry = now.Add(d.wait)
			d.wait = min(2*d.wait, backoffMax)
			return d.why
		}
		d.adopt(o.session, o.tried)
		return nil
	default:
		return d.why
	}
}

// adopt takes a session that was begun elsewhere.
func (d *Driver) adopt(s *session, tried []string) {
	d.session, d.at, d.why, d.failed = s, nil, nil, 0
	if tried != nil {
		d.tried = tried
	}
	d.listed, d.slowed, d.checked = time.Time{}, time.Time{}, time.Time{}
	d.recognize()
	d.log.Info("connected to DCGM engine", "engine", s.at.String(), "version", s.version, "gpus", len(s.devices))
}

// seek looks now and then for a host engine while one of our own runs: then it
// read all GPUs twice. A host may start its engine after us.
func (d *Driver) seek(now time.Time) {
	if d.session.at != embedded {
		return
	}
	if d.sought == nil {
		if now.Before(d.seekAt) {
			return
		}
		if first := d.seekAt.IsZero(); first {
			d.seekAt = now.Add(seekEvery)
			return
		}
		c := make(chan address, 1)
		d.sought, d.seekAt = c, now.Add(seekEvery)
		engines := d.engine
		go func() {
			for _, a := range engines {
				if a.knock() == nil {
					c <- a
					return
				}
			}
			c <- embedded
		}()
		return
	}
	select {
	case a := <-d.sought:
		if d.sought = nil; a != embedded {
			d.log.Info("going over to DCGM host engine", "engine", a.String())
			d.tried = nil
			d.drop([]address{a, embedded}, fmt.Errorf("going over to the host engine %s", a))
		}
	default:
	}
}

// Close ends the connection. An attempt to connect that is under way is waited
// for, but not for ever: it cannot be cancelled.
func (d *Driver) Close() error {
	open := d.session != nil
	d.session, d.closed = nil, true
	if d.dialled != nil {
		select {
		case o := <-d.dialled:
			d.dialled, open = nil, o.err == nil
		case <-time.After(2 * time.Second):
			return errors.New("close DCGM: it is still connecting")
		}
	}
	if !open {
		return nil
	}
	if err := dcgmlib.Shutdown(); err != nil {
		return fmt.Errorf("close DCGM: %w", err)
	}
	return nil
}
