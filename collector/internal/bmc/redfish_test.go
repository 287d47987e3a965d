package bmc

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	dellMetrics = "/redfish/v1/Chassis/System.Embedded.1/EnvironmentMetrics"
	hpePower    = "/redfish/v1/Chassis/1/Power/"

	sessionsPath = "/redfish/v1/SessionService/Sessions"
)

func TestShapes(t *testing.T) {
	for name, x := range map[string]struct {
		capture string
		change  func(*testing.T, *controller, *Config)
		watts   float64 // 0: none
		says    string
	}{
		"environment metrics": {"dell", nil, 812, "EnvironmentMetrics of chassis System.Embedded.1 every 10s, its energy register on trial"},
		"legacy power":        {"hpe", nil, 415, "PowerControl of chassis 1 every 10s, energy integrated from its power"},
		"the first of several members, and no part of the node": {"supermicro", nil, 5230, "PowerControl of chassis 1"},
		"the sum of the power supplies that are there":          {"hgx", nil, 6000, "2 power supplies of chassis Chassis_0"},
		"the chassis that is configured":                        {"hgx", func(_ *testing.T, _ *controller, c *Config) { c.Redfish.Chassis = "HGX_Chassis_0" }, 4420.5, "EnvironmentMetrics of chassis HGX_Chassis_0"},
		"the system that is configured":                         {"hgx", func(_ *testing.T, _ *controller, c *Config) { c.Redfish.System = "HGX_Baseboard_0" }, 4420.5, "EnvironmentMetrics of chassis HGX_Chassis_0"},
		"a chassis that is not there":                           {"hgx", func(_ *testing.T, _ *controller, c *Config) { c.Redfish.Chassis = "2" }, 0, "404 Not Found"},
		"no power supply says what it draws": {"hgx", func(t *testing.T, b *controller, _ *Config) {
			b.replace("/redfish/v1/Chassis/Chassis_0/PowerSubsystem/PowerSupplies/PSU_1/Metrics", "2989.5", "null")
		}, 0, "InputPowerWatts in /redfish/v1/Chassis/Chassis_0/PowerSubsystem/PowerSupplies/PSU_1/Metrics: null"},
		"a power supply without metrics": {"hgx", func(t *testing.T, b *controller, _ *Config) {
			b.replace("/redfish/v1/Chassis/Chassis_0/PowerSubsystem/PowerSupplies/PSU_2", "Absent", "StandbySpare")
		}, 0, "power supply PSU_2 has no metrics"},
		"two systems": {"hgx", func(t *testing.T, b *controller, _ *Config) {
			b.replace("/redfish/v1/Systems", "HGX_Baseboard_0", "System_1")
		}, 0, "systems System_1, System_0: configure which is this host"},
		"two chassis": {"hgx", func(t *testing.T, b *controller, _ *Config) {
			b.replace("/redfish/v1/Systems/System_0", `"/redfish/v1/Chassis/Chassis_0"}`, `"/redfish/v1/Chassis/Chassis_0"}, {"@odata.id": "/redfish/v1/Chassis/HGX_Chassis_0"}`)
		}, 0, "chassis Chassis_0, HGX_Chassis_0 all show power: configure which is the node"},
		"power under another member's name": {"dell", func(t *testing.T, b *controller, _ *Config) {
			b.replace(dellMetrics, `"Reading": 812.0`, `"Reading": "812.5"`)
		}, 812.5, "EnvironmentMetrics"},
		"a bare number":                       {"dell", reading(`412.25`), 412.25, "EnvironmentMetrics"},
		"the other resource where one is N/A": {"dell", reading(`{"Reading": "N/A"}`), 799, "PowerControl"},
		"the other where one is garbage":      {"dell", reading(`{"Reading": 4294967295}`), 799, "PowerControl"},
		"the other where one is zero":         {"dell", reading(`{"Reading": 0}`), 799, "PowerControl"},
		"the other where one is negative":     {"dell", reading(`{"Reading": -1}`), 799, "PowerControl"},
		"the other where one is too large":    {"dell", reading(`{"Reading": 1e400}`), 799, "PowerControl"},
		"the other where one is no number":    {"dell", reading(`{"Reading": {"Value": 4}}`), 799, "PowerControl"},
		"the other where one is not there":    {"dell", reading(`{}`), 799, "PowerControl"},
		"garbage everywhere": {"hpe", func(t *testing.T, b *controller, _ *Config) {
			b.replace(hpePower, `"PowerConsumedWatts": 415`, `"PowerConsumedWatts": 4294967295`)
		}, 0, "PowerControl of chassis 1 says 4.294967295e+09 W, which no running host draws"},
		"no member of PowerControl": {"hpe", func(t *testing.T, b *controller, _ *Config) {
			b.set(func(b *controller) { b.tree[hpePower] = `{"PowerControl": []}` })
		}, 0, "has no members"},
		"text where an object should be": {"hpe", func(t *testing.T, b *controller, _ *Config) {
			b.set(func(b *controller) { b.tree[hpePower] = `{"PowerControl": "none"}` })
		}, 0, "has no members"},
		"no JSON": {"hpe", func(t *testing.T, b *controller, _ *Config) {
			b.set(func(b *controller) { b.tree[hpePower] = "<html>" })
		}, 0, "invalid character"},
		"endless JSON": {"hpe", func(t *testing.T, b *controller, _ *Config) {
			b.set(func(b *controller) { b.tree[hpePower] = strings.Repeat(" ", 1<<20+1) })
		}, 0, "more than 1048576 bytes"},
		"a link to elsewhere": {"hpe", func(t *testing.T, b *controller, _ *Config) {
			b.replace("/redfish/v1/Chassis/1/", "/redfish/v1/Chassis/1/Power/", "https://evil.example/redfish/v1/Power")
		}, 0, "leads elsewhere"},
		"a link to the top": {"hpe", func(t *testing.T, b *controller, _ *Config) {
			b.replace("/redfish/v1/Chassis/1/", "/redfish/v1/Chassis/1/Power/", "/admin")
		}, 0, "leads elsewhere"},
		"another host redirected to": {"hpe", func(t *testing.T, b *controller, _ *Config) {
			b.set(func(b *controller) { b.status[hpePower] = "307 https://evil.example/redfish/v1/" })
		}, 0, "it redirects to evil.example"},
		"redirected on itself": {"hpe", func(t *testing.T, b *controller, _ *Config) {
			b.set(func(b *controller) {
				b.status[hpePower], b.tree["/redfish/v1/P"] = "308 /redfish/v1/P", b.tree[hpePower]
			})
		}, 415, "PowerControl"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, r := newController(t, x.capture), newRig(t)
				c := b.config(r)
				if x.change != nil {
					x.change(t, b, &c)
				}
				r.start(c)
				r.s.Settle(t.Context())
				want := map[string]float64{"bmc": x.watts}
				if x.watts == 0 {
					want = map[string]float64{}
				}
				diff(t, "shown", r.watts(), want)
				r.says(x.says)
				r.stop()
			})
		})
	}
}

