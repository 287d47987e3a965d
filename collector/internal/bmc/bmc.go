package bmc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Config says which meters of the node's power may be read. Zero stands for the
// default.
type Config struct {
	Root    string // where sys and dev are; default "/"
	Place   metric.Place
	State   string // folder for what is remembered of energy registers; empty: nothing is
	Redfish Redfish
	IPMI    IPMI
	Period  time.Duration // between readings of Redfish and IPMI; default 10 s, at most 30 s
	Timeout time.Duration // of one request to them; default 30 s
	Watts   float64       // no host ever draws more; default 50 kW
	Logger  *slog.Logger  // default: none
}

// Redfish says how the baseboard controller is reached over HTTPS.
type Redfish struct {
	URL                string // https://10.0.0.17; empty: it is not asked
	User, PasswordFile string
	TokenFile          string // instead of these two
	CA                 string // file of certificates to trust; default: the system's
	ServerName         string // that the certificate is for, if not the URL's host
	InsecureSkipVerify bool   // no certificate is checked
	System, Chassis    string // ids, where they cannot be told by themselves

	dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: as net does
}

// IPMI says how the baseboard controller is reached by IPMI. Over the network
// its session is authenticated and its answers are not: who can send packets
// there can make up a reading. The device and Redfish have no such weakness.
type IPMI struct {
	Off                bool
	Device             string // default dev/ipmi0 under the root
	Host               string // host or host:port; the device is not used then
	User, PasswordFile string // with Host
}

// A Source reads the node's power. Run polls; Read must not be called twice at once.
type Source struct {
	c       Config
	log     *slog.Logger
	layout  *metric.Layout
	settled sync.WaitGroup // of the pollers that were not tried yet

	mu       sync.Mutex // the state of channels and the view of pollers
	channels []*channel
}

// New checks c, and makes its folder. It contacts nothing.
func New(c Config) (*Source, error) {
	if c.Place.Host == "" {
		return nil, errors.New("read node power: the host has no name")
	}
	if c.Root == "" {
		c.Root = "/"
	}
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return nil, fmt.Errorf("read node power: %w", err)
	}
	if c.Period == 0 {
		c.Period = 10 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Watts == 0 {
		c.Watts = 50_000
	}
	if c.Period < time.Second || c.Period > 30*time.Second || c.Timeout < time.Second || c.Watts < 0 {
		return nil, fmt.Errorf("read node power: period %v, timeout %v, at most %v W: a period is 1 s to 30 s, a timeout 1 s or more", c.Period, c.Timeout, c.Watts)
	}
	s := &Source{c: c, log: c.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if c.State != "" {
		if err := os.MkdirAll(c.State, 0o700); err != nil {
			s.log.Warn("energy registers will be on trial again after each restart", "error", err)
			s.c.State = ""
		}
	}
	t := tree.Under(root)
	node := []*poller{s.poller(&cray{tree: t}, fileEvery, t.Text("proc/sys/kernel/random/boot_id"))}
	if c.Redfish.URL != "" {
		r, err := newRedfish(c.Redfish, c.Timeout, c.Watts)
		if err != nil {
			return nil, fmt.Errorf("read node power by Redfish: %w", err)
		}
		node = append(node, s.poller(r, c.Period, ""))
	}
	if !c.IPMI.Off {
		i, err := newIPMI(c.IPMI, t, c.Timeout)
		if err != nil {
			return nil, fmt.Errorf("read node power by IPMI: %w", err)
		}
		node = append(node, s.poller(i, c.Period, ""))
	}
	node = append(node, s.poller(&hwmon{tree: t, kind: ""}, fileEvery, ""))
	s.channels = []*channel{
		{label: "bmc", pollers: node},
		{label: "module", pollers: []*poller{s.poller(&hwmon{tree: t, kind: "Module"}, fileEvery, "")}},
		{label: "grace", pollers: []*poller{s.poller(&hwmon{tree: t, kind: "Grace"}, fileEvery, "")}},
	}
	d := metric.Lookup(metric.HostPowerWatts)
	for _, c := range s.channels {
		var ok bool
		if c.point, ok = d.Point(c.label); !ok {
			return nil, fmt.Errorf("read node power: the catalogue has no source %q", c.label)
		}
		s.settled.Add(len(c.pollers))
	}
	s.arrange()
	return s, nil
}

// Name is the source's name.
func (s *Source) Name() string { return "bmc" }

// A hung file or device keeps its goroutine for as long as it hangs; Run leaves
// it behind after this.
const farewell = 5 * time.Second

// Run polls the meters until ctx ends, and then gives back the sessions that it
// holds.
func (s *Source) Run(ctx context.Context) error {
	var polling sync.WaitGroup
	began := time.Now()
	s.mu.Lock()
	for _, c := range s.channels {
		c.began = began
		for _, p := range c.pollers {
			polling.Go(func() { s.poll(ctx, c, p) })
		}
	}
	s.mu.Unlock()
	over := make(chan struct{})
	go func() {
		polling.Wait()
		close(over)
	}()
	<-ctx.Done()
	late := time.NewTimer(farewell)
	defer late.Stop()
	select {
	case <-over:
	case <-late.C:
		s.log.Warn("left a meter of node power that does not answer", "found", s.Describe())
	}
	return nil
}

// Settle waits until every meter has answered or failed once, or ctx ends. Run
// must be running.
func (s *Source) Settle(ctx context.Context) {
	all := make(chan struct{})
	go func() {
		s.settled.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-ctx.Done():
	}
}

// Read shows the newest readings that Run took, as far as they are of the
// present. Ages are taken over the time that the process measures itself.
func (s *Source) Read(ctx context.Context, _ time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	if err := ctx.Err(); err != nil {
		return nil, dst, err
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := false
	for _, c := range s.channels {
		c.choose(now, s.log)
		changed = changed || c.shown != (c.serving != nil)
	}
	if changed {
		s.arrange()
	}
	for _, c := range s.channels {
		if c.shown {
			dst = c.values(dst, now)
		}
	}
	return s.layout, dst, nil
}

// arrange makes the layout of the channels that something serves, in the order
// of [channel.values].
func (s *Source) arrange() {
	l := &metric.Layout{Entities: s.c.Place.Entities()}
	host := len(l.Entities) - 1
	column := func(n metric.Number, point uint32) {
		l.Columns = append(l.Columns, metric.Column{Metric: n, Form: metric.Lookup(n).Form, Point: point, First: host, Count: 1})
	}
	for _, c := range s.channels {
		if c.shown = c.serving != nil; !c.shown {
			continue
		}
		column(metric.HostPowerWatts, c.point)
		column(metric.HostEnergyJoules, c.point)
		column(metric.HostPowerAge, c.point)
		column(metric.CounterEpoch, metric.EpochPoint(metric.HostEnergyJoules, c.point))
		column(metric.CounterQuality, metric.EpochPoint(metric.HostEnergyJoules, c.point))
	}
	s.layout = l
}
