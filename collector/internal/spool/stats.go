package spool

import "time"

// Stats is how a spool stands.
type Stats struct {
	Waiting  uint64        // sequence numbers that are not acknowledged
	Bytes    int64         // that they take up on disk, estimated within the oldest segment
	Disk     int64         // bytes of all segments
	Memory   int           // bytes of frames in memory: not yet synced, or refused by the disk
	Oldest   time.Duration // age of the oldest segment's oldest frame; 0 if nothing waits
	Dropped  uint64        // sequence numbers given up since Open
	Thinned  uint64        // sequence numbers of ordinary frames that gaps stand for since Open
	Refused  uint64        // writes that the disk refused since Open
	Degraded bool          // frames are in memory only, because it does
}

// Stats is how the spool stands now.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Disk: s.size, Memory: len(s.mem.buf), Dropped: s.dropped, Thinned: s.thinned, Refused: s.refused, Degraded: s.degraded}
	if !s.known {
		return st
	}
	oldest := s.last
	if len(s.segs) > 0 {
		oldest = s.before(0)
	} else if !s.mem.empty() {
		oldest = s.mem.held[0].first - 1
	}
	st.Waiting = s.last - min(max(s.acked, oldest), s.last)
	if st.Waiting == 0 {
		return st
	}
	var since int64
	if !s.mem.empty() {
		since = s.mem.frame(0).time
	}
	for i, g := range s.segs {
		if g.last <= s.acked {
			continue
		}
		from := max(s.before(i), g.name-1)
		share := float64(g.last-min(max(s.acked, from), g.last)) / float64(max(1, g.last-min(from, g.last)))
		st.Bytes += int64(share * float64(g.size))
	}
	if s.degraded {
		st.Bytes += int64(len(s.mem.buf))
	}
	if len(s.segs) > 0 && s.segs[0].frames > 0 {
		since = s.segs[0].oldest
	}
	if since != 0 {
		st.Oldest = max(0, time.Since(time.UnixMilli(since)))
	}
	return st
}
