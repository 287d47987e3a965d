package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// All-in-one is open to this machine alone unless all that it takes is given, and
// says what that is.
func TestAllInOneSaysHowToOpenItSafely(t *testing.T) {
	for args, says := range map[string]string{
		"-bus 0.0.0.0:0":                           "beyond loopback give -bus-dir DIR, a folder in which it keeps who may speak, -tls-cert FILE and -tls-key FILE",
		"-bus :0 -insecure":                        "beyond loopback give -bus-dir DIR",
		"-bus 0.0.0.0:0 -bus-dir d":                "-tls-cert FILE",
		"-bus-dir d":                               "-bus-dir goes with -bus",
		"-listen 0.0.0.0:0":                        "-principals and -tls-cert, -tls-key open it safely",
		"-listen 0.0.0.0:0 -tls-cert a -tls-key b": "token file or a list of principals is needed",
		"-bus 192.0.2.1:4222 -tls-cert a -tls-key b -gpus 1": "-bus-dir DIR",
	} {
		err := run(t.Context(), append([]string{"all-in-one", "-data", t.TempDir()}, strings.Fields(args)...), nil, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", args, err, says)
		}
	}
}

// Opened so, what is in it goes on, and a collector with credentials comes in.
func TestAllInOneOpened(t *testing.T) {
	t.Parallel()
	ca, dir, address := newIssuer(t), t.TempDir(), freePort(t)
	cert, key := ca.sign("bus", of(time.Hour))
	users := filepath.Join(dir, "users")
	p := startFor(t, ca.client(), "all-in-one", "-hosts", "2", "-gpus", "1", "-data", filepath.Join(dir, "data"), "-listen", "127.0.0.1:0", "-bus", address, "-bus-dir", users, "-tls-cert", cert, "-tls-key", key)
	command(t, "add", "-dir", users, "-site", "here", "-name", "n7")
	nc, err := agent.Connect(agent.BusConfig{URLs: []string{"tls://" + address}, CA: ca.File, Credentials: filepath.Join(users, "creds/host/here/n7.creds")}, "n7", quietly(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	sequence := uint64(0)
	p.await(60*time.Second, "both sites and the host from elsewhere are up", func() bool {
		sequence++
		_ = nc.Publish(wire.Subject(metric.Telemetry, "here", "n7"), saying(t, metric.Telemetry, "here", "n7", sequence))
		up := p.instant("host_up", "host")
		return up["n7"] == 1 && len(up) >= 4
	})
	if _, err := nats.Connect("tls://"+address, nats.RootCAs(ca.File)); err == nil {
		t.Error("whoever comes is let in")
	}
	if out := p.output(); strings.Contains(out, "iolation") {
		t.Errorf("something in it wants what it may not:\n%s", out)
	}
	p.stop()
}
