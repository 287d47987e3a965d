package spool

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A segment is one file of frames.
type segment struct {
	name     uint64 // the file's name; no frame of it has a lower number
	last     uint64 // highest number it or a segment before it stands for
	size     int64
	frames   int
	ordinary int   // how many of the frames thinning would take
	oldest   int64 // when the first frame was appended, and the last one; milliseconds since 1970
	newest   int64

	f     File      // while it is written to, or waits to be synced
	dirty bool      // written to since the last sync
	bad   time.Time // when it could not be read first; zero: it can
	stale bool      // of a process before this one, that may have failed to sync it
}

const suffix = ".spool"

func (s *Spool) path(name uint64) string {
	return filepath.Join(s.c.Dir, fmt.Sprintf("%020d%s", name, suffix))
}

// segmentName is the sequence number that a file is named by.
func segmentName(file string) (uint64, bool) {
	digits, ok := strings.CutSuffix(file, suffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0
}

// count adds a frame of n bytes to the segment.
func (g *segment) count(f *frame, n int) {
	if g.frames == 0 {
		g.oldest = f.time
	}
	g.newest = f.time
	g.frames++
	if f.class == Ordinary {
		g.ordinary++
	}
	g.last = max(g.last, f.seq)
	g.size += int64(n)
}

// countAll adds the frames encoded in b.
func (g *segment) countAll(b []byte) {
	for len(b) > 0 {
		n, err := frameSize(b)
		if err != nil {
			return // frames of our own making
		}
		f := view(b[:n])
		g.count(&f, n)
		b = b[n:]
	}
}

// better is how long a disk has to do better.
const better = time.Second

// failed is what to make of a failure to read g: an error at first, for the disk
// may do better later; nil when that is to be taken for damage.
func (g *segment) failed(err error) error {
	if g.bad.IsZero() {
		g.bad = time.Now()
	} else if time.Since(g.bad) >= better {
		return nil
	}
	return fmt.Errorf("read segment %d: %w", g.name, err)
}

// holding is the index of the segment that seq lies in, or before; len(segs)
// if it is above them all.
func (s *Spool) holding(seq uint64) int {
	i, _ := slices.BinarySearchFunc(s.segs, seq, func(g *segment, seq uint64) int { return cmp.Compare(g.last, seq) })
	return i
}

// before is the last sequence number ahead of segment i.
func (s *Spool) before(i int) uint64 {
	if i > 0 {
		return s.segs[i-1].last
	}
	return s.segs[0].name - 1
}

// active is the segment that is appended to, nil if none.
func (s *Spool) active() *segment {
	if len(s.segs) == 0 || s.sealed {
		return nil
	}
	return s.segs[len(s.segs)-1]
}

// remove takes segments i to j-1 out of the queue and deletes their files.
func (s *Spool) remove(i, j int) {
	for _, g := range s.segs[i:j] {
		s.detach(g)
		s.disk.Remove(s.path(g.name)) // one that stays is sent once more after a restart
	}
	s.segs = slices.Delete(s.segs, i, j)
}

// detach gives up what the process holds of g.
func (s *Spool) detach(g *segment) {
	s.size -= g.size
	if s.cur.seg == g {
		s.cur.reset()
	}
	s.letGo(g)
}

// letGo closes g's file, later if a sync may have it.
func (s *Spool) letGo(g *segment) {
	if g.f == nil {
		return
	}
	if s.syncing {
		s.limbo = append(s.limbo, g.f)
	} else {
		g.f.Close()
	}
	g.f = nil
}

// write makes a segment file of frames at once: after it returns nil the file
// is durable under its name, and what had the name before is gone. renamed says
// whether the name may already mean the new file, error or not.
func (s *Spool) write(name uint64, frames []byte) (f File, renamed bool, err error) {
	path := s.path(name)
	f, err = s.disk.Create(path + temporary)
	if err != nil {
		return nil, false, err
	}
	if _, err = f.WriteAt(frames, 0); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = s.disk.Rename(path+temporary, path)
		renamed = err == nil
	}
	if err == nil {
		err = s.disk.SyncDir(s.c.Dir)
	}
	if err != nil {
		f.Close()
		if !renamed {
			s.disk.Remove(path + temporary)
		}
		return nil, renamed, err
	}
	return f, true, nil
}

const temporary = ".tmp"
