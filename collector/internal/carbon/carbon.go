package carbon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Config says whose word is taken about which zone. Zero stands for the default.
type Config struct {
	Place     metric.Place
	Zone      string     // bidding zone, as the label shows it: FR, DE-LU, SE3, IT-North
	Providers []Provider // best first
	Lifecycle string     // name of the set of lifecycle factors; default ipcc-ar5-lc-1
	Direct    string     // name of the set of direct factors; default ipcc-ar5-direct-1
	Factors   string     // file with more sets of factors
	Weather   Weather
	State     string        // folder for what was said and used; empty: nothing is remembered
	Timeout   time.Duration // of one request; default 30 s
	Logger    *slog.Logger  // default: none

	transport http.RoundTripper // nil: that of the system
	pace      time.Duration     // between requests to a provider; 0: a second; less: none
}

// A Provider is one that answers for the zone.
type Provider struct {
	Name      string        // electricitymaps, entsoe, eco2mix, energycharts or yearly
	URL       string        // default: the provider's own
	Area      string        // its name for the zone, if not the usual one
	PriceArea string        // its name for the zone of prices, likewise
	Key       Key           // where it wants one
	Period    time.Duration // between questions; default: as often as it publishes
	Only      string        // "intensity" or "price"; default: all that it has
	PastDays  int           // electricitymaps: days that are asked for again, up to 10; needs a plan with past data
	Sequence  int           // entsoe: the auction whose prices count, where there are several; default 1, the day-ahead coupling
	NoBalance bool          // entsoe: do not check the mix against load and flows
	Trace     []string      // entsoe: zones that flows are traced through, the own one among them
	File      string        // yearly: a table instead of the built-in one
}

// A Source is the grid of one zone, and the weather. Run polls; Read must not be
// called twice at once.
type Source struct {
	c       Config
	log     *slog.Logger
	area    area
	yearly  *yearlyTable // nil: none
	loaded  int64        // when the tables were
	pollers []*poller
	weather *weather // nil: none
	journal *journal // owned by save; nil: nothing is remembered
	settled sync.WaitGroup

	mu        sync.Mutex // what follows, and the state of feeds
	vendors   []*vendor  // best first
	book      book
	began     int64   // second of the first reading
	pending   []entry // of the journal
	anew      bool    // the journal has to be written anew
	diskError error
	shown     shown
	layout    *metric.Layout
}

// shown is what a layout is made for.
type shown struct {
	zone        [quantities]spot
	temperature bool
}

// spot is the entity of a quantity; the zero one: none.
type spot struct {
	provider string
	tier     int
}

