package snmp

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// An agent knows the community, and may say it back wherever it says anything.
func TestACommunityThatIsSaidBackIsNotSaid(t *testing.T) {
	for name, text := range map[string]string{
		"as it is": community, "in hex": hex.EncodeToString([]byte(community)), "in base64": base64.StdEncoding.EncodeToString([]byte("user:" + community)),
	} {
		t.Run(name, func(t *testing.T) {
			f := fakeAgent(t, map[string]any{})
			f.answers = func(p *gosnmp.SnmpPacket) {
				p.Error = gosnmp.NoError
				for i := range p.Variables {
					p.Variables[i].Type, p.Variables[i].Value = gosnmp.OctetString, text
				}
			}
			k := keys(t)
			m, err := (&RawMap{Name: "own", Values: []RawObject{{Measures: "power", Unit: "W", OID: "1.3.6.1.4.1.318.1.1"}}}).Map()
			if err != nil {
				t.Fatal(err)
			}
			r, err := agent(t, k.as(f.addr, "")).Reader(m, "")
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.Read(within(t, 5*time.Second))
			if err == nil || !strings.Contains(err.Error(), "[redacted]") {
				t.Errorf("%v", err)
			}
			w := watch(t, meter.Meter{Name: "m", Reader: r})
			w.says("[redacted]")
			for _, said := range []string{err.Error(), w.s.Describe()} {
				if secret.Of(community).Stands(said) {
					t.Error(said)
				}
			}
		})
	}
}
