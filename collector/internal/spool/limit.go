package spool

import (
	"io"
	"math"
	"time"
)

// boundDisk keeps the segments within their bounds of size and age.
func (s *Spool) boundDisk(now time.Time) {
	cutoff := int64(math.MinInt64)
	if s.c.MaxAge > 0 {
		cutoff = now.Add(-s.c.MaxAge).UnixMilli()
	}
	if len(s.segs) < 2 || s.size <= s.c.MaxBytes && s.segs[0].newest >= cutoff && s.c.Policy == DropOldest {
		return
	}
	if s.c.Policy == Thin {
		s.thinDisk(now, cutoff)
		return
	}
	n, size := 0, s.size
	for n < len(s.segs)-1 && (size > s.c.MaxBytes || s.segs[n].newest < cutoff) {
		size -= s.segs[n].size
		n++
	}
	s.drop(n)
}

// drop gives up the n oldest segments.
func (s *Spool) drop(n int) {
	if n == 0 {
		return
	}
	last := s.segs[n-1].last
	s.dropped += last - min(max(s.acked, s.before(0)), last)
	s.mem.forget(last)
	s.remove(0, n)
}

// thinDisk thins segments, oldest first, while they are too many or too old.
// The newest is never touched, nor what is not yet synced.
func (s *Spool) thinDisk(now time.Time, cutoff int64) {
	if now.Before(s.thinAt) {
		return
	}
	for {
		i, j, all := s.victims(cutoff)
		if i == j {
			return
		}
		if err := s.thin(i, j, all); err != nil {
			s.thinAt = now.Add(s.retryEvery())
			s.log.Warn("cannot thin spool", "segment", s.segs[i].name, "error", err)
			return
		}
	}
}

// victims is the run of segments, i to j-1, to be thinned next; i == j if none
// need be. all says that nothing is left, nor will be after the next sync, but
// to give up Keep frames too.
func (s *Spool) victims(cutoff int64) (i, j int, all bool) {
	settled := 0 // how many segments have no frame that waits for a sync
	for settled < len(s.segs)-1 && (s.mem.empty() || s.segs[settled].last < s.mem.held[0].first) {
		settled++
	}
	full := s.size > s.c.MaxBytes
	for i, g := range s.segs[:settled] {
		if g.ordinary == 0 || !full && g.newest >= cutoff {
			continue
		}
		// Join what is left to the thinned one before it, or there would be many small files.
		if i > 0 && s.segs[i-1].ordinary == 0 && s.segs[i-1].size < s.c.SegmentBytes/2 {
			return i - 1, i + 1, false
		}
		return i, i + 1, false
	}
	if full && settled >= 2 && settled == len(s.segs)-1 {
		return 0, 2, true
	}
	return 0, 0, false
}

// thin rewrites segments i to j-1 as one, with a gap for each run that goes.
func (s *Spool) thin(i, j int, all bool) error {
	d := fold{gap: s.c.Gap, all: all, prev: s.before(i)}
	last := s.segs[j-1].last
	for _, g := range s.segs[i:j] {
		if err := s.refold(&d, g); err != nil {
			return err
		}
	}
	d.decide(d.prev < last || s.turnsIn(j))
	d.hole(last)
	d.flush()
	name := s.segs[i].name
	f, renamed, err := s.write(name, d.out)
	if !renamed {
		return err
	}
	s.thinned += d.thinned
	s.dropped += d.dropped
	g := &segment{name: name, last: last}
	g.countAll(d.out)
	for _, old := range s.segs[i:j] {
		s.detach(old)
		if err == nil && old.name != name {
			s.disk.Remove(s.path(old.name))
		}
	}
	s.segs[i] = g
	s.segs = append(s.segs[:i+1], s.segs[j:]...)
	s.size += g.size
	if f != nil {
		f.Close()
	}
	return err
}

// turnsIn reports whether the first frame of segment j, or after it, is a Turn,
// or may be.
func (s *Spool) turnsIn(j int) bool {
	if j == len(s.segs) {
		return true
	}
	g := s.segs[j]
	f, err := s.disk.Open(s.path(g.name), false)
	if err != nil {
		return true
	}
	defer f.Close()
	r := reader{f: f, size: g.size}
	for off := int64(0); ; {
		e, n, err := r.frame(off)
		if err != nil {
			return true
		}
		if e.seq > s.before(j) { // else held twice
			return e.class == Turn || e.first > s.before(j)+1
		}
		off += int64(n)
	}
}

// refold gives the frames of g to d.
func (s *Spool) refold(d *fold, g *segment) error {
	f, err := s.disk.Open(s.path(g.name), false)
	if err != nil {
		return g.failed(err)
	}
	defer f.Close()
	r := reader{f: f, size: g.size}
	for off := int64(0); ; {
		e, n, err := r.frame(off)
		switch err {
		case nil:
			off += int64(n)
			if e.seq > g.last {
				return nil
			}
			d.add(e)
		case io.EOF:
			return nil
		case errBad:
			if off, err = r.resync(off + 1); err != nil {
				return g.failed(err)
			}
		default:
			return g.failed(err)
		}
	}
}

// shed makes room on a full disk and says whether it did. Thinning waits a
// while for others on the disk to give way first.
func (s *Spool) shed(now time.Time) bool {
	if s.c.Policy == DropOldest {
		n := min((len(s.segs)+3)/4, max(0, len(s.segs)-1))
		s.drop(n)
		return n > 0
	}
	if now.Sub(s.since) < s.retryEvery() {
		return false
	}
	for i, g := range s.segs[:max(0, len(s.segs)-1)] {
		if g.ordinary > 0 {
			return s.thin(i, i+1, false) == nil
		}
	}
	return false
}

// boundMemory keeps the frames in memory within their bound.
func (s *Spool) boundMemory() {
	size := len(s.mem.buf)
	if size <= s.c.MemoryBytes {
		return
	}
	if !s.degraded { // the files have them, though no sync has said so
		s.mem.forget(s.mem.oldest(size / 2))
		return
	}
	if s.c.Policy == DropOldest {
		s.dropped += s.mem.forget(s.mem.oldest(size - s.c.MemoryBytes*3/4))
		return
	}
	upTo := s.mem.oldest(size / 2)
	d := s.foldMemory(upTo, false)
	if len(d.out) > size*3/8 {
		d = s.foldMemory(upTo, true)
	}
	s.thinned += d.thinned
	s.dropped += d.dropped
	s.mem.replace(upTo, d.out)
}

// foldMemory thins the frames in memory up to upTo.
func (s *Spool) foldMemory(upTo uint64, all bool) fold {
	d := fold{gap: s.c.Gap, all: all, prev: s.beforeMemory()}
	next := 0
	for next < len(s.mem.held) && s.mem.held[next].seq <= upTo {
		d.add(s.mem.frame(next))
		next++
	}
	d.decide(next == len(s.mem.held) || s.mem.frame(next).class == Turn)
	d.flush()
	return d
}

// beforeMemory is the last sequence number ahead of the frames in memory.
func (s *Spool) beforeMemory() uint64 {
	first := s.mem.held[0].first
	if n := len(s.segs); n > 0 {
		return min(s.segs[n-1].last, first-1)
	}
	return first - 1
}
