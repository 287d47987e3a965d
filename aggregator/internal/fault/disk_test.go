package fault

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/agent"
)

var errStopped = errors.New("the machine stopped")

// A device is a file system in memory. What was not synced may be gone after a
// power cut, and fault decides which operations fail.
type device struct {
	rng   *rand.Rand
	names map[string]*inode // as a process sees them
	kept  map[string]*inode // as a power cut leaves them for sure
	ops   int
	fault func(op, name string) error // nil: none
}

type inode struct {
	data, synced []byte
	lost         [2]int // of data, what a failed sync has given up: a later one says nothing of it
}

func newDevice(rng *rand.Rand) *device {
	return &device{rng: rng, names: map[string]*inode{}, kept: map[string]*inode{}}
}

// fail counts an operation, and says why it is not done.
func (d *device) fail(op, name string) error {
	d.ops++
	if d.fault == nil {
		return nil
	}
	if err := d.fault(op, name); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// kill is the device as the next process finds it when one was killed: what was
// written is there, synced or not.
func (d *device) kill() *device {
	n, seen := newDevice(d.rng), map[*inode]*inode{}
	same := func(f *inode) *inode {
		if seen[f] == nil {
			seen[f] = &inode{slices.Clone(f.data), slices.Clone(f.synced), f.lost}
		}
		return seen[f]
	}
	for name, f := range d.names {
		n.names[name] = same(f)
	}
	for name, f := range d.kept {
		n.kept[name] = same(f)
	}
	return n
}

// cut is the device as the machine finds it when the power is back: of what was
// not synced, anything may have survived.
func (d *device) cut() *device {
	n, seen := newDevice(d.rng), map[*inode]*inode{}
	names := map[string]bool{}
	for name := range d.names {
		names[name] = true
	}
	for name := range d.kept {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		f := d.kept[name]
		if now := d.names[name]; now != f && d.rng.IntN(2) == 0 {
			f = now
		}
		if f == nil {
			continue
		}
		if seen[f] == nil {
			data := d.survives(f)
			seen[f] = &inode{data: data, synced: slices.Clone(data)}
		}
		n.names[name], n.kept[name] = seen[f], seen[f]
	}
	return n
}

// survives is what a power cut leaves of a file.
func (d *device) survives(f *inode) []byte {
	switch {
	case bytes.Equal(f.data, f.synced):
		return slices.Clone(f.synced)
	case bytes.HasPrefix(f.data, f.synced): // appended to: a part of it, and junk where its blocks were
		more := len(f.data) - len(f.synced)
		data := slices.Clone(f.data[:len(f.synced)+d.rng.IntN(more+1)])
		if len(data) < len(f.data) && d.rng.IntN(3) == 0 {
			data = append(data, make([]byte, d.rng.IntN(100))...)
		}
		return data
	case d.rng.IntN(2) == 0:
		return slices.Clone(f.data)
	}
	return slices.Clone(f.synced)
}

// shelf is the device as the ledger sees it.
type shelf struct{ *device }

func (d shelf) ReadFile(name string) ([]byte, error) {
	if err := d.fail("read", name); err != nil {
		return nil, err
	}
	f := d.names[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(f.data), nil
}

func (d shelf) ReadHead(name string, n int) ([]byte, error) {
	b, err := d.ReadFile(name)
	return b[:min(n, len(b))], err
}

func (d shelf) Write(name string, b []byte) error {
	err := d.fail("write", name)
	if err != nil { // as a disk that fills up does
		b = b[:d.rng.IntN(len(b)+1)]
	}
	d.names[name] = &inode{data: slices.Clone(b)}
	return err
}

func (d shelf) Append(name string, size int64, b []byte) error {
	err := d.fail("append", name)
	if err != nil {
		b = b[:d.rng.IntN(len(b)+1)]
	}
	f := d.names[name]
	if f == nil {
		f = &inode{}
		d.names[name] = f
	}
	f.lost[1] = min(f.lost[1], int(size)) // it is written again
	data := append(slices.Clone(f.data[:min(size, int64(len(f.data)))]), make([]byte, max(0, size-int64(len(f.data))))...)
	f.data = append(data, b...)
	return err
}

func (d shelf) Sync(name string) error {
	f := d.names[name]
	if f == nil {
		return fs.ErrNotExist
	}
	return f.sync(d.fail("sync", name))
}

// sync makes what was written durable, unless it fails: then the pages are gone, and those who
// read them see them until the power goes.
func (f *inode) sync(err error) error {
	if err != nil {
		if f.lost[1] == 0 && len(f.data) > len(f.synced) {
			f.lost = [2]int{len(f.synced), len(f.data)}
		}
		return err
	}
	if n := len(f.synced); n <= len(f.data) && bytes.Equal(f.data[:n], f.synced) { // appended to, for the most part
		f.synced = append(f.synced, f.data[n:]...)
	} else {
		f.synced = slices.Clone(f.data)
	}
	for i := f.lost[0]; i < min(f.lost[1], len(f.synced)); i++ {
		f.synced[i] = 0
	}
	return nil
}

func (d shelf) Rename(from, to string) error { return d.rename(from, to) }

func (d *device) rename(from, to string) error {
	if err := d.fail("rename", to); err != nil {
		return err
	}
	if d.names[from] == nil {
		return fs.ErrNotExist
	}
	d.names[to] = d.names[from]
	delete(d.names, from)
	return nil
}

func (d shelf) SyncDir(name string) error { return d.syncDir(name) }

func (d *device) syncDir(name string) error {
	if err := d.fail("syncdir", name); err != nil {
		return err
	}
	for n := range d.kept {
		if path.Dir(n) == name && d.names[n] == nil {
			delete(d.kept, n)
		}
	}
	for n, f := range d.names {
		if path.Dir(n) == name {
			d.kept[n] = f
		}
	}
	return nil
}

func (d shelf) MkdirAll(name string) error {
	for n := range d.names {
		if strings.HasPrefix(n, name+"/") {
			return nil
		}
	}
	return d.fail("mkdir", name)
}

func (d shelf) List(name string) ([]string, error) {
	if err := d.fail("list", name); err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for n := range d.names {
		if rest, ok := strings.CutPrefix(n, name+"/"); ok {
			first, _, _ := strings.Cut(rest, "/")
			found[first] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// drawer is the device as a spool sees it.
type drawer struct{ *device }

func (d drawer) MkdirAll(dir string) error          { return d.fail("mkdir", dir) }
func (d drawer) Rename(from, to string) error       { return d.rename(from, to) }
func (d drawer) SyncDir(dir string) error           { return d.syncDir(dir) }
func (d drawer) Lock(dir string) (io.Closer, error) { return io.NopCloser(nil), d.fail("lock", dir) }
func (d drawer) List(dir string) (ns []string, err error) {
	if err := d.fail("list", dir); err != nil {
		return nil, err
	}
	for name := range d.names {
		ns = append(ns, path.Base(name))
	}
	slices.Sort(ns)
	return ns, nil
}

func (d drawer) Open(name string, _ bool) (agent.File, error) {
	if err := d.fail("open", name); err != nil {
		return nil, err
	}
	f := d.names[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return &handle{d.device, f, name}, nil
}

func (d drawer) Create(name string) (agent.File, error) {
	if err := d.fail("create", name); err != nil {
		return nil, err
	}
	f := &inode{}
	d.names[name] = f
	return &handle{d.device, f, name}, nil
}

func (d drawer) Remove(name string) error {
	if err := d.fail("remove", name); err != nil {
		return err
	}
	delete(d.names, name)
	return nil
}

// handle is an open file of a spool.
type handle struct {
	d    *device
	f    *inode
	name string
}

func (h *handle) Close() error { return nil }

func (h *handle) Size() (int64, error) { return int64(len(h.f.data)), h.d.fail("size", h.name) }

func (h *handle) ReadAt(b []byte, off int64) (n int, err error) {
	if err := h.d.fail("read", h.name); err != nil {
		return 0, err
	}
	if off < int64(len(h.f.data)) {
		n = copy(b, h.f.data[off:])
	}
	if n < len(b) {
		err = io.EOF
	}
	return n, err
}

func (h *handle) WriteAt(b []byte, off int64) (int, error) {
	err := h.d.fail("write", h.name)
	if err != nil {
		b = b[:len(b)/2]
	}
	h.f.data = append(h.f.data[:min(off, int64(len(h.f.data)))], b...)
	return len(b), err
}

func (h *handle) Truncate(size int64) error {
	if err := h.d.fail("truncate", h.name); err != nil {
		return err
	}
	h.f.data = h.f.data[:min(size, int64(len(h.f.data)))]
	return nil
}

func (h *handle) Sync() error {
	return h.f.sync(h.d.fail("sync", h.name))
}
