package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// grace is how long requests may go on after the end was asked for.
const grace = 5 * time.Second

// CheckListen says why the aggregator must not listen on addr, nil if it may:
// on loopback it always may, elsewhere with a token and TLS, or when insecure
// says that the operator gives these up.
func CheckListen(addr string, token query.Secret, tls, insecure bool) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("listen address %q: %w", addr, err)
	}
	if loopbackHost(net.JoinHostPort(host, port)) || insecure {
		return nil
	}
	var lacks string
	switch {
	case token.IsZero() && !tls:
		lacks = "a token file and a TLS certificate are"
	case token.IsZero():
		lacks = "a token file is"
	case !tls:
		lacks = "a TLS certificate is"
	default:
		return nil
	}
	return fmt.Errorf("listen on %s: %s needed beyond loopback; to do without is to let everyone who reaches the port, "+
		"or the wire to it, read every measurement, job and tenant of the site, and must be asked for by name (insecure)", addr, lacks)
}

// LoadTLS is a TLS configuration that follows the two files: a certificate
// that was replaced is served from the next handshake on.
func LoadTLS(certFile, keyFile string) (*tls.Config, error) {
	f := &certificateFile{cert: certFile, key: keyFile}
	if _, err := f.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: f.get}, nil
}

type certificateFile struct {
	cert, key string

	mu     sync.Mutex // loaded is what the files held when they were as read says
	read   [2]time.Time
	loaded *tls.Certificate
}

// get keeps the certificate it has where the files cannot be read, as in the
// moment between the replacement of one and of the other.
func (f *certificateFile) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var changed [2]time.Time
	for i, name := range []string{f.cert, f.key} {
		if st, err := os.Stat(name); err == nil {
			changed[i] = st.ModTime()
		}
	}
	if f.loaded != nil && changed == f.read {
		return f.loaded, nil
	}
	c, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		if f.loaded != nil {
			return f.loaded, nil
		}
		return nil, fmt.Errorf("load TLS certificate: %w", err)
	}
	f.loaded, f.read = &c, changed
	return f.loaded, nil
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

// Serve answers on ln until ctx ends, then lets running requests finish for a
// short while. It closes ln. It refuses a ln that [CheckListen] refuses.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if err := CheckListen(ln.Addr().String(), s.c.Token, s.c.TLS != nil, s.c.Insecure); err != nil {
		return errors.Join(err, ln.Close())
	}
	h := s.httpServer()
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	h.BaseContext = func(net.Listener) context.Context { return running }
	ln = netutil.LimitListener(ln, s.l.Conns)

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
