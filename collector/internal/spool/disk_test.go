package spool

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A testDisk is a file system in memory. What was not synced may be gone after
// a crash, and fault decides which operations fail.
type testDisk struct {
	mu      sync.Mutex
	now     map[string]*inode // what a process sees
	durable map[string]*inode // what a crash leaves for sure
	pending []func(map[string]*inode)
	held    bool
	fault   func(op, name string) error // nil: none
	slow    time.Duration               // of a file's sync
	ops     int
}

type inode struct{ data, synced []byte }

func newDisk() *testDisk {
	return &testDisk{now: map[string]*inode{}, durable: map[string]*inode{}}
}

// do runs one operation unless it is to fail.
func (d *testDisk) do(op, name string, run func()) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops++
	if d.fault != nil {
		if err := d.fault(op, filepath.Base(name)); err != nil {
			return &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	run()
	return nil
}

func (d *testDisk) entry(change func(map[string]*inode)) {
	change(d.now)
	d.pending = append(d.pending, change)
}

func (d *testDisk) MkdirAll(string) error { return d.do("mkdir", "", func() {}) }

func (d *testDisk) List(string) (names []string, err error) {
	err = d.do("list", "", func() {
		for name := range d.now {
			names = append(names, filepath.Base(name))
		}
	})
	return names, err
}

func (d *testDisk) Open(name string, write bool) (f File, err error) {
	err = d.do("open", name, func() {
		if n := d.now[name]; n != nil {
			f = &testFile{d, n, name}
		}
	})
	if err == nil && f == nil {
		err = fs.ErrNotExist
	}
	return f, err
}

func (d *testDisk) Create(name string) (f File, err error) {
	err = d.do("create", name, func() {
		n := &inode{}
		d.entry(func(m map[string]*inode) { m[name] = n })
		f = &testFile{d, n, name}
	})
	return f, err
}

func (d *testDisk) Rename(from, to string) error {
	return d.do("rename", to, func() {
		n := d.now[from]
		d.entry(func(m map[string]*inode) {
			m[to] = n
			if m[from] == n {
				delete(m, from)
			}
		})
	})
}

func (d *testDisk) Remove(name string) error {
	return d.do("remove", name, func() {
		if n := d.now[name]; n != nil {
			d.entry(func(m map[string]*inode) {
				if m[name] == n {
					delete(m, name)
				}
			})
		}
	})
}

func (d *testDisk) SyncDir(string) error {
	return d.do("syncdir", "", func() {
		d.durable, d.pending = maps.Clone(d.now), nil
	})
}

func (d *testDisk) Lock(string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held {
		return nil, errHeld
	}
	d.held = true
	return unlock{d}, nil
}

type unlock struct{ *testDisk }

func (u unlock) Close() error {
	u.held = false
	return nil
}

type testFile struct {
	d    *testDisk
	n    *inode
	name string
}

func (f *testFile) Close() error { return nil }

func (f *testFile) Size() (size int64, err error) {
	err = f.d.do("size", f.name, func() { size = int64(len(f.n.data)) })
	return size, err
}

func (f *testFile) ReadAt(b []byte, off int64) (n int, err error) {
	err = f.d.do("read", f.name, func() {
		if off < int64(len(f.n.data)) {
			n = copy(b, f.n.data[off:])
		}
	})
	if err == nil && n < len(b) {
		err = io.EOF
	}
	return n, err
}

func (f *testFile) WriteAt(b []byte, off int64) (int, error) {
	put := func(b []byte) {
		f.n.data = append(f.n.data[:min(off, int64(len(f.n.data)))], b...)
	}
	if err := f.d.do("write", f.name, func() { put(b) }); err != nil {
		put(b[:len(b)/2]) // as a disk that fills up does
		return len(b) / 2, err
	}
	return len(b), nil
}

func (f *testFile) Truncate(size int64) error {
	return f.d.do("truncate", f.name, func() { f.n.data = f.n.data[:size] })
}

func (f *testFile) Sync() error {
	f.d.mu.Lock()
	slow := f.d.slow
	f.d.mu.Unlock()
	time.Sleep(slow)
	return f.d.do("sync", f.name, func() { f.n.synced = append([]byte(nil), f.n.data...) })
}

// crash is what another start of the machine finds: what was synced, and of the
// rest any part.
func (d *testDisk) crash(r *rand.Rand) *testDisk {
	names := maps.Clone(d.durable)
	for _, change := range d.pending {
		if r.IntN(2) == 0 {
			change(names)
		}
	}
	after, seen := newDisk(), map[*inode]*inode{}
	for name, n := range names {
		if seen[n] == nil {
			data := n.synced
			switch r.IntN(3) {
			case 0:
				data = n.data
			case 1: // torn, and the last block is junk
				if len(n.data) > len(n.synced) {
					cut := len(n.synced) + r.IntN(len(n.data)-len(n.synced)+1)
					data = append(append([]byte(nil), n.data[:cut]...), make([]byte, r.IntN(100))...)
				}
			}
			data = append([]byte(nil), data...)
			seen[n] = &inode{data, data}
		}
		after.now[name] = seen[n]
	}
	after.durable = maps.Clone(after.now)
	return after
}

// files copies the segments into a new disk.
func (d *testDisk) files() *testDisk {
	c := newDisk()
	for name, n := range d.now {
		c.now[name] = &inode{append([]byte(nil), n.data...), append([]byte(nil), n.data...)}
	}
	c.durable = maps.Clone(c.now)
	return c
}

func failing(err error, ops ...string) func(op, name string) error {
	return func(op, name string) error {
		for _, o := range ops {
			if o == op {
				return err
			}
		}
		return nil
	}
}

func once(t *testing.T, err error, op string) func(string, string) error {
	done := false
	t.Cleanup(func() {
		if !done {
			t.Errorf("no %s ever failed", op)
		}
	})
	return func(o, name string) error {
		if o != op || done {
			return nil
		}
		done = true
		return err
	}
}

var (
	errIO       = syscall.EIO
	errFull     = syscall.ENOSPC
	errReadOnly = syscall.EROFS
	errCrashed  = errors.New("crashed")
)
