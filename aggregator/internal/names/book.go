package names

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

// A Name is one with its key.
type Name struct {
	Key  string `json:"key"`
	Kind string `json:"kind"` // tenant or job
	Name string `json:"name"`
	Used string `json:"used"` // day of the newest use

	Secret string `json:"secret,omitempty"` // that hides the names of its jobs
}

// A Book is the names of a site. It is not for several goroutines.
type Book struct {
	path string
	now  func() time.Time
	all  []Name
	keys map[[2]string]int // by kind and name: index
	of   map[string]int    // by key
	seen os.FileInfo       // of the file when it was read
}

// mostBook bounds its file, and mostName a name.
const (
	mostBook = 64 << 20
	mostName = 4096
)

// Open reads the book of a site; there need not be one yet.
func Open(data, site string, now func() time.Time) (*Book, error) {
	b := &Book{path: filepath.Join(data, "names", site), now: now}
	return b, b.read()
}

func (b *Book) read() error {
	b.all, b.keys, b.of = nil, map[[2]string]int{}, map[string]int{}
	b.seen, _ = os.Stat(b.path) // before: what is changed meanwhile is read again
	text, err := os.ReadFile(b.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read names: %w", err)
	case len(text) == 0: // all of them were forgotten
		return nil
	case len(text) > mostBook:
		return fmt.Errorf("read names: %s has %d bytes, more than %d", b.path, len(text), mostBook)
	}
	for n, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		var x Name
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&x); err != nil {
			return fmt.Errorf("read names: %s, line %d: %w", b.path, n+1, err)
		}
		_, twice := b.of[x.Key]
		if _, again := b.keys[[2]string{x.Kind, x.Name}]; twice || again || x.Key == "" || x.Name == "" {
			return fmt.Errorf("read names: %s, line %d stands twice, or is empty", b.path, n+1)
		}
		b.put(x)
	}
	return nil
}

func (b *Book) put(x Name) {
	b.keys[[2]string{x.Kind, x.Name}], b.of[x.Key] = len(b.all), len(b.all)
	b.all = append(b.all, x)
}

// change makes a change to the file as it is now, alone.
func (b *Book) change(do func() (write bool, err error)) (err error) {
	if err := os.MkdirAll(filepath.Dir(b.path), 0o700); err != nil {
		return fmt.Errorf("keep names: %w", err)
	}
	held, err := durable.Lock(b.path+".lock", 0o600)
	if err != nil {
		return fmt.Errorf("lock names: %w", err)
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	if err := b.read(); err != nil {
		return err
	}
	write, err := do()
	if err != nil || !write {
		return err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	for i := range b.all {
		if err := e.Encode(&b.all[i]); err != nil {
			return fmt.Errorf("keep names: %w", err)
		}
	}
	if err := durable.Replace(b.path, out.Bytes(), 0o600); err != nil {
		return fmt.Errorf("keep names: %w", err)
	}
	return nil
}

// Key is what name is called; it is made and kept if there is none yet.
func (b *Book) Key(kind, name string) (string, error) {
	if isKey(kind, name) { // of somebody who was forgotten
		return name, nil
	}
	if name == "" || len(name) > mostName || strings.ContainsRune(name, '\n') {
		return "", fmt.Errorf("keep names: %.80q is no name", name)
	}
	today := b.now().UTC().Format(time.DateOnly)
	if i, ok := b.keys[[2]string{kind, name}]; ok && b.all[i].Used >= today {
		return b.all[i].Key, nil
	}
	key := ""
	err := b.change(func() (bool, error) {
		if i, ok := b.keys[[2]string{kind, name}]; ok {
			key = b.all[i].Key
			write := b.all[i].Used < today
			b.all[i].Used = max(b.all[i].Used, today)
			return write, nil
		}
		var err error
		if key, err = draw(kind); err != nil {
			return false, err
		}
		b.put(Name{Key: key, Kind: kind, Name: name, Used: today})
		return true, nil
	})
	return key, err
}

// isKey reports whether a name has the form of a key, which tells nothing.
func isKey(kind, name string) bool {
	text, ok := strings.CutPrefix(name, kind+"-")
	return ok && len(text) >= 16 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// draw draws a key.
func draw(kind string) (string, error) {
	var drawn [10]byte
	if _, err := rand.Read(drawn[:]); err != nil {
		return "", fmt.Errorf("draw a key: %w", err)
	}
	return kind + "-" + letters.EncodeToString(drawn[:]), nil
}

// Name is what key stands for; ok is false if nobody is known by it, or was
// forgotten.
func (b *Book) Name(key string) (n Name, ok bool) {
	i, ok := b.of[key]
	if !ok {
		return n, false
	}
	return b.all[i], true
}

// All are the names, in the order in which they came.
func (b *Book) All() []Name { return slices.Clone(b.all) }

// Forget forgets the names for which is holds, and returns their keys.
func (b *Book) Forget(is func(Name) bool) (keys []string, err error) {
	err = b.change(func() (bool, error) {
		kept := b.all[:0:0]
		for _, x := range b.all {
			if is(x) {
				keys = append(keys, x.Key)
				continue
			}
			kept = append(kept, x)
		}
		b.all, b.keys, b.of = nil, map[[2]string]int{}, map[string]int{}
		for _, x := range kept {
			b.put(x)
		}
		return len(keys) > 0, nil
	})
	return keys, err
}
