package mqtt

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

const kwh = 3_600_000_000 // mJ

// bubble runs f in a bubble with one meter, whose messages f brings.
func bubble(t *testing.T, d *site.MQTT, every time.Duration, f func(h *hall, say func(format string, args ...any))) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{t: t}
		h.add("m", d, every)
		h.run(true)
		f(h, func(format string, args ...any) {
			h.set.list[0].take(d.Topic, fmt.Appendf(nil, format, args...), false, time.Now())
		})
	})
}

func (h *hall) watts() float64 { return h.shows(metric.MeterPowerWatts, "m").Float() }

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// What a gateway could not send while it was cut off comes after what is younger:
// no joule is counted twice by that.
func TestABacklogIsNoOtherLife(t *testing.T) {
	bubble(t, device("h", "t"), 10*time.Second, func(h *hall, say func(string, ...any)) {
		began := time.Now()
		at := func(d time.Duration) {
			say(`{"p": 36, "e": %.4f, "ts": %d}`, 1000+d.Hours()*36, began.Add(d).UnixMilli())
		}
		for d := time.Duration(0); d <= time.Minute; d += 10 * time.Second {
			at(d)
			pass(10 * time.Second)
		}
		epoch := h.shows(metric.CounterEpoch, "m")
		pass(10 * time.Minute)
		now := time.Since(began)
		at(now)
		for d := time.Minute; d < now; d += 10 * time.Second {
			at(d)
		}
		pass(2 * time.Second)
		if d := h.Describe(); !strings.Contains(d, "messages were left out: younger ones had come before them") {
			t.Error(d)
		}
		for range 6 {
			pass(10 * time.Second)
			at(time.Since(began))
		}
		pass(2 * time.Second)
		want := 1000*kwh + int64((time.Since(began)-2*time.Second).Seconds()*36e6)
		if e := int64(h.shows(metric.MeterEnergyJoules, "m")); e < want-1e6 || e > want+1e6 || h.shows(metric.CounterEpoch, "m") != epoch {
			t.Errorf("%d mJ, want %d; %s", e, want, h.Describe())
		}
	})
}

func TestAClockThatIsSetBackIsFollowed(t *testing.T) {
	bubble(t, device("h", "t"), 10*time.Second, func(h *hall, say func(string, ...any)) {
		fast := 3 * time.Minute
		for i := range 40 {
			if i == 20 {
				fast = 0
			}
			say(`{"p": %d, "e": 1000, "ts": %d}`, i, time.Now().Add(fast).UnixMilli())
			pass(10 * time.Second)
		}
		if h.watts() != 39_000 {
			t.Errorf("%g W; %s", h.watts(), h.Describe())
		}
		say(`{"p": 99, "e": 1000, "ts": %d}`, time.Now().Add(time.Hour).UnixMilli())
		pass(2 * time.Second)
		if d := h.Describe(); h.watts() != 39_000 || !strings.Contains(d, "topic t: its time is 1h0m0s ahead of here") {
			t.Errorf("%g W; %s", h.watts(), d)
		}
		pass(8 * time.Second)
		say(`{"p": 40, "e": 1000, "ts": %d}`, time.Now().UnixMilli())
		if pass(2 * time.Second); h.watts() != 40_000 {
			t.Errorf("%g W after a time of the future", h.watts())
		}
	})
}

