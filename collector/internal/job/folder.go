package job

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Bounds of a folder: of a file's length, of the number of files, of all that is
// read at once, and of what else may lie there.
const (
	maxFile  = 64 << 10
	maxFiles = 1024
	maxRead  = 1 << 20
	maxNames = 16 * maxFiles
)

// freshly is how long a file that does not end with a line's end may still be
// being written.
const freshly = 2 * time.Second

// A folder holds small files that others write, replace and remove at any time.
type folder struct {
	dir     string
	wants   func(name string) bool // of the files; nil: all
	parse   func(name, text string, fresh bool) ([]holding, error)
	unclear func(name string) holding // what is held by a file that cannot be read
	known   map[string]*recent
}

var (
	errLong = fmt.Errorf("it is longer than %d bytes", maxFile)
	errKind = errors.New("it is no regular file")
)

// find reads all files. One that cannot be read does not hide the others.
func (f *folder) find(now time.Time) (a answer, err error) {
	a.at = now
	root, err := os.OpenRoot(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return a, errors.New("it is not there: it has to be made at boot, so that a host without jobs is told from one whose folder was lost")
	}
	if err != nil {
		return a, err
	}
	defer root.Close()
	names, err := list(root)
	if err != nil {
		return a, err
	}
	known := make(map[string]*recent, len(names))
	left := maxRead
	for _, name := range names {
		if f.wants != nil && !f.wants(name) {
			continue
		}
		text, fresh, err := read(root, name)
		if errors.Is(err, fs.ErrNotExist) { // the job has just ended
			continue
		}
		if errors.Is(err, errKind) {
			a.notes = append(a.notes, fmt.Sprintf("%q: %v", name, err))
			continue
		}
		if left -= len(text); left < 0 {
			return a, fmt.Errorf("its files hold more than %d bytes together", maxRead)
		}
		r := f.known[name]
		if r == nil {
			r = &recent{}
			if f.known != nil { // it came while we looked
				r.since = now
			}
		}
		known[name] = r
		var held []holding
		if err == nil {
			held, err = f.parse(name, text, fresh)
		}
		if err != nil {
			a.notes = append(a.notes, fmt.Sprintf("%q: %v", name, err))
			a.held = append(a.held, r.still(now, f.unclear(name))...)
			continue
		}
		r.held, r.at = held, now
		a.held = append(a.held, held...)
	}
	f.known = known
	return a, nil
}

// list is the names in root, sorted, without those of files that are being
// written or were edited.
func list(root *os.Root) (names []string, err error) {
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	for n := 0; ; {
		some, err := d.Readdirnames(256)
		n += len(some)
		for _, name := range some {
			if !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, "~") {
				names = append(names, name)
			}
		}
		switch {
		case len(names) > maxFiles, n > maxNames:
			return nil, fmt.Errorf("it holds more than %d files", maxFiles)
		case errors.Is(err, io.EOF):
			slices.Sort(names)
			return names, nil
		case err != nil:
			return nil, err
		}
	}
}

// read is the text of a file; fresh means that it was written a moment ago. A
// pipe is not waited for.
func read(root *os.Root, name string) (text string, fresh bool, err error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	s, err := f.Stat()
	if err != nil {
		return "", false, err
	}
	if !s.Mode().IsRegular() {
		return "", false, errKind
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = errLong
	}
	age := time.Since(s.ModTime())
	return string(b), age >= 0 && age < freshly, err
}
