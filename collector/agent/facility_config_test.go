package agent

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/gigawatch/gigawatch/collector/site"
)

const plain = "site: demo\nagent: meters-1\nbus:\n  urls: [tls://b]\nspool:\n  dir: /d\n"

// beside writes the file of a site, and returns the path of a configuration in
// the same folder.
func beside(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "site.yaml"), []byte(text+"time_zone: Europe/Luxembourg\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "collector.yaml")
}

func TestTheSiteFileStandsBesideTheConfiguration(t *testing.T) {
	name := beside(t, "site: demo\ncountry: LU\nzone: DE-LU\n")
	for situation, tc := range map[string]struct {
		text   string
		meters MeterConfig
	}{
		"by name, and the site twice":     {text: plain + "site_file: site.yaml\n", meters: MeterConfig{Enabled: true}},
		"the site only in its file":       {text: strings.Replace(plain, "site: demo\n", "", 1) + "site_file: site.yaml\n", meters: MeterConfig{Enabled: true}},
		"by its whole path":               {text: plain + "site_file: " + filepath.Join(filepath.Dir(name), "site.yaml") + "\n", meters: MeterConfig{Enabled: true}},
		"this one reads what is unnamed":  {text: plain + "site_file: site.yaml\nsources: {meters: {all: meters-1}}\n", meters: MeterConfig{Enabled: true, Unnamed: true}},
		"another reads what is unnamed":   {text: plain + "site_file: site.yaml\nsources: {meters: {all: meters-2}}\n", meters: MeterConfig{Enabled: true}},
		"a file, and its meters left out": {text: plain + "site_file: site.yaml\nsources: {meters: {enabled: false}}\n"},
	} {
		c, err := Parse(name, []byte(tc.text))
		if err != nil {
			t.Errorf("%s: %v", situation, err)
			continue
		}
		if c.Site != "demo" || c.Facility == nil || c.Facility.Token != "demo" || c.Meters != tc.meters {
			t.Errorf("%s: site %q, file %v, meters %+v", situation, c.Site, c.Facility != nil, c.Meters)
		}
	}
}

func TestComplaintsOfTheSiteFileNameItsLines(t *testing.T) {
	dir := filepath.Dir(beside(t, "site: demo\nzone: nowhere\n"))
	good := filepath.Dir(beside(t, "site: demo\n"))
	for situation, tc := range map[string]struct{ dir, text, want string }{
		"a file that is not there":    {good, plain + "site_file: other.yaml\n", "collector.yaml:7: site_file: stat "},
		"a file with an error":        {dir, plain + "site_file: site.yaml\n", filepath.Join(dir, "site.yaml") + ":2: zone: "},
		"another site's file":         {good, strings.Replace(plain, "demo", "other", 1) + "site_file: site.yaml\n", `collector.yaml:1: site: "other" is not the site of `},
		"meters without a file":       {good, plain + "sources: {meters: {enabled: true}}\n", "collector.yaml:7: sources.meters.enabled: there is no site_file"},
		"all: true names nobody":      {good, plain + "site_file: site.yaml\nsources:\n  meters:\n    all: true\n", `collector.yaml:10: sources.meters.all: "true" is no agent`},
		"a mere true for a model":     {good, plain + "simulated: true\n", `collector.yaml:7: simulated: "true" is not the site's name`},
		"a model beside a real host":  {good, plain + "simulated: demo\n", "sources.host.enabled: is of this host, which is real"},
		"a zone that is another":      {filepath.Dir(beside(t, "site: demo\ncountry: LU\nzone: DE-LU\n")), plain + "site_file: site.yaml\nsources:\n  grid:\n    zone: FR\n    providers: [{name: yearly}]\n", `collector.yaml:10: sources.grid.zone: "FR" is not the zone`},
		"a zone that nobody says":     {good, plain + "sources:\n  grid:\n    providers: [{name: yearly}]\n", "collector.yaml: sources.grid.zone: missing"},
		"a grid without providers":    {good, plain + "sources:\n  grid:\n    zone: FR\n", "collector.yaml: sources.grid.providers: missing"},
		"a provider that is unknown":  {good, plain + "sources:\n  grid:\n    zone: FR\n    providers:\n      - name: gridco\n", `collector.yaml:11: sources.grid.providers.0.name: "gridco" is none of`},
		"two keys":                    {good, plain + "sources:\n  grid:\n    zone: FR\n    providers:\n      - name: entsoe\n        key_file: /k\n        key_env: K\n", "collector.yaml:13: sources.grid.providers.0.key_env: there is a key_file too"},
		"a length of time that isn't": {good, plain + "sources:\n  grid:\n    zone: FR\n    providers:\n      - name: entsoe\n        period: often\n", "collector.yaml:12: sources.grid.providers.0.period:"},
	} {
		_, err := Parse(filepath.Join(tc.dir, "collector.yaml"), []byte(tc.text))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s…", situation, err, tc.want)
		}
	}
}