// A register that begins anew in the middle: what the gauge made fills it in.
func TestARegisterThatBeginsAnew(t *testing.T) {
	bubble(t, device("h", "t"), 10*time.Second, func(h *hall, say func(string, ...any)) {
		last, epoch := int64(0), metric.Raw(0)
		total := int64(0)
		for i := range 120 {
			e := 500 + float64(i)*.1 // 36 kW for 10 s
			if i >= 60 {
				e = float64(i-60) * .1
			}
			say(`{"p": 36, "e": %.1f, "ts": %d}`, e, time.Now().UnixMilli())
			pass(10 * time.Second)
			v, at := h.shows(metric.MeterEnergyJoules, "m"), h.shows(metric.CounterEpoch, "m")
			if v == metric.Missing {
				continue
			}
			if at == epoch && int64(v) < last {
				t.Fatalf("fell from %d to %d mJ", last, v)
			}
			if at == epoch {
				total += int64(v) - last
			}
			last, epoch = int64(v), at
		}
		if most := int64(119*360e6 + 1e3); total > most || total < most-3*360e6 {
			t.Errorf("%d mJ in all, want %d", total, most)
		}
	})
}

func TestADeviceThatSaysOnlyWhatChanges(t *testing.T) {
	d := device("h", "t")
	d.OnChange, d.Status = true, "s"
	bubble(t, d, 0, func(h *hall, say func(string, ...any)) {
		say(`{"p": 36, "e": 7.5}`)
		pass(2 * time.Second)
		for range 50 {
			pass(time.Minute)
			if h.watts() != 36_000 || h.shows(metric.MeterEnergyJoules, "m") != 75*kwh/10 {
				t.Fatalf("%g W; %s", h.watts(), h.Describe())
			}
		}
		say(`{"p": null, "e": 37.5}`)
		pass(2 * time.Second)
		if h.shows(metric.MeterPowerWatts, "m") != metric.Missing || h.shows(metric.MeterEnergyJoules, "m") != 375*kwh/10 || h.shows(metric.CounterQuality, "m") != metric.Raw(metric.Measured) {
			t.Errorf("%g W, %d mJ; %s", h.watts(), h.shows(metric.MeterEnergyJoules, "m"), h.Describe())
		}
		say(`{"p": 1}`) // one quantity by itself
		pass(2 * time.Second)
		if h.watts() != 1000 || h.Describe() != "1 of 1 meters answer" {
			t.Errorf("%g W; %s", h.watts(), h.Describe())
		}
		h.set.list[0].take("s", []byte("offline"), true, time.Now())
		pass(2 * time.Second)
		if h.shows(metric.MeterPowerWatts, "m") != metric.Missing || h.shows(metric.MeterEnergyJoules, "m") != metric.Missing {
			t.Error("it still shows what it said")
		}
		say(`{"p": 2, "e": 37.5}`)
		pass(2 * time.Second)
		if h.watts() != 2000 || h.shows(metric.MeterEnergyJoules, "m") != 375*kwh/10 {
			t.Errorf("%g W; %s", h.watts(), h.Describe())
		}
		pass(2 * time.Hour)
		if d := h.Describe(); h.shows(metric.MeterPowerWatts, "m") != metric.Missing || !strings.Contains(d, "it has stopped") {
			t.Error(d)
		}
	})
}

func TestTooManyMessagesAreThinned(t *testing.T) {
	var set Brokers
	r, line, err := set.Of(device("h", "t"))
	if err != nil || line != "" {
		t.Fatal(err)
	}
	b := set.list[0]
	b.trouble = ""
	began := time.Now()
	for i := range 10_000 {
		b.take("t", fmt.Appendf(nil, `{"p": %d, "e": 1}`, i), false, began.Add(time.Duration(i)*time.Millisecond))
	}
	list, err := r.Read(t.Context())
	if n := len(list); n > 2*mostQueued || list[0].Number != 0 || list[n-2].Number != 9_999_000 || err == nil || !strings.Contains(err.Error(), fmt.Sprintf("topic t: %d messages were left out", 10_000-n/2)) {
		t.Errorf("%d values to %v: %v", n, list[n-2], err)
	}
	again, err := r.Read(t.Context())
	if len(again) != 2 || again[0].Number != 9_999_000 || err != nil {
		t.Errorf("%v, %v; want the newest again", again, err)
	}
}

