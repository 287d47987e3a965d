package opcua

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/ua"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/loopback"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func plainly(watts float64, wh uint32) map[string]*ua.DataValue {
	return map[string]*ua.DataValue{"P": bare(watts), "E": bare(wh)}
}

func pdu(t *testing.T, l *Servers, endpoint string) meter.Meter {
	t.Helper()
	return meter.Meter{Name: "pdu", Rating: 1e6, Timeout: 3 * time.Second, Reader: of(t, l, meterOf(endpoint)), Line: "opcua " + endpoint}
}

// behind starts a server behind a relay. A server tells its endpoints to who asks by
// a name that it knows.
func behind(t *testing.T, nodes map[string]*ua.DataValue) (*plant, *relay) {
	t.Helper()
	port := freePort(t)
	r := relayTo(t, fmt.Sprint("127.0.0.1:", port))
	p, _ := serve(t, port, nodes, append(open(), server.EndPoint("127.0.0.1", r.port))...)
	return p, r
}

func TestHalfAnAnswerAndNone(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func([]byte) ([]byte, bool)
		says  string
	}{
		"none":                {func([]byte) ([]byte, bool) { return nil, false }, "no answer in all its time"},
		"half, then nothing":  {func(b []byte) ([]byte, bool) { return b[:len(b)/2], false }, "no answer in all its time"},
		"half, and the end":   {func(b []byte) ([]byte, bool) { return b[:len(b)/2], true }, "the server closed the connection"},
		"only the end":        {func([]byte) ([]byte, bool) { return nil, true }, "the server closed the connection"},
		"of another protocol": {func([]byte) ([]byte, bool) { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), true }, "pdu: reading: read opc.tcp://"},
		"too long to be one":  {func(b []byte) ([]byte, bool) { b[7] = 0x7f; return b, false }, "pdu: reading: read opc.tcp://"},
		"a length of nothing": {func(b []byte) ([]byte, bool) { copy(b[4:], []byte{8, 0, 0, 0}); return b, false }, "pdu: reading: read opc.tcp://"},
		"zeros":               {func(b []byte) ([]byte, bool) { clear(b[8:]); return b, false }, "pdu: reading: read opc.tcp://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, r := behind(t, plainly(500, 1000))
			var l Servers
			w := watch(t, &l, pdu(t, &l, r.endpoint))
			w.watts("pdu", 500)
			r.spoil(tc.spoil)
			w.says(tc.says)
			w.silent("pdu")
			r.spoil(nil)
			w.watts("pdu", 500)
		})
	}
}

func TestAServerThatIsDownAndComesBack(t *testing.T) {
	p, r := behind(t, plainly(500, 1000))
	var l Servers
	w := watch(t, &l, pdu(t, &l, r.endpoint))
	w.watts("pdu", 500)
	before, epoch := w.known("pdu", metric.MeterEnergyJoules), w.known("pdu", metric.CounterEpoch)
	r.turn(true)
	w.silent("pdu")
	r.mu.Lock()
	n := r.began
	r.mu.Unlock()
	time.Sleep(1500 * time.Millisecond)
	r.mu.Lock()
	n = r.began - n
	r.mu.Unlock()
	if n > 3 {
		t.Errorf("it was tried %d times in 1.5 s", n)
	}
	p.now("E", uint32(1100))
	r.turn(false)
	w.watts("pdu", 500)
	w.until("the register is caught up with", func() bool {
		v, ok := w.value("pdu", metric.MeterEnergyJoules)
		return ok && v-before == 100*3_600_000
	})
	if e := w.known("pdu", metric.CounterEpoch); e != epoch {
		t.Error("another epoch, although both ends are known")
	}
	if q := w.known("pdu", metric.CounterQuality); metric.Quality(q) != metric.CounterBridged {
		t.Errorf("the gap is %s", metric.Quality(q))
	}
	// A connection that was closed while it was idle costs no reading.
	r.hangUp()
	for range 20 {
		time.Sleep(50 * time.Millisecond)
		if w.s.States()[0].Failures != 0 {
			t.Fatal(w.s.Describe())
		}
	}
}

