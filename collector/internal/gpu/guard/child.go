package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"syscall"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// Config says which child reads the boards, and how long things may take. Zero
// stands for the default.
type Config struct {
	Name    string   // of the driver, as settings and logs have it
	Command []string // what is started
	Env     []string // besides the agent's own environment
	Logger  *slog.Logger

	Wait      time.Duration // for an answer, if the context has no deadline; 700 ms
	OpenFor   time.Duration // that the first answer may take; 60 s
	HangFor   time.Duration // that another may take; 15 s
	KillAfter time.Duration // SIGTERM; 5 s
	Retry     time.Duration // after the first failure; 1 s, then twice that, and so on
	RetryMost time.Duration // 60 s
	Refused   time.Duration // before it is asked again whether there is a driver; 5 min
}

// again is how long a reading waits for an answer that one before it asked for.
const again = 100 * time.Millisecond

// steady is how long a child must have answered to be started again at once.
const steady = time.Minute

// A Child is a driver whose calls are made by a process of its own. It is not
// started before the first reading. Its methods must not be called at once.
type Child struct {
	c   Config
	log *slog.Logger

	p        *process  // nil: there is none
	asked    time.Time // when it was; zero: it is not
	first    time.Time // answer; zero: there was none
	stopping time.Time // when it got SIGTERM; zero: not
	blamed   bool      // and failure says what for
	killed   bool

	since   time.Time     // of the newest answer; what was before is known
	failure error         // why there is no answer; nil after one
	delay   time.Duration // before the start after the next
	next    time.Time     // when it is started
	refused bool          // it said that there is no driver
	closed  bool
}

