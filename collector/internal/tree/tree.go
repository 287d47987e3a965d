// Package tree reads the small files of a machine's proc and sys file systems,
// live or captured under another root.
package tree

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// A Tree is a machine's proc and sys file systems, live or captured.
type Tree struct {
	Root     string
	ReadFile func(path string, b []byte) (int, error)
}

// Under is the tree below root, read by [Read].
func Under(root string) Tree { return Tree{root, Read} }

// Path is the path of a file that is named from the root.
func (t *Tree) Path(name ...string) string {
	return filepath.Join(append([]string{t.Root}, name...)...)
}

// Number is the integer that a file holds.
func (t *Tree) Number(path string) (int64, error) {
	var b [32]byte
	n, err := t.ReadFile(path, b[:])
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(string(bytes.TrimSpace(b[:n])), 10, 64)
	if err != nil {
		return 0, &fs.PathError{Op: "parse", Path: path, Err: err.(*strconv.NumError).Err}
	}
	return v, nil
}

// Text is the first line of a short file.
func (t *Tree) Text(name ...string) string {
	var b [256]byte
	n, err := t.ReadFile(t.Path(name...), b[:])
	if err != nil {
		return ""
	}
	line, _, _ := bytes.Cut(b[:n], []byte("\n"))
	return string(bytes.TrimSpace(line))
}

// Exists reports whether there is such a file.
func (t *Tree) Exists(name ...string) bool {
	_, err := os.Stat(t.Path(name...))
	return err == nil
}

// List is the names in a directory, sorted; none if there is no directory.
func (t *Tree) List(name ...string) []string {
	entries, err := os.ReadDir(t.Path(name...))
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// Target is the last part of where a link leads, "" if it is none.
func (t *Tree) Target(name ...string) string {
	to, err := os.Readlink(t.Path(name...))
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// Read reads the beginning of a small file with three system calls: a file
// of sysfs opened by package os would be registered with the poller as well.
func Read(path string, b []byte) (int, error) {
	fd, err := retry(func() (int, error) { return syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0) })
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer syscall.Close(fd)
	n, err := retry(func() (int, error) { return syscall.Read(fd, b) })
	if err != nil {
		return 0, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return n, nil
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR {
			return n, err
		}
	}
}
