package spool

import (
	"errors"
	"fmt"
	"io"
	"time"
)

var errNoDisk = errors.New("no directory to write to")

// retryEvery is how often a disk that failed is tried again.
func (s *Spool) retryEvery() time.Duration {
	if s.c.SyncEvery > 0 {
		return s.c.SyncEvery
	}
	return 5 * time.Second
}

// Sync makes durable what was appended before it was called. When it returns an
// error the frames are in memory and the spool is degraded.
func (s *Spool) Sync() error {
	s.syncMu.Lock()
	defer s.syncMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	now := time.Now()
	s.boundDisk(now)
	if s.degraded {
		s.tryAt = now
		return s.heal(now)
	}
	renewed := s.renew(now)
	if s.degraded {
		return s.why
	}
	var dirty []*segment
	var files []File
	for _, g := range s.segs {
		if g.dirty {
			g.dirty = false
			dirty, files = append(dirty, g), append(files, g.f)
		}
	}
	newFile, mark, rescues := s.newFile, s.last, s.rescues
	s.newFile = false
	if len(dirty) == 0 && !newFile {
		s.remember()
		return renewed
	}

	s.syncing = true
	s.mu.Unlock()
	var err error
	for i, f := range files {
		if e := f.Sync(); e != nil && err == nil {
			err = fmt.Errorf("sync segment %d: %w", dirty[i].name, e)
		}
	}
	if newFile {
		if e := s.disk.SyncDir(s.c.Dir); e != nil && err == nil {
			err = fmt.Errorf("sync directory: %w", e)
		}
	}
	s.mu.Lock()
	s.syncing = false
	for _, f := range s.limbo {
		f.Close()
	}
	s.limbo = s.limbo[:0]
	active := s.active()
	for _, g := range dirty {
		if g != active && !g.dirty {
			s.letGo(g)
		}
	}
	switch {
	case rescues != s.rescues: // a write failed meanwhile; all that was not synced was saved then, or is in memory
		if s.degraded {
			return s.why
		}
	case err != nil:
		s.degrade(time.Now(), err)
		if s.degraded {
			return s.why
		}
	default:
		s.mem.forget(mark)
	}
	s.remember()
	return renewed
}

// unsynced is in how many of the newest segments a process may leave what it could not
// sync: all since the sync before, which is seconds ago.
const unsynced = 2

// renew writes segments again that the process before this one may have failed to sync:
// what this one reads there may be in the system's memory alone, and no sync would say so.
// What cannot be written now is tried again with the next sync.
func (s *Spool) renew(now time.Time) error {
	var errs []error
	for _, g := range s.segs {
		if !g.stale {
			continue
		}
		if err := s.renewSegment(g, now); err != nil {
			errs = append(errs, fmt.Errorf("write segment %d again: %w", g.name, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Spool) renewSegment(g *segment, now time.Time) error {
	h, err := s.disk.Open(s.path(g.name), false)
	if err != nil {
		return err
	}
	b := make([]byte, g.size)
	n, err := h.ReadAt(b, 0)
	h.Close()
	if err != nil && err != io.EOF {
		return err
	}
	f, renamed, err := s.write(g.name, b[:n])
	switch {
	case renamed && err != nil: // what is appended would go into the file that was
		if s.active() == g {
			s.sealed = true
		}
		g.dirty = false
		s.letGo(g)
		s.degrade(now, err)
		return err
	case err != nil:
		return err
	}
	g.stale = false
	if s.cur.seg == g {
		s.cur.reset()
	}
	if s.active() != g {
		g.dirty = false
		s.letGo(g)
		return f.Close()
	}
	s.letGo(g)
	g.f, g.dirty = f, true // what waits in memory is let go by the sync that follows
	return nil
}

// degrade gives up every file that has frames which are not known to be
// durable: after a failed write or sync nobody knows what is in them. Those
// frames are in memory, and go into a new segment at once, or when the disk
// takes one again.
func (s *Spool) degrade(now time.Time, why error) {
	s.rescues++
	s.refused++
	if !s.degraded {
		s.since = now
	}
	s.degraded, s.why, s.tryAt = true, why, now
	s.log.Warn("disk refuses spool", "error", why)
	from := s.last + 1
	if !s.mem.empty() {
		from = s.mem.held[0].first
	}
	i := len(s.segs)
	for i > 0 && s.segs[i-1].name >= from {
		i--
		s.detach(s.segs[i])
		s.orphans = append(s.orphans, s.segs[i].name)
	}
	s.segs = s.segs[:i]
	for _, g := range s.segs {
		g.last = min(g.last, from-1)
		g.dirty = false
		s.letGo(g)
	}
	s.sealed = true
	s.heal(now)
}

// heal writes what is in memory to a new segment.
func (s *Spool) heal(now time.Time) error {
	if s.noDisk {
		return errNoDisk
	}
	if now.Before(s.tryAt) {
		return s.why
	}
	s.tryAt = now.Add(s.retryEvery())
	if !s.saved {
		if err := s.saveIncarnation(s.resume); err != nil {
			s.why = err
			s.refused++
			return err
		}
		s.saved = true
	}
	if !s.known { // nothing to write yet
		s.healed()
		return nil
	}
	name := s.last + 1
	if !s.mem.empty() {
		name = s.mem.held[0].first
	}
	f, renamed, err := s.write(name, s.mem.buf)
	if err != nil {
		if renamed {
			s.orphans = append(s.orphans, name)
		}
		s.why = fmt.Errorf("write segment %d: %w", name, err)
		s.refused++
		if noSpace(err) && s.shed(now) {
			s.tryAt = now
		}
		return s.why
	}
	g := &segment{name: name, last: name - 1, f: f}
	for i, h := range s.mem.held {
		e := s.mem.frame(i)
		g.count(&e, h.n)
	}
	s.enqueue(g)
	for _, o := range s.orphans {
		if o != name {
			s.disk.Remove(s.path(o))
		}
	}
	s.orphans = s.orphans[:0]
	s.mem.forget(s.last)
	s.healed()
	return nil
}

func (s *Spool) healed() {
	s.degraded, s.why = false, nil
	s.log.Info("disk takes spool again")
}

// enqueue makes g the newest segment, and the one that is appended to.
func (s *Spool) enqueue(g *segment) {
	if n := len(s.segs); n > 0 && s.segs[n-1].name == g.name { // it was nothing but damage
		s.detach(s.segs[n-1])
		s.segs = s.segs[:n-1]
	}
	s.segs = append(s.segs, g)
	s.size += g.size
	s.sealed = false
}
