package mqtt

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// connecting is how long a connection may take, and a subscription.
const connecting = 10 * time.Second

// An account is how a broker is reached. Meters with the same share a connection.
type account struct {
	address      string // host:port
	tls          bool
	user         string
	passwordFile string
	ca           string // file; "": those of the system
}

// accountOf reads the address of a broker.
func accountOf(broker string) (a account, err error) {
	u, err := url.Parse(broker)
	if err != nil {
		return a, errors.New("its address is none") // the error may hold what somebody wrote as a password
	}
	port := "1883"
	switch u.Scheme {
	case "tls", "ssl", "mqtts":
		a.tls, port = true, "8883"
	case "tcp", "mqtt":
	default:
		return a, fmt.Errorf("%q is none of tls, ssl, mqtts, tcp, mqtt", u.Scheme)
	}
	if u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
		return a, errors.New("want tls://host:port, and nothing else in it")
	}
	a.address = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	return a, nil
}

// who is who it connects as, for people.
func (a *account) who() string {
	if a.user == "" {
		return "those without a user"
	}
	return "user " + a.user
}

func (a *account) String() string {
	if a.tls {
		return "tls://" + a.address
	}
	return "tcp://" + a.address
}

// password reads it from its file.
func (a *account) password() (p secret.Text, err error) {
	if a.passwordFile == "" {
		return p, nil
	}
	if p, err = secret.Read(a.passwordFile); err != nil {
		return p, fmt.Errorf("the password of user %s: %w", a.user, err)
	}
	return p, nil
}

// dial opens a connection, which is closed when ctx ends.
func (a *account) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connecting)
	defer cancel()
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.ca != "" {
		b, err := os.ReadFile(a.ca)
		if err != nil {
			return nil, fmt.Errorf("the certificates by which it is known: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("%s has no certificate in it", a.ca)
		}
	}
	if !a.tls {
		return new(net.Dialer).DialContext(ctx, "tcp", a.address)
	}
	return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", a.address)
}

// explain says what an error of connecting means, and what would help.
func (a *account) explain(err error) error {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	said := ""
	switch {
	case refused(err) && a.user == "":
		said = "it wants a user and a password: write user: and password_file:"
	case refused(err):
		said = fmt.Sprintf("it does not let user %s in: the name, or the password in %s, is another", a.user, a.passwordFile)
	case errors.Is(err, packets.ErrorRefusedServerUnavailable):
		said = "it is there, and not ready"
	case errors.As(err, &authority) && a.ca == "":
		said = "its certificate is by an authority that is not known here: write ca:"
	case errors.As(err, &authority):
		said = "its certificate is by another authority than those in " + a.ca
	case errors.As(err, &host):
		said = "its certificate is of another host"
	case errors.As(err, &record):
		said = "it does not speak TLS at this port: write tcp://, or the port where it does"
	case (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)) && !a.tls:
		said = "it closed the connection: it may want TLS at this port"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		said = fmt.Sprintf("no answer within %v", connecting)
	default:
		return err
	}
	return fmt.Errorf("%s (%w)", said, err)
}

// refused reports whether the broker does not let the user in.
func refused(err error) bool {
	return errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword) || errors.Is(err, packets.ErrorRefusedNotAuthorised)
}