// New checks c and reads the tables and what is remembered. It asks nobody.
func New(c Config) (*Source, error) {
	if !metric.ValidName(c.Zone) {
		return nil, fmt.Errorf("read grid: zone %q is not 1 to 63 of A-Z a-z 0-9 _ -", c.Zone)
	}
	fail := func(err error) (*Source, error) { return nil, fmt.Errorf("read grid of %s: %w", c.Zone, err) }
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Timeout < time.Second || c.Timeout > 5*time.Minute {
		return fail(fmt.Errorf("timeout %v is not from 1s to 5m", c.Timeout))
	}
	if c.pace == 0 {
		c.pace = time.Second
	}
	s := &Source{c: c, log: c.Logger, loaded: time.Now().Unix()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	zones, err := zoneTable()
	if err != nil {
		return fail(err)
	}
	s.area = zones[c.Zone]
	if len(c.Providers) == 0 && c.Weather == (Weather{}) {
		return fail(errors.New("no provider is configured"))
	}
	for i := range c.Providers {
		p := &c.Providers[i]
		for _, o := range c.Providers[:i] {
			if o.Name == p.Name {
				return fail(fmt.Errorf("provider %s is there twice", p.Name))
			}
		}
		if err := s.open(p, zones); err != nil {
			return fail(fmt.Errorf("provider %s: %w", p.Name, err))
		}
	}
	if c.Weather != (Weather{}) {
		if err := s.openWeather(); err != nil {
			return fail(fmt.Errorf("outside temperature: %w", err))
		}
	}
	if c.State != "" {
		if err := os.MkdirAll(c.State, 0o700); err != nil {
			s.log.Warn("grid figures will not be remembered", "zone", c.Zone, "error", err)
		} else {
			s.journal = &journal{path: filepath.Join(c.State, "grid-"+c.Zone+".journal")}
			s.load(time.Now())
		}
	}
	// Past all sequences that may have been heard of and were not written.
	s.book.next = max(s.book.next, uint64(max(0, time.Now().UnixMilli())))
	for _, p := range s.pollers {
		s.settled.Add(len(p.feeds))
	}
	s.arrange(shown{})
	return s, nil
}

// open makes the pollers of a provider.
func (s *Source) open(p *Provider, zones map[string]area) error {
	if p.Only != "" && p.Only != "intensity" && p.Only != "price" {
		return fmt.Errorf("only %q: it is intensity or price", p.Only)
	}
	if p.Period != 0 && (p.Period < time.Minute || p.Period > 24*time.Hour) {
		return fmt.Errorf("period %v is not from 1m to 24h", p.Period)
	}
	switch p.Name {
	case "electricitymaps":
		return s.openElectricityMaps(p)
	case "entsoe":
		return s.openENTSOE(p, zones)
	case "eco2mix":
		return s.openEco2mix(p)
	case "energycharts":
		return s.openEnergyCharts(p)
	case "yearly":
		return s.openYearly(p)
	}
	return errors.New("not known; there are electricitymaps, entsoe, eco2mix, energycharts and yearly")
}

// vendor makes room for what a provider of that name says.
func (s *Source) vendor(name string) *vendor {
	v := &vendor{name: name}
	s.vendors = append(s.vendors, v)
	return v
}

// Name is the source's name.
func (s *Source) Name() string { return "grid" }

// Read shows the figures of the quarter of an hour that now lies in.
func (s *Source) Read(ctx context.Context, now time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	if err := ctx.Err(); err != nil {
		return nil, dst, err
	}
	at := slotOf(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began == 0 {
		s.began = now.Unix()
	}
	if s.book.since == 0 {
		s.book.since = at
		s.note(entry{Kind: "start", Slot: at, Revised: s.book.next})
	}
	var want shown
	var values [quantities]metric.Raw
	for q := range Quantity(quantities) {
		if c, ok := s.use(q, at, now.Unix()); ok {
			want.zone[q] = spot{c.provider, c.basis.Tier()}
			values[q] = metric.Of(c.value)
		}
	}
	celsius, warm := s.temperature(now)
	want.temperature = warm
	if want != s.shown {
		s.arrange(want)
	}
	for q := range values {
		if want.zone[q] != (spot{}) {
			dst = append(dst, values[q])
		}
	}
	if warm {
		dst = append(dst, metric.Of(celsius))
	}
	return s.layout, dst, nil
}

// arrange makes the layout of what is to be shown, in the order of Read.
func (s *Source) arrange(want shown) {
	l := &metric.Layout{Entities: s.c.Place.Entities()}
	place := len(l.Entities)
	column := func(n metric.Number, point uint32, e int) {
		l.Columns = append(l.Columns, metric.Column{Metric: n, Form: metric.Lookup(n).Form, Point: point, First: e, Count: 1})
	}
	var known []spot
	for q, z := range want.zone {
		if z == (spot{}) {
			continue
		}
		e := 0
		for e < len(known) && known[e] != z {
			e++
		}
		if e == len(known) {
			known = append(known, z)
			l.Entities = append(l.Entities, metric.Entity{Kind: metric.Zone, Name: s.c.Zone, Parent: -1,
				Labels: []metric.Pair{{Name: "provider", Value: z.provider}, {Name: "tier", Value: strconv.Itoa(z.tier)}}})
		}
		n, point := Quantity(q).Metric()
		column(n, point, place+e)
	}
	if want.temperature {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.Point, Name: s.weather.Point, Parent: -1})
		column(metric.MeterTemperature, 0, len(l.Entities)-1)
	}
	s.shown, s.layout = want, l
}
