package field

import (
	"fmt"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/collector/site"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func open(t testing.TB, c sim.Config) *Plant {
	t.Helper()
	c.Wired = true
	if c.Site == "" {
		c.Site = "simulated"
	}
	if c.Start.IsZero() {
		c.Start = start
	}
	w, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(w, Config{Slow: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func described(t testing.TB, p *Plant) *site.Site {
	t.Helper()
	b, err := p.SiteFile(2 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	s, err := site.Parse("site.yaml", b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if ps := s.Check(); len(ps) > 0 {
		t.Fatalf("%v\n%s", ps, b)
	}
	return s
}

func TestTheSiteFileIsWithoutFault(t *testing.T) {
	for _, c := range []sim.Config{
		{Hosts: 1, GPUs: 1}, {Hosts: 1}, {Hosts: 7, GPUs: 4}, {Hosts: 8}, {Hosts: 9}, {Hosts: 16}, {Hosts: 512}, {Hosts: 513},
		{Hosts: 1500, Model: "NVIDIA B200"}, {Hosts: 12_500},
	} {
		t.Run(fmt.Sprintf("%d hosts of %d", c.Hosts, c.GPUs), func(t *testing.T) {
			p := open(t, c)
			s := described(t, p)
			b := p.Blueprint()
			n := s.Expected(start)
			if n.Hosts != c.Hosts || n.GPUs != c.Hosts*b.GPUs || n.Unrated != 0 {
				t.Errorf("it expects %+v", n)
			}
			for _, o := range s.Outlooks() {
				if !o.Have {
					t.Errorf("no %s: %s", o.Name, o.Text)
				}
			}
			if c := s.ITCategory(); c.Number != 1 || c.Racks != c.Of {
				t.Errorf("it has %s", c)
			}
			for i := range p.devices {
				d := &p.devices[i]
				m := s.Meter(d.Name)
				switch {
				case m == nil:
					t.Errorf("%s is not described", d.Name)
				case m.Role != d.Role || m.Read == nil || m.Read.By != d.Agent || m.Read.Modbus.Address != d.gateway.address || m.Read.Modbus.Unit != int(d.unit):
					t.Errorf("%s is described as %+v, %+v", d.Name, m, m.Read.Modbus)
				case d.Rack >= 0 && (len(m.Racks) != 1 || m.Racks[0] != sim.RackName(d.Rack) || len(m.Parents) == 0):
					t.Errorf("%s feeds %v, fed by %v", d.Name, m.Racks, m.Parents)
				}
			}
			if len(s.Meters) != len(p.devices) {
				t.Errorf("%d meters are described, and there are %d", len(s.Meters), len(p.devices))
			}
		})
	}
}
