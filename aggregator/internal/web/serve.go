package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// grace is how long requests may go on after the end was asked for.
const grace = 5 * time.Second

// CheckListen says why the aggregator must not listen on addr, nil if it may:
// on loopback it always may, elsewhere if callers are asked who they are, over TLS,
// or when insecure says that the operator gives these up.
func CheckListen(addr string, asked, tls, insecure bool) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("listen address %q: %w", addr, err)
	}
	if loopbackHost(net.JoinHostPort(host, port)) || insecure {
		return nil
	}
	var lacks string
	switch {
	case !asked && !tls:
		lacks = "a token file or a list of principals, and a TLS certificate, are"
	case !asked:
		lacks = "a token file or a list of principals is"
	case !tls:
		lacks = "a TLS certificate is"
	default:
		return nil
	}
	return fmt.Errorf("listen on %s: %s needed beyond loopback; to do without is to let everyone who reaches the port, "+
		"or the wire to it, read every measurement, job and tenant of the site, and must be asked for by name (insecure)", addr, lacks)
}

// httpServer is s with the bounds of a connection set.
func (s *Server) httpServer() *http.Server {
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		// A body has its own deadline (guard); a read timeout here would also
		// end the watch for clients that go away.
		WriteTimeout:   s.l.Wait + s.l.Timeout + 30*time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 16 << 10,
		HTTP2:          &http.HTTP2Config{MaxConcurrentStreams: 100},
		TLSConfig:      s.c.TLS,
		ErrorLog:       log.New(&serverLog{s.log}, "", 0),
	}
	h.RegisterOnShutdown(s.streams.end)
	return h
}

// serverLog sorts what net/http has to say: a panic is ours to mend, all else
// is noise that any stranger can make.
type serverLog struct{ log *slog.Logger }

func (l *serverLog) Write(b []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.HasPrefix(b, []byte("http: panic")) {
		level = slog.LevelError
	}
	l.log.Log(context.Background(), level, "http server", "says", strings.TrimSpace(string(b)))
	return len(b), nil
}

// asks reports whether callers are asked who they are.
func (s *Server) asks() bool { return !s.c.Token.IsZero() || s.c.Rights != nil }

// Serve answers on ln until ctx ends, then lets running requests finish for a
// short while. It closes ln. It refuses a ln that [CheckListen] refuses.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if err := CheckListen(ln.Addr().String(), s.asks(), s.c.TLS != nil, s.c.Insecure); err != nil {
		return errors.Join(err, ln.Close())
	}
	h := s.httpServer()
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	h.BaseContext = func(net.Listener) context.Context { return running }
	d := newDoors(ln, s.l, s.c.Metrics, s.log)
	ln, h.ConnState = d, d.state

	served := make(chan error, 1)
	go func() {
		if h.TLSConfig != nil {
			served <- h.ServeTLS(ln, "", "")
		} else {
			served <- h.Serve(ln)
		}
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve HTTP on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := h.Shutdown(patience); err != nil {
		stop() // ends the queries that are still running
		if err := h.Close(); err != nil {
			s.log.WarnContext(ctx, "connections not closed", "error", err)
		}
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", ln.Addr(), err)
	}
	return nil
}
