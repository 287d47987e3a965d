package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/setting"
)

// busConfig is a server inside this process, or one elsewhere.
type busConfig struct {
	Embedded bool
	Listen   string   // of the embedded one, host:port; "": nowhere
	Users    string   // of the embedded one, file of who may speak; "": whoever reaches it
	TLS      tlsFiles // of the embedded one; the zero one: in the clear
	Client   agent.BusConfig
	Limits   bus.Limits // of the streams' bytes; zero: worked out
	Replicas int        // of the streams; 0: as they are, else one
}

type rawEmbedded struct {
	Listen string `yaml:"listen"`
	Users  string `yaml:"users"`
	TLS    struct {
		Cert     string `yaml:"cert"`
		Key      string `yaml:"key"`
		ClientCA string `yaml:"client_ca"`
	} `yaml:"tls"`
}

// takeEmbedded reads the settings of the embedded bus.
func (b *busConfig) takeEmbedded(f *setting.File, r *rawEmbedded) {
	b.Listen, b.Users, b.TLS = r.Listen, r.Users, tlsFiles{r.TLS.Cert, r.TLS.Key, r.TLS.ClientCA}
	if b.Listen != "" {
		_, _, err := net.SplitHostPort(b.Listen)
		f.Require(err == nil, "bus.embedded.listen", "%q is no host:port", b.Listen)
	}
	f.Require((b.TLS.Cert == "") == (b.TLS.Key == ""), "bus.embedded.tls", "cert and key go together")
	f.Require(b.TLS.ClientCA == "" || b.TLS.Cert != "", "bus.embedded.tls", "client_ca goes with cert and key")
	f.Require(b.Users == "" || b.Client.Credentials != "", "bus.credentials", "missing: with users the aggregator shows who it is, too; aggregator bus add -role aggregator -name NAME makes them")
	if err := b.checkOpen(); err != nil {
		f.Require(false, "bus.embedded.listen", "%v", err)
	}
}

// checkOpen says why the embedded bus must not listen where it is to. Who writes on
// it writes the ledger, so that nothing asks for that by name.
func (b *busConfig) checkOpen() error {
	if b.Listen == "" || web.CheckListen(b.Listen, b.Users != "", b.TLS.Cert != "", false) == nil {
		return nil
	}
	var lacks string
	if b.Users == "" {
		lacks = "\n  users: DIR/users.conf                      # aggregator bus init -dir DIR -sites SITE makes it" +
			"\n  and beside embedded, in bus, credentials: DIR/creds/aggregator/aggregator.creds"
	}
	if b.TLS.Cert == "" {
		lacks += "\n  tls: {cert: FILE, key: FILE}               # of this machine's name; collectors name its authority in bus.ca"
	}
	return fmt.Errorf("%s is beyond loopback: whoever reaches it could write any host's figures, and whoever is on the wire could read and change them. It wants%s"+
		"\nor listen: 127.0.0.1:4222, which lets this machine in alone", b.Listen, lacks)
}

// serverTLS is what the embedded bus shows; nil if it speaks in the clear. It follows
// its files, so that a certificate is replaced without anybody being cut off.
func (b *busConfig) serverTLS() (*tls.Config, error) {
	if b.TLS.Cert == "" {
		return nil, nil
	}
	c, err := web.LoadTLS(b.TLS.Cert, b.TLS.Key, b.TLS.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("%w: bus.embedded.tls: %w", program.ErrUsage, err)
	}
	if b.TLS.ClientCA == "" {
		return c, nil
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	given := c.GetConfigForClient
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		now, err := given(hello)
		if err != nil {
			return nil, err
		}
		now.ClientAuth, now.NextProtos = tls.RequireAndVerifyClientCert, nil
		return now, nil
	}
	return c, nil
}

// check says what is wrong with the files that the settings name.
func (b *busConfig) check() error {
	_, err := b.serverTLS()
	if b.Users != "" {
		if e := bus.CheckUsers(b.Users); e != nil {
			err = errors.Join(err, fmt.Errorf("%w: bus.embedded.users: %w", program.ErrUsage, e))
		}
	}
	return err
}
