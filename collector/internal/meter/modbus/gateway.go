package modbus

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/simonvetter/modbus"
)

// A GatewayConfig says how devices are reached: a meter's own socket, or that of
// a gateway in front of several.
type GatewayConfig struct {
	Address       string        // host:port
	Transport     string        // tcp, rtu_over_tcp or tls; "": tcp
	Timeout       time.Duration // of a request; default 3 s
	Cert, Key, CA string        // files, of tls: who we are, and whom to trust
}

// A Gateway is one connection, over which one request is under way at most. It is
// opened when it is needed, and after an error anew.
type Gateway struct {
	c      GatewayConfig
	client *modbus.ModbusClient
	free   chan struct{} // holds a token while nobody uses what is below

	open, used bool // used: something was answered since
	over       bool // no more requests
}

// newGateway checks c. It contacts nothing.
func newGateway(c GatewayConfig) (*Gateway, error) {
	c = c.settled()
	scheme, ok := map[string]string{"tcp": "tcp", "tls": "tcp+tls", "rtu_over_tcp": "rtuovertcp"}[c.Transport]
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil || host == "" || port == "" || !ok {
		return nil, fmt.Errorf("modbus gateway %q by %q: want host:port, and tcp, rtu_over_tcp or tls", c.Address, c.Transport)
	}
	conf := modbus.ClientConfiguration{
		URL:     scheme + "://" + c.Address,
		Timeout: c.Timeout,
		Logger:  log.New(io.Discard, "", 0), // all it says is in its errors
	}
	switch {
	case c.Transport != "tls" && c.Cert+c.Key+c.CA != "":
		return nil, fmt.Errorf("modbus gateway %s: certificates are for tls", c.Address)
	case c.Transport == "tls":
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("modbus gateway %s: the certificate by which it knows us: %w", c.Address, err)
		}
		conf.TLSClientCert = &pair
		if conf.TLSRootCAs, err = modbus.LoadCertPool(c.CA); err != nil {
			return nil, fmt.Errorf("modbus gateway %s: the certificates by which we know it: %w", c.Address, err)
		}
	}
	g := &Gateway{c: c, free: make(chan struct{}, 1)}
	if g.client, err = modbus.NewClient(&conf); err != nil {
		return nil, fmt.Errorf("modbus gateway %s: %w", c.Address, err)
	}
	g.free <- struct{}{}
	return g, nil
}

// Line is what tells meters behind g from others: they are asked by turns.
func (g *Gateway) Line() string { return g.c.line() }

// Run lets go of the connection when ctx ends.
func (g *Gateway) Run(ctx context.Context) error {
	<-ctx.Done()
	<-g.free // a request lasts for its timeout at most
	g.over = true
	g.close()
	g.free <- struct{}{}
	return nil
}

// read reads registers. It returns when ctx ends; what is under way then holds
// the connection until it is through.
func (g *Gateway) read(ctx context.Context, unit, function uint8, at, n int) ([]uint16, error) {
	select {
	case <-g.free:
	case <-ctx.Done():
		return nil, errors.New("the connection was busy all the time")
	}
	type answer struct {
		words []uint16
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		words, err := g.ask(unit, function, uint16(at), uint16(n))
		g.free <- struct{}{}
		answers <- answer{words, err}
	}()
	select {
	case a := <-answers:
		return a.words, a.err
	case <-ctx.Done():
		return nil, errors.New("no answer in all its time")
	}
}

// ask has the connection to itself.
func (g *Gateway) ask(unit, function uint8, at, n uint16) ([]uint16, error) {
	for {
		if g.over {
			return nil, net.ErrClosed
		}
		if !g.open {
			if err := g.client.Open(); err != nil {
				return nil, fmt.Errorf("connect: %w", err)
			}
			g.open, g.used = true, false
		}
		kind := modbus.HOLDING_REGISTER
		if function == 4 {
			kind = modbus.INPUT_REGISTER
		}
		g.client.SetUnitId(unit)
		words, err := g.client.ReadRegisters(at, n, kind)
		if err == nil || excepted(err) {
			g.used = true
			return words, err
		}
		// What is late would be taken for the answer to the next request.
		g.close()
		var e modbus.Error
		if g.used && !errors.As(err, &e) {
			continue // it had been closed since it was used last
		}
		return nil, err
	}
}

func (g *Gateway) close() {
	if g.open {
		g.client.Close()
		g.open = false
	}
}

// excepted reports whether err is an answer of the device.
func excepted(err error) bool {
	switch err {
	case modbus.ErrIllegalFunction, modbus.ErrIllegalDataAddress, modbus.ErrIllegalDataValue, modbus.ErrServerDeviceFailure, modbus.ErrAcknowledge,
		modbus.ErrServerDeviceBusy, modbus.ErrMemoryParityError, modbus.ErrGWPathUnavailable, modbus.ErrGWTargetFailedToRespond:
		return true
	}
	return strings.HasPrefix(err.Error(), "unknown exception code")
}

// settled fills in what was left out.
func (c GatewayConfig) settled() GatewayConfig {
	c.Transport, c.Timeout = cmp.Or(c.Transport, "tcp"), cmp.Or(c.Timeout, 3*time.Second)
	return c
}

func (c GatewayConfig) line() string { return "modbus " + c.Address }

// Gateways are those of a site, one an address. The zero Gateways has none.
type Gateways struct{ list map[string]*Gateway }

// Open is the gateway of c: the one of before where its address is.
func (s *Gateways) Open(c GatewayConfig) (*Gateway, error) {
	if g := s.list[c.Address]; g != nil {
		if c.settled() != g.c {
			return nil, fmt.Errorf("modbus gateway %s: its transport, timeout and certificates are the same for all meters behind it", c.Address)
		}
		return g, nil
	}
	g, err := newGateway(c)
	if err != nil {
		return nil, err
	}
	if s.list == nil {
		s.list = map[string]*Gateway{}
	}
	s.list[c.Address] = g
	return g, nil
}

// Feeds are the gateways as what readers share.
func (s *Gateways) Feeds() (list []meter.Feed) {
	for _, g := range s.list {
		list = append(list, g)
	}
	return list
}
