package agent

import (
	"os"
	"path/filepath"
	"time"

	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/gigawatch/gigawatch/collector/setting"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A MeterConfig says which meters of the site's file this agent reads: those
// whose read.by is its name and, with Unnamed, those that name nobody. A meter
// that names another agent is never read, so that no meter has two readers.
type MeterConfig struct {
	Enabled bool
	Unnamed bool
}

type rawMeters struct {
	Enabled *bool  `yaml:"enabled"`
	All     string `yaml:"all"`
}

// facility reads the file of the site, beside the configuration's.
func (r *raw) facility(name string, c *Config, f *setting.File) {
	if r.SiteFile == "" {
		return
	}
	path := r.SiteFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(name), path)
	}
	if _, err := os.Stat(path); err != nil {
		f.Complain("site_file", "%v", err)
		return
	}
	s, err := site.Load(path)
	if err != nil {
		f.Join(err)
		return
	}
	if c.Site == "" {
		c.Site = s.Token
	}
	f.Require(s.Token == c.Site, "site", "%q is not the site of %s, which is %q", c.Site, path, s.Token)
	c.Facility = s
}

// take fills c's meters, and complains to f; given says that there is a file of the
// site.
func (m *rawMeters) take(given bool, c *Config, f *setting.File) {
	c.Meters = MeterConfig{Enabled: given, Unnamed: m.All != "" && m.All == c.Agent}
	if m.Enabled != nil {
		c.Meters.Enabled = *m.Enabled
	}
	f.Require(given || !c.Meters.Enabled, "sources.meters.enabled", "there is no site_file to say which meters there are")
	switch m.All {
	case "true", "false", "yes", "no":
		f.Complain("sources.meters.all", "%q is no agent: write the name of the one that reads what names nobody; this one is %q", m.All, c.Agent)
	}
}

// simulated takes the word that all that is read is a model's. It is the site's
// name, and not a mere true, and nothing of this host may be read beside it: a
// real site is not marked by a line that was copied.
func (r *raw) simulated(c *Config, f *setting.File) {
	if r.Simulated == "" {
		return
	}
	c.Simulated = true
	f.Require(r.Simulated == c.Site, "simulated", "%q is not the site's name: write simulated: %s if all that this agent reads is a model's, and else leave it out", r.Simulated, c.Site)
	for key, on := range map[string]bool{
		"sources.host.enabled": c.Host.Enabled, "sources.gpu.driver": c.GPU.Driver != "none", "sources.node_power.enabled": c.Power.Enabled,
		"sources.jobs": c.Jobs.Mapping != "" || c.Jobs.Drop != "" || c.Jobs.Slurm || c.Jobs.Kubelet != "",
	} {
		f.Require(!on, key, "is of this host, which is real, and simulated: %s says that nothing here is; turn it off", r.Simulated)
	}
}

// A GridConfig says whose word is taken about the grid, and about the weather.
// Without providers and weather nobody is asked.
type GridConfig struct {
	Zone              string // bidding zone
	Providers         []GridProvider
	Lifecycle, Direct string // names of sets of factors; "": the usual ones
	Factors           string // file with more of them
	Timeout           time.Duration
	Weather           WeatherConfig
}

// A GridProvider is one of those who are asked, best first.
type GridProvider struct {
	Name, URL       string
	KeyFile, KeyEnv string
	Area, PriceArea string        // its name for the zone
	Period          time.Duration // 0: as often as it publishes
	Only            string        // intensity, price; "": both
	PastDays        int           // electricitymaps
	Sequence        int           // entsoe: of auctions
	CheckBalance    bool          // entsoe
	Trace           []string      // entsoe: zones
	File            string        // yearly: a table
}

// A WeatherConfig says where the temperature outside is found.
type WeatherConfig struct {
	URL                                  secret.Address // with its query
	File, Value, Time, Unit, Point       string
	Period, MaxAge                       time.Duration
	KeyFile, KeyEnv, KeyHeader, KeyQuery string
}

type rawGrid struct {
	Zone      string          `yaml:"zone"`
	Timeout   *setting.Scalar `yaml:"timeout"`
	Lifecycle string          `yaml:"lifecycle_factors"`
	Direct    string          `yaml:"direct_factors"`
	Factors   string          `yaml:"factors_file"`
	Providers []struct {
		Name         string          `yaml:"name"`
		URL          string          `yaml:"url"`
		KeyFile      string          `yaml:"key_file"`
		KeyEnv       string          `yaml:"key_env"`
		Area         string          `yaml:"area"`
		PriceArea    string          `yaml:"price_area"`
		Period       *setting.Scalar `yaml:"period"`
		Only         string          `yaml:"only"`
		PastDays     int             `yaml:"past_days"`
		Sequence     int             `yaml:"sequence"`
		CheckBalance *bool           `yaml:"check_balance"`
		Trace        []string        `yaml:"trace"`
		File         string          `yaml:"file"`
	} `yaml:"providers"`
	Weather struct {
		File      string          `yaml:"file"`
		URL       string          `yaml:"url"`
		Value     string          `yaml:"value"`
		Time      string          `yaml:"time"`
		Unit      string          `yaml:"unit"`
		Point     string          `yaml:"point"`
		Period    *setting.Scalar `yaml:"period"`
		MaxAge    *setting.Scalar `yaml:"max_age"`
		KeyFile   string          `yaml:"key_file"`
		KeyEnv    string          `yaml:"key_env"`
		KeyHeader string          `yaml:"key_header"`
		KeyQuery  string          `yaml:"key_query"`
	} `yaml:"weather"`
}
