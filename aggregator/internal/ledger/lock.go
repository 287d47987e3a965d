package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Version is that of the data folder's layout. A folder of another is refused.
const Version = "1"

const versionLine = "gigawatch " + Version + "\n"

// A Dir is a data folder that this process alone writes to.
type Dir struct {
	Path string
	lock *os.File
}

// ErrLocked means that another process has the data folder open.
var ErrLocked = errors.New("another process has it open")

// ErrVersion means that the data folder was made by another version of the
// program.
var ErrVersion = errors.New("it was made by another version of this program")

// OpenDir takes the data folder at path for this process, and makes it if need
// be.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "LOCK"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	d := &Dir{path, lock}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("lock data folder %s: %w", path, err), lock.Close())
	}
	if err := d.checkVersion(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close gives the folder back.
func (d *Dir) Close() error { return d.lock.Close() }

func (d *Dir) checkVersion() error {
	switch err := readVersion(d.Path); {
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	f, err := openFolder(d.Path)
	if err != nil {
		return err
	}
	defer f.root.Close()
	if names, err := f.List("ledger"); err != nil || len(names) > 0 {
		return fmt.Errorf("data folder %s has a ledger and no VERSION: %w", d.Path, errors.Join(err, ErrVersion))
	}
	return replace(f, ".", "VERSION", []byte(versionLine))
}

// readVersion says what is wrong with the version of the data folder at path.
func readVersion(path string) error {
	b, err := os.ReadFile(filepath.Join(path, "VERSION"))
	if err != nil {
		return fmt.Errorf("read version of data folder: %w", err)
	}
	if string(b) != versionLine {
		return fmt.Errorf("data folder %s is of version %q, this program reads %q: %w",
			path, strings.TrimSpace(string(b)), strings.TrimSpace(versionLine), ErrVersion)
	}
	return nil
}
