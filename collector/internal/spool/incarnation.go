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

// saveIncarnation makes the incarnation durable.
func (s *Spool) saveIncarnation() error {
	path := filepath.Join(s.c.Dir, incarnationFile)
	f, err := s.disk.Create(path + temporary)
	if err != nil {
		return fmt.Errorf("save incarnation: %w", err)
	}
	line := fmt.Appendf(nil, "%d", s.incarnation)
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
	s.saved = true
	return nil
}

// readIncarnation is the number in the file; 0 if it holds none that is right.
func (s *Spool) readIncarnation() uint64 {
	f, err := s.disk.Open(filepath.Join(s.c.Dir, incarnationFile), false)
	if err != nil {
		return 0
	}
	defer f.Close()
	var b [64]byte
	got, _ := f.ReadAt(b[:], 0) // short at the end of the file
	var n uint64
	var sum uint32
	if _, err := fmt.Sscanf(string(b[:got]), "%d %08x\n", &n, &sum); err != nil {
		return 0
	}
	if crc32.Checksum(fmt.Appendf(nil, "%d", n), castagnoli) != sum {
		return 0
	}
	return n
}
