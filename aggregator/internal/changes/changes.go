// Package changes keeps who changed what by HTTP, so that a line that was changed, taken
// out or put in shows.
//
//	change asked for ─▶ a line, on disk ─▶ the change ─▶ a line of what came of it
//
//	HASH {"at":…,"by":…,"route":…,"prev":HASH of the line before}
//
// A change whose line cannot be written is not made. The hash of each line is in the
// program's own log as well: who can write to the file can also make up a whole chain, or
// cut lines from its end, and not change what another machine has heard.
//
// No parameters are kept, as they may name people who have a right to be forgotten.
package changes

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A Change is what somebody asked for.
type Change struct {
	By, Role     string
	Method, Path string
	Route        string
	Site         string
}

// line is one of the file.
type line struct {
	At     string `json:"at"` // UTC
	By     string `json:"by,omitempty"`
	Role   string `json:"role,omitempty"`
	Method string `json:"method,omitempty"`
	Route  string `json:"route,omitempty"`
	Path   string `json:"path,omitempty"`
	Site   string `json:"site,omitempty"`
	Of     string `json:"of,omitempty"`     // hash of the line of the change that was answered
	Answer int    `json:"answer,omitempty"` // status of HTTP
	Prev   string `json:"prev"`             // hash of the line before; - of the first
}

const (
	first    = "-"
	mostLine = 4 << 10
	mostText = 300 // of a path
)

// File is where the lines are, in the data folder of an aggregator.
func File(data string) string { return filepath.Join(data, "changes") }

// A Log adds lines. It is used from many goroutines at once.
type Log struct {
	mu   sync.Mutex
	file *os.File
	size int64 // of whole lines
	last string
}

// Open opens the log of a data folder. A last line that a crash cut short is cut off.
// broken says what else does not hold: lines go on behind it, and [Check] names it from
// then on.
func Open(data string) (l *Log, broken, err error) {
	f, err := os.OpenFile(File(data), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, nil, fmt.Errorf("open the log of changes: %w", err)
	}
	_, last, size, broken := read(f)
	if errors.Is(broken, errTorn) {
		broken = nil
	}
	if err := f.Truncate(size); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open the log of changes: %w", err), f.Close())
	}
	return &Log{file: f, size: size, last: last}, broken, nil
}

// Close ends it.
func (l *Log) Close() error { return l.file.Close() }

// Ask keeps that a change is asked for, and is its hash.
func (l *Log) Ask(c Change) (hash string, err error) {
	return l.add(line{By: c.By, Role: c.Role, Method: c.Method, Route: c.Route, Path: c.Path[:min(len(c.Path), mostText)], Site: c.Site[:min(len(c.Site), mostText)]})
}

// Answer keeps what came of one.
func (l *Log) Answer(of string, status int) error {
	_, err := l.add(line{Of: of, Answer: status})
	return err
}

func (l *Log) add(x line) (hash string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x.At, x.Prev = time.Now().UTC().Format(time.RFC3339Nano), l.last
	b, err := json.Marshal(x)
	if err != nil {
		return "", fmt.Errorf("keep a change: %w", err)
	}
	hash = sum(b)
	b = append(append([]byte(hash+" "), b...), '\n')
	if _, err = l.file.WriteAt(b, l.size); err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("keep a change: %w", err), l.file.Truncate(l.size))
	}
	l.size, l.last = l.size+int64(len(b)), hash
	return hash, nil
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Check holds the log of a data folder against itself, and is how many lines it has and
// the hash of the last; [os.ErrNotExist] if there is none.
func Check(data string) (lines int, last string, err error) {
	f, err := os.Open(File(data))
	if err != nil {
		return 0, "", fmt.Errorf("read the log of changes: %w", err)
	}
	defer f.Close()
	if lines, last, _, err = read(f); errors.Is(err, errTorn) {
		err = nil // it is being written, or was when the power failed
	}
	if err != nil {
		return lines, last, fmt.Errorf("log of changes: %w", err)
	}
	return lines, last, nil
}

var errTorn = errors.New("the last line has no end")

// read reads lines to their end, and is the first thing that does not hold of them.
func read(r io.Reader) (lines int, last string, size int64, broken error) {
	last = first
	for in := bufio.NewReaderSize(r, mostLine); ; lines++ {
		b, err := in.ReadSlice('\n')
		switch {
		case err == io.EOF && len(b) == 0:
			return lines, last, size, broken
		case err == io.EOF:
			return lines, last, size, errors.Join(broken, errTorn)
		case errors.Is(err, bufio.ErrBufferFull):
			long := int64(0)
			for errors.Is(err, bufio.ErrBufferFull) { // whatever it is, the lines behind it are looked at
				long += int64(len(b))
				b, err = in.ReadSlice('\n')
			}
			if err != nil {
				return lines, last, size, errors.Join(broken, errTorn)
			}
			size += long
		case err != nil:
			return lines, last, size, errors.Join(broken, err)
		}
		size += int64(len(b))
		hash, text, _ := bytes.Cut(bytes.TrimSuffix(b, []byte("\n")), []byte(" "))
		var x line
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if broken == nil {
			switch err := d.Decode(&x); {
			case sum(text) != string(hash) || err != nil:
				broken = fmt.Errorf("line %d was changed", lines+1)
			case x.Prev != last:
				broken = fmt.Errorf("line %d does not follow the one before it: one was taken out, put in or moved", lines+1)
			}
		}
		last = sum(text)
	}
}
