package main

import (
	"cmp"
	"crypto/tls"
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/gigawatch/gigawatch/collector/setting"
)

// example is a configuration file with every key explained; it passes
// parseConfig.
//
//go:embed example.yaml
var example []byte

// config is what an aggregator needs to know.
type config struct {
	Data      string
	Listen    string
	TokenFile string
	Rights    string // file of principals; "": none
	TLS       tlsFiles
	Insecure  bool
	HideNames bool         // of jobs and tenants, in sealed hours
	Sites     []siteConfig // empty: whatever speaks
	AnySite   bool         // others than Sites may speak, too
	Bus       busConfig
	Store     store.Config // without its folder, log and metrics
	XIDs      string       // file of the operator's own lines of the XID table; empty: none
	Alerts    alertsConfig
	Hub       hubLink // that is told of Sites; the zero one: none is
	Memory    int64   // bytes at which the garbage collector works harder; 0: the default

	seams seams
}

// seams are where a test takes the place of what is around an aggregator. None is
// set in one that runs.
type seams struct {
	disk        func(folder string) (ledger.Disk, error) // of the ledger; nil: the folder itself
	acknowledge func(publish) publish                    // nil: as it is
	commits     time.Duration                            // between those of the ledger; 0: as it likes
}

// publish sends a message.
type publish = func(subject string, data []byte) error

// siteNames are the sites that may speak; none stands for all.
func (c *config) siteNames() (names []string) {
	if c.AnySite {
		return nil
	}
	for _, s := range c.Sites {
		names = append(names, s.Name)
	}
	return names
}

// tlsFiles are paths.
type tlsFiles struct{ Cert, Key, ClientCA string }

// rawServer is where data is kept, and how whoever asks is answered.
type rawServer struct {
	Data      string `yaml:"data"`
	Listen    string `yaml:"listen"`
	TokenFile string `yaml:"token_file"`
	Rights    string `yaml:"principals"`
	TLS       struct {
		Cert     string `yaml:"cert"`
		Key      string `yaml:"key"`
		ClientCA string `yaml:"client_ca"`
	} `yaml:"tls"`
	Insecure bool `yaml:"insecure"`
}

func (c *config) takeServer(f *setting.File, r *rawServer) {
	c.Data, c.Listen, c.TokenFile, c.Rights, c.Insecure = r.Data, cmp.Or(r.Listen, defaultListen), r.TokenFile, r.Rights, r.Insecure
	c.TLS = tlsFiles{r.TLS.Cert, r.TLS.Key, r.TLS.ClientCA}
	f.Require(c.Data != "", "data", "missing: the folder for everything that is kept")
	f.Require((c.TLS.Cert == "") == (c.TLS.Key == ""), "tls", "cert and key go together")
	f.Require(c.TLS.ClientCA == "" || c.TLS.Cert != "" && c.Rights != "", "tls.client_ca", "goes with cert and key, and with principals that show certificates")
}

type rawConfig struct {
	rawServer `yaml:",inline"`

	Hide  bool      `yaml:"hide_names"`
	Sites []rawSite `yaml:"sites"`
	Bus   struct {
		Embedded    *rawEmbedded `yaml:"embedded"`
		URLs        []string     `yaml:"urls"`
		Credentials string       `yaml:"credentials"`
		CA          string       `yaml:"ca"`
		Cert        string       `yaml:"cert"`
		Key         string       `yaml:"key"`
		Insecure    bool         `yaml:"insecure"`

		Replicas       *string         `yaml:"replicas"`
		TelemetryBytes *setting.Scalar `yaml:"telemetry_bytes"`
		LedgerBytes    *setting.Scalar `yaml:"ledger_bytes"`
	} `yaml:"bus"`
	Store struct {
		Interval    *setting.Scalar `yaml:"interval"`
		Retention   *setting.Scalar `yaml:"retention"`
		MaxBytes    *setting.Scalar `yaml:"max_bytes"`
		OutOfOrder  *setting.Scalar `yaml:"out_of_order"`
		RemoteWrite []struct {
			URL       string `yaml:"url"`
			Metrics   string `yaml:"metrics"`
			TokenFile string `yaml:"token_file"`
			CA        string `yaml:"ca"`
		} `yaml:"remote_write"`
	} `yaml:"store"`
	Health struct {
		XIDs string `yaml:"xid_table"`
	} `yaml:"health"`
	Alerts rawAlerts       `yaml:"alerts"`
	Hub    *rawHubLink     `yaml:"hub"`
	Memory *setting.Scalar `yaml:"memory"`
}

func loadConfig(path string) (*config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parseConfig(path, b)
}

