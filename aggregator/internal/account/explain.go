package account

import "github.com/gigawatch/gigawatch/collector/metric"

// An EntryKind says what an entry stands on.
type EntryKind string

const (
	EntryHour        EntryKind = "hour"        // a row of a sealed hour
	EntryRestatement EntryKind = "restatement" // a row of what came after that
	EntryOpen        EntryKind = "open"        // a row of what is not sealed
	EntryCorrection  EntryKind = "correction"  // what corrected readings add to a register
	EntryStated      EntryKind = "stated"      // what the site file, and meters that stand in for others, make of the rows
	EntryOutside     EntryKind = "outside"     // taken off, as it is used outside of the data centre
)

// An Entry is one of those that a figure is the sum of.
type Entry struct {
	Kind        EntryKind
	Hour        int64  // its start, ms since 1970
	Leaf        int64  // of the site's log, that the file is of; -1: none
	File        string // its SHA-256, hexadecimal
	Device      Device
	Place       Place
	Job         Job // of a figure by job or tenant, in place of Device
	Quality     metric.Quality
	Flags       Flags
	Millijoules int64 // below zero where it takes away
	Why         string
}

// An Explanation is a figure and a part of the entries that it is the sum of.
type Explanation struct {
	Line
	Entries []Entry // from the one that was asked for
	Total   int     // of all there are
	Sum     Wide    // mJ, of all there are: the figure
}

// An Addend is a quantity that counts in a figure of a whole site.
type Addend struct {
	Quantity Quantity
	Less     bool // it is taken off
}

// Addends are those of a figure by site; none of any other.
func (t *Tally) Addends() (ps []Addend) {
	switch {
	case t.reason != "" || t.q.By != BySite:
		return nil
	case t.q.Boundary != metric.Facility:
		return []Addend{{t.quantity, false}}
	}
	for _, q := range supplies {
		ps = append(ps, Addend{q, false})
	}
	return append(ps, Addend{Export, true})
}

// Trace has t tell of each row that it adds to a line.
func (t *Tally) Trace(row func(d *Device, p *Place, r *Row), share func(host string, j *Job, r *JobRow, mj uint64)) {
	t.traceRow, t.traceShare = row, share
}
