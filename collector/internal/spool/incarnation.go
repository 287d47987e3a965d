package spool

import (
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"time"
)

const incarnationFile = "incarnation"

// atLeast is n, or the seconds since 1970 if they are more: a number that grows
// even where the file was lost.
func atLeast(n uint64, now time.Time) uint64 { return max(n, uint64(max(1, now.Unix()))) }

// saveIncarnation makes the incarnation durable, and with it the number up to
// which all is acknowledged: one file, so that neither is newer than the other.
func (s *Spool) saveIncarnation(acked uint64) error {
	path := filepath.Join(s.c.Dir, incarnationFile)
	f, err := s.disk.Create(path + temporary)
	if err != nil {
		return fmt.Errorf("save incarnation: %w", err)
	}
	line := fmt.Appendf(nil, "%d %d", s.incarnation, acked)
	_, err = f.WriteAt(fmt.Appendf(nil, "%s %08x\n", line, crc32.Checksum(line, castagnoli)), 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.disk.Rename(path+temporary, path)
	}
	if err == nil {
		err = s.disk.SyncDir(s.c.Dir)
	}
	if err != nil {
		return fmt.Errorf("save incarnation: %w", err)
	}
	return nil
}

// readIncarnation is what the file holds; zeros if that is not right.
func (s *Spool) readIncarnation() (incarnation, acked uint64) {
	f, err := s.disk.Open(filepath.Join(s.c.Dir, incarnationFile), false)
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	var b [64]byte
	got, _ := f.ReadAt(b[:], 0) // short at the end of the file
	var sum uint32
	if _, err := fmt.Sscanf(string(b[:got]), "%d %d %08x\n", &incarnation, &acked, &sum); err != nil {
		return 0, 0
	}
	if crc32.Checksum(fmt.Appendf(nil, "%d %d", incarnation, acked), castagnoli) != sum {
		return 0, 0
	}
	return incarnation, acked
}

// remember saves the number up to which all is acknowledged, if it has moved.
// Called and returning with mu held, it lets go of it meanwhile. That it fails
// costs no frame: they are sent once more after a restart.
func (s *Spool) remember() {
	acked := s.acked
	if !s.c.Resume || s.degraded || acked == s.resume {
		return
	}
	s.mu.Unlock()
	err := s.saveIncarnation(acked)
	s.mu.Lock()
	if err != nil {
		s.log.Warn("cannot save what is acknowledged; after a restart it is sent again", "error", err)
		return
	}
	s.resume = acked
}
