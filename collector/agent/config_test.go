package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestTheExampleIsAConfiguration(t *testing.T) {
	c, err := Parse("example.yaml", Example)
	if err != nil {
		t.Fatal(err)
	}
	if c.Interval != time.Second || c.Ledger != 10*time.Second || c.Spool.LedgerBytes != 128<<20 || !c.Host.Enabled || c.Host.Root != "/" {
		t.Errorf("got %+v", c)
	}
	// What it leaves out or comments out is what is set anyway.
	short, err := Parse("short.yaml", []byte("site: example-site\nplace: {hall: h01, rack: r0001}\nbus: {urls: [nats://127.0.0.1:4222]}\nspool: {dir: /var/lib/gigawatch/collector}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fmt.Sprintf("%+v", short), fmt.Sprintf("%+v", c)); d != "" {
		t.Error(d)
	}
}

func TestComplaintsNameFileLineAndKey(t *testing.T) {
	const good = "site: s\nagent: n1\nbus:\n  urls: [tls://b]\nspool:\n  dir: /d\n"
	for name, tc := range map[string]struct{ text, want string }{
		"an unknown key":                 {good + "colour: red\n", "f.yaml:7: colour: no such key"},
		"an unknown key, deeper":         {good + "  colour: red\n", "f.yaml:7: colour: no such key"},
		"no site":                        {strings.Replace(good, "site: s\n", "", 1), "f.yaml: site:"},
		"a site that is no token":        {strings.Replace(good, "site: s", "site: a.b", 1), "f.yaml:1: site:"},
		"an agent that is no token":      {strings.Replace(good, "n1", "'n 1'", 1), "f.yaml:2: agent:"},
		"a place that is too long":       {good + "place:\n  hall: " + strings.Repeat("x", 256) + "\n", "f.yaml:8: place.hall:"},
		"no bus":                         {strings.Replace(good, "  urls: [tls://b]\n", "  urls: []\n", 1), "f.yaml:4: bus.urls:"},
		"a certificate without its key":  {strings.Replace(good, "spool:", "  cert: /c\nspool:", 1), "f.yaml:5: bus.cert:"},
		"no spool":                       {strings.Replace(good, "  dir: /d\n", "  dir:\n", 1), "f.yaml:6: spool.dir:"},
		"a size that is none":            {good + "  ledger_bytes: lots\n", "f.yaml:7: spool.ledger_bytes:"},
		"an interval that is none":       {good + "interval: soon\n", "f.yaml:7: interval:"},
		"an interval across minutes":     {good + "interval: 7s\n", "f.yaml:7: interval:"},
		"an interval too short":          {good + "interval: 10ms\n", "f.yaml:7: interval:"},
		"a ledger interval across hours": {good + "ledger_interval: 11s\n", "f.yaml:7: ledger_interval:"},
		"a ledger interval between":      {good + "interval: 2s\nledger_interval: 5s\n", "f.yaml:8: ledger_interval:"},
		"text where a key belongs":       {"site", "f.yaml:1:"},
		"two documents":                  {good + "---\n" + good, "f.yaml:"},
	} {
		_, err := Parse("f.yaml", []byte(tc.text))
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s…", name, err, tc.want)
		}
	}
	_, err := Parse("f.yaml", []byte("interval: 7s\nledger_interval: 11s\n"))
	for _, key := range []string{"site", "bus.urls", "spool.dir", "interval", "ledger_interval"} {
		if err == nil || !strings.Contains(err.Error(), ": "+key+": ") {
			t.Errorf("all complaints at once: %s is missing in\n%v", key, err)
		}
	}
}

func TestATokenIsMadeOfAnyHostName(t *testing.T) {
	for in, want := range map[string]string{
		"n1.example.net": "n1_example_net", "plain-Name_7": "plain-Name_7", "": "", "zürich": "z_rich", strings.Repeat("a", 80): strings.Repeat("a", 63),
	} {
		got := Token(in)
		if got != want || in != "" && !metric.ValidName(got) {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
