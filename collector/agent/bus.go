package agent

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// BusConfig says how to reach the bus.
type BusConfig struct {
	URLs        []string // nats:// or tls:// addresses, tried in random order
	Credentials string   // path of a NATS credentials file; empty: none
	CA          string   // path of the authority that signs the servers' certificates; empty: the system's
	Cert, Key   string   // paths of this client's certificate and key; empty: none
	Insecure    bool     // speak in the clear beyond loopback, too

	// Options are added by whoever embeds the bus.
	Options []nats.Option
}

// Check says what is wrong with the addresses: a secret in one, or none of the wire's
// readers kept out. It quotes no secret.
func (c *BusConfig) Check() error {
	for i, address := range c.URLs {
		if !strings.Contains(address, "://") {
			address = "nats://" + address
		}
		u, err := url.Parse(address)
		switch {
		case err != nil:
			return fmt.Errorf("address %d is none", i+1) // the error quotes it
		case u.User != nil:
			return fmt.Errorf("address %d holds a user or a password, which would be shown wherever the address is; name a file in bus.credentials", i+1)
		case !c.secure() && !c.Insecure && !loopback(u.Hostname()):
			return fmt.Errorf("%s is beyond loopback, and in the clear: who is on the wire reads what is sent and can change it; say tls://%s, "+
				"and bus.ca if its certificate is signed by an authority of your own, or ask for it by name (bus.insecure)", secret.Shown(address), u.Host)
		}
	}
	return nil
}

// shown are the addresses as they are shown.
func (c *BusConfig) shown() []string {
	list := make([]string, len(c.URLs))
	for i, address := range c.URLs {
		list[i] = secret.Shown(address)
	}
	return list
}

// secure reports whether one of the addresses is to be spoken to by TLS alone. NATS
// then does so with all of them, and with those that it hears of.
func (c *BusConfig) secure() bool {
	return c.CA != "" || c.Cert != "" || slices.ContainsFunc(c.URLs, func(address string) bool {
		return strings.HasPrefix(address, "tls://") || strings.HasPrefix(address, "wss://")
	})
}

// loopback reports whether a host is this one.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}

// Connect returns at once, connected or not: the connection is kept up in the
// background. Nothing is buffered while it is down, because the spool does that
// in order and within its bounds.
func Connect(c BusConfig, name string, log *slog.Logger, up func()) (*nats.Conn, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("connect to bus: %w", err)
	}
	options := []nats.Option{
		nats.Name(name),
		// Who is refused today may be let in tomorrow, when its credentials were
		// renewed or the bus has heard of them. The file is read at each attempt.
		nats.IgnoreAuthErrorAbort(),
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
	if c.secure() {
		options = append(options, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS13}))
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
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New("connect to bus: a certificate and its key go together")
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
		return nil, fmt.Errorf("connect to bus %v: %w", c.shown(), err)
	}
	return nc, nil
}
