package bmc

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, poor := &meter{called: "good", sample: sample{watts: 500}, takes: 3 * time.Second}, &meter{called: "poor", sample: sample{watts: 510}}
		r := newRig(t)
		r.start(Config{}, node(10*time.Second, good, poor))
		time.Sleep(time.Second)
		diff(t, "before the better one has answered", r.watts(), map[string]float64{})
		r.says("good asked 1s ago", "poor by meter poor waits for a better meter's answer")
		r.s.Settle(t.Context())
		diff(t, "then", r.watts(), map[string]float64{"bmc": 500})
		r.says("bmc: good by meter good every 10s", "bmc: poor by meter poor not used: good serves")
		epoch := r.read()["bmc"].epoch

		time.Sleep(10 * time.Minute)
		if poor.count() != 1 {
			t.Errorf("the meter that stands by was read %d times", poor.count())
		}
		if good.count() < 60 || good.count() > 62 {
			t.Errorf("the meter that serves was read %d times in ten minutes", good.count())
		}

		// A short silence is a gap, a long one another meter.
		good.set(func(m *meter) { m.err = errors.New("it burns") })
		time.Sleep(90 * time.Second)
		diff(t, "after 90 s of silence", r.watts(), map[string]float64{"bmc": -1})
		r.says("good by meter good every 10s", "fails: it burns")
		time.Sleep(60 * time.Second)
		diff(t, "after 150 s", r.watts(), map[string]float64{"bmc": 510})
		r.says("bmc: poor by meter poor every 10s", "good fails: it burns")
		if got := r.read()["bmc"]; got.epoch == epoch || got.joules > 510*120 {
			t.Errorf("another meter counts on: %v", got)
		}
		if n := strings.Count(r.log.String(), "meter fails"); n != 1 {
			t.Errorf("said %d times that a meter fails: %s", n, &r.log)
		}

		// It takes over again once it has answered for a while.
		good.set(func(m *meter) { m.err = nil })
		time.Sleep(10 * time.Minute) // it was tried ever less often
		diff(t, "soon after it answers", r.watts(), map[string]float64{"bmc": 510})
		time.Sleep(6 * time.Minute)
		diff(t, "later", r.watts(), map[string]float64{"bmc": 500})
		if got := r.read()["bmc"]; got.joules > 500*6*60 {
			t.Errorf("shows energy that the other meter counted: %v", got)
		}
		r.stop()
		if good.closed != 1 || poor.closed != 1 {
			t.Errorf("closed %d and %d times", good.closed, poor.closed)
		}
	})
}

func TestASecondMeterServesAtOnceWhereTheFirstFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, poor := &meter{called: "slow", takes: 3 * time.Second, err: errors.New("it burns")}, &meter{called: "poor", sample: sample{watts: 510}}
		r := newRig(t)
		r.start(Config{}, node(10*time.Second, slow, poor))
		r.s.Settle(t.Context())
		r.says("bmc: poor by meter poor every 10s", "slow fails: it burns") // before anything was read
		diff(t, "then", r.watts(), map[string]float64{"bmc": 510})
		r.stop()
	})
}

// A better meter that answers once in a while takes nothing over, least of all as it
// fails again.
func TestAMeterThatAnswersOnceDoesNotServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, poor := &meter{called: "good", sample: sample{watts: 500}}, &meter{called: "poor", sample: sample{watts: 510}}
		r := newRig(t)
		r.start(Config{}, node(10*time.Second, good, poor))
		time.Sleep(time.Minute)
		good.set(func(m *meter) { m.err = errors.New("it burns") })
		time.Sleep(5 * time.Minute)
		epoch := r.read()["bmc"].epoch
		for range 3 {
			good.set(func(m *meter) { m.err = nil })
			answered := good.count() + 1
			for i := range 12 * 60 {
				if good.count() == answered {
					good.set(func(m *meter) { m.err = errors.New("it burns") })
				}
				if got := r.read()["bmc"]; got.watts != 510 || got.epoch != epoch {
					t.Fatalf("%d s after the better one was mended: %v", i, got)
				}
				time.Sleep(time.Second)
			}
			if good.count() <= answered {
				t.Fatal("the better one has not answered and failed since")
			}
		}
		r.stop()
	})
}

func TestASecondMeterServesIfTheFirstNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, poor := &meter{called: "hung", hangs: make(chan struct{})}, &meter{called: "poor", sample: sample{watts: 510}}
		r := newRig(t)
		r.start(Config{}, node(10*time.Second, hung, poor))
		time.Sleep(2 * time.Minute)
		began := time.Now()
		diff(t, "after two minutes", r.watts(), map[string]float64{"bmc": 510})
		if time.Since(began) > 0 {
			t.Errorf("Read waited %v", time.Since(began))
		}
		r.says("hung asked 2m0s ago")
		began = time.Now()
		r.stop()
		if took := time.Since(began); took > farewell {
			t.Errorf("Run ended only after %v", took)
		}
		close(hung.hangs)
	})
}

func TestAgeOfASlowReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{called: "slow", sample: sample{watts: 500}, takes: 3 * time.Second}
		r := newRig(t)
		r.start(Config{}, node(10*time.Second, m))
		for _, x := range []struct {
			wait       time.Duration
			watts, age float64
		}{{2 * time.Second, 0, 0}, {1100 * time.Millisecond, 500, 3.1}, {6900 * time.Millisecond, 500, 10}, {2 * time.Second, 500, 12}, {1100 * time.Millisecond, 500, 3.1}} {
			time.Sleep(x.wait)
			if got := r.read()["bmc"]; got.watts != x.watts || !near(got.age, x.age, 0.001) {
				t.Errorf("after another %v: %v, want %v W, %v s old", x.wait, got, x.watts, x.age)
			}
		}
		// Its own pace is what counts, and a minute at most.
		m.set(func(m *meter) { m.takes = 25 * time.Second })
		time.Sleep(time.Minute)
		for range 300 {
			time.Sleep(time.Second)
			if got := r.read()["bmc"]; got.watts != 500 || got.age > 60 {
				t.Fatalf("a reading takes 25 s: %v", got)
			}
		}
		m.set(func(m *meter) { m.takes = 2 * time.Minute })
		time.Sleep(5 * time.Minute)
		for range 300 {
			time.Sleep(time.Second)
			if got := r.read()["bmc"]; got.watts != -1 || got.age != -1 {
				t.Fatalf("a reading takes two minutes: %v", got)
			}
		}
	})
}

func TestFailuresAreTriedEverLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{called: "dead", err: errors.New("no route")}
		gone := &meter{called: "gone", err: absent{errors.New("no such file")}}
		r := newRig(t)
		r.start(Config{}, node(10*time.Second, m, gone))
		time.Sleep(time.Hour)
		if m.count() < 12 || m.count() > 20 {
			t.Errorf("read %d times in an hour", m.count())
		}
		if gone.count() < 60 || gone.count() > 61 {
			t.Errorf("looked for what is not there %d times in an hour", gone.count())
		}
		r.says("bmc: dead fails: no route", "!gone")
		diff(t, "shown", r.watts(), map[string]float64{})
	})
}

func TestConfigurationThatMakesNoSense(t *testing.T) {
	secret := newRig(t)
	secret.write("password", "hunter2")
	secret.write("ca", "no certificate")
	file := secret.path("password")
	for name, x := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"no host":               {func(c *Config) { c.Place.Host = "" }, "no name"},
		"a period of an hour":   {func(c *Config) { c.Period = time.Hour }, "1 s to 30 s"},
		"password in the url":   {func(c *Config) { c.Redfish.URL = "https://root:hunter2@bmc" }, "no place in its url"},
		"password in the clear": {func(c *Config) { c.Redfish = Redfish{URL: "http://bmc", User: "root", PasswordFile: file} }, "is not https"},
		"no url":                {func(c *Config) { c.Redfish.URL = "bmc.example" }, "is not https"},
		"a url of nothing":      {func(c *Config) { c.Redfish.URL = "https://hunter2:hunter2" }, "cannot be parsed"},
		"no password":           {func(c *Config) { c.Redfish = Redfish{URL: "https://bmc", User: "root"} }, "go together"},
		"user and token": {func(c *Config) {
			c.Redfish = Redfish{URL: "https://bmc", User: "root", PasswordFile: file, TokenFile: file}
		}, "not both"},
		"no certificate":        {func(c *Config) { c.Redfish = Redfish{URL: "https://bmc", CA: secret.path("ca")} }, "there is none"},
		"no file of them":       {func(c *Config) { c.Redfish = Redfish{URL: "https://bmc", CA: secret.path("none")} }, "no such file"},
		"ipmi without password": {func(c *Config) { c.IPMI = IPMI{Host: "bmc", User: "root"} }, "needs user and password_file"},
		"ipmi without host":     {func(c *Config) { c.IPMI = IPMI{User: "root", PasswordFile: file} }, "need a host"},
		"ipmi at no port":       {func(c *Config) { c.IPMI = IPMI{Host: "bmc:high", User: "root", PasswordFile: file} }, "is not host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRig(t).config(Config{})
			x.change(&c)
			_, err := New(c)
			if err == nil || !strings.Contains(err.Error(), x.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want one with %q", err, x.says)
			}
		})
	}
}
