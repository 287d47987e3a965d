package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// checkListen says why the agent must not serve its own metrics on addr, nil if
// it may: on loopback, or anywhere where insecure asks for it. The empty addr is
// nowhere.
func checkListen(addr string, insecure bool) error {
	if addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is no host:port: %w", addr, err)
	}
	if insecure || loopback(host) {
		return nil
	}
	return fmt.Errorf("%s is beyond loopback, and the agent asks nobody who they are and encrypts nothing: to listen there is to let "+
		"everyone who reaches the port, or the wire to it, read what this host is doing, and must be asked for by name (insecure)", addr)
}

// serveMetrics serves the agent's own metrics until ctx ends.
func serveMetrics(ctx context.Context, addr string, set *metrics.Set) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		set.WritePrometheus(w)
		metrics.WriteProcessMetrics(w)
	})
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for the agent's own metrics: %w", err)
	}
	s := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	context.AfterFunc(ctx, func() { s.Close() })
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the agent's own metrics: %w", err)
	}
	return nil
}
