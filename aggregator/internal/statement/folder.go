package statement

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

// What a line of the log tells of.
const (
	ActSign   = "sign"   // a file was signed and handed out
	ActJoin   = "join"   // one with names
	ActForget = "forget" // names were forgotten; Keys are theirs
)

// A Line is one of the log. Nobody but who did it is named.
type Line struct {
	At      string   `json:"at"` // UTC
	Action  string   `json:"action"`
	By      string   `json:"by,omitempty"`
	Account string   `json:"account,omitempty"` // of the operating system
	Role    string   `json:"role,omitempty"`    // of whom the server knew by a token or a certificate; "": By is as it was typed
	Kind    string   `json:"kind,omitempty"`
	Period  string   `json:"period,omitempty"`
	Whose   string   `json:"whose,omitempty"`
	Format  string   `json:"format,omitempty"`
	SHA256  string   `json:"sha256,omitempty"` // of the file that was handed out
	Kept    string   `json:"kept,omitempty"`   // of the statement as it is kept
	Leaves  int64    `json:"log_leaves,omitempty"`
	Root    string   `json:"log_root,omitempty"`
	Keys    []string `json:"keys,omitempty"`
	Text    string   `json:"text,omitempty"`
	Prev    string   `json:"prev"` // SHA-256 of the line before; - for the first
}

// A Folder keeps statements of an aggregator.
type Folder struct{ path string }

// NewFolder is that of the data folder of an aggregator.
func NewFolder(data string) Folder { return Folder{filepath.Join(data, "statement")} }

func (f Folder) dir(site string) string { return filepath.Join(f.path, site) }

// Sites are those that have statements, sorted.
func (f Folder) Sites() (sites []string, err error) {
	list, err := os.ReadDir(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("list statements: %w", err)
	}
	for _, e := range list {
		if e.IsDir() {
			sites = append(sites, e.Name())
		}
	}
	return sites, nil
}

// mostLog bounds a log, and mostStatement a statement.
const (
	mostLog       = 64 << 20
	mostStatement = 256 << 20
)

// read reads a file of a site, of at most so many bytes. Neither a name nor a link leads
// out of the folder.
func (f Folder) read(site, name string, most int64) (b []byte, err error) {
	root, err := os.OpenRoot(f.path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	in, err := root.Open(filepath.Join(site, name))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if b, err = io.ReadAll(io.LimitReader(in, most+1)); err == nil && int64(len(b)) > most {
		return nil, fmt.Errorf("%s of %s has more than %d bytes", name, site, most)
	}
	return b, err
}

// held does something alone.
func (f Folder) held(site string, do func() error) (err error) {
	if err := os.MkdirAll(f.dir(site), 0o750); err != nil {
		return fmt.Errorf("keep statement: %w", err)
	}
	lock, err := durable.Lock(filepath.Join(f.dir(site), "lock"), 0o640)
	if err != nil {
		return fmt.Errorf("lock statements: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return do()
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Log reads the lines of a site, and holds each against the one before.
func (f Folder) Log(site string) (lines []Line, err error) {
	lines, _, _, err = f.log(site)
	return lines, err
}

func (f Folder) log(site string) (lines []Line, text []byte, last string, err error) {
	last = "-"
	switch text, err = f.read(site, "log", mostLog); {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil, last, nil
	case err != nil:
		return nil, nil, "", fmt.Errorf("read statements: %w", err)
	}
	for rest := text; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		rest = after
		var l Line
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		switch err := d.Decode(&l); {
		case !whole:
			return nil, nil, "", fmt.Errorf("read statements of %s: line %d has no end", site, len(lines)+1)
		case err != nil:
			return nil, nil, "", fmt.Errorf("read statements of %s: line %d is spoilt: %w", site, len(lines)+1, err)
		case l.Prev != last:
			return nil, nil, "", fmt.Errorf("read statements of %s: line %d does not follow the one before it: one of them was changed", site, len(lines)+1)
		}
		lines, last = append(lines, l), hash(line)
	}
	return lines, text, last, nil
}

// Add keeps a line, and before it a statement, by whose hash it is called; nil: none.
func (f Folder) Add(site string, l Line, statement []byte) error {
	return f.held(site, func() error {
		_, text, last, err := f.log(site)
		if err != nil {
			return err
		}
		if statement != nil {
			l.Kept = hash(statement)
			path := filepath.Join(f.dir(site), l.Kept+".json")
			if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
				err = durable.Replace(path, statement, 0o440)
				if err != nil {
					return fmt.Errorf("keep statement: %w", err)
				}
			}
		}
		l.Prev = last
		line, err := json.Marshal(l)
		if err != nil {
			return fmt.Errorf("keep statement: %w", err)
		}
		if err := durable.Replace(filepath.Join(f.dir(site), "log"), slices.Concat(text, line, []byte("\n")), 0o640); err != nil {
			return fmt.Errorf("keep statement: %w", err)
		}
		return nil
	})
}

// Check holds the log of a site against itself, and each statement that is kept
// against its hash.
func (f Folder) Check(site string) (lines, files int, err error) {
	all, err := f.Log(site)
	if err != nil {
		return 0, 0, err
	}
	seen := map[string]bool{}
	for i := range all {
		name := all[i].Kept
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		b, err := f.read(site, name+".json", mostStatement)
		if err != nil {
			return 0, 0, fmt.Errorf("statements of %s: line %d: %w", site, i+1, err)
		}
		if hash(b) != name {
			return 0, 0, fmt.Errorf("statements of %s: %s.json was changed after it was kept", site, name)
		}
	}
	return len(all), len(seen), nil
}
