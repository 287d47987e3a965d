package mqtt

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/loopback"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// program is where a program of a Debian package is.
func program(t *testing.T, name, pack string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		said := "no MQTT broker: install " + pack + ", or run make packages"
		if os.Getenv("CI") == "true" {
			t.Fatal(said)
		}
		t.Skip(said)
	}
	return path
}

// A mosquitto is a broker in a process of its own.
type mosquitto struct {
	t      *testing.T
	addr   string
	config string
	cmd    *exec.Cmd
	said   bytes.Buffer
}

// mosquittoOf starts a broker with lines of its settings besides its listener's.
func mosquittoOf(t *testing.T, lines ...string) *mosquitto {
	t.Helper()
	program(t, "mosquitto", "mosquitto")
	m := &mosquitto{t: t, addr: loopback.Free(t), config: filepath.Join(t.TempDir(), "mosquitto.conf")}
	_, port, _ := net.SplitHostPort(m.addr)
	if len(lines) == 0 {
		lines = []string{"allow_anonymous true"}
	}
	write(t, m.config, fmt.Sprintf("user root\nlistener %s 127.0.0.1\n%s\n", port, strings.Join(lines, "\n")))
	m.start()
	t.Cleanup(m.stop)
	return m
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.cmd = exec.Command(program(m.t, "mosquitto", "mosquitto"), "-c", m.config)
	m.cmd.Stdout, m.cmd.Stderr = &m.said, &m.said
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	eventually(m.t, func() string {
		c, err := net.Dial("tcp", m.addr)
		if err != nil {
			return err.Error()
		}
		c.Close()
		return ""
	})
}

func (m *mosquitto) stop() {
	m.cmd.Process.Kill()
	m.cmd.Wait()
}

// pub publishes by Debian's client.
func (m *mosquitto) pub(topic, said string, more ...string) {
	m.t.Helper()
	host, port, _ := net.SplitHostPort(m.addr)
	args := append([]string{"-h", host, "-p", port, "-q", "1", "-t", topic, "-m", said}, more...)
	if out, err := exec.Command(program(m.t, "mosquitto_pub", "mosquitto-clients"), args...).CombinedOutput(); err != nil {
		m.t.Fatalf("publish: %v: %s", err, out)
	}
}

// A gateway is a client that publishes lines, and has a will.
type gateway struct {
	cmd *exec.Cmd
	in  io.WriteCloser
}

func (m *mosquitto) gateway(topic, status string) *gateway {
	m.t.Helper()
	host, port, _ := net.SplitHostPort(m.addr)
	g := &gateway{cmd: exec.Command(program(m.t, "mosquitto_pub", "mosquitto-clients"), "-h", host, "-p", port, "-q", "1", "-l", "-t", topic,
		"--will-topic", status, "--will-payload", "offline", "--will-retain")}
	var err error
	if g.in, err = g.cmd.StdinPipe(); err == nil {
		err = g.cmd.Start()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(g.kill)
	return g
}

func (g *gateway) say(line string) { fmt.Fprintln(g.in, line) }

func (g *gateway) kill() {
	g.cmd.Process.Kill()
	g.cmd.Wait()
}

// eventually waits until f says nothing.
func eventually(t *testing.T, f func() string) {
	t.Helper()
	said := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if said = f(); said == "" {
			return
		}
	}
	t.Fatal(said)
}

// A hall is a source of meters that are read over brokers.
type hall struct {
	t *testing.T
	*meter.Source
	set  Brokers
	list []meter.Meter
}

// device is one that sends power in kW and energy in kWh.
func device(broker, topic string) *site.MQTT {
	return &site.MQTT{Broker: "tcp://" + broker, Topic: topic, Fields: []site.Member{member("power", "p", "kW"), member("energy", "e", "kWh")}}
}

// add adds a meter of a rating of 100 kW that is read as in d.
func (h *hall) add(name string, d *site.MQTT, every time.Duration) *Reader {
	h.t.Helper()
	r, line, err := h.set.Of(d)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		h.t.Fatal(err)
	}
	m := meter.Of(s, &site.Meter{ID: name, Role: metric.RolePDUOutput, Read: &site.Read{Every: every, MQTT: d}}, r, line)
	m.Rating = 100e3
	h.list = append(h.list, m)
	return r
}

// run runs the source. With bare, without its connections.
func (h *hall) run(bare bool) {
	h.t.Helper()
	c := meter.Config{Meters: h.list, State: filepath.Join(h.t.TempDir(), "meters.json")}
	for _, b := range h.set.list {
		b.shortest, b.longest = 20*time.Millisecond, 200*time.Millisecond
		if bare {
			b.trouble, b.since = "", time.Now()
		}
	}
	if !bare {
		c.Feeds = h.set.Feeds()
	}
	var err error
	if h.Source, err = meter.New(c); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() {
		if err := h.Run(ctx); err != nil {
			h.t.Error(err)
		}
	})
	stop := sync.OnceFunc(func() {
		cancel()
		working.Wait()
	})
	h.t.Cleanup(stop)
}

// shows is a metric of a meter.
func (h *hall) shows(n metric.Number, name string) metric.Raw {
	l, values, err := h.Read(context.Background(), time.Now(), nil)
	if err != nil {
		return metric.Missing
	}
	at := 0
	for _, c := range l.Columns {
		for k := range c.Count {
			if c.Metric == n && l.Entities[c.First+k].Name == name {
				return values[at+k]
			}
		}
		at += c.Count
	}
	return metric.Missing
}

// wants waits until a meter shows so many W, missing if below zero, and something
// is said of it all.
func (h *hall) wants(name string, watts float64, said string) {
	h.t.Helper()
	eventually(h.t, func() string {
		v, d := h.shows(metric.MeterPowerWatts, name), h.Describe()
		ok := v == metric.Missing
		if watts >= 0 {
			ok = v != metric.Missing && v.Float() == watts
		}
		if ok && strings.Contains(d, said) && (said != "" || !strings.Contains(d, "; "+name+": ")) {
			return ""
		}
		return fmt.Sprintf("%s shows %v, want %g W; %s; want %q", name, v, watts, d, said)
	})
}

// connected waits until brokers are, and have answered all subscriptions.
func connected(t *testing.T, brokers ...*Broker) {
	t.Helper()
	for _, b := range brokers {
		eventually(t, func() string {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.trouble == "" && b.denied == nil {
				return "not subscribed"
			}
			return b.trouble
		})
	}
}
