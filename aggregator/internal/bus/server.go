package bus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A ServerConfig describes a server inside this process.
type ServerConfig struct {
	Dir    string      // store
	Listen string      // host; "" listens nowhere: in-process connections only
	Port   int         // 0 with Listen: any free one
	Users  string      // file of who may speak, as aggregator bus makes it; "": whoever reaches it may all
	TLS    *tls.Config // nil: in the clear
	Store  int64       // bytes that all streams together may take
	Logger *slog.Logger
}

// start bounds how long the server may take to recover its store.
const start = 2 * time.Minute

// Start runs a server until Shutdown. Its store is written through every few
// seconds only: what is not durable at the aggregator is still in the
// collectors' spools, and is sent again.
func Start(c ServerConfig) (*server.Server, error) {
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("start bus in %s: %w", c.Dir, err)
	}
	s.SetLoggerV2(&natsLog{log: c.Logger}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(start) {
		s.Shutdown()
		return nil, fmt.Errorf("start bus in %s: not ready after %s", c.Dir, start)
	}
	if !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, fmt.Errorf("start bus in %s: %w", c.Dir, errors.New("its store could not be opened; the log says why"))
	}
	return s, nil
}

// options are those of the server, with its users as their file has them now.
func (c *ServerConfig) options() (*server.Options, error) {
	o := &server.Options{}
	if c.Users != "" {
		var err error
		if o, err = readUsers(c.Users); err != nil {
			return nil, err
		}
	}
	o.ServerName, o.NoSigs = "gigawatch", true
	o.JetStream, o.StoreDir, o.JetStreamMaxStore, o.SyncInterval = true, c.Dir, c.Store, 10*time.Second
	o.DontListen, o.Host, o.Port = c.Listen == "", c.Listen, c.Port
	o.MaxPayload = 1 << 20
	if c.Listen != "" && c.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	if c.TLS != nil {
		o.TLSConfig, o.TLS, o.TLSTimeout = c.TLS, true, handshake.Seconds()
	}
	return o, nil
}

// handshake is how long one may take: a fleet comes back at once.
const handshake = 10 * time.Second
