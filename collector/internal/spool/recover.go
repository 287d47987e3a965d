package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Recovered is what Open found.
type Recovered struct {
	Segments   int
	Frames     int
	Damaged    int    // places where bytes were no frame
	Unreadable int    // segments that the disk would not give, wholly or in part
	Lost       uint64 // sequence numbers between the oldest and the newest that no frame stands for
	Cut        int64  // bytes taken off the newest segment's end
}

// restore makes s of what is in the directory. It fails only if the directory
// is another process's.
func (s *Spool) restore() error {
	now := time.Now()
	names, err := s.enter()
	if errors.Is(err, ErrLocked) {
		return err
	}
	if err != nil {
		s.noDisk, s.degraded, s.refused = true, true, 1
		s.incarnation = atLeast(0, now)
		s.log.Error("spool has no directory and lives in memory", "error", err)
		return nil
	}
	before, acked := s.readIncarnation()
	s.incarnation = atLeast(before+1, now)
	var segments []uint64
	for _, name := range names {
		if n, ok := segmentName(name); ok {
			segments = append(segments, n)
		} else if strings.HasSuffix(name, temporary) {
			s.disk.Remove(filepath.Join(s.c.Dir, name))
		}
	}
	slices.Sort(segments)
	for i, name := range segments {
		s.scan(name, i == len(segments)-1)
	}
	if n := len(s.segs); n > 0 {
		s.known, s.last = true, s.segs[n-1].last
	}
	for _, g := range s.segs[max(0, len(s.segs)-unsynced):] {
		g.stale = true
	}
	// Before anything is numbered: what a crash took is numbered again, and is
	// not acknowledged then.
	if s.c.Resume {
		s.acked = min(acked, s.last)
		s.resume = s.acked
	}
	if err = s.saveIncarnation(s.resume); err == nil {
		s.saved = true
	} else {
		s.degraded, s.refused = true, 1
		s.log.Error("spool cannot write to its directory and lives in memory for now", "error", err)
	}
	if s.acked > 0 {
		s.trim()
	}
	level := slog.LevelInfo
	if r := s.recovered; r.Damaged+r.Unreadable > 0 || r.Lost > 0 || r.Cut > 0 {
		level = slog.LevelWarn
	}
	s.log.Log(context.Background(), level, "opened spool", "segments", s.recovered.Segments, "frames", s.recovered.Frames, "bytes", s.size, "last", s.last,
		"damaged_places", s.recovered.Damaged, "lost_frames", s.recovered.Lost, "cut_bytes", s.recovered.Cut, "unreadable_segments", s.recovered.Unreadable)
	return nil
}

// enter makes the directory this process's and lists it.
func (s *Spool) enter() ([]string, error) {
	if err := s.disk.MkdirAll(s.c.Dir); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	lock, err := s.disk.Lock(s.c.Dir)
	if errors.Is(err, errHeld) {
		return nil, ErrLocked
	}
	if err == nil {
		s.lock = lock
	} else {
		s.log.Warn("cannot lock spool directory", "error", err) // not every file system can
	}
	names, err := s.disk.List(s.c.Dir)
	if err != nil {
		return nil, fmt.Errorf("list directory: %w", err)
	}
	s.disk.SyncDir(filepath.Dir(s.c.Dir)) // a directory just made should outlive a crash
	return names, nil
}

// scan adds the segment called name to the queue. Of the newest one it cuts
// what follows the last frame, so that the next frame joins a good one.
func (s *Spool) scan(name uint64, newest bool) {
	g := &segment{name: name, last: name - 1}
	if n := len(s.segs); n > 0 {
		g.last = max(g.last, s.segs[n-1].last)
	}
	prev := g.last
	if len(s.segs) > 0 {
		prev = s.segs[len(s.segs)-1].last
	}
	s.segs = append(s.segs, g)
	s.recovered.Segments++
	s.sealed = true

	f, err := s.disk.Open(s.path(name), newest)
	if err != nil && newest {
		f, err = s.disk.Open(s.path(name), false)
	}
	var size, end int64
	var doubles int
	if err == nil {
		size, err = f.Size()
	}
	if err == nil {
		r := reader{f: f, size: size, buf: s.cur.r.buf}
		end, doubles, err = s.walk(&r, g, prev)
		s.cur.r.buf = r.buf[:0]
	}
	g.size = end
	s.size += end
	if err != nil {
		s.recovered.Unreadable++
		s.log.Error("cannot read segment", "segment", name, "error", err)
	} else if newest {
		if end < size {
			if err = f.Truncate(end); err == nil {
				err = f.Sync()
			}
			s.recovered.Cut += size - end
		}
		if err == nil { // else the segment is left alone and the next frame begins another
			g.f, g.dirty, s.sealed = f, true, false
			return
		}
	}
	if f != nil {
		f.Close()
	}
	if n := len(s.segs); err == nil && doubles > 0 && g.frames == 0 { // joined to one before it, and only then to be deleted
		s.remove(n-1, n)
	}
}

// walk counts the frames in r into g, and those that an older segment holds too.
// end is where the last of them ends.
func (s *Spool) walk(r *reader, g *segment, prev uint64) (end int64, doubles int, err error) {
	for off := int64(0); ; {
		f, n, err := r.frame(off)
		switch err {
		case nil:
			off += int64(n)
			end = off
			if f.seq <= prev {
				doubles++
			} else {
				s.recovered.Lost += max(f.first, prev+1) - prev - 1
				s.recovered.Frames++
				prev = f.seq
				g.count(&f, 0)
			}
		case io.EOF:
			return end, doubles, nil
		case errBad:
			s.recovered.Damaged++
			if off, err = r.resync(off + 1); err != nil {
				return end, doubles, err
			}
		default:
			return end, doubles, err
		}
	}
}