// New makes a child of c.
func New(c Config) *Child {
	for _, d := range []struct {
		set *time.Duration
		to  time.Duration
	}{
		{&c.Wait, 700 * time.Millisecond}, {&c.OpenFor, time.Minute}, {&c.HangFor, 15 * time.Second}, {&c.KillAfter, 5 * time.Second},
		{&c.Retry, time.Second}, {&c.RetryMost, time.Minute}, {&c.Refused, 5 * time.Minute},
	} {
		if *d.set <= 0 {
			*d.set = d.to
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Child{c: c, log: c.Logger.With("driver", c.Name), delay: c.Retry, since: time.Now()}
}

// Name is the driver's name.
func (c *Child) Name() string { return c.c.Name }

var errClosed = errors.New("closed")

// Read asks the child for a reading, or waits for one that it was asked for
// before. [gpu.ErrPending] says that it has not answered yet; after a failure it
// is the failure that is said, until there is an answer.
func (c *Child) Read(ctx context.Context, _ time.Time, r *gpu.Reading) error {
	if c.closed {
		return errClosed
	}
	if c.p == nil {
		if time.Now().Before(c.next) {
			return c.failure
		}
		c.start()
	}
	if c.p == nil {
		return c.failure
	}
	if !c.stopping.IsZero() {
		c.stop()
		return c.failure
	}
	wait := c.c.Wait
	if c.asked.IsZero() {
		c.asked = time.Now()
		c.p.ask.Write([]byte{1}) // an error is that of a child that ends
	} else {
		wait = min(wait, again)
	}
	a, end := c.wait(ctx, wait)
	switch {
	case a != nil:
		return c.take(a, r)
	case end:
		c.end()
	default:
		c.late()
	}
	if c.failure == nil {
		return gpu.ErrPending
	}
	return c.failure
}

func (c *Child) start() {
	since := sinceVariable + "=" + strconv.FormatInt(c.since.UnixMicro(), 10)
	p, err := start(c.c.Command, append(c.c.Env[:len(c.c.Env):len(c.c.Env)], since), c.log)
	if err != nil {
		c.fail(err.Error(), c.backOff())
		return
	}
	c.p, c.asked, c.first, c.stopping, c.blamed, c.killed = p, time.Time{}, time.Time{}, time.Time{}, false, false
	c.log.Debug("GPU reader started", "pid", p.cmd.Process.Pid)
}

// wait waits for an answer; end is whether none will come.
func (c *Child) wait(ctx context.Context, long time.Duration) (a *answer, end bool) {
	var late <-chan time.Time
	if _, ok := ctx.Deadline(); !ok {
		t := time.NewTimer(long)
		defer t.Stop()
		late = t.C
	}
	select {
	case a = <-c.p.answers:
		return a, a == nil
	case <-late:
	case <-ctx.Done():
	}
	return nil, false
}

// take takes an answer.
func (c *Child) take(a *answer, r *gpu.Reading) error {
	c.asked = time.Time{}
	*r = a.Reading
	if a.None {
		c.refused = true
		c.failure = errors.New("there is no driver on this host")
		c.part()
		return c.failure
	}
	if c.first.IsZero() {
		c.first = time.Now()
	}
	c.since = time.UnixMicro(a.Reading.Time)
	if c.failure != nil {
		c.log.Info("GPU reader answers again")
		c.failure = nil
	}
	if a.Error != "" {
		return errors.New(a.Error)
	}
	return nil
}

// late ends a child that has taken too long.
func (c *Child) late() {
	most := c.c.HangFor
	if c.first.IsZero() {
		most = c.c.OpenFor
	}
	if time.Since(c.asked) < most {
		return
	}
	c.failure, c.blamed = fmt.Errorf("no answer for %v from the driver's library; its process is ended", most), true
	c.log.Warn("GPU reader does not answer; it is ended", "pid", c.p.cmd.Process.Pid, "after_seconds", most.Seconds())
	c.part()
}

// part tells the child to end.
func (c *Child) part() {
	c.stopping = time.Now()
	c.p.ask.Close()
	c.p.cmd.Process.Signal(syscall.SIGTERM)
}

// end takes note that the child's answers have ended.
func (c *Child) end() {
	if c.p.nonsense != nil {
		c.failure, c.blamed = fmt.Errorf("what the process of the driver's library sent is no answer: %w", c.p.nonsense), true
		c.part()
		return
	}
	select {
	case <-c.p.ended:
		c.bury()
	case <-time.After(again): // it ends late, or does not mean to
		if c.failure == nil {
			c.failure = errors.New("the process of the driver's library is ending")
		}
		c.part()
	}
}

// stop sees to it that a child which was told to end does.
func (c *Child) stop() {
	if c.p.over() {
		c.bury()
		return
	}
	since := time.Since(c.stopping)
	switch {
	case !c.killed && since >= c.c.KillAfter:
		c.killed = true
		c.log.Warn("GPU reader does not end; it is killed", "pid", c.p.cmd.Process.Pid)
		c.p.cmd.Process.Kill()
	case c.killed && since >= 2*c.c.KillAfter:
		c.failure = fmt.Errorf("process %d of the driver's library cannot be ended: it hangs in the kernel, and the host may need a reboot", c.p.cmd.Process.Pid)
	}
}

// bury takes note that the child has ended, and sets when another is started.
func (c *Child) bury() {
	p := c.p
	if c.p = nil; !c.first.IsZero() && time.Since(c.first) >= steady {
		c.delay = c.c.Retry
	}
	switch {
	case c.refused:
		c.refused = false
		c.next = time.Now().Add(c.c.Refused)
	case c.blamed:
		c.fail(c.failure.Error(), c.backOff())
	default:
		c.fail("the process of the driver's library ended: "+p.why(), c.backOff())
	}
}

func (c *Child) backOff() time.Duration {
	d := c.delay
	c.delay = min(2*d, c.c.RetryMost)
	return d
}

func (c *Child) fail(why string, retry time.Duration) {
	c.failure = errors.New(why)
	c.next = time.Now().Add(retry)
	c.log.Warn("GPU reader failed", "reason", why, "retry_seconds", retry.Seconds())
}

// Close ends the child, and waits for its end as long as that may take.
func (c *Child) Close() error {
	c.closed = true
	if c.p == nil {
		return nil
	}
	p := c.p
	c.p = nil
	p.ask.Close()
	steps := []struct {
		wait time.Duration
		then func() error
	}{
		{parting + drain, func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }},
		{c.c.KillAfter, p.cmd.Process.Kill},
		{c.c.KillAfter, func() error { return fmt.Errorf("process %d does not end", p.cmd.Process.Pid) }},
	}
	for i, s := range steps {
		select {
		case <-p.ended:
			return nil
		case <-time.After(s.wait):
			if err := s.then(); i == len(steps)-1 {
				return err
			}
		}
	}
	return nil
}
