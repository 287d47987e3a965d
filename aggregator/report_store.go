package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A reportFolder keeps the reports of an aggregator.
//
//	DIR/report/SITE/YEAR/steps      one line a step, each naming the one before
//	DIR/report/SITE/YEAR/v1.json    the record of a version, as it was locked; v2.json …
//
// Files of records are never written again; lines are only added.
type reportFolder struct{ path string }

// mostFiling bounds a file of steps, and mostRecord one of a record.
const (
	mostFiling = 16 << 20
	mostRecord = 256 << 20
)

func (k reportFolder) dir(site string, year int) string {
	return filepath.Join(k.path, site, strconv.Itoa(year))
}

// filing reads the steps of a report.
func (k reportFolder) filing(site string, year int) (*report.Filing, error) {
	b, err := readBounded(filepath.Join(k.dir(site, year), "steps"), mostFiling)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read report of %s on %d: %w", site, year, err)
	}
	return report.ParseFiling(site, year, b)
}

// record is a locked record, byte for byte; version 0 is the newest.
func (k reportFolder) record(f *report.Filing, version int) ([]byte, error) {
	var at *report.Event
	for i := range f.Events {
		if e := &f.Events[i]; e.Action == report.ActLock && (version == 0 || e.Version == version) {
			at = e
		}
	}
	if at == nil {
		return nil, fmt.Errorf("report of %s on %d: no such version was locked", f.Site, f.Year)
	}
	b, err := readBounded(filepath.Join(k.dir(f.Site, f.Year), fmt.Sprintf("v%d.json", at.Version)), mostRecord)
	if err != nil {
		return nil, fmt.Errorf("read report of %s on %d: %w", f.Site, f.Year, err)
	}
	if err := at.Holds(b); err != nil {
		return nil, fmt.Errorf("report of %s on %d: %w", f.Site, f.Year, err)
	}
	return b, nil
}

// locked are the newest locked records of all sites and years.
func (k reportFolder) locked() (all []*report.Record, err error) {
	paths, err := filepath.Glob(filepath.Join(k.path, "*", "*", "steps"))
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	for _, p := range paths { // sorted
		dir := filepath.Dir(p)
		site := filepath.Base(filepath.Dir(dir))
		year, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || !metric.ValidName(site) {
			continue
		}
		f, err := k.filing(site, year)
		if err != nil {
			return nil, err
		}
		if f.Newest() == nil {
			continue
		}
		b, err := k.record(f, 0)
		if err != nil {
			return nil, err
		}
		r, err := report.ParseRecord(b)
		if err != nil {
			return nil, fmt.Errorf("report of %s on %d: %w", site, year, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// before is the newest locked record of the year before r; nil if none was locked.
func (k reportFolder) before(r *report.Record) (*report.Record, error) {
	f, err := k.filing(r.Site, r.Period.Year-1)
	if err != nil || f.Newest() == nil {
		return nil, err
	}
	b, err := k.record(f, 0)
	if err != nil {
		return nil, err
	}
	return report.ParseRecord(b)
}

// add keeps a step, and the record before it where that is locked. Another process
// that did so meanwhile is found by the file it has made longer.
func (k reportFolder) add(f *report.Filing, line []byte, r *report.Record, lock bool) (err error) {
	dir := k.dir(f.Site, f.Year)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	steps, err := os.OpenFile(filepath.Join(dir, "steps"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	defer func() { err = errors.Join(err, steps.Close()) }()
	if err := syscall.Flock(int(steps.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock report: %w", err)
	}
	now, err := k.filing(f.Site, f.Year)
	if err != nil {
		return err
	}
	if len(now.Events) != len(f.Events)-1 {
		return fmt.Errorf("report of %s on %d: somebody else took a step meanwhile; look at it and try again", f.Site, f.Year)
	}
	if lock {
		b, err := r.JSON()
		if err != nil {
			return err
		}
		if err := keepOnce(filepath.Join(dir, fmt.Sprintf("v%d.json", f.Version())), b); err != nil {
			return err
		}
	}
	if _, err := steps.Write(line); err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	if err := steps.Sync(); err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	return syncFolder(dir)
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

func syncFolder(path string) (err error) {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
}

// readBounded reads a file of at most so many bytes.
func readBounded(path string, most int64) ([]byte, error) {
	i, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if i.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, i.Size(), most)
	}
	return os.ReadFile(path)
}