func TestAModelIsMarkedByItsSitesName(t *testing.T) {
	const off = "sources: {host: {enabled: false}, gpu: {driver: none}, node_power: {enabled: false}}\n"
	c, err := Parse("f.yaml", []byte(plain+"simulated: demo\n"+off))
	if err != nil || !c.Simulated {
		t.Errorf("%v, %+v", err, c)
	}
	if c, err = Parse("f.yaml", []byte(plain+off)); err != nil || c.Simulated {
		t.Errorf("unasked: %v, %+v", err, c)
	}
}

func TestAGridIsAsItsKeysSay(t *testing.T) {
	name := beside(t, "site: demo\ncountry: LU\nzone: DE-LU\n")
	c, err := Parse(name, []byte(plain+`site_file: site.yaml
sources:
  grid:
    timeout: 5s
    lifecycle_factors: a
    direct_factors: b
    factors_file: /f
    providers:
      - {name: entsoe, url: http://127.0.0.1:1, key_file: /k, area: A, price_area: P, period: 20m, only: price, sequence: 2, check_balance: false, trace: [DE-LU, FR]}
      - {name: electricitymaps, key_env: E, past_days: 3}
      - {name: yearly, file: /y}
    weather: {url: http://127.0.0.1:2/x, value: a.b, time: a.t, unit: fahrenheit, point: roof, period: 1m, max_age: 1h, key_env: W, key_header: X}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := GridConfig{
		Zone: "DE-LU", Timeout: 5 * time.Second, Lifecycle: "a", Direct: "b", Factors: "/f",
		Providers: []GridProvider{
			{Name: "entsoe", URL: "http://127.0.0.1:1", KeyFile: "/k", Area: "A", PriceArea: "P", Period: 20 * time.Minute, Only: "price", Sequence: 2, Trace: []string{"DE-LU", "FR"}},
			{Name: "electricitymaps", KeyEnv: "E", PastDays: 3, CheckBalance: true},
			{Name: "yearly", File: "/y", CheckBalance: true},
		},
		Weather: WeatherConfig{URL: secret.At("http://127.0.0.1:2/x"), Value: "a.b", Time: "a.t", Unit: "fahrenheit", Point: "roof", Period: time.Minute, MaxAge: time.Hour, KeyEnv: "W", KeyHeader: "X"},
	}
	if d := cmp.Diff(want, c.Grid); d != "" {
		t.Error(d)
	}
}

// No meter has two readers, whatever the agents of a site say.
func TestAMeterHasOneReader(t *testing.T) {
	bus := &site.Modbus{}
	for situation, tc := range map[string]struct {
		read    *site.Read
		unnamed bool
		want    duty
	}{
		"names this agent":                {&site.Read{By: "me", Modbus: bus}, false, ours},
		"names this agent, all is ours":   {&site.Read{By: "me", Modbus: bus}, true, ours},
		"names another":                   {&site.Read{By: "you", Modbus: bus}, false, others},
		"names another, all is ours":      {&site.Read{By: "you", Modbus: bus}, true, others},
		"names nobody":                    {&site.Read{Modbus: bus}, false, unnamed},
		"names nobody, all is ours":       {&site.Read{Modbus: bus}, true, ours},
		"comes as files":                  {&site.Read{CSV: &site.CSV{}}, true, files},
		"comes as files, names this one":  {&site.Read{By: "me", CSV: &site.CSV{}}, true, files},
		"is read by hand, or not at all.": {nil, true, unread},
	} {
		if got := (&MeterConfig{Enabled: true, Unnamed: tc.unnamed}).duty(tc.read, "me"); got != tc.want {
			t.Errorf("a meter that %s: %d, want %d", situation, got, tc.want)
		}
	}
}

// A model's agent reads nothing of its host, and all that it sends is marked, with
// or without meters.
func TestAModelsAgentSendsNothingUnmarked(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.config.Simulated = true
		s.config.Host = HostConfig{Enabled: true, Root: "/"}
		list, found := sources(&s.config, slog.New(slog.DiscardHandler))
		if len(list)+len(found) > 0 {
			t.Errorf("%d sources, %v", len(list), found)
		}
		until(0)
		s.start(Scheduled{Source: gridStage(s)})
		until(25)
		for _, lane := range []metric.Lane{metric.Telemetry, metric.Ledger} {
			batches := s.take(lane)
			for _, b := range batches {
				if !b.Layout.Simulated {
					t.Fatalf("lane %d, batch %d is not marked", lane, b.Sequence)
				}
			}
			if len(batches) == 0 {
				t.Errorf("nothing came in lane %d", lane)
			}
		}
	})
}
