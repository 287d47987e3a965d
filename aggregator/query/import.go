package query

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Imports take in readings of meters that come in files. A [Client] is one, too.
type Imports interface {
	// Import reads a file and says what it would change; if asked to, changes it.
	Import(ctx context.Context, q ImportQuestion, file io.Reader) (*ImportReport, error)
	// Imports are what was taken in at a site, the oldest first.
	Imports(ctx context.Context, site string) (*ImportList, error)
	// RevertImport takes back all that an import said.
	RevertImport(ctx context.Context, site, id string) (*ImportReceipt, error)
}

// What can be wrong with an import.
var (
	ErrFile     = errors.New("the file cannot be taken in")
	ErrNoImport = errors.New("no such import")
	ErrNoSite   = errors.New("no such site")
	ErrRoom     = errors.New("too much waits to be sealed; give it again in a while, and it goes on")
)

// An ImportQuestion says what to do with a file and how to understand it. What is
// left out is told from the site file or from the file itself; if it cannot be,
// the report says so.
type ImportQuestion struct {
	Site       string
	Apply      bool   // else nothing changes
	ID         string // "": from the content
	Name       string // of the file
	Reason     string // that the books keep; "": Name
	SkipBad    bool   // apply though some rows cannot be taken
	Last       bool   // no file follows: what waits is sealed now
	Settlement bool   // it counts before what was measured
	Meter      string // METER, or METER=NAME of the file
	Kind       string // counter, interval, power
	Unit       string
	Labelled   string // start, end
	Interval   string // 15m, 1h, day, month
	Decimal    string // point, comma
	Dates      string // dmy, mdy
	Negative   string // reject, zero, only
	TimeZone   string // of times without an offset; "": the site's
	Registers  []string
	Columns    map[string]string // names in the file, by meter, time, clock, end, value, unit, kind, quality, register
	Totals     []string          // [METER:][2026-01=]NUMBER UNIT
}

// An ImportReport says what a file is and what it changes.
type ImportReport struct {
	Site      string          `json:"site"`
	ID        string          `json:"id"`
	File      string          `json:"file"`
	SHA256    string          `json:"sha256"`
	Bytes     int64           `json:"bytes"`
	TimeZone  string          `json:"time_zone"` // of months
	Applied   bool            `json:"applied"`
	Rows      int             `json:"rows"`      // that hold a reading
	Bad       int             `json:"bad_rows"`  // that cannot be taken
	Doubles   int             `json:"doubles"`   // that say what others say
	Missing   int             `json:"missing"`   // without a value
	Other     int             `json:"other"`     // that were not asked for
	Footers   int             `json:"footers"`   // that sum others
	Meters    []ImportMeter   `json:"meters"`    // by name
	Months    []ImportMonth   `json:"months"`    // by meter and time
	Problems  []ImportProblem `json:"problems"`  // the first of the rows that cannot be taken
	Stops     []ImportProblem `json:"stops"`     // why it cannot be applied
	Notes     []string        `json:"notes"`     // what people should look at
	Receipt   *ImportReceipt  `json:"receipt"`   // nil: nothing was applied
	Truncated bool            `json:"truncated"` // lists are cut
}

// An ImportMeter is how the readings of one meter lie in time.
type ImportMeter struct {
	Meter      string       `json:"meter"`
	Kind       string       `json:"kind"`
	Labelled   string       `json:"labelled,omitempty"` // of intervals
	Interval   string       `json:"interval,omitempty"` // in words
	From       time.Time    `json:"from"`
	To         time.Time    `json:"to"`
	Rows       int          `json:"rows"`
	Doubles    int          `json:"doubles"`
	Gaps       int          `json:"gaps"`
	GapSeconds int64        `json:"gap_seconds"`
	FirstGaps  []ImportGap  `json:"first_gaps"`
	Outside    ImportAmount `json:"outside"` // of what it shows, in quarters of an hour of which the rest is not known
}

