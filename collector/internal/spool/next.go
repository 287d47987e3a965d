package spool

import (
	"io"
	"time"
)

// A cursor is where Next left off, so that the frame after it costs no search.
type cursor struct {
	seg  *segment
	r    reader
	off  int64
	prev uint64 // the number before the frame at off

	backOff  int64 // one frame earlier, for one that has to be sent again
	backPrev uint64
}

func (c *cursor) reset() {
	c.r.close()
	c.seg = nil
}

// Next is the oldest frame above after, with its payload in buf[:0]; ok is false
// if there is none. For a run that is no longer held it is the payload of a gap,
// and seq the last number that the gap stands for. After an error the same
// question may be asked again later; a disk that goes on failing there makes a
// gap of it.
func (s *Spool) Next(after uint64, buf []byte) (seq uint64, payload []byte, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, buf[:0], false, ErrClosed
	}
	s.boundDisk(time.Now())
	for s.known && after < s.last {
		f, ok, err := s.find(after + 1)
		if err != nil {
			return 0, buf[:0], false, err
		}
		if ok {
			return f.seq, append(buf[:0], f.payload...), true, nil
		}
		after = f.seq // nothing stands for the numbers up to there
	}
	return 0, buf[:0], false, nil
}

// find is the frame that stands for want or, if nothing older than it does, the
// next one. If there is a hole and no gap to show for it, ok is false and the
// frame has only the hole's last number.
func (s *Spool) find(want uint64) (f frame, ok bool, err error) {
	i := s.holding(want)
	if i == len(s.segs) || !s.mem.empty() && want >= s.mem.held[0].first {
		f, ok = s.findInMemory(want)
		return f, ok, nil
	}
	g := s.segs[i]
	c := &s.cur
	switch {
	case c.seg != g || c.backPrev >= want:
		if c.seg != g {
			c.reset()
			h, err := s.disk.Open(s.path(g.name), false)
			if err != nil {
				return s.lost(i, want, err)
			}
			c.seg, c.r.f = g, h
		}
		c.off, c.prev = 0, s.before(i)
		c.backOff, c.backPrev = c.off, c.prev
	case c.prev >= want:
		c.off, c.prev = c.backOff, c.backPrev
	}
	c.r.size = g.size
	for {
		f, n, err := c.r.frame(c.off)
		if err == nil && f.seq > g.last { // since a rescue in a younger segment
			err = io.EOF
		}
		switch err {
		case nil:
		case io.EOF:
			return s.hole(c.prev+1, g.last, nil)
		case errBad:
			if c.off, err = c.r.resync(c.off + 1); err != nil {
				return s.lost(i, want, err)
			}
			continue
		default:
			return s.lost(i, want, err)
		}
		if f.first > c.prev+1 && want < f.first {
			return s.hole(c.prev+1, f.first-1, f.payload)
		}
		c.backOff, c.backPrev = c.off, c.prev
		c.off += int64(n)
		if f.seq > c.prev { // else held twice
			c.prev = f.seq
			if f.seq >= want {
				g.bad = time.Time{}
				return f, true, nil
			}
		}
	}
}

func (s *Spool) findInMemory(want uint64) (frame, bool) {
	i := s.mem.find(want)
	if i == len(s.mem.held) {
		return frame{seq: s.last}, false
	}
	f, prev := s.mem.frame(i), s.beforeMemory()
	if i > 0 {
		prev = s.mem.held[i-1].seq
	}
	if f.first > prev+1 && want < f.first {
		f, ok, _ := s.hole(prev+1, f.first-1, f.payload)
		return f, ok
	}
	return f, true
}

// hole is the gap that stands for first to last, none of which is held.
func (s *Spool) hole(first, last uint64, near []byte) (frame, bool, error) {
	f := frame{class: gap, first: first, seq: last}
	if s.c.Gap == nil || first > last {
		return f, false, nil
	}
	f.payload = bounded(s.c.Gap(first, last, near))
	return f, true, nil
}

// lost is the answer where segment i cannot be read from want on: an error at
// first, and a gap when it happens again.
func (s *Spool) lost(i int, want uint64, err error) (frame, bool, error) {
	g := s.segs[i]
	if err := g.failed(err); err != nil {
		s.cur.reset() // and the window that was read in part
		return frame{}, false, err
	}
	s.log.Error("cannot read segment; what is left of it is lost", "segment", g.name, "from", want, "error", err)
	return s.hole(max(want, s.before(i)+1), g.last, nil)
}