func TestBrokersOfASiteFile(t *testing.T) {
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		t.Fatal(err)
	}
	var set Brokers
	m := s.Meter("chillers")
	r, line, err := set.Of(m.Read.MQTT)
	if err != nil {
		t.Fatal(err)
	}
	one := meter.Of(s, m, r, line)
	if _, err := meter.New(meter.Config{Meters: []meter.Meter{one}, Feeds: set.Feeds()}); err != nil || one.Period != time.Minute || one.Hold != 0 {
		t.Errorf("%v; %v, %v", err, one.Period, one.Hold)
	}
	m.Read.MQTT.OnChange, m.Read.Every = true, 5*time.Minute
	if one = meter.Of(s, m, r, line); one.Hold != 15*time.Minute {
		t.Errorf("what it said stands for %v", one.Hold)
	}
	m.Read.Every = 0
	if one = meter.Of(s, m, r, line); one.Hold != time.Hour {
		t.Errorf("what it said stands for %v", one.Hold)
	}
	other := *m.Read.MQTT
	other.Broker, other.Topic = "mqtts://10.20.0.30", "other" // the port is the usual one
	if _, _, err := set.Of(&other); err != nil || len(set.Feeds()) != 1 {
		t.Errorf("%v; %d connections", err, len(set.Feeds()))
	}
	other.User = "another"
	if _, _, err := set.Of(&other); err != nil || len(set.Feeds()) != 2 {
		t.Errorf("%v; %d connections", err, len(set.Feeds()))
	}
	for says, spoil := range map[string]func(d *site.MQTT){
		"names of single topics":    func(d *site.MQTT) { d.Status = "plant/#" },
		"none of tls":               func(d *site.MQTT) { d.Broker = "http://h" },
		"and nothing else in it":    func(d *site.MQTT) { d.Broker = "tls://u:p@h" },
		"stands there twice":        func(d *site.MQTT) { d.Fields = append(d.Fields, d.Fields[0]) },
		`"km" is no unit of power`:  func(d *site.MQTT) { d.Fields[0].Unit = "km" },
		"nothing is said of what":   func(d *site.MQTT) { d.Fields = nil },
		"a password without a user": func(d *site.MQTT) { d.User = "" },
		"ca is for tls":             func(d *site.MQTT) { d.Broker = "tcp://h" },
	} {
		d := *s.Meter("chillers").Read.MQTT
		d.Fields = append([]site.Member(nil), d.Fields...)
		spoil(&d)
		if _, _, err := set.Of(&d); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want %q", err, says)
		}
	}
}

// Whatever comes over a connection: the library that reads it is given whole packets
// of kinds that it can take, none longer than may be.
func FuzzFrames(f *testing.F) {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Payload, p.Qos, p.MessageID = "t", []byte("{}"), 1, 7
	var b bytes.Buffer
	p.Write(&b)
	f.Add(b.Bytes())
	p.Payload = make([]byte, mostFrame+1000)
	b.Reset()
	p.Write(&b)
	f.Add(append(b.Bytes(), 0xd0, 0))
	f.Add([]byte{0x90, 4, 0, 1, 0, 0})
	f.Add([]byte{0x30, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := frame(stream{Reader: bytes.NewReader(b)})
		for {
			p, err := packets.ReadPacket(c)
			if err != nil {
				return
			}
			switch p := p.(type) {
			case *packets.PublishPacket:
				if len(p.Payload) > mostFrame || p.Qos > 1 {
					t.Errorf("%d bytes of QoS %d", len(p.Payload), p.Qos)
				}
			case *packets.SubackPacket:
				if len(p.ReturnCodes) != 1 {
					t.Errorf("%d topics at once", len(p.ReturnCodes))
				}
			case *packets.ConnackPacket, *packets.PingrespPacket:
			default:
				t.Errorf("%T", p)
			}
		}
	})
}

type stream struct {
	net.Conn
	io.Reader
}

func (s stream) Read(p []byte) (int, error) { return s.Reader.Read(p) }
