package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

// A Folder keeps the checkpoints of an aggregator's sites. One process keeps them;
// others read.
type Folder struct{ path string }

// NewFolder is that of the data folder of an aggregator.
func NewFolder(data string) Folder { return Folder{filepath.Join(data, "checkpoint")} }

func (f Folder) dir(site string) string { return filepath.Join(f.path, site) }

// Sites are those that have checkpoints, sorted.
func (f Folder) Sites() (sites []string, err error) {
	list, err := os.ReadDir(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	for _, e := range list {
		if e.IsDir() {
			sites = append(sites, e.Name())
		}
	}
	return sites, nil
}

// Signer is the key of a site, made if there is none yet.
func (f Folder) Signer(site string) (*Signer, error) {
	return signer(f.dir(site), Origin(site), ofLog)
}

// Key is its public half.
func (f Folder) Key(site string) (Verifier, error) { return readKey(f.dir(site)) }

// ErrFork is that a log is not what it was: it is another, or has lost leaves.
var ErrFork = errors.New("the log is not the one that was signed before")

// Keep signs how far the log of a site reaches and keeps that, unless it is what is
// kept. extends says what is wrong if the log does not begin as an older checkpoint
// has it: then nothing is signed.
func (f Folder) Keep(site string, now Checkpoint, extends func(old Checkpoint) error) error {
	s, err := f.Signer(site)
	if err != nil {
		return err
	}
	switch _, old, err := f.Newest(site); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return err
	case old == now:
		return nil
	default:
		if err := extends(old); err != nil {
			return fmt.Errorf("sign checkpoint of %s: %w: %w", site, ErrFork, err)
		}
	}
	b, err := Sign(s, now)
	if err != nil {
		return err
	}
	if err := durable.Replace(filepath.Join(f.dir(site), "checkpoint"), b, 0o644); err != nil {
		return fmt.Errorf("keep checkpoint of %s: %w", site, err)
	}
	return nil
}

// Newest is the newest checkpoint of a site; [os.ErrNotExist] if there is none.
func (f Folder) Newest(site string) (signed []byte, c Checkpoint, err error) {
	return f.read(site, "checkpoint")
}

// Witnessed is the newest that a witness signed too.
func (f Folder) Witnessed(site string) (signed []byte, c Checkpoint, err error) {
	return f.read(site, "witnessed")
}

func (f Folder) read(site, name string) (signed []byte, c Checkpoint, err error) {
	path := filepath.Join(f.dir(site), name)
	if signed, err = os.ReadFile(path); err != nil {
		return nil, c, fmt.Errorf("read checkpoint: %w", err)
	}
	key, err := f.Key(site)
	if err != nil {
		return nil, c, err
	}
	if c, _, err = Open(signed, key); err != nil {
		return nil, c, fmt.Errorf("%s: %w", path, err)
	}
	return signed, c, nil
}

// Witness keeps a checkpoint that a witness signed besides, if it is newer than the
// one that is kept.
func (f Folder) Witness(site string, signed []byte, by Verifier) error {
	key, err := f.Key(site)
	if err != nil {
		return err
	}
	c, n, err := Open(signed, key, by)
	if err != nil {
		return err
	}
	if !signedBy(n, by) {
		return fmt.Errorf("keep checkpoint of %s: %w: %s did not sign it", site, ErrSignature, by.Name())
	}
	if _, old, err := f.Witnessed(site); err == nil && old.Size >= c.Size {
		return nil
	}
	if err := durable.Replace(filepath.Join(f.dir(site), "witnessed"), signed, 0o644); err != nil {
		return fmt.Errorf("keep checkpoint of %s: %w", site, err)
	}
	return nil
}
