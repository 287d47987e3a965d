package spool

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"
)

// Policy says what gives way when a spool is full or its frames are too old.
type Policy uint8

const (
	DropOldest Policy = iota // whole oldest segments
	Thin                     // ordinary frames, oldest first; a gap stands for each run of them
)

// Config says where a spool is and what its bounds are.
type Config struct {
	Dir          string
	MaxBytes     int64         // on disk; default 128 MiB
	MaxAge       time.Duration // of a frame, to within an eighth; 0: no bound
	SegmentBytes int64         // default 4 MiB; never more than an eighth of MaxBytes
	MemoryBytes  int           // of frames that wait for the disk; default 4 MiB, at most MaxBytes
	SyncEvery    time.Duration // fsync, default 5 s, and how often a lost disk is tried again; below 0: only Sync does
	Policy       Policy

	// Resume is for a far end that does not drop what it has: what is acknowledged
	// is remembered across restarts. Close remembers all of it, and a crash forgets
	// what was acknowledged since the last Sync. Without it Acked begins at zero.
	Resume bool

	// Gap makes the payload that stands for the numbers first to last, which the
	// spool no longer holds. near is the payload of the last frame it takes out,
	// or of the next one after damage; nil if there is neither. The result may
	// share near's bytes. Thin needs it; without it Next steps over what is lost.
	Gap func(first, last uint64, near []byte) []byte

	Disk   Disk         // default: the operating system's
	Logger *slog.Logger // default: none
}

// Errors of Open, Append and Next.
var (
	ErrLocked   = errors.New("spool is in use by another process")
	ErrClosed   = errors.New("spool is closed")
	ErrSequence = errors.New("not the number after the last")
	ErrTooLarge = errors.New("payload is too large")
)

// A Spool is the queue. Its methods may be called from several goroutines, but
// Next is quick for one reader only. Append and Next wait for the disk to take
// or give bytes, not for a sync of others; an Append that thins or that saves
// frames from a failing disk syncs itself.
type Spool struct {
	c    Config
	disk Disk
	log  *slog.Logger

	incarnation uint64
	recovered   Recovered
	lock        io.Closer
	stop, done  chan struct{}

	syncMu sync.Mutex // one sync at a time; taken before mu

	mu       sync.Mutex
	segs     []*segment // oldest first, last never falling
	size     int64      // of all segs
	sealed   bool       // the newest segment takes no more
	mem      memory
	known    bool   // last means something
	last     uint64 // highest sequence number appended
	acked    uint64
	resume   uint64 // of acked, what is saved
	cur      cursor
	syncing  bool
	newFile  bool      // a file was created since the directory was synced
	orphans  []uint64  // files that a rescue makes redundant
	limbo    []File    // closed once the sync that may use them is over
	saved    bool      // the incarnation is durable
	noDisk   bool      // the directory cannot be used for as long as this process lives
	degraded bool      // frames wait in memory because the disk refuses them
	why      error     // the latest reason
	rescues  uint64    // how often it became degraded
	refused  uint64    // writes that the disk refused
	since    time.Time // when it became so
	tryAt    time.Time
	thinAt   time.Time // not before then: thinning failed
	dropped  uint64
	thinned  uint64
	closing  bool
	closed   bool
}

