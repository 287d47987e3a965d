package agent

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// BusConfig says how to reach the bus.
type BusConfig struct {
	URLs        []string // nats:// or tls:// addresses, tried in random order
	Credentials string   // path of a NATS credentials file; empty: none
	CA          string   // path of the authority that signs the servers' certificates; empty: the system's
	Cert, Key   string   // paths of this client's certificate and key; empty: none

	// Options are added by whoever embeds the bus.
	Options []nats.Option
}

// Connect returns at once, connected or not: the connection is kept up in the
// background. Nothing is buffered while it is down, because the spool does that
// in order and within its bounds.
func Connect(c BusConfig, name string, log *slog.Logger, up func()) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(2 * time.Second),
		nats.ReconnectJitter(2*time.Second, 10*time.Second),
		nats.ReconnectBufSize(-1),
		// A bus that is gone without a word is noticed within a minute, and until
		// then no write to it may hold up a tick for long.
		nats.PingInterval(20 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.FlusherTimeout(5 * time.Second),
		nats.CustomInboxPrefix("_INBOX_" + name),
		nats.ConnectHandler(func(nc *nats.Conn) { log.Info("bus connected", "server", nc.ConnectedServerName()); up() }),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("bus connected again", "server", nc.ConnectedServerName()); up() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("bus lost", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("bus refuses", "error", err) }),
	}
	if c.Credentials != "" {
		options = append(options, nats.UserCredentials(c.Credentials))
	}
	if c.CA != "" {
		options = append(options, nats.RootCAs(c.CA))
	}
	if c.Cert != "" {
		options = append(options, nats.ClientCert(c.Cert, c.Key))
	}
	o := nats.GetDefaultOptions()
	o.Servers = c.URLs
	for _, set := range append(options, c.Options...) {
		if err := set(&o); err != nil {
			return nil, fmt.Errorf("bus options: %w", err)
		}
	}
	nc, err := o.Connect()
	if err != nil {
		return nil, fmt.Errorf("connect to bus %v: %w", c.URLs, err)
	}
	return nc, nil
}
