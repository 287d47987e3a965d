package bmc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/bougou/go-ipmi/pkg/client"
	"github.com/bougou/go-ipmi/pkg/types"
	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/secret"
)

func newIPMI(c IPMI, t tree.Tree, timeout time.Duration) (*ipmi, error) {
	if c.Host == "" {
		if c.User != "" || c.PasswordFile != "" {
			return nil, errors.New("user and password_file need a host")
		}
		if c.Device == "" {
			c.Device = t.Path("dev/ipmi0")
		}
		return &ipmi{newDevice(c.Device, timeout)}, nil
	}
	if c.User == "" || c.PasswordFile == "" {
		return nil, errors.New("a host needs user and password_file")
	}
	host, port := c.Host, 623
	if h, p, err := net.SplitHostPort(c.Host); err == nil {
		if host = h; p != "" {
			if port, err = strconv.Atoi(p); err != nil || port < 1 || port > 65535 {
				return nil, fmt.Errorf("%q is not host:port", c.Host)
			}
		}
	}
	if strings.Contains(host, ":") {
		host = "[" + strings.Trim(host, "[]") + "]"
	}
	return &ipmi{&lan{c: c, host: host, port: port, timeout: timeout}}, nil
}

// A lan carries requests over the network, in one IPMI 2.0 session that is kept.
type lan struct {
	c       IPMI
	host    string
	port    int
	timeout time.Duration

	session *client.Client
	word    secret.Text // by which the session was begun
	level   int         // index in levels
	gate    secret.Gate
}

// levels of privilege that are asked for, least first. DCMI wants the least;
// not all controllers agree.
var levels = []types.PrivilegeLevel{types.PrivilegeLevelUser, types.PrivilegeLevelOperator, types.PrivilegeLevelAdministrator}

// suites are the ciphers that are offered, best first: HMAC-SHA256 and SHA1,
// both with AES. To ask the controller for its own list takes seconds.
var suites = []types.CipherSuiteID{types.CipherSuiteID17, types.CipherSuiteID3}

func (l *lan) where() string { return l.c.Host }

func (l *lan) close(ctx context.Context) {
	if l.session != nil {
		l.session.Close(ctx)
		l.session = nil
	}
}

// send asks the controller, in a session with more privilege if it says so.
func (l *lan) send(ctx context.Context, function, command byte, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	for {
		if err := l.open(ctx); err != nil {
			return nil, err
		}
		answer, err := l.session.RawCommand(ctx, types.NetFn(function), command, request, "Get Power Reading")
		if err == nil {
			return append([]byte{0}, answer.Response...), nil
		}
		refused, ok := types.IsResponseError(err)
		if !ok {
			l.close(context.WithoutCancel(ctx))
			return nil, fmt.Errorf("ask %s by IPMI: %w", l.c.Host, secret.Conceal(err, l.word))
		}
		code := byte(refused.CompletionCode())
		if code != 0xd4 || l.level+1 == len(levels) {
			return []byte{code}, nil
		}
		l.close(ctx)
		l.level++
	}
}

// open begins a session if there is none.
func (l *lan) open(ctx context.Context) error {
	if l.session != nil {
		return nil
	}
	password, err := secret.Read(l.c.PasswordFile)
	if err == nil {
		err = l.gate.Check(l.c.User, password, l.c.PasswordFile)
	}
	if err != nil {
		return later{err, time.Minute}
	}
	c, err := client.NewClient(l.host, l.port, l.c.User, password.Reveal())
	if err != nil {
		return errors.New("user name is too long for IPMI")
	}
	c.WithCipherSuiteID(suites...).WithMaxPrivilegeLevel(levels[l.level]).WithTimeout(min(l.timeout/4, 4*time.Second)).WithRetry(1)
	err = c.Connect(ctx)
	if err == nil {
		l.session, l.word, l.gate = c, password, secret.Gate{}
		return nil
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	c.Close(over) // there is no session to take leave of
	// The library's error has several lines, and might hold what was sent.
	said := strings.Join(strings.Fields(secret.Hide(err.Error(), password)), " ")
	err = fmt.Errorf("open IPMI session at %s: %s", l.c.Host, said[:min(len(said), 300)])
	if strings.Contains(said, client.ErrRAKPAuthentication.Error()) || strings.Contains(said, "Unauthorized name") {
		l.gate.Shut(l.c.User, password, err)
		return later{err, time.Minute}
	}
	return err
}
