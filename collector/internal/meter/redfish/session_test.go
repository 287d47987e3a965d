package redfish

import (
	"context"
	"errors"
	"maps"
	"net"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/site"
)

func TestCertificates(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*site.Meter)
		says   string
	}{
		"of others": {func(m *site.Meter) { _, ca := selfSigned(t); m.Read.Redfish.CA = keep(t, "ca.pem", ca) }, "its certificate is not trusted; write ca:"},
		"nobody's":  {func(m *site.Meter) { m.Read.Redfish.CA = "" }, "its certificate is not trusted; write ca:"},
		"another name": {func(m *site.Meter) {
			m.Read.Redfish.URL = strings.Replace(m.Read.Redfish.URL, "127.0.0.1", "localhost", 1)
		}, "the url by a name that it is for"},
	} {
		d := serve(t, "rack_pdu")
		r := reader(t, d.meter(pdu, x.change))
		if values, err := r.Read(t.Context()); err == nil || len(values) > 0 || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %v, %v", name, values, err)
		}
		if n := d.count(""); n > 0 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

func TestWithoutTLS(t *testing.T) {
	d := serve(t, "rack_pdu", func(d *device) { d.tls = nil })
	if values, err := reader(t, d.meter(pdu)).Read(t.Context()); err != nil || len(values) != 2 {
		t.Error(values, err)
	}
	m := d.meter(pdu, func(m *site.Meter) { m.Read.Redfish.URL = "https://" + d.addr })
	if _, err := reader(t, m).Read(t.Context()); err == nil || !strings.Contains(err.Error(), "its url may be http://") {
		t.Error(err)
	}
}

func TestSessions(t *testing.T) {
	d := serve(t, "rack_pdu")
	outlet := d.meter(pdu+"/Outlets/1", func(m *site.Meter) { m.ID = "outlet" })
	w := watch(t, d.meter(pdu), outlet)
	w.watts("m", 17250)
	w.watts("outlet", 3310.4)
	held := func() (made, alive int) {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.made, len(d.sessions)
	}
	if made, alive := held(); made != 1 || alive != 1 || d.most != 1 {
		t.Errorf("%d sessions were made, %d are alive, %d requests at once", made, alive, d.most)
	}
	d.set(func(d *device) { clear(d.sessions) }) // it was restarted
	d.shows(700, `{"LifetimeReading": 325675.25}`)
	w.watts("m", 700)
	if made, _ := held(); made != 2 || strings.Contains(w.log.String(), "not believed") {
		t.Errorf("%d sessions; %s", made, w.log)
	}
	w.stop()
	if _, alive := held(); alive != 0 {
		t.Errorf("%d are left behind", alive)
	}
}

// One that refuses each session is asked for one more, and not for ever.
func TestADeviceThatRefuses(t *testing.T) {
	d := serve(t, "rack_pdu")
	w := watch(t, d.meter(pdu))
	w.watts("m", 17250)
	d.set(func(d *device) { d.refuses = true })
	w.says("401 Unauthorized")
	time.Sleep(500 * time.Millisecond)
	if n := d.count("POST " + sessionsPath); n != 2 {
		t.Errorf("%d sessions were asked for", n)
	}
}

func TestWithoutSessions(t *testing.T) {
	d := serve(t, "rack_pdu", func(d *device) { d.basic = true })
	w := watch(t, d.meter(pdu))
	w.watts("m", 17250)
	if n := d.count("POST " + sessionsPath); n != 1 {
		t.Errorf("%d sessions were asked for", n)
	}
}

func TestAWrongPassword(t *testing.T) {
	d := serve(t, "rack_pdu")
	w := watch(t, d.meter(pdu, func(m *site.Meter) { m.Read.Redfish.PasswordFile = keep(t, "password", "hunter1\n") }))
	w.says("log in as " + user + ": 401 Unauthorized")
	time.Sleep(500 * time.Millisecond)
	if n := d.count("POST " + sessionsPath); n != 1 {
		t.Errorf("it was tried %d times", n)
	}
	w.keeps("hunter1")
}

func TestRedirects(t *testing.T) {
	evil := serve(t, "rack_pdu")
	for to, says := range map[string]string{
		"https://" + evil.addr + pduMetrics: "it redirects to " + evil.addr,
		"http://evil.example/":              "it redirects to evil.example",
		pdu + "/Elsewhere":                  "",
	} {
		d := serve(t, "rack_pdu", func(d *device) {
			d.status[pduMetrics], d.tree[pdu+"/Elsewhere"] = "307 "+to, d.tree[pduMetrics]
		})
		values, err := reader(t, d.meter(pdu)).Read(t.Context())
		if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || len(values) > 0) {
			t.Errorf("%s: %v, %v", to, values, err)
		}
	}
	if n := evil.count(""); n > 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
	d := serve(t, "rack_pdu", func(d *device) {
		d.tree[pdu] = strings.ReplaceAll(d.tree[pdu], pduMetrics, "https://evil.example/redfish/v1")
	})
	if _, err := reader(t, d.meter(pdu)).Read(t.Context()); err == nil || !strings.Contains(err.Error(), "leads elsewhere") {
		t.Error(err)
	}
}

// A reader that is let go of asks for nothing more.
func TestAfterTheEnd(t *testing.T) {
	d := serve(t, "rack_pdu")
	var s Services
	r, _, err := s.Of(d.meter(pdu))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Feeds()[0].Run(ctx); err != nil || len(d.sessions) != 0 {
		t.Errorf("%d sessions, %v", len(d.sessions), err)
	}
	n := d.count("")
	if _, err := r.Read(t.Context()); !errors.Is(err, net.ErrClosed) || d.count("") != n {
		t.Error(err)
	}
}

// A service knows the password, and may say it back wherever it says anything.
func TestAPasswordThatIsSaidBackIsNotSaid(t *testing.T) {
	d := serve(t, "floor_pdu")
	const floor = "/redfish/v1/PowerEquipment/FloorPDUs/1"
	named := path.Dir(floor) + "/" + password
	d.set(func(d *device) {
		tree := maps.Clone(d.tree)
		clear(d.tree)
		for at, body := range tree {
			d.tree[strings.ReplaceAll(at, floor, named)] = strings.ReplaceAll(body, floor, named)
		}
	})
	_, err := reader(t, d.meter("")).Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "write resource: "+path.Dir(floor)+"/[redacted], ") || strings.Contains(err.Error(), password) {
		t.Errorf("%v", err)
	}
}