func TestNobodyThere(t *testing.T) {
	endpoint := "opc.tcp://" + loopback.Free(t)
	var list Servers
	r := of(t, &list, meterOf(endpoint))
	_, err := r.Read(t.Context())
	var p meter.Patient
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
	if wait := time.Until(r.s.rest.until); wait > soonest {
		t.Errorf("it is tried again after %v", wait)
	}
	r.s.rest.until = time.Now().Add(rarest) // as long as this test may take
	// It is not tried again at once, for any of its meters, and though somebody is there now.
	l, err := net.Listen("tcp", strings.TrimPrefix(endpoint, "opc.tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	again := of(t, &list, meterOf(endpoint))
	_, err = again.Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
	if !errors.As(err, &p) || p.RetryAfter() <= 0 || p.RetryAfter() > rarest {
		t.Errorf("it does not say when to ask again: %v", err)
	}
}

func TestAWrongScaleAndAReset(t *testing.T) {
	t.Parallel()
	p, _ := serve(t, 0, plainly(36_000, 500_000), open()...)
	var l Servers
	m := pdu(t, &l, p.endpoint)
	m.Period = unhurried
	began := time.Now()
	w := watch(t, &l, m)
	w.watts("pdu", 36_000)
	before := w.known("pdu", metric.MeterEnergyJoules)
	p.now("E", uint32(3))
	w.until("what the reset hid is filled in", func() bool {
		q, _ := w.value("pdu", metric.CounterQuality)
		return metric.Quality(q) == metric.Integrated
	})
	if v := w.known("pdu", metric.MeterEnergyJoules); v < before || v-before > metric.Raw(36_000*1000*time.Since(began).Seconds()) {
		t.Errorf("%d mJ in %v of 36 kW", v-before, time.Since(began))
	}
	p.now("P", 36_000_000.)
	w.says("pdu: power: power reads 3.6e+07 W, more than its rating of 1e+06 W allows")
	w.silent("pdu")
	p.set("P", bad(36_000., ua.StatusBadSensorFailure))
	w.says("reading: power, ns=1;s=P: ")
	w.says("StatusBadSensorFailure")
	p.now("P", 35_000.)
	w.watts("pdu", 35_000)
}

// Meters of one server share its session, and take turns.
func TestMetersOfOneServer(t *testing.T) {
	v := guard(t, identify(t, "server"), "Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, plainly(500, 1000))
	us := identify(t, "collector")
	var l Servers
	var meters []meter.Meter
	for i := range 5 {
		d := meterOf(v.endpoint)
		d.Policy, d.Mode, d.Cert, d.Key = "Basic256Sha256", "SignAndEncrypt", us.cert, us.pem
		m := meter.Meter{Name: fmt.Sprint("m", i), Rating: 1e6, Reader: of(t, &l, d), Line: "opcua " + v.endpoint}
		meters = append(meters, m)
	}
	w := watch(t, &l, meters...)
	for _, m := range meters {
		w.watts(m.Name, 500)
	}
	v.mu.Lock()
	if n := len(v.sessions); n != 1 {
		t.Errorf("%d sessions", n)
	}
	clear(v.sessions) // as servers do that were idle for long
	v.most = 1        // and this one reads one node at a time from now on
	v.mu.Unlock()
	for range 20 {
		time.Sleep(50 * time.Millisecond)
		for _, m := range w.s.States() {
			if m.Failures != 0 {
				t.Fatal(w.s.Describe())
			}
		}
	}
	w.watts("m0", 500)
}

func TestASourceWithItsOwnTime(t *testing.T) {
	p, _ := serve(t, 0, plainly(500, 1000), open()...)
	d := meterOf(p.endpoint)
	d.Nodes = d.Nodes[:1]
	d.Timestamps = "source"
	old := good(500.)
	old.SourceTimestamp = time.Now().Add(-time.Hour)
	p.set("P", old)
	var l Servers
	w := watch(t, &l, meter.Meter{Name: "pdu", Rating: 1e6, Reader: of(t, &l, d)})
	w.says("pdu: time: what it says is 1h0m")
	w.silent("pdu")
	w.until("it draws 700 W", func() bool {
		p.set("P", good(700.)) // for a busy machine it would have grown old before it is read
		v, ok := w.value("pdu", metric.MeterPowerWatts)
		return ok && v.Float() == 700
	})
}

// Whatever the heads of messages say, and wherever they are cut, a reading ends with
// values or with an error. Their bodies are the library's; see the package.
func TestSpoiltAnswers(t *testing.T) {
	us, them := identify(t, "collector"), identify(t, "server")
	v := guard(t, them, "Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, plainly(500, 1000))
	_, plain := behind(t, plainly(500, 1000))
	secure := relayTo(t, strings.TrimPrefix(v.endpoint, "opc.tcp://"))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed: %d", seed)
	for name, r := range map[string]*relay{"plain": plain, "secure": secure} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := meterOf(r.endpoint)
			if name == "secure" {
				d.Policy, d.Mode, d.Cert, d.Key = "Basic256Sha256", "SignAndEncrypt", us.cert, us.pem
			}
			var mu sync.Mutex
			chance := rand.New(rand.NewPCG(seed, 1))
			r.spoil(func(b []byte) ([]byte, bool) {
				mu.Lock()
				defer mu.Unlock()
				at := chance.IntN(min(len(b), 24))
				switch chance.IntN(15) {
				case 0, 1:
					b[at] = byte(chance.IntN(256))
				case 2:
					copy(b[at:], "\xff\xff\xff\xff")
				case 3:
					at = chance.IntN(len(b))
					if b = b[:at]; at >= 8 {
						binary.LittleEndian.PutUint32(b[4:], uint32(at))
					}
				}
				return b, false
			})
			var l Servers
			reader := of(t, &l, d)
			for range 40 {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				if got, err := reader.Read(ctx); (len(got) == 2) != (err == nil) {
					t.Logf("%v, %v", got, err) // a value was spoilt
				}
				cancel()
				reader.s.rest = resting{}
			}
			reader.s.close()
		})
	}
}
