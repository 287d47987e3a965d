package desk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Folder keeps the reports of an aggregator.
//
//	SITE/YEAR/steps      one line a step, each naming the one before, and a last one of
//	                     their sum: nothing else would tell that the newest was changed
//	SITE/YEAR/v1.json    the record of a version, as it was locked; v2.json …
//	SITE/YEAR/v1.trace   the hours behind it, as they were then
//	SITE/YEAR/lock       held while one of these is written
//
// Files of records are never written again; lines are only added.
type Folder struct{ path string }

// NewFolder is that of the data folder of an aggregator.
func NewFolder(data string) Folder { return Folder{filepath.Join(data, "report")} }

// mostFiling bounds a file of steps, and mostRecord one of a record.
const (
	mostFiling = 16 << 20
	mostRecord = 256 << 20
)

// ErrMeanwhile means that somebody else took a step.
var ErrMeanwhile = errors.New("somebody else took a step meanwhile; look at it and try again")

func (k Folder) dir(site string, year int) string {
	return filepath.Join(k.path, site, strconv.Itoa(year))
}

// steps are the bytes of the steps of a report; none if there are none.
func (k Folder) steps(site string, year int) ([]byte, error) {
	b, err := k.read(site, year, "steps", mostFiling)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read report of %s on %d: %w", site, year, err)
	}
	at := bytes.LastIndexByte(bytes.TrimSuffix(b, []byte("\n")), '\n') + 1
	if !bytes.HasPrefix(b[at:], []byte(sumWord)) { // of before sums were kept
		return b, nil
	}
	if string(b[at:]) != sumLine(b[:at]) {
		return nil, fmt.Errorf("read filing of %s, %d: line %d is not the sum of those before: one of them was changed", site, year, bytes.Count(b, []byte("\n")))
	}
	return b[:at], nil
}

const sumWord = "sum "

// sumLine is the line behind some.
func sumLine(lines []byte) string { return sumWord + report.Hash(lines) + "\n" }

// Filing reads the steps of a report.
func (k Folder) Filing(site string, year int) (*report.Filing, error) {
	b, err := k.steps(site, year)
	if err != nil {
		return nil, err
	}
	return report.ParseFiling(site, year, b)
}

// Record is a locked record, byte for byte; version 0 is the newest.
func (k Folder) Record(f *report.Filing, version int) ([]byte, error) {
	at := f.Locked(version)
	if at == nil {
		return nil, fmt.Errorf("report of %s on %d: no such version was locked", f.Site, f.Year)
	}
	b, err := k.read(f.Site, f.Year, recordName(at.Version), mostRecord)
	if err != nil {
		return nil, fmt.Errorf("read report of %s on %d: %w", f.Site, f.Year, err)
	}
	if err := at.Holds(b); err != nil {
		return nil, fmt.Errorf("report of %s on %d: %w", f.Site, f.Year, err)
	}
	return b, nil
}

// Trace is the hours behind a locked record; nil if none were kept with it.
func (k Folder) Trace(f *report.Filing, version int) (*report.Trace, error) {
	at := f.Locked(version)
	if at == nil || at.Trace == "" {
		return nil, nil
	}
	b, err := k.read(f.Site, f.Year, traceName(at.Version), mostRecord)
	if err != nil {
		return nil, fmt.Errorf("read report of %s on %d: %w", f.Site, f.Year, err)
	}
	if err := at.HoldsTrace(b); err != nil {
		return nil, fmt.Errorf("report of %s on %d: %w", f.Site, f.Year, err)
	}
	t, err := report.ParseTrace(b)
	if err != nil {
		return nil, fmt.Errorf("report of %s on %d: %w", f.Site, f.Year, err)
	}
	return t, nil
}

func recordName(version int) string { return fmt.Sprintf("v%d.json", version) }

func traceName(version int) string { return fmt.Sprintf("v%d.trace", version) }

// A yearOf is a year of which something is kept.
type yearOf struct {
	site string
	year int
}

// years are those of which something is kept, by site and year.
func (k Folder) years() (all []yearOf, err error) {
	paths, err := filepath.Glob(filepath.Join(k.path, "*", "*", "steps"))
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	for _, p := range paths { // sorted
		dir := filepath.Dir(p)
		site := filepath.Base(filepath.Dir(dir))
		if year, err := strconv.Atoi(filepath.Base(dir)); err == nil && metric.ValidName(site) {
			all = append(all, yearOf{site, year})
		}
	}
	return all, nil
}

// Locked are the newest locked records of all sites and years.
func (k Folder) Locked() (all []*report.Record, err error) {
	years, err := k.years()
	if err != nil {
		return nil, err
	}
	for _, y := range years {
		f, err := k.Filing(y.site, y.year)
		if err != nil {
			return nil, err
		}
		if f.Newest() == nil {
			continue
		}
		r, err := k.parsed(f)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// parsed is the newest locked record of f.
func (k Folder) parsed(f *report.Filing) (*report.Record, error) {
	b, err := k.Record(f, 0)
	if err != nil {
		return nil, err
	}
	r, err := report.ParseRecord(b)
	if err != nil {
		return nil, fmt.Errorf("report of %s on %d: %w", f.Site, f.Year, err)
	}
	return r, nil
}

// Before is the newest locked record of the year before r; nil if none was locked.
func (k Folder) Before(r *report.Record) (*report.Record, error) {
	f, err := k.Filing(r.Site, r.Period.Year-1)
	if err != nil || f.Newest() == nil {
		return nil, err
	}
	return k.parsed(f)
}

// Add keeps a step that was added to f, and before it the files that it names. If
// another was taken since f was read, nothing changes.
func (k Folder) Add(f *report.Filing, line []byte, files map[string][]byte) (err error) {
	dir := k.dir(f.Site, f.Year)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	held, err := durable.Lock(filepath.Join(dir, "lock"), 0o640)
	if err != nil {
		return fmt.Errorf("lock report: %w", err)
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	was, err := k.steps(f.Site, f.Year)
	if err != nil {
		return err
	}
	all := slices.Concat(was, line)
	switch now, err := report.ParseFiling(f.Site, f.Year, was); {
	case err != nil:
		return err
	case len(now.Events) != len(f.Events)-1:
		return fmt.Errorf("report of %s on %d: %w", f.Site, f.Year, ErrMeanwhile)
	}
	if _, err := report.ParseFiling(f.Site, f.Year, all); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := keepOnce(filepath.Join(dir, name), files[name]); err != nil {
			return err
		}
	}
	// Whole, and not at its end: half a line would be a report that nobody can read.
	if err := durable.Replace(filepath.Join(dir, "steps"), slices.Concat(all, []byte(sumLine(all))), 0o640); err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	return nil
}

// keepOnce writes a file that is not there yet, or is the same: a crash may have
// come between it and its step.
func keepOnce(path string, b []byte) error {
	if was, err := os.ReadFile(path); err == nil && bytes.Equal(was, b) {
		return nil
	}
	if err := durable.Replace(path, b, 0o440); err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	return nil
}

// read reads a file of a report, of at most so many bytes. Neither a name nor a link
// leads out of the folder.
func (k Folder) read(site string, year int, name string, most int64) (b []byte, err error) {
	if !metric.ValidName(site) {
		return nil, fmt.Errorf("%q is no site's name", site)
	}
	root, err := os.OpenRoot(k.path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(filepath.Join(site, strconv.Itoa(year), name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if b, err = io.ReadAll(io.LimitReader(f, most+1)); err == nil && int64(len(b)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return b, err
}