// parseConfig reads the text of a configuration file; errors say file, line and
// key.
func parseConfig(name string, b []byte) (*config, error) {
	var r rawConfig
	f, err := setting.Decode(name, b, &r)
	if err != nil {
		return nil, err
	}
	c := &config{
		HideNames: r.Hide,
		Bus: busConfig{
			Embedded: r.Bus.Embedded != nil,
			Client:   agent.BusConfig{URLs: r.Bus.URLs, Credentials: r.Bus.Credentials, CA: r.Bus.CA, Cert: r.Bus.Cert, Key: r.Bus.Key, Insecure: r.Bus.Insecure},
			Limits: bus.Limits{
				Telemetry: f.Size("bus.telemetry_bytes", r.Bus.TelemetryBytes, 0),
				Ledger:    f.Size("bus.ledger_bytes", r.Bus.LedgerBytes, 0),
			},
		},
		Store: store.Config{
			Interval:   f.Duration("store.interval", r.Store.Interval, 10*time.Second),
			Retention:  f.Duration("store.retention", r.Store.Retention, 15*24*time.Hour),
			MaxBytes:   f.Size("store.max_bytes", r.Store.MaxBytes, 0),
			OutOfOrder: f.Duration("store.out_of_order", r.Store.OutOfOrder, time.Hour),
		},
		XIDs:   r.Health.XIDs,
		Memory: f.Size("memory", r.Memory, 0),
	}
	c.takeServer(f, &r.rawServer)
	if r.Bus.Embedded != nil {
		f.Require(len(r.Bus.URLs) == 0, "bus.urls", "there is one bus: embedded, or at urls")
		c.Bus.takeEmbedded(f, r.Bus.Embedded)
	} else {
		f.Require(len(r.Bus.URLs) > 0, "bus", "missing: embedded, or urls of a server with JetStream")
	}
	if err := c.Bus.Client.Check(); err != nil {
		f.Require(false, "bus.urls", "%v", err)
	}
	if s := r.Bus.Replicas; s != nil {
		// Of two or four, one more may be lost than of one or three, and no more is
		// survived.
		f.Require(slices.Contains([]string{"1", "3", "5"}, *s), "bus.replicas", "%q is none of 1, 3 and 5", *s)
		f.Require(*s == "1" || !c.Bus.Embedded, "bus.replicas", "the embedded bus is one server; copies need a cluster, in bus.urls")
		c.Bus.Replicas, _ = strconv.Atoi(*s) // checked
	}
	c.Bus.checkLimits(f)
	c.takeSites(f, name, r.Sites)
	c.takeAlerts(f, &r.Alerts)
	c.takeHub(f, r.Hub)
	for i, w := range r.Store.RemoteWrite {
		r := store.Remote{URL: secret.At(w.URL), Metrics: w.Metrics, TokenFile: w.TokenFile, CAFile: w.CA}
		f.Require(w.URL != "", "store.remote_write."+strconv.Itoa(i), "url is missing")
		if err := r.Check(); err != nil && w.URL != "" {
			f.Complain("store.remote_write."+strconv.Itoa(i), "%v", err)
		}
		c.Store.RemoteWrite = append(c.Store.RemoteWrite, r)
	}
	return c, f.Err()
}

// checkLimits holds the limits that are set against those of the product.
func (b *busConfig) checkLimits(f *setting.File) {
	for _, l := range []struct {
		key       string
		set, most int64
	}{{"bus.telemetry_bytes", b.Limits.Telemetry, bus.MostTelemetryBytes}, {"bus.ledger_bytes", b.Limits.Ledger, bus.MostLedgerBytes}} {
		f.Require(l.set == 0 || l.set >= bus.LeastBytes, l.key, "less than %d MiB holds no lane", bus.LeastBytes>>20)
		f.Require(!b.Embedded || l.set <= l.most, l.key, "the embedded bus takes up to %d GiB", l.most>>30)
	}
}

// defaultListen is where the aggregator answers unless told otherwise.
const defaultListen = "127.0.0.1:8600"

// access is what callers must show and how they are spoken to; an error names
// the key at fault.
func (c *config) access() (token query.Secret, t *tls.Config, err error) {
	if c.TokenFile != "" {
		if token, err = query.ReadToken(c.TokenFile); err != nil {
			return token, nil, fmt.Errorf("%w: token_file: %w", program.ErrUsage, err)
		}
	}
	if c.Rights != "" {
		if err := rights.Check(c.Rights); err != nil {
			return token, nil, fmt.Errorf("%w: principals: %w", program.ErrUsage, err)
		}
	}
	if c.TLS.Cert != "" {
		if t, err = web.LoadTLS(c.TLS.Cert, c.TLS.Key, c.TLS.ClientCA); err != nil {
			return token, nil, fmt.Errorf("%w: tls: %w", program.ErrUsage, err)
		}
	}
	if err := web.CheckListen(c.Listen, !token.IsZero() || c.Rights != "", t != nil, c.Insecure); err != nil {
		return token, nil, fmt.Errorf("%w: listen: %w", program.ErrUsage, err)
	}
	return token, t, nil
}
