package bus

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/collector/loopback"
)

const mib = 1 << 20

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// elsewhere is a server with so much room, and a connection to it.
func elsewhere(t *testing.T, room int64) jetstream.JetStream {
	t.Helper()
	s, err := Start(ServerConfig{Dir: t.TempDir(), Store: room, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); s.Shutdown(); s.WaitForShutdown() })
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// What an aggregator asks for is held against what there is: room, and streams
// that an operator or an earlier start has made.
func TestStreamsBecomeWhatIsWantedAndNeverLess(t *testing.T) {
	file := func(c jetstream.StreamConfig) jetstream.StreamConfig {
		c.Storage = jetstream.FileStorage
		return c
	}
	for name, tc := range map[string]struct {
		room   int64
		before []jetstream.StreamConfig
		wanted Wanted
		want   []Stream
		fails  bool
	}{
		"nothing there yet": {
			room: 4096 * mib, wanted: Wanted{Sites: []string{"a", "b"}, Limits: Limits{256 * mib, 512 * mib}},
			want: []Stream{{Ledger, []string{"ledger.a.*", "ledger.b.*"}, 512 * mib, 1, ""}, {Telemetry, []string{"telemetry.a.*", "telemetry.b.*"}, 256 * mib, 1, ""}},
		},
		"settings stand before what was worked out": {
			room: 4096 * mib, wanted: Wanted{Limits: Limits{256 * mib, 512 * mib}, Set: Limits{Ledger: 1024 * mib}, Replicas: 1},
			want: []Stream{{Ledger, []string{"ledger.*.*"}, 1024 * mib, 1, ""}, {Telemetry, []string{"telemetry.*.*"}, 256 * mib, 1, ""}},
		},
		"less room than was worked out": {
			room: 1024 * mib, wanted: Wanted{Limits: LimitsFor(0)},
			want: []Stream{{Ledger, []string{"ledger.*.*"}, 480 * mib, 1, ""}, {Telemetry, []string{"telemetry.*.*"}, 160 * mib, 1, ""}},
		},
		"less room than was set": {room: 1024 * mib, wanted: Wanted{Limits: LimitsFor(0), Set: Limits{Telemetry: 2048 * mib}}, fails: true},
		"copies on a server that is alone": {
			room: 1024 * mib, wanted: Wanted{Limits: Limits{64 * mib, 64 * mib}, Replicas: 3}, fails: true,
		},
		"larger ones are there": {
			room:   4096 * mib,
			before: []jetstream.StreamConfig{file(jetstream.StreamConfig{Name: Ledger, Subjects: []string{"ledger.>"}, MaxBytes: 512 * mib, MaxAge: 72 * time.Hour}), file(jetstream.StreamConfig{Name: Telemetry, Subjects: []string{"telemetry.>"}})},
			wanted: Wanted{Limits: Limits{64 * mib, 64 * mib}, Set: Limits{128 * mib, 128 * mib}},
			want:   []Stream{{Ledger, []string{"ledger.*.*"}, 512 * mib, 1, "its 536870912 bytes"}, {Telemetry, []string{"telemetry.*.*"}, -1, 1, "having no limit of bytes"}},
		},
		"smaller ones are there": {
			room:   4096 * mib,
			before: []jetstream.StreamConfig{file(jetstream.StreamConfig{Name: Ledger, Subjects: []string{"ledger.>"}, MaxBytes: 64 * mib, MaxAge: time.Hour}), file(jetstream.StreamConfig{Name: Telemetry, Subjects: []string{"telemetry.>"}, MaxBytes: 64 * mib})},
			wanted: Wanted{Limits: Limits{64 * mib, 64 * mib}, Set: Limits{128 * mib, 256 * mib}},
			want:   []Stream{{Ledger, []string{"ledger.*.*"}, 256 * mib, 1, ""}, {Telemetry, []string{"telemetry.*.*"}, 128 * mib, 1, ""}},
		},
		"smaller ones are there, and no room to grow": {
			room:   256 * mib,
			before: []jetstream.StreamConfig{file(jetstream.StreamConfig{Name: Ledger, Subjects: []string{"ledger.>"}, MaxBytes: 96 * mib}), file(jetstream.StreamConfig{Name: Telemetry, Subjects: []string{"telemetry.>"}, MaxBytes: 96 * mib})},
			wanted: Wanted{Limits: LimitsFor(0)},
			want:   []Stream{{Ledger, []string{"ledger.*.*"}, 120 * mib, 1, ""}, {Telemetry, []string{"telemetry.*.*"}, 96 * mib, 1, ""}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			js := elsewhere(t, tc.room)
			for _, c := range tc.before {
				if _, err := js.CreateStream(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Ensure(t.Context(), js, tc.wanted)
			if tc.fails {
				if err == nil {
					t.Errorf("it became %v", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
			for _, w := range tc.before {
				s, err := js.Stream(t.Context(), w.Name)
				if err != nil {
					t.Fatal(err)
				}
				c := s.CachedInfo().Config
				if c.MaxAge != w.MaxAge && (w.MaxAge == 0 || c.MaxAge < w.MaxAge) {
					t.Errorf("%s kept for %s is now kept for %s", w.Name, w.MaxAge, c.MaxAge)
				}
				if !c.NoAck || !c.DenyDelete {
					t.Errorf("%s answers publishers, or can be emptied", w.Name)
				}
			}
		})
	}
}

// What an operator chose for a stream that the product has no opinion on stays.
func TestWhatAnOperatorChoseStays(t *testing.T) {
	js := elsewhere(t, 1024*mib)
	before, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: Telemetry, Subjects: []string{"telemetry.>"}, Storage: jetstream.FileStorage, MaxBytes: 64 * mib,
		Compression: jetstream.S2Compression, Description: "on the fast disks", AllowRollup: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := before.CachedInfo().Config; c.Compression != jetstream.S2Compression {
		t.Fatalf("compression is %v", c.Compression)
	}
	if _, err := Ensure(t.Context(), js, Wanted{Limits: Limits{64 * mib, 64 * mib}}); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), Telemetry)
	if err != nil {
		t.Fatal(err)
	}
	if c := s.CachedInfo().Config; c.Compression != jetstream.S2Compression || c.Description != "on the fast disks" || c.AllowRollup {
		t.Errorf("compression %v, description %q, rollup %v", c.Compression, c.Description, c.AllowRollup)
	}
}

// cluster is a connection to three servers that know each other.
func cluster(t *testing.T) jetstream.JetStream {
	t.Helper()
	var ports [3]int
	var routes string
	for i := range ports {
		address := loopback.Free(t)
		_, port, _ := net.SplitHostPort(address)
		ports[i], _ = strconv.Atoi(port)
		routes += ",nats://" + address
	}
	var first *server.Server
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("bus-", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), JetStreamMaxStore: 1024 * mib,
			Cluster: server.ClusterOpts{Name: "site", Host: "127.0.0.1", Port: port}, Routes: server.RoutesFromStr(routes[1:]),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		if first == nil {
			first = s
		}
	}
	if !first.ReadyForConnections(30 * time.Second) {
		t.Fatal("the cluster did not come up")
	}
	nc, err := nats.Connect(first.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "READY", Replicas: len(ports), Storage: jetstream.MemoryStorage})
		if err == nil {
			return js
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cluster has no leader: %v", err)
		}
	}
}

func TestReplicasAreRaisedAndNeverLowered(t *testing.T) {
	js := cluster(t)
	for _, tc := range []struct {
		asked, want int
		kept        string
	}{{0, 1, ""}, {3, 3, ""}, {0, 3, ""}, {1, 3, "its 3 replicas"}} {
		got, err := Ensure(t.Context(), js, Wanted{Limits: Limits{64 * mib, 64 * mib}, Replicas: tc.asked})
		if err != nil {
			t.Fatalf("asked for %d: %v", tc.asked, err)
		}
		for _, s := range got {
			if s.Replicas != tc.want || s.Kept != tc.kept {
				t.Errorf("asked for %d replicas, %s has %d and keeps %q; want %d and %q", tc.asked, s.Name, s.Replicas, s.Kept, tc.want, tc.kept)
			}
		}
	}
}
