package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// A Disk is what a spool needs of a file system.
type Disk interface {
	MkdirAll(dir string) error
	List(dir string) ([]string, error)
	Open(name string, write bool) (File, error)
	Create(name string) (File, error) // a new one, for reading and writing; what had the name is not touched
	Rename(from, to string) error     // replaces what was there, all or nothing
	Remove(name string) error
	SyncDir(dir string) error           // makes creations, renames and removals in dir durable
	Lock(dir string) (io.Closer, error) // errHeld if another process has it
}

// A File is an open file of a Disk.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error // when it fails, nobody knows what reached the disk since the last one
}

// errHeld is a lock in other hands.
var errHeld = errors.New("in use by another process")

// osDisk is the operating system's.
type osDisk struct{}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func (osDisk) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o700) }

func (osDisk) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (osDisk) Open(name string, write bool) (File, error) {
	mode := os.O_RDONLY
	if write {
		mode = os.O_RDWR
	}
	return open(name, mode)
}

// Create takes away what has the name: after a power cut that may be the file as which
// it was to go on, under both names.
func (osDisk) Create(name string) (File, error) {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func open(name string, mode int) (File, error) {
	f, err := os.OpenFile(name, mode, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (osDisk) Remove(name string) error     { return os.Remove(name) }

func (osDisk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Lock takes the directory itself, so that a read-only one can be locked too.
func (osDisk) Lock(dir string) (io.Closer, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errHeld
		}
		return nil, err
	}
	return d, nil
}