// reading replaces PowerWatts.
func reading(json string) func(*testing.T, *controller, *Config) {
	return func(_ *testing.T, b *controller, _ *Config) {
		b.set(func(b *controller) {
			head, rest, _ := strings.Cut(b.tree[dellMetrics], `"PowerWatts": `)
			_, rest, _ = strings.Cut(rest, "},")
			b.tree[dellMetrics] = head + `"PowerWatts": ` + json + "," + rest
		})
	}
}

// Three seconds an answer: nobody waits, and only what is needed is asked for.
func TestSlowController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r := newController(t, "dell"), newRig(t)
		b.delay = 3 * time.Second
		r.start(b.config(r))
		began := time.Now()
		for range 60 {
			r.read()
			time.Sleep(time.Second)
		}
		if time.Since(began) != time.Minute {
			t.Errorf("Read waited: %v for a minute", time.Since(began))
		}
		for range 120 {
			time.Sleep(time.Second)
			if got := r.read()["bmc"]; got.watts != 812 || got.age < 3 || got.age > 13.1 {
				t.Fatalf("%v", got)
			}
		}
		if n := b.count("GET /redfish/v1/Systems"); n != 1 {
			t.Errorf("looked for the system %d times", n)
		}

		// Too slow: the reading is missing, and the others of this machine are not.
		b.set(func(b *controller) { b.delay = 40 * time.Second })
		time.Sleep(3 * time.Minute)
		diff(t, "at 40 s an answer", r.watts(), map[string]float64{"bmc": -1})
		r.says("EnvironmentMetrics of chassis System.Embedded.1 every 10s", "fails: read bmc.example", "deadline exceeded")
		b.set(func(b *controller) { b.delay = 0 })
		time.Sleep(6 * time.Minute)
		diff(t, "answering again", r.watts(), map[string]float64{"bmc": 812})
		r.stop()
	})
}

