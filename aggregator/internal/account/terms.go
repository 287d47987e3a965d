package account

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Terms are what the operator states of a site besides its readings. Lists may
// be empty: a figure that needs what is not stated is none, and says so. Times
// are milliseconds since 1970 UTC, intervals half-open; an end of 0 is open.
type Terms struct {
	Location      *time.Location `json:"-"` // of days, months, years and bands; nil: UTC
	Zone          string         // bidding zone that feeds the site; "": whichever is reported
	Factor        GridKind       // of carbon, Lifecycle or Direct
	Meters        []Meter        // the power tree, and what roles do not say
	Parts         []Part         // of the site that have a PUE of their own
	Fuels         []Fuel
	Carriers      []Carrier
	Contracts     []Contract
	Residuals     []Residual
	Tariffs       []Tariff
	Category      int    // where IT energy is metered, of those that reach all of it; 0: the outermost point that is
	WaterCategory int    // of WUE, 1 to 3 of ISO/IEC 30134-9; 0: not stated
	HeatSelfUse   uint32 // millionths of the heat handed over that cool the site itself, where no meter tells
	Coverage      Coverage
}

// A Meter is what is stated of one meter. One that is stated is awaited though it
// was never read: a branch that is missing does not read as zero.
type Meter struct {
	Name     string
	Quantity Quantity // that it adds to, by its role, whatever its first reading was booked as, if it has a register for it
	Parents  []string // the meters next upstream of it, which feed it together
	Backup   string   // the meter that it stands in for where that is not read: they measure one feed, and are never added
	From, To int64    // while it stands there
	Rating   uint64   // mW; 0: not stated
	Low      float64  // least and most that the meters below it may lack of what it shows, as a share;
	High     float64  // both 0: as is usual there
	Less     bool     // what it shows is taken off: an office behind the main meter, heat that comes back
	Fuel     string   // of a generator
	Scope    Scope    // of water
}

// A Scope is what sort of water a meter shows.
type Scope uint8

// The scopes.
const (
	ScopeUnstated Scope = iota
	Fresh               // from the mains, wells and rivers
	Reused              // reclaimed, rain or sea
)

// A Part of a site has meters of its own, by which it has a partial PUE.
type Part struct {
	Name       string
	Supply, IT []string // names of meters
}

// A Fuel is burnt on the site.
type Fuel struct {
	Name       string
	Milligrams uint32 // CO2e for a kWh of electricity made of it
	Renewable  bool
}

// A Carrier is energy or an emission that no meter counts, as from invoices. It
// is spread evenly over its time.
type Carrier struct {
	Name        string
	From, To    int64
	Millijoules uint64 // that came into the site
	Weight      uint32 // millionths by which it counts as energy of the site; 0: a million
	Micrograms  uint64 // CO2e that it emitted on the site
}

// A Residual is the carbon of energy that no contract covers, in one year.
type Residual struct {
	Year       int
	Milligrams uint32 // CO2e per kWh
	Source     string
}

// Coverage is how much of a period must be known for its figures to be shown, as
// shares. Zero has the defaults: 0.95, and of a year 0.99.
type Coverage struct{ Period, Year float64 }

// A Basis is Terms that were checked, ready for use. The nil Basis states
// nothing.
type Basis struct {
	Terms
	version string
	meters  map[string]*Meter
	joints  []joint             // of the power tree: what feeds, together, and what is fed
	jointOf map[string]int      // by the name of what is fed
	backups map[string][]*Meter // by what they stand in for
	by      [Quantities][]*Meter
	outside []*Meter // part of no sum, and taken off
	fuels   map[string]*Fuel
	volumes []volume
	short   map[int64][]int32 // of volumes that lie in one hour, by its number
	long    []int32           // of the others
}

// NewBasis is t, or what is wrong with it.
func NewBasis(t Terms) (*Basis, error) {
	if t.Location == nil {
		t.Location = time.UTC
	}
	if t.Coverage.Period == 0 {
		t.Coverage.Period = 0.95
	}
	if t.Coverage.Year == 0 {
		t.Coverage.Year = 0.99
	}
	b := &Basis{Terms: t, meters: map[string]*Meter{}, backups: map[string][]*Meter{}, fuels: map[string]*Fuel{}}
	for i := range t.Meters {
		m := &t.Meters[i]
		b.meters[m.Name] = m
	}
	for i := range t.Fuels {
		b.fuels[t.Fuels[i].Name] = &t.Fuels[i]
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	for i := range t.Meters {
		m := &t.Meters[i]
		switch {
		case m.Backup != "":
			b.backups[m.Backup] = append(b.backups[m.Backup], m)
		case m.Less && m.Quantity == Other:
			b.outside = append(b.outside, m)
		default:
			b.by[m.Quantity] = append(b.by[m.Quantity], m)
		}
	}
	b.join()
	b.lay()
	all, err := json.Marshal(struct {
		Terms
		Calendar string
	}{t, t.Location.String()})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(all)
	b.version = hex.EncodeToString(sum[:8])
	return b, nil
}

// nothing is what is stated where nothing is.
func nothing() *Basis {
	b, _ := NewBasis(Terms{}) // nothing is wrong with it
	b.version = ""
	return b
}

// Version tells Terms apart: they are the same where it is. Of the nil Basis it
// is "".
func (b *Basis) Version() string {
	if b == nil {
		return ""
	}
	return b.version
}

// stands reports whether m stands in its place during [from, to), in part at
// least.
func (m *Meter) stands(from, to int64) bool { return m.From < to && (m.To == 0 || m.To > from) }

// within is how much of [from, to) m stands in its place for, ms.
func (m *Meter) within(from, to int64) int64 {
	if m.To != 0 {
		to = min(to, m.To)
	}
	return max(0, to-max(from, m.From))
}

// inside reports whether what m shows is in what another meter of the same
// quantity shows, further up: the outermost counts.
func (b *Basis) inside(m *Meter, from, to int64) bool {
	for _, name := range m.Parents {
		up := b.meters[name]
		if up.Quantity == m.Quantity && !up.Less && up.stands(from, to) || b.inside(up, from, to) {
			return true
		}
	}
	return false
}

// Counts reports whether the meter called name adds to quantity q in [from, to):
// one that stands in for another does not, nor one inside another, nor where any
// are stated one that is not.
func (b *Basis) Counts(name string, from, to int64) bool {
	if b == nil {
		return true
	}
	m := b.meters[name]
	if m == nil {
		return len(b.Meters) == 0
	}
	return m.Backup == "" && !m.Less && m.stands(from, to) && !b.inside(m, from, to)
}

// Names reports whether name is a meter that may count: where any are stated, one
// that is not counts in nothing.
func (b *Basis) Names(name string) bool {
	return b == nil || len(b.Meters) == 0 || b.meters[name] != nil
}

// Alters reports whether sums by role can be others than what was booked.
func (b *Basis) Alters() bool { return b != nil && len(b.Meters) > 0 }
