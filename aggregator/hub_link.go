package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/hub"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/setting"
)

// hubLink is the hub that an aggregator tells of its sites.
type hubLink struct {
	Tell   bool
	Key    string          // whose signatures besides are kept, or a file of it; "": nobody's
	Client agent.BusConfig // of the hub's bus; without addresses: the aggregator's own, which has a leaf connection to it
}

type rawHubLink struct {
	Key         string   `yaml:"key"`
	URLs        []string `yaml:"urls"`
	Credentials string   `yaml:"credentials"`
	CA          string   `yaml:"ca"`
	Cert        string   `yaml:"cert"`
	KeyFile     string   `yaml:"key_file"`
}

func (c *config) takeHub(f *setting.File, r *rawHubLink) {
	if r == nil {
		return
	}
	c.Hub = hubLink{true, r.Key, agent.BusConfig{URLs: r.URLs, Credentials: r.Credentials, CA: r.CA, Cert: r.Cert, Key: r.KeyFile}}
	f.Require(len(c.Sites) > 0, "hub", "sites are missing: those that the hub is told of are named")
	f.Require(len(r.URLs) > 0 || r.Credentials+r.CA+r.Cert+r.KeyFile == "", "hub.urls", "missing: without them the bus of this aggregator is the way, and needs nothing else")
	f.Require(r.Credentials == "" || len(c.Sites) < 2 || strings.Contains(r.Credentials, siteMark), "hub.credentials", "each site has its own: put "+siteMark+" into the path")
	if len(r.URLs) > 0 {
		if err := c.Hub.Client.Check(); err != nil {
			f.Require(false, "hub.urls", "%v", err)
		}
	}
	if r.Key != "" {
		_, err := readPublic(r.Key)
		f.Require(err == nil, "hub.key", "%v", err)
	}
}

// openTellers makes what tells the hub, if there is one.
func (n *node) openTellers(context.Context) (err error) {
	if !n.c.Hub.Tell {
		return nil
	}
	var key checkpoint.Verifier
	if n.c.Hub.Key != "" {
		if key, err = readPublic(n.c.Hub.Key); err != nil {
			return fmt.Errorf("%w: hub.key: %w", program.ErrUsage, err)
		}
	}
	folder := checkpoint.NewFolder(n.c.Data)
	for _, name := range n.c.siteNames() {
		signer, err := folder.Signer(name)
		if err != nil {
			return err
		}
		conn, err := n.hubConn(name)
		if err != nil {
			return err
		}
		n.log.Info("the hub is told of a site; its operator enters the key", "site", name, "key", signer.String())
		n.tellers = append(n.tellers, hub.NewSite(hub.SiteConfig{
			Site: name, Conn: conn, Every: tellEvery, Ledger: n.ledger, Signer: signer, Folder: folder, Hub: key, Logger: n.log, Metrics: n.set,
			Now: func(now time.Time) hub.Now {
				out := presentOf(n.recording.live, name, now)
				out.Simulated = out.Simulated || n.ledger.Simulated(name)
				return out
			},
			Terms: func() (account.Terms, string) { return n.ledger.Terms(name) },
		}))
	}
	return nil
}

// tellEvery is how old the present of a site is at the hub at most.
const tellEvery = 5 * time.Second

// hubConn is the way by which the hub is told of a site: the site's own bus, or a
// connection to the hub's. What it does not carry is told again.
func (n *node) hubConn(site string) (*nats.Conn, error) {
	client := n.c.Hub.Client
	if len(client.URLs) == 0 {
		return n.conn, nil
	}
	client.Credentials = strings.ReplaceAll(client.Credentials, siteMark, site)
	conn, err := agent.Connect(client, "site_"+site, n.log, func() {})
	if err != nil {
		return nil, fmt.Errorf("connect to the hub: %w", err)
	}
	n.onClose(func() error { conn.Close(); return nil })
	return conn, nil
}

// siteMark stands for the name of a site in the path of its credentials: those of
// one site let it speak for no other.
const siteMark = "{site}"

// presentOf is what a hub is told of a site's present: sums, and halls by name.
func presentOf(l *live.Live, site string, now time.Time) (out hub.Now) {
	out.Halls = []hub.Hall{}
	st := l.Status(site, now.UnixMilli(), now.UnixMilli())
	if st == nil {
		for b := range out.Power {
			out.Power[b].Reason = "nothing was heard of the site"
		}
		return out
	}
	for b := metric.Facility; b <= metric.GPUs; b++ {
		p := st.Power[b.String()]
		out.Power[b] = hub.Power{Watts: p.Watts, Reason: brief(p.Reason)}
	}
	out.Simulated, out.Freshness = st.Simulated, st.Freshness
	out.Hosts, out.GPUs = hub.Count(st.Hosts), hub.Count(st.GPUs)
	out.Agents, out.Silent = st.Agents.Known, st.Agents.Silent
	if g := st.Grid; g != nil {
		out.Grid = &hub.Grid{GramsPerKWh: g.GramsPerKWh, Zone: g.Zone, Factor: g.Factor, Provider: g.Provider, Tier: g.Tier}
	}
	if c, ok := l.Counts(site, now); ok {
		out.States = c.States
	}
	for _, h := range st.Halls {
		x := hub.Hall{Hall: h.Hall, Power: hub.Power{Watts: h.Watts, Reason: brief(h.Reason)}, Racks: len(h.Racks)}
		for _, r := range h.Racks {
			x.Hosts.Expected += r.Hosts
			x.Hosts.Reporting += r.Reporting
			x.GPUs += r.GPUs
			x.GPUsOk += r.GPUsOk
		}
		out.Halls = append(out.Halls, x)
	}
	return out
}