// Open opens the spool in c.Dir, creates it if there is none, and repairs what
// a crash or a bad disk left: see [Spool.Recovered]. It fails only for a
// configuration that cannot be meant, and if another process has the directory;
// without a usable directory the spool lives in memory and is degraded.
func Open(c Config) (*Spool, error) {
	switch {
	case c.Dir == "":
		return nil, errors.New("open spool: no directory given")
	case c.Policy > Thin:
		return nil, fmt.Errorf("open spool %s: unknown policy %d", c.Dir, c.Policy)
	case c.Policy == Thin && c.Gap == nil:
		return nil, fmt.Errorf("open spool %s: thinning needs a payload for the gaps", c.Dir)
	case c.MaxBytes < 0 || c.SegmentBytes < 0 || c.MemoryBytes < 0 || c.MaxAge < 0:
		return nil, fmt.Errorf("open spool %s: a bound is negative", c.Dir)
	}
	c.MaxBytes = orDefault(c.MaxBytes, 128<<20)
	c.SegmentBytes = min(orDefault(c.SegmentBytes, 4<<20), max(c.MaxBytes/8, 1))
	c.MemoryBytes = int(min(int64(orDefault(c.MemoryBytes, 4<<20)), c.MaxBytes))
	c.SyncEvery = orDefault(c.SyncEvery, 5*time.Second)
	s := &Spool{c: c, disk: c.Disk, log: c.Logger, stop: make(chan struct{}), done: make(chan struct{})}
	if s.disk == nil {
		s.disk = osDisk{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.log = s.log.With("spool", c.Dir)
	if err := s.restore(); err != nil {
		return nil, fmt.Errorf("open spool %s: %w", c.Dir, err)
	}
	if c.SyncEvery < 0 {
		close(s.done)
	} else {
		go s.run()
	}
	return s, nil
}

func orDefault[T int | int64 | time.Duration](v, standard T) T {
	if v == 0 {
		return standard
	}
	return v
}

// run syncs until Close.
func (s *Spool) run() {
	defer close(s.done)
	tick := time.NewTicker(s.c.SyncEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.Sync() // what it meets is logged and shows in Stats
		case <-s.stop:
			return
		}
	}
}

// Append adds a frame at the end. seq must be one more than [Spool.Last], or
// anything from 1 on in a spool that remembers nothing. Trouble with the disk is
// no error: the frame is then in memory, and the spool is degraded.
func (s *Spool) Append(seq uint64, class Class, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case seq == 0 || s.known && seq != s.last+1:
		return fmt.Errorf("append %d after %d: %w", seq, s.last, ErrSequence)
	case len(payload) > MaxPayload:
		return fmt.Errorf("append %d: %w: %d bytes, at most %d", seq, ErrTooLarge, len(payload), MaxPayload)
	case class == gap || class >= classes:
		return fmt.Errorf("append %d: unknown class %d", seq, class)
	}
	now := time.Now()
	f := frame{class: class, first: seq, seq: seq, time: now.UnixMilli(), payload: payload}
	b := s.mem.push(&f)
	s.known, s.last = true, seq
	if s.degraded {
		s.heal(now)
	} else if err := s.put(&f, b); err != nil {
		s.degrade(now, err)
	}
	s.boundMemory()
	s.boundDisk(now)
	return nil
}

// put writes frame f, encoded as b, to the newest segment.
func (s *Spool) put(f *frame, b []byte) error {
	g := s.active()
	if g != nil && g.frames > 0 && (g.size+int64(len(b)) > s.c.SegmentBytes ||
		s.c.MaxAge > 0 && f.time-g.oldest > s.c.MaxAge.Milliseconds()/8) {
		s.sealed = true
		if !g.dirty {
			s.letGo(g)
		}
		g = nil
	}
	if g == nil {
		h, err := s.disk.Create(s.path(f.seq))
		if err != nil {
			return fmt.Errorf("create segment %d: %w", f.seq, err)
		}
		g = &segment{name: f.seq, last: f.seq - 1, f: h}
		s.enqueue(g)
		s.newFile = true
	}
	g.dirty = true
	if _, err := g.f.WriteAt(b, g.size); err != nil {
		return fmt.Errorf("write segment %d: %w", g.name, err)
	}
	g.count(f, len(b))
	s.size += int64(len(b))
	return nil
}

// Ack says that the far end has everything up to upTo. Segments that hold
// nothing else are deleted.
func (s *Spool) Ack(upTo uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.known {
		return
	}
	upTo = min(upTo, s.last)
	if upTo <= s.acked {
		return
	}
	s.acked = upTo
	s.mem.forget(upTo)
	s.trim()
}

// trim deletes the segments that hold nothing but what is acknowledged.
func (s *Spool) trim() {
	n := 0
	for n < len(s.segs)-1 && s.segs[n].last <= s.acked {
		n++
	}
	s.remove(0, n)
}

// Acked is the number up to which the far end has everything, as far as the
// spool knows: after a restart only with [Config.Resume].
func (s *Spool) Acked() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}

// Last is the number of the newest frame ever appended, as far as the spool
// remembers; ok is false if it remembers none.
func (s *Spool) Last() (seq uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.known
}

// Incarnation is greater at each start, even where the directory was lost
// meanwhile: it is never less than the seconds since 1970.
func (s *Spool) Incarnation() uint64 { return s.incarnation }

// Recovered says what Open found and repaired.
func (s *Spool) Recovered() Recovered { return s.recovered }

// Degraded reports whether frames are in memory only because the disk refuses
// them. It ends by itself when the disk takes them again.
func (s *Spool) Degraded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.degraded
}

// Close syncs and releases the directory. It fails if frames are lost by it.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	s.mu.Unlock()
	if s.c.SyncEvery > 0 {
		close(s.stop)
	}
	<-s.done
	err := s.Sync()
	s.syncMu.Lock()
	defer s.syncMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.cur.reset()
	for _, g := range s.segs {
		s.letGo(g)
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("close spool %s: %w", s.c.Dir, err)
	}
	return nil
}

// noSpace reports whether err says that the disk is full.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