func TestEnergyOfAController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r := newController(t, "dell"), newRig(t)
		c := b.config(r)
		c.State = t.TempDir()
		r.start(c)
		kwh := 25675.125
		show := func(f string, v ...any) {
			b.set(func(b *controller) {
				b.tree[dellMetrics] = `{"PowerWatts": {"Reading": 7200}, "EnergykWh": ` + fmt.Sprintf(f, v...) + `}`
			})
		}
		run := func(seconds int) shown {
			for range seconds {
				kwh += 7200.0 / 3.6e6
				show(`{"Reading": 10.5, "LifetimeReading": %.3f, "SensorResetTime": "2026-01-01T00:00:00Z"}`, kwh)
				time.Sleep(time.Second)
			}
			return r.read()["bmc"]
		}
		if got := run(30); got.watts != 7200 || got.joules != -1 {
			t.Errorf("after half a minute: %v", got)
		}
		got := run(60)
		if got.quality != "measured" || !near(got.joules, kwh*3.6e6, 80e3) {
			t.Errorf("after a minute and a half: %v, the register is at %.0f J", got, kwh*3.6e6)
		}
		r.says("energy by its register, in steps of up to 7")
		epoch := got.epoch
		r.stop()
		run(0)
		r.start(c)
		r.s.Settle(t.Context())
		if got := r.read()["bmc"]; got.epoch != epoch || got.quality != "measured" {
			t.Errorf("after a restart: %v", got)
		}
		// It is null for one reading: missing, and the same counter afterwards.
		show("null")
		time.Sleep(15 * time.Second)
		if got := r.read()["bmc"]; got.watts != 7200 || got.joules != -1 || got.epoch != epoch {
			t.Errorf("a register that is null: %v", got)
		}
		if got := run(20); got.joules < 0 || got.epoch != epoch {
			t.Errorf("back again: %v", got)
		}
		// The controller was replaced by one that has counted less.
		kwh = 100
		if got := run(20); !near(got.joules, 100*3.6e6, 200e3) || got.epoch == epoch || got.quality != "measured" {
			t.Errorf("another controller: %v", got)
		}
		r.stop()
	})
}

func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r := newController(t, "dell"), newRig(t)
		b.password = "hunter2"
		r.start(b.config(r))
		r.s.Settle(t.Context())
		time.Sleep(time.Minute)
		diff(t, "shown", r.watts(), map[string]float64{"bmc": 812})
		if made, _ := b.held(); made != 1 {
			t.Errorf("%d sessions", made)
		}
		b.set(func(b *controller) { clear(b.sessions) }) // it was restarted
		time.Sleep(15 * time.Second)
		diff(t, "in a session that expired", r.watts(), map[string]float64{"bmc": 812})
		if made, _ := b.held(); made != 2 {
			t.Errorf("%d sessions", made)
		}
		r.stop()
		if _, left := b.held(); left != 0 {
			t.Errorf("%d left behind", left)
		}
		r.keeps("hunter2", "token-")
	})
}

func TestControllersWithoutASession(t *testing.T) {
	for name, change := range map[string]func(*controller){
		"it has none":         func(b *controller) { b.basic = true },
		"others hold them":    func(b *controller) { b.limited = true },
		"nobody is asked":     func(b *controller) { b.password = "" },
		"a token from a file": func(b *controller) { b.sessions["from a file"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, r := newController(t, "dell"), newRig(t)
				b.password = "hunter2"
				change(b)
				c := b.config(r)
				if b.sessions["from a file"] {
					r.write("token", "from a file\n")
					c.Redfish.User, c.Redfish.PasswordFile, c.Redfish.TokenFile = "", "", r.path("token")
				}
				r.start(c)
				time.Sleep(time.Minute)
				diff(t, "shown", r.watts(), map[string]float64{"bmc": 812})
				r.stop()
				r.keeps("hunter2", "from a file")
				if n := b.count("POST " + sessionsPath); n > 1 {
					t.Errorf("asked for a session %d times", n)
				}
			})
		})
	}
}

// A controller locks accounts: what it refused is not tried again and again.
func TestRefusedCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r := newController(t, "dell"), newRig(t)
		b.password = "hunter2"
		c := b.config(r)
		r.write("password", "hunter1\n")
		r.start(c)
		r.s.Settle(t.Context())
		time.Sleep(14 * time.Minute)
		if n := b.count("POST " + sessionsPath); n != 1 {
			t.Errorf("tried %d times in 14 minutes", n)
		}
		r.says("log in as root: 401 Unauthorized", "tried again when "+r.path("password")+" changes")
		time.Sleep(45*time.Minute + 30*time.Second) // the next is due at a full minute
		if n := b.count("POST " + sessionsPath); n != 4 {
			t.Errorf("tried %d times within an hour", n)
		}
		r.write("password", "hunter2\n")
		time.Sleep(time.Minute)
		diff(t, "a minute after the file was corrected", r.watts(), map[string]float64{"bmc": 812})

		remove(t, r.path("password"))
		b.set(func(b *controller) { clear(b.sessions) })
		time.Sleep(time.Minute)
		r.says("read credentials: open")
		r.stop()
		r.keeps("hunter")
	})
}

