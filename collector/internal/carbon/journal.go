package carbon

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// An entry is one line of the journal: a figure that a provider said, or what a
// slot came to use. A line is its checksum, a space and the entry as JSON.
type entry struct {
	Kind      string   `json:"k"` // figure, use, revise, or start: the first slot that was read
	Quantity  Quantity `json:"q"`
	Slot      slot     `json:"i,omitempty"` // of use, revise and start
	Provider  string   `json:"p,omitempty"`
	From      int64    `json:"f,omitempty"`
	To        int64    `json:"t,omitempty"`
	Value     float64  `json:"v"`
	Basis     Basis    `json:"b,omitempty"`
	Set       string   `json:"s,omitempty"`
	Published int64    `json:"pub,omitempty"`
	Fetched   int64    `json:"at,omitempty"`
	Revised   uint64   `json:"r,omitempty"`
	Late      bool     `json:"late,omitempty"`  // of use
	Found     int64    `json:"found,omitempty"` // ms, of a revision
	Was       *entry   `json:"was,omitempty"`   // of a revision; nil: nothing
}

func figureEntry(q Quantity, provider string, f *figure) entry {
	return entry{Kind: "figure", Quantity: q, Provider: provider, From: f.from, To: f.to, Value: f.value, Basis: f.basis,
		Set: f.set, Published: f.published, Fetched: f.fetched}
}

func useEntry(q Quantity, at slot, u *used) entry {
	e := figureEntry(q, u.provider, &u.figure)
	e.Kind, e.Slot, e.Revised, e.Late = "use", at, u.revised, u.late
	return e
}

func reviseEntry(q Quantity, at slot, u *used, found time.Time, was *choice, had bool) entry {
	e := useEntry(q, at, u)
	e.Kind, e.Found = "revise", found.UnixMilli()
	if had {
		w := figureEntry(q, was.provider, &was.figure)
		e.Was = &w
	}
	return e
}

func (e *entry) choice() choice {
	return choice{figure{e.From, e.To, e.Value, e.Basis, e.Set, e.Published, e.Fetched}, e.Provider}
}

// well reports whether e can have been written here.
func (e *entry) well() bool {
	if e.Quantity >= quantities || math.Abs(float64(e.Slot)) > 1<<40 || e.Found < 0 || e.Found > 1<<52 {
		return false
	}
	f := e.choice().figure
	first, end, ok := f.slots()
	switch e.Kind {
	case "start":
		return true
	case "figure", "use", "revise":
		return ok && e.Quantity.sane(e.Value) && e.Basis != 0 && e.Basis < bases && (e.Kind == "figure" || first <= e.Slot && e.Slot < end) &&
			(e.Kind != "figure" || !e.Basis.derived()) && (e.Kind != "revise" || e.Revised > 0) && (e.Was == nil || e.Was.Kind == "figure" && e.Was.Was == nil)
	}
	return false
}

// A journal keeps entries in a file that only grows, until it is written anew.
type journal struct {
	path  string
	file  *os.File
	lines int // in the file
	base  int // of them when it was written anew
}

// mostJournal is how much of a journal is read.
const mostJournal = 256 << 20

var errDamaged = errors.New("damaged")

// appendLine appends e as a line.
func appendLine(b []byte, e *entry) ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return b, fmt.Errorf("encode entry: %w", err)
	}
	return append(appendSum(b, text), '\n'), nil
}

// appendSum appends text with its checksum before it.
func appendSum(b, text []byte) []byte {
	return append(fmt.Appendf(b, "%08x ", crc32.ChecksumIEEE(text)), text...)
}

// parseLine is the entry of a line.
func parseLine(line []byte) (e entry, err error) {
	sum, text, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(sum) != 8 {
		return e, errDamaged
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || uint32(want) != crc32.ChecksumIEEE(text) {
		return e, errDamaged
	}
	if err := json.Unmarshal(text, &e); err != nil || !e.well() {
		return e, errDamaged
	}
	return e, nil
}

// readJournal hands the entries of the file at path to take, and counts the lines
// that are damaged: the last may have been cut off.
func readJournal(path string, take func(*entry)) (damaged int, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read grid journal: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, mostJournal))
	lines.Buffer(nil, 64<<10)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		e, err := parseLine(lines.Bytes())
		if err != nil {
			damaged++
			continue
		}
		take(&e)
	}
	if err := lines.Err(); err != nil {
		return damaged, fmt.Errorf("read grid journal: %w", err)
	}
	return damaged, nil
}

// rewrite makes the file anew from all that counts, in one step.
func (j *journal) rewrite(all []entry) error {
	if err := j.close(); err != nil {
		return err
	}
	f, err := os.OpenFile(j.path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write grid journal: %w", err)
	}
	w := bufio.NewWriter(f)
	var line []byte
	for i := range all {
		if line, err = appendLine(line[:0], &all[i]); err != nil {
			break
		}
		if _, err = w.Write(line); err != nil {
			break
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(j.path+".new", j.path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(j.path))
	}
	if err != nil {
		return fmt.Errorf("write grid journal: %w", err)
	}
	j.lines, j.base = len(all), len(all)
	return nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// add appends entries and waits until they are durable.
func (j *journal) add(list []entry) error {
	if len(list) == 0 {
		return nil
	}
	var b []byte
	var err error
	for i := range list {
		if b, err = appendLine(b, &list[i]); err != nil {
			return err
		}
	}
	if j.file == nil {
		if j.file, err = os.OpenFile(j.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
			return fmt.Errorf("write grid journal: %w", err)
		}
		b = append([]byte("\n"), b...) // ends a line that was cut off
	}
	if _, err = j.file.Write(b); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write grid journal: %w", errors.Join(err, j.close()))
	}
	j.lines += len(list)
	return nil
}

// grown reports whether the file has so much in it that is overtaken that it is
// worth writing anew.
func (j *journal) grown() bool { return j.lines > 2*j.base+20_000 }

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}