// An ImportGap is a time without a reading.
type ImportGap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// An ImportAmount is energy or water.
type ImportAmount struct {
	Exact string `json:"exact"` // mJ or mL, a decimal integer
	Text  string `json:"text"`  // as people read it
}

// An ImportMonth is what a file says of one meter in a month of the site.
type ImportMonth struct {
	Meter     string        `json:"meter"`
	Month     string        `json:"month"`
	File      ImportAmount  `json:"file"`
	Total     *ImportAmount `json:"total,omitempty"` // that it is known to be
	Before    ImportAmount  `json:"before"`          // what stands of the quarters that the file speaks of
	After     ImportAmount  `json:"after"`
	Quarters  int           `json:"quarters"`
	Of        int           `json:"of"`        // that the month has
	New       int           `json:"new"`       // of which nothing was known
	Unchanged int           `json:"unchanged"` // that it said before
	Shadowed  int           `json:"shadowed"`  // of which a better reading stands
	Estimated int           `json:"estimated"` // that the file estimates
}

// An ImportProblem is what is wrong with a row, or with the whole file.
type ImportProblem struct {
	Line   int    `json:"line,omitempty"`
	Column string `json:"column,omitempty"`
	Text   string `json:"text"`
	Fix    string `json:"fix"`
	Alike  int    `json:"alike,omitempty"`     // others that are wrong in the same way, and are not listed
	Last   int    `json:"last_line,omitempty"` // of them
}

// An ImportReceipt says what was done to the books.
type ImportReceipt struct {
	Site      string `json:"site"`
	ID        string `json:"id"`
	Quarters  int    `json:"quarters"` // of registers
	Unchanged int    `json:"unchanged"`
	Shadowed  int    `json:"shadowed"`
	Estimated int    `json:"estimated"`
	Skipped   int    `json:"skipped_rows"`
	Before    string `json:"before"` // what stood for those that changed, mJ and mL
	After     string `json:"after"`
}

// An ImportList is what was taken in.
type ImportList struct {
	Site      string       `json:"site"`
	Imports   []ImportLine `json:"imports"`
	Truncated bool         `json:"truncated"`
}

// An ImportLine is one import.
type ImportLine struct {
	ID        string    `json:"id"`
	Reason    string    `json:"reason"`
	At        time.Time `json:"at"`
	Meters    []string  `json:"meters"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Corrected int       `json:"corrected"` // quarters of registers that stand
	Manual    int       `json:"manual"`
	Estimated int       `json:"estimated"`
	Withdrawn int       `json:"withdrawn"` // that were taken back
}

// Texts are the parameters of q, besides its flags and lists.
func (q *ImportQuestion) Texts() map[string]*string {
	return map[string]*string{
		"site": &q.Site, "id": &q.ID, "name": &q.Name, "reason": &q.Reason, "meter": &q.Meter, "kind": &q.Kind, "unit": &q.Unit, "labelled": &q.Labelled,
		"interval": &q.Interval, "decimal": &q.Decimal, "dates": &q.Dates, "negative": &q.Negative, "time_zone": &q.TimeZone,
	}
}

// Flags are those that are 0 or 1.
func (q *ImportQuestion) Flags() map[string]*bool {
	return map[string]*bool{"settlement": &q.Settlement, "skip_bad_rows": &q.SkipBad, "last": &q.Last}
}

// Values are the parameters of q.
func (q *ImportQuestion) Values() url.Values {
	v := url.Values{"dry": {"1"}}
	if q.Apply {
		v.Set("dry", "0")
	}
	for name, s := range q.Texts() {
		if *s != "" {
			v.Set(name, *s)
		}
	}
	for name, is := range q.Flags() {
		if *is {
			v.Set(name, "1")
		}
	}
	var columns []string
	for _, name := range slices.Sorted(maps.Keys(q.Columns)) {
		columns = append(columns, name+"="+q.Columns[name])
	}
	for name, list := range map[string][]string{"registers": q.Registers, "totals": q.Totals, "columns": columns} {
		if len(list) > 0 {
			v.Set(name, strings.Join(list, "\n"))
		}
	}
	return v
}
