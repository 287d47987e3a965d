package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A File is one that was read: its rows, what they are, and what is wrong with
// it. It must be closed.
type File struct {
	o      Options
	s      *survey
	pile   pile
	feeds  []*feed
	byName map[string]*feed
	latest *feed
	where  *clock
	line   int      // that is being read
	unit   struct { // that was read last
		text string
		unit unit
	}

	kind struct { // likewise
		text string
		kind Kind
		ok   bool
	}
	claim struct {
		text  string
		claim claim
		ok    bool
	}

	ID      string // by which what it holds can be taken back
	SHA256  string
	Bytes   int64
	Rows    int       // that hold a reading
	Taken   int       // of them, those that were understood
	Empty   int       // rows that hold nothing
	Missing int       // that have a time and no value
	Footers int       // that sum others
	Other   int       // of meters, registers that were not asked for
	Stops   []Problem // what must be said before it can be applied
	Notes   []string  // what people should look at
	bad     problems
	claimed [refused + 1]int
	sums    []account.Wide // that rows at the end say
}

// A feed is one meter of the file.
type feed struct {
	name     string // in the file; "": it names none
	index    uint16
	meter    *Meter // nil: it is not taken in
	problem  string // why not; "": nobody asked for it
	stopped  bool   // what must be said of the file says it, too
	fix      string
	metric   metric.Number
	kind     Kind
	labelled string
	step     Step
	starts   course
	ends     course
	register string
}

// sizer counts and hashes what is read.
type sizer struct {
	r   io.Reader
	sum hash.Hash
	n   int64
	ctx context.Context
}

func (s *sizer) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.r.Read(b)
	s.sum.Write(b[:n])
	s.n += int64(n)
	return n, err
}

// Read reads a file to its end. An error means that it could not be read; what is
// wrong with what it says, the File tells.
func Read(ctx context.Context, r io.Reader, o Options) (f *File, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Name == "" {
		o.Name = "the file"
	}
	f = &File{o: o, byName: map[string]*feed{}, pile: pile{folder: o.Folder, most: inMemory}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("read %s: %w", o.Name, err), f.Close())
			f = nil
		}
	}()
	in := &sizer{r: r, sum: sha256.New(), ctx: ctx}
	t, err := newTable(in)
	if err != nil {
		return f, err
	}
	sample, err := t.sample()
	if err != nil {
		return f, err
	}
	l, err := lay(sample, &o)
	if err != nil {
		return f, err
	}
	if f.s, f.Stops, err = look(sample, l, &o); err != nil {
		return f, err
	}
	f.settleKinds()
	t.by = l.by
	for {
		fields, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		switch {
		case t.line <= l.header:
		case errors.Is(err, errRow):
			f.Rows++
			f.bad.add(t.line, "", "look at this line and the next", "%s", strings.TrimPrefix(err.Error(), errRow.Error()+": "))
		case err != nil:
			return f, err
		default:
			if err := l.each(fields, func(fields [][]byte) error { return f.row(t.line, fields) }); err != nil {
				return f, err
			}
		}
	}
	f.Bytes, f.SHA256 = in.n, hex.EncodeToString(in.sum.Sum(nil))
	f.ID = f.identity()
	f.notes()
	return f, nil
}

// identity is of what was read and of which part of it: not of how it is
// understood, so that a file that is taken in again replaces itself.
func (f *File) identity() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n%s\n", f.SHA256, f.o.Meter, strings.Join(f.o.Registers, "\n"), f.o.Columns["value"])
	return "csv-" + hex.EncodeToString(h.Sum(nil))[:16]
}

// Close gives up what waits on disk.
func (f *File) Close() error { return f.pile.close() }

// stop says what must be said before f can be applied, once.
func (f *File) stop(column, fix, format string, args ...any) {
	p := Problem{Column: column, Text: fmt.Sprintf(format, args...), Fix: fix}
	if len(f.Stops) < mostProblems && !slices.Contains(f.Stops, p) {
		f.Stops = append(f.Stops, p)
	}
}

// note says what people should look at, once.
func (f *File) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	if len(f.Notes) < mostProblems && !slices.Contains(f.Notes, n) {
		f.Notes = append(f.Notes, n)
	}
}

// feed is the meter called name in the file, found or made.
func (f *File) feed(name []byte) (*feed, error) {
	if f.latest != nil && f.latest.name == string(name) {
		return f.latest, nil
	}
	if d := f.byName[string(name)]; d != nil {
		f.latest = d
		return d, nil
	}
	if len(f.feeds) == mostMeters {
		return nil, errMany
	}
	d := &feed{name: string(name), index: uint16(len(f.feeds))}
	f.feeds = append(f.feeds, d)
	f.byName[d.name], f.latest = d, d
	return d, f.match(d)
}

// match finds the meter of the site that d is of.
func (f *File) match(d *feed) error {
	wanted, as, chosen := strings.Cut(f.o.Meter, "=")
	name := d.name
	switch {
	case wanted == "" && name == "":
		d.problem, d.stopped = "the file does not name its meter", true
		f.stop("", "say -meter and one of the site's meters"+f.names(), "the file does not name its meters")
		return nil
	case wanted != "":
		m, err := f.o.find(wanted)
		if err != nil {
			return err
		}
		if m == nil {
			d.problem, d.stopped = fmt.Sprintf("the site has no meter %q", wanted), true
			f.stop("", "say -meter and one of the site's meters"+f.names(), "the site has no meter %q", wanted)
			return nil
		}
		if chosen && name != as || !chosen && name != "" && name != m.Name && name != m.File && len(f.s.meters) > 1 {
			return nil
		}
		d.meter = m
	default:
		m, err := f.o.find(name)
		if err != nil {
			return err
		}
		if m == nil {
			d.problem, d.fix = fmt.Sprintf("no meter of the site is called %q", short(name)), "say -meter METER="+short(name)+", or write it as csv.meter in the site file"
			return nil
		}
		d.meter = m
	}
	f.settle(d)
	return nil
}

// names are some of those that can be said.
func (f *File) names() string {
	var list []string
	for i := range f.o.Meters {
		if len(list) == 8 {
			list = append(list, "…")
			break
		}
		list = append(list, f.o.Meters[i].Name)
	}
	if len(list) == 0 {
		return ""
	}
	return ": " + strings.Join(list, ", ")
}

// find is the meter of the site that people or files call name; nil if there is
// none.
func (o *Options) find(name string) (*Meter, error) {
	for i := range o.Meters {
		if m := &o.Meters[i]; m.File == name || m.Name == name {
			return m, nil
		}
	}
	for i := range o.Meters {
		if m := &o.Meters[i]; strings.EqualFold(m.File, name) && name != "" || strings.EqualFold(m.Name, name) {
			return m, nil
		}
	}
	if o.Other == nil || name == "" {
		return nil, nil
	}
	m, ok, err := o.Other(name)
	if err != nil || !ok {
		return nil, err
	}
	return &m, nil
}

// Name is what people call f.
func (f *File) Name() string { return f.o.Name }
