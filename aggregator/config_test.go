package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
)

func TestBusSettings(t *testing.T) {
	const gib = 1 << 30
	for name, tc := range map[string]struct {
		text     string
		limits   bus.Limits
		replicas int
		errs     []string
	}{
		"left out":    {text: "urls: [tls://a]", limits: bus.Limits{}, replicas: 0},
		"a cluster":   {text: "urls: [tls://a]\n  replicas: 3\n  telemetry_bytes: 100GiB\n  ledger_bytes: 300GiB", limits: bus.Limits{Telemetry: 100 * gib, Ledger: 300 * gib}, replicas: 3},
		"one server":  {text: "urls: [tls://a]\n  replicas: 1", replicas: 1},
		"embedded":    {text: "embedded: {}\n  replicas: 1\n  ledger_bytes: 1GiB", limits: bus.Limits{Ledger: gib}, replicas: 1},
		"two copies":  {text: "urls: [tls://a]\n  replicas: 2", errs: []string{`c.yaml:4: bus.replicas: "2" is none of 1, 3 and 5`}},
		"no number":   {text: "urls: [tls://a]\n  replicas: many", errs: []string{`c.yaml:4: bus.replicas: "many" is none of`}},
		"none":        {text: "urls: [tls://a]\n  replicas: 0", errs: []string{`c.yaml:4: bus.replicas: "0" is none of`}},
		"a list":      {text: "urls: [tls://a]\n  replicas: [3]", errs: []string{`c.yaml:4: `}},
		"unknown key": {text: "urls: [tls://a]\n  replica: 3", errs: []string{`c.yaml:4: replica: no such key`}},
		"copies of the embedded": {text: "embedded: {}\n  replicas: 3",
			errs: []string{`c.yaml:4: bus.replicas: the embedded bus is one server`}},
		"all that is wrong at once": {text: "urls: [tls://a]\n  replicas: 4\n  telemetry_bytes: 1MiB\n  ledger_bytes: -1GiB",
			errs: []string{`c.yaml:4: bus.replicas: "4"`, `c.yaml:5: bus.telemetry_bytes: less than 64 MiB holds no lane`, `c.yaml:6: bus.ledger_bytes: "-1GiB" is no size`}},
		"more than the embedded takes": {text: "embedded: {}\n  telemetry_bytes: 41GiB\n  ledger_bytes: 121GiB",
			errs: []string{`c.yaml:4: bus.telemetry_bytes: the embedded bus takes up to 40 GiB`, `c.yaml:5: bus.ledger_bytes: the embedded bus takes up to 120 GiB`}},
		"open to nobody but this machine": {text: "embedded: {listen: '127.0.0.1:4222'}"},
		"open to all": {text: "embedded: {listen: '0.0.0.0:4222'}",
			errs: []string{`c.yaml:3: bus.embedded.listen: 0.0.0.0:4222 is beyond loopback`, "users: DIR/users.conf", "aggregator bus init", "credentials: DIR/creds", "tls: {cert: FILE, key: FILE}", "127.0.0.1:4222, which lets this machine in alone"}},
		"open by a port alone":              {text: "embedded: {listen: ':4222'}", errs: []string{`:4222 is beyond loopback`}},
		"open without TLS":                  {text: "embedded: {listen: 'bus-1:4222', users: u}\n  credentials: c", errs: []string{"wants\n  tls: {cert"}},
		"open without users":                {text: "embedded: {listen: '[::]:4222', tls: {cert: a, key: b}}", errs: []string{"wants\n  users: DIR"}},
		"opened safely":                     {text: "embedded: {listen: '0.0.0.0:4222', users: u, tls: {cert: a, key: b}}\n  credentials: c"},
		"half of TLS":                       {text: "embedded: {tls: {cert: a}}", errs: []string{"bus.embedded.tls: cert and key go together"}},
		"users, and the aggregator is none": {text: "embedded: {users: u}", errs: []string{"bus.credentials: missing: with users the aggregator shows who it is, too"}},
		"in the clear":                      {text: "urls: [nats://bus-1:4222]", errs: []string{"c.yaml:3: bus.urls: nats://bus-1:4222 is beyond loopback, and in the clear"}},
		"in the clear by name":              {text: "urls: [nats://bus-1:4222]\n  insecure: true"},
		"a secret in an address":            {text: "urls: ['nats://anna:hunter2@bus-1:4222']", errs: []string{"bus.urls: address 1 holds a user or a password"}},
	} {
		c, err := parseConfig("c.yaml", []byte("data: d\nbus:\n  "+tc.text+"\n"))
		for _, want := range tc.errs {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the secret", name)
		}
		if len(tc.errs) > 0 {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.Bus.Limits != tc.limits || c.Bus.Replicas != tc.replicas {
			t.Errorf("%s: it says %+v", name, c.Bus)
		}
	}
}

// What lets anybody read is no leave to write.
func TestInsecureOpensNoBus(t *testing.T) {
	_, err := parseConfig("c.yaml", []byte("data: d\ninsecure: true\nbus: {embedded: {listen: '0.0.0.0:4222'}}\n"))
	if err == nil || !strings.Contains(err.Error(), "bus.embedded.listen: 0.0.0.0:4222 is beyond loopback") {
		t.Errorf("it says %v", err)
	}
}

// What the example file has behind a comment sign is in order too.
func TestExampleOfAClusterIsInOrder(t *testing.T) {
	var b strings.Builder
	for line := range strings.Lines(string(example)) {
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(trimmed, "embedded:"), strings.HasPrefix(trimmed, "listen: 127.0.0.1:4222"):
			continue
		case strings.HasPrefix(trimmed, "# urls:"), strings.HasPrefix(trimmed, "# telemetry_bytes:"), strings.HasPrefix(trimmed, "# ledger_bytes:"), strings.HasPrefix(trimmed, "# replicas:"):
			line = strings.Replace(line, "# ", "", 1)
		}
		b.WriteString(line)
	}
	c, err := parseConfig("example.yaml", []byte(b.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if c.Bus.Replicas != 3 || c.Bus.Limits != (bus.Limits{Telemetry: 2 << 30, Ledger: 16 << 30}) || len(c.Bus.Client.URLs) != 3 {
		t.Errorf("it says %+v", c.Bus)
	}
}

func TestSitesOfTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"racks.yaml": "site: s1\ntime_zone: Europe/Paris\nhalls: h1\nracks: [{id: r1, hall: h1, hosts: [{number: 4, gpus: 8}]}]\n",
		"bare.yaml":  "site: s1\ntime_zone: Europe/Paris\n",
		"wrong.yaml": "site: s1\ntime_zone: Europe/Pariss\n",
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	for name, tc := range map[string]struct {
		text string
		want siteConfig
		errs []string
	}{
		"named":                 {text: "{name: s1, hosts: 2, gpus: 16}", want: siteConfig{Name: "s1", Inventory: live.Inventory{Hosts: 2, GPUs: 16}}},
		"by its file":           {text: "{file: racks.yaml}", want: siteConfig{Name: "s1", Inventory: live.Inventory{Hosts: 4, GPUs: 32}}},
		"by both":               {text: "{name: s1, file: racks.yaml}", want: siteConfig{Name: "s1", Inventory: live.Inventory{Hosts: 4, GPUs: 32}}},
		"a file without racks":  {text: "{file: bare.yaml, hosts: 3, gpus: 24}", want: siteConfig{Name: "s1", Inventory: live.Inventory{Hosts: 3, GPUs: 24}}},
		"another's file":        {text: "{name: s2, file: bare.yaml}", errs: []string{`c.yaml:4: sites.0.name: "s2" is not the site of `}},
		"counted twice":         {text: "{file: racks.yaml, hosts: 3}", errs: []string{"c.yaml:4: sites.0: ", "leave hosts and gpus out"}},
		"a file that is not":    {text: "{file: none.yaml}", errs: []string{"c.yaml:4: sites.0.file: ", "no such file"}},
		"a file that is wrong":  {text: "{file: wrong.yaml}", errs: []string{"wrong.yaml:2: time_zone: "}},
		"neither name nor file": {text: "{hosts: 3}", errs: []string{"c.yaml:4: sites.0: name or file is missing"}},
		"named twice":           {text: "{file: bare.yaml}\n  - {name: s1}", errs: []string{`c.yaml:5: sites.1.name: "s1" stands twice`}},
		"below zero":            {text: "{name: s1, hosts: -3}", errs: []string{"c.yaml:4: sites.0: hosts and gpus cannot be below zero"}},
	} {
		c, err := parseConfig(filepath.Join(dir, "c.yaml"), []byte("data: d\nbus: {urls: [tls://a]}\nsites:\n  - "+tc.text+"\n"))
		for _, want := range tc.errs {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the secret", name)
		}
		if len(tc.errs) > 0 {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s := c.Sites[0]; s.Name != tc.want.Name || s.Inventory != tc.want.Inventory || (s.described != nil) != (s.File != "") {
			t.Errorf("%s: it says %+v", name, s)
		}
	}
}
