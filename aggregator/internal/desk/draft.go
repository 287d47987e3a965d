package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

const (
	mostDrafts  = 4 // kept at once: some 20 MB each
	mostFlights = 8 // made, or waiting to be
	// keepDraft is how long one is kept at most: a change of a file that its times do
	// not tell is found by then. That of a year that is not over is, until the hour is.
	keepDraft = 10 * time.Minute
	// glance is how long nothing is looked at again: a page asks several things at once.
	glance = 2 * time.Second
)

// A flight is a record being made, for all who want it.
type flight struct {
	done  chan struct{}
	draft *Draft
	err   error
}

// draft is the record of a year as it is now: kept, or made.
func (d *Desk) draft(ctx context.Context, name string, year int) (*Draft, error) {
	return d.made(ctx, name, year, true)
}

// anew is one that is made now.
func (d *Desk) anew(ctx context.Context, name string, year int) (*Draft, error) {
	return d.made(ctx, name, year, false)
}

func (d *Desk) made(ctx context.Context, name string, year int, kept bool) (*Draft, error) {
	s, _, err := d.described(name)
	if err != nil {
		return nil, err
	}
	key := yearOf{name, year}
	if kept {
		if x := d.kept(key, s); x != nil {
			return x, nil
		}
	}
	d.mu.Lock()
	f := d.flights[key]
	if f != nil && !kept { // it may have begun before what is to be signed was there
		d.mu.Unlock()
		if err := f.wait(ctx); err != nil {
			return nil, err
		}
		return d.made(ctx, name, year, false)
	}
	if f == nil {
		if len(d.flights) >= mostFlights || d.ctx.Err() != nil {
			d.mu.Unlock()
			return nil, fmt.Errorf("%w: %d others wait to be made", query.ErrMaking, mostFlights)
		}
		f = &flight{done: make(chan struct{})}
		d.flights[key] = f
		d.work.Go(func() { d.fly(key, f) })
	}
	d.mu.Unlock()
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	return f.draft, f.err
}

// wait waits for f, as long as there is time.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return query.ErrMaking
	}
}

// fly makes a record, when it is its turn.
func (d *Desk) fly(key yearOf, f *flight) {
	began, before := d.c.Now(), ""
	select {
	case d.one <- struct{}{}:
		began, before = d.c.Now(), d.stateOf(key)
		f.draft, f.err = d.Make(d.ctx, key.site, key.year, "")
		<-d.one
	case <-d.ctx.Done():
		f.err = d.ctx.Err()
	}
	switch {
	case f.err == nil:
		f.draft.state, f.draft.checked = before, d.c.Now()
		if before != d.stateOf(key) {
			f.draft.state = "" // it is given out, and not kept
		}
		d.c.Logger.Info("record made", "site", key.site, "year", key.year, "files", f.draft.Record.Ledger.Files, "seconds", d.c.Now().Sub(began).Seconds())
	case !errors.Is(f.err, context.Canceled):
		d.c.Logger.Warn("record not made", "site", key.site, "year", key.year, "error", f.err)
	}
	d.mu.Lock()
	delete(d.flights, key)
	d.drafts = slices.DeleteFunc(d.drafts, func(x *Draft) bool { return x.key() == key })
	if f.err == nil && f.draft.state != "" {
		if d.drafts = append(d.drafts, f.draft); len(d.drafts) > mostDrafts {
			d.drafts = slices.Delete(d.drafts, 0, 1)
		}
	}
	d.mu.Unlock()
	close(f.done)
}

func (x *Draft) key() yearOf { return yearOf{x.Record.Site, x.Record.Period.Year} }

// kept is a draft that still holds; nil if there is none.
func (d *Desk) kept(key yearOf, s *Described) *Draft {
	d.mu.Lock()
	i := slices.IndexFunc(d.drafts, func(x *Draft) bool { return x.key() == key })
	if i < 0 {
		d.mu.Unlock()
		return nil
	}
	x, now := d.drafts[i], d.c.Now()
	checked := x.checked
	d.mu.Unlock()
	if _, to := s.span(key.year); x.of.Site != s.Site || now.Sub(x.Made) > keepDraft && !now.Before(to) {
		return nil
	}
	if now.Sub(checked) > glance && d.stateOf(key) != x.state {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(x.checked) > glance {
		x.checked = now
	}
	if i := slices.Index(d.drafts, x); i >= 0 {
		d.drafts = append(slices.Delete(d.drafts, i, i+1), x)
	}
	return x
}

// stateOf tells whether anything that a record is made of has changed: the site
// files in force, the sealed hours, the steps of all reports, the temperatures; and
// of a year that is not over, the hour that is.
func (d *Desk) stateOf(key yearOf) string {
	h := sha256.New()
	now := d.c.Now()
	for _, s := range d.c.Sites() {
		fmt.Fprintf(h, "site %p %s\n", s.Site, s.Basis.Version())
		if s.Site.Token != key.site {
			continue
		}
		if path, _ := s.weather(key.year); path != "" {
			stat(h, path)
		}
		if _, to := s.span(key.year); now.Before(to) {
			fmt.Fprintln(h, now.Unix()/3600)
		}
	}
	folder(h, filepath.Join(d.c.Data, "ledger", key.site, "hours"), strconv.Itoa(key.year), strconv.Itoa(key.year-1), strconv.Itoa(key.year+1)+"-01-01T")
	years, err := d.Folder.years()
	fmt.Fprintln(h, err)
	for _, y := range years {
		folder(h, d.Folder.dir(y.site, y.year), "steps", "v")
	}
	return hex.EncodeToString(h.Sum(nil))
}

// folder writes what the files of one are that begin with one of some words.
func folder(h io.Writer, path string, words ...string) {
	list, err := os.ReadDir(path)
	if err != nil {
		fmt.Fprintln(h, path, err)
		return
	}
	for _, e := range list {
		if slices.ContainsFunc(words, func(w string) bool { return len(e.Name()) >= len(w) && e.Name()[:len(w)] == w }) {
			stat(h, filepath.Join(path, e.Name()))
		}
	}
}

func stat(h io.Writer, path string) {
	i, err := os.Stat(path)
	if err != nil {
		fmt.Fprintln(h, path, err)
		return
	}
	fmt.Fprintln(h, path, i.Size(), i.ModTime().UnixNano())
}
