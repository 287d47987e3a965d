package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Disk is what the ledger asks of a file system. Names are relative to the data
// folder, with slashes. Nothing is durable before Sync, and no name before
// SyncDir of its folder.
type Disk interface {
	ReadFile(name string) ([]byte, error)
	ReadHead(name string, n int) ([]byte, error)    // at most n bytes from the beginning
	Write(name string, b []byte) error              // a new file that holds b and nothing else
	Append(name string, size int64, b []byte) error // cuts the file to size and adds b
	Sync(name string) error                         // the file's content
	Rename(from, to string) error                   // within a folder
	SyncDir(name string) error                      // the folder's names
	MkdirAll(name string) error                     // and makes it durable
	List(name string) ([]string, error)             // names in a folder, sorted; none if it is missing
}

// folder is a disk in a folder, which nothing can leave.
type folder struct{ root *os.Root }

// OpenFolder is the disk of a folder of the operating system's.
func OpenFolder(path string) (Disk, error) { return openFolder(path) }

func openFolder(path string) (*folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	return &folder{root}, nil
}

func (f *folder) ReadFile(name string) ([]byte, error) { return f.root.ReadFile(name) }

func (f *folder) ReadHead(name string, n int) ([]byte, error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b := make([]byte, n)
	n, err = io.ReadFull(file, b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return b[:n], err
}

// Write takes away what has the name: after a power cut that may be the file as which
// it was to go on, under both names.
func (f *folder) Write(name string, b []byte) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return f.root.WriteFile(name, b, 0o640)
}

func (f *folder) Append(name string, size int64, b []byte) (err error) {
	file, err := f.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Truncate(size); err != nil {
		return err
	}
	_, err = file.WriteAt(b, size)
	return err
}

func (f *folder) Sync(name string) (err error) {
	file, err := f.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return file.Sync()
}

func (f *folder) Rename(from, to string) error { return f.root.Rename(from, to) }

func (f *folder) SyncDir(name string) (err error) {
	file, err := f.root.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return file.Sync()
}

func (f *folder) MkdirAll(name string) error {
	if err := f.root.MkdirAll(name, 0o750); err != nil {
		return err
	}
	for name != "." {
		name = filepath.Dir(name)
		if err := f.SyncDir(name); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) List(name string) ([]string, error) {
	file, err := f.root.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	names, err := file.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// replace writes a whole file so that, whatever happens, its name stands for
// what it stood for or for all of b.
func replace(d Disk, dir, name string, b []byte) error {
	path, tmp := dir+"/"+name, dir+"/"+name+".tmp"
	if err := d.Write(tmp, b); err != nil {
		return fmt.Errorf("write %s: %w", tmp, err)
	}
	if err := d.Sync(tmp); err != nil {
		return fmt.Errorf("sync %s: %w", tmp, err)
	}
	if err := d.Rename(tmp, path); err != nil {
		return fmt.Errorf("rename %s: %w", tmp, err)
	}
	if err := d.SyncDir(dir); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}