// A controller knows the password, and may say it back wherever it says anything.
func TestAPasswordThatIsSaidBackIsNotSaid(t *testing.T) {
	const told = "hunter2-7f3a91d2"
	for name, x := range map[string]struct{ path, old, new, says string }{
		"in an id":       {"/redfish/v1/Chassis/System.Embedded.1", `"Id": "System.Embedded.1"`, `"Id": "` + told + `"`, "EnvironmentMetrics of chassis [redacted]"},
		"in an id of it": {"/redfish/v1/Chassis/System.Embedded.1", `"Id": "System.Embedded.1"`, `"Id": "` + base64.StdEncoding.EncodeToString([]byte("root:"+told)) + `"`, "[redacted] every"},
		"in a link":      {"/redfish/v1/Systems", `[{"@odata.id": "/redfish/v1/Systems/System.Embedded.1"`, `[{"@odata.id": "/` + told + `"`, `"/[redacted]" leads elsewhere`},
		"in two ids": {"/redfish/v1/Systems", `[{"@odata.id": "/redfish/v1/Systems/System.Embedded.1"`,
			`[{"@odata.id": "/redfish/v1/Systems/` + told + `"}, {"@odata.id": "/redfish/v1/Systems/b"`, "systems [redacted], b: configure which is this host"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, r := newController(t, "dell"), newRig(t)
				b.password = told
				b.replace(x.path, x.old, x.new)
				r.start(b.config(r))
				r.s.Settle(t.Context())
				r.says(x.says)
				r.stop()
				r.keeps(told, base64.StdEncoding.EncodeToString([]byte("root:"+told)))
			})
		})
	}
}

func TestRefusedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r := newController(t, "dell"), newRig(t)
		b.password = "hunter2"
		c := b.config(r)
		r.write("token", "stale")
		c.Redfish.User, c.Redfish.PasswordFile, c.Redfish.TokenFile = "", "", r.path("token")
		r.start(c)
		time.Sleep(14 * time.Minute)
		if n := b.count(""); n != 1 {
			t.Errorf("asked %d times", n)
		}
		r.says("401 Unauthorized")
		b.set(func(b *controller) { b.sessions["fresh"] = true })
		time.Sleep(500 * time.Millisecond)
		r.write("token", "fresh")
		time.Sleep(time.Minute)
		diff(t, "with another token", r.watts(), map[string]float64{"bmc": 812})
		r.stop()
		r.keeps("stale", "fresh")
	})
}

func TestCredentialsThatNobodyGave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r := newController(t, "dell"), newRig(t)
		c := b.config(r)
		b.password = "hunter2"
		r.start(c)
		time.Sleep(time.Minute)
		r.says("it asks for credentials")
		r.stop()
	})
}

func TestBusyController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r := newController(t, "dell"), newRig(t)
		r.start(b.config(r))
		time.Sleep(time.Minute)
		b.set(func(b *controller) { b.status[dellMetrics] = "503 120"; b.asked = nil })
		time.Sleep(115 * time.Second)
		if n := b.count(""); n != 1 {
			t.Errorf("asked %d times within what it asked for", n)
		}
		diff(t, "meanwhile", r.watts(), map[string]float64{"bmc": -1})
		r.says("503 Service Unavailable")
		b.set(func(b *controller) { delete(b.status, dellMetrics) })
		time.Sleep(30 * time.Second)
		diff(t, "then", r.watts(), map[string]float64{"bmc": 812})

		// A resource that is gone is looked for elsewhere.
		b.set(func(b *controller) { delete(b.tree, dellMetrics) })
		time.Sleep(2 * time.Minute)
		diff(t, "elsewhere", r.watts(), map[string]float64{"bmc": 799})
		r.stop()
	})
}

func TestCertificates(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*rig, *Config)
		watts  float64
		says   string
	}{
		"pinned":               {func(*rig, *Config) {}, 812, "redfish by"},
		"unknown":              {func(_ *rig, c *Config) { c.Redfish.CA = "" }, 0, "certificate signed by unknown authority: configure ca"},
		"of another name":      {func(_ *rig, c *Config) { c.Redfish.URL = "https://10.0.0.17" }, 0, "configure ca, or server_name"},
		"of a name configured": {func(_ *rig, c *Config) { c.Redfish.URL, c.Redfish.ServerName = "https://10.0.0.17", "bmc.example" }, 812, "redfish by"},
		"never checked":        {func(_ *rig, c *Config) { c.Redfish.CA, c.Redfish.InsecureSkipVerify = "", true }, 812, "redfish by"},
	} {
		t.Run(name, func(t *testing.T) { // in real time, over the loopback
			b, r := newController(t, "dell"), newRig(t)
			c := b.config(r)
			c.Redfish.dial = b.loopback()
			x.change(r, &c)
			r.start(c)
			r.s.Settle(t.Context())
			want := map[string]float64{}
			if x.watts > 0 {
				want["bmc"] = x.watts
			}
			diff(t, "shown", r.watts(), want)
			r.says(x.says)
			r.stop()
		})
	}
}
