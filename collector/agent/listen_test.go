package agent

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

func TestTheAgentListensBeyondLoopbackOnlyWhenAsked(t *testing.T) {
	for addr, want := range map[string]string{
		"":                      "",
		"127.0.0.1:9464":        "",
		"127.9.9.9:9464":        "",
		"[::1]:9464":            "",
		"localhost:9464":        "",
		"LocalHost.:9464":       "",
		"0.0.0.0:9464":          "beyond loopback",
		":9464":                 "beyond loopback",
		"[::]:9464":             "beyond loopback",
		"10.1.2.3:9464":         "beyond loopback",
		"n1.example:9464":       "beyond loopback",
		"localhost.evil:9464":   "beyond loopback",
		"[::ffff:8.8.8.8]:9464": "beyond loopback",
		"127.0.0.1":             "no host:port",
	} {
		err := checkListen(addr, false)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", addr, err, want)
		}
		if err := checkListen(addr, true); (err != nil) != (want == "no host:port") {
			t.Errorf("%q, asked for by name: %v", addr, err)
		}
	}
	err := checkListen("0.0.0.0:1", false)
	for _, part := range []string{"0.0.0.0:1", "encrypts nothing", "everyone who reaches the port", "insecure"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %q", part, err)
		}
	}
}

func TestTheAgentsOwnMetricsAreServedUntilItEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	set := metrics.NewSet()
	set.NewCounter(metricTicks).Set(7)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveMetrics(ctx, addr, set) }()
	var body []byte
	for deadline := time.Now().Add(20 * time.Second); body == nil && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		r, err := http.Get("http://" + addr + "/metrics")
		if err != nil {
			continue
		}
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	if !strings.Contains(string(body), metricTicks+" 7\n") {
		t.Errorf("served %q", body)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
