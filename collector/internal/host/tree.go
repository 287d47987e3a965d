package host

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A tree is a machine's proc and sys file systems, live or captured.
type tree struct {
	root string
	read func(path string, b []byte) (int, error)
}

func (t *tree) path(name ...string) string {
	return filepath.Join(append([]string{t.root}, name...)...)
}

// number is the integer that a file holds.
func (t *tree) number(path string) (int64, error) {
	var b [32]byte
	n, err := t.read(path, b[:])
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(string(bytes.TrimSpace(b[:n])), 10, 64)
	if err != nil {
		return 0, &fs.PathError{Op: "parse", Path: path, Err: err.(*strconv.NumError).Err}
	}
	return v, nil
}

// text is the first line of a short file.
func (t *tree) text(name ...string) string {
	var b [256]byte
	n, err := t.read(t.path(name...), b[:])
	if err != nil {
		return ""
	}
	line, _, _ := bytes.Cut(b[:n], []byte("\n"))
	return string(bytes.TrimSpace(line))
}

func (t *tree) exists(name ...string) bool {
	_, err := os.Stat(t.path(name...))
	return err == nil
}

// list is the names in a directory, sorted; none if there is no directory.
func (t *tree) list(name ...string) []string {
	entries, err := os.ReadDir(t.path(name...))
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// target is the last part of where a link leads, "" if it is none.
func (t *tree) target(name ...string) string {
	to, err := os.Readlink(t.path(name...))
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// readFile reads the beginning of a small file with three system calls: a file
// of sysfs opened by package os would be registered with the poller as well.
func readFile(path string, b []byte) (int, error) {
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

// unescape resolves the octal escapes of mountinfo.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
