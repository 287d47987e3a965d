package modbus

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/simonvetter/modbus"

	"github.com/gigawatch/gigawatch/collector/loopback"
)

// A place is one register of a unit.
type place struct {
	unit, function uint8
	at             int
}

// A server holds registers.
type server interface {
	address() string
	set(unit, function uint8, at int, words ...uint16)
}

// holdings are what a server begins with.
type holdings map[place]uint16

func (h holdings) set(unit, function uint8, at int, words ...uint16) {
	for i, w := range words {
		h[place{unit, function, at + i}] = w
	}
}

// An inProcess server is that of the library which the package uses.
type inProcess struct {
	t    *testing.T
	addr string

	mu       sync.Mutex
	held     holdings
	requests int
	busy     int
	most     int // at once
	fails    func(unit uint8) error
	slow     map[uint8]time.Duration
}

func (s *inProcess) address() string { return s.addr }

func (s *inProcess) set(unit, function uint8, at int, words ...uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held.set(unit, function, at, words...)
}

func (s *inProcess) answer(unit, function uint8, at, n uint16) ([]uint16, error) {
	s.mu.Lock()
	s.requests++
	s.busy++
	s.most = max(s.most, s.busy)
	wait, fails := s.slow[unit], s.fails
	s.mu.Unlock()
	time.Sleep(wait)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	if fails != nil {
		if err := fails(unit); err != nil {
			return nil, err
		}
	}
	var list []uint16
	for i := range int(n) {
		w, ok := s.held[place{unit, function, int(at) + i}]
		if !ok {
			return nil, modbus.ErrIllegalDataAddress
		}
		list = append(list, w)
	}
	return list, nil
}

func (s *inProcess) HandleHoldingRegisters(r *modbus.HoldingRegistersRequest) ([]uint16, error) {
	if r.IsWrite {
		s.t.Errorf("register %d of unit %d is written", r.Addr, r.UnitId)
		return nil, modbus.ErrIllegalFunction
	}
	return s.answer(r.UnitId, 3, r.Addr, r.Quantity)
}

func (s *inProcess) HandleInputRegisters(r *modbus.InputRegistersRequest) ([]uint16, error) {
	return s.answer(r.UnitId, 4, r.Addr, r.Quantity)
}

func (s *inProcess) HandleCoils(r *modbus.CoilsRequest) ([]bool, error) {
	if r.IsWrite {
		s.t.Errorf("coil %d of unit %d is written", r.Addr, r.UnitId)
	}
	return nil, modbus.ErrIllegalFunction
}

func (s *inProcess) HandleDiscreteInputs(*modbus.DiscreteInputsRequest) ([]bool, error) {
	return nil, modbus.ErrIllegalFunction
}

// serve starts a server of c in the process.
func serve(t *testing.T, h holdings, c modbus.ServerConfiguration) *inProcess {
	t.Helper()
	s := &inProcess{t: t, addr: loopback.Free(t), held: h, slow: map[uint8]time.Duration{}}
	scheme := "tcp"
	if c.TLSServerCert != nil {
		scheme = "tcp+tls"
	}
	c.URL, c.Logger = scheme+"://"+s.addr, log.New(io.Discard, "", 0)
	m, err := modbus.NewServer(&c, s)
	if err == nil {
		err = m.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Stop() })
	return s
}

// A pymodbus is another server, in a process of its own.
type pymodbus struct {
	t     *testing.T
	addr  string
	in    io.Writer
	lines *bufio.Scanner
}

const python = "/usr/bin/python3"

func servePymodbus(t *testing.T, h holdings, framer string) *pymodbus {
	t.Helper()
	if _, err := os.Stat("/usr/lib/python3/dist-packages/pymodbus"); err != nil {
		said := "no second Modbus server: install python3-pymodbus, python3-serial and python3-serial-asyncio, or run make packages"
		if os.Getenv("CI") == "true" {
			t.Fatal(said)
		}
		t.Skip(said)
	}
	units := map[string]map[string]map[string]uint16{}
	for p, w := range h {
		unit, function := fmt.Sprint(p.unit), fmt.Sprint(p.function)
		if units[unit] == nil {
			units[unit] = map[string]map[string]uint16{}
		}
		if units[unit][function] == nil {
			units[unit][function] = map[string]uint16{}
		}
		units[unit][function][fmt.Sprint(p.at)] = w
	}
	cmd := exec.Command(python, "testdata/server.py")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &pymodbus{t: t, in: in, lines: bufio.NewScanner(out)}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("server: %v: %s", err, stderr.String())
		}
	})
	s.say(map[string]any{"framer": framer, "units": units})
	if !s.lines.Scan() {
		t.Fatalf("the server does not start: %s", stderr.String())
	}
	s.addr = "127.0.0.1:" + s.lines.Text()
	return s
}

func (s *pymodbus) say(what any) {
	b, err := json.Marshal(what)
	if err == nil {
		_, err = s.in.Write(append(b, '\n'))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *pymodbus) address() string { return s.addr }

func (s *pymodbus) set(unit, function uint8, at int, words ...uint16) {
	s.say(map[string]any{"unit": unit, "function": function, "at": at, "words": words})
	if !s.lines.Scan() || s.lines.Text() != "ok" {
		s.t.Fatalf("the server says %q", s.lines.Text())
	}
}

// A relay stands between a client and a server, and spoils what passes.
type relay struct {
	addr string

	mu     sync.Mutex
	spoils func(answer []byte) (cut []byte, hangUp bool) // nil: as it is
	conns  map[net.Conn]bool
	down   bool
	began  int // connections
}

// relayTo starts a relay in front of a server.
func relayTo(t *testing.T, server string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), conns: map[net.Conn]bool{}}
	var working sync.WaitGroup
	working.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			down := r.down
			r.began++
			if !down {
				r.conns[c] = true
			}
			r.mu.Unlock()
			if down {
				c.Close()
				continue
			}
			working.Go(func() { r.pass(c, server) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		r.hangUp()
		working.Wait()
	})
	return r
}

func (r *relay) pass(c net.Conn, server string) {
	defer c.Close()
	s, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		io.Copy(s, c)
		s.Close()
	}()
	b := make([]byte, 512)
	for {
		n, err := s.Read(b) // an answer comes whole on loopback
		if err != nil {
			return
		}
		r.mu.Lock()
		spoils := r.spoils
		r.mu.Unlock()
		answer, hangUp := b[:n], false
		if spoils != nil {
			answer, hangUp = spoils(append([]byte(nil), answer...))
		}
		c.Write(answer)
		if hangUp {
			return
		}
	}
}

// spoil makes the relay spoil answers by f from now on; nil: not.
func (r *relay) spoil(f func([]byte) ([]byte, bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spoils = f
}

// hangUp ends all connections.
func (r *relay) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.Close()
	}
	clear(r.conns)
}

// turn takes the relay down, or up again.
func (r *relay) turn(down bool) {
	r.mu.Lock()
	r.down = down
	r.mu.Unlock()
	if down {
		r.hangUp()
	}
}

// dial opens a gateway for the time of the test.
func dial(t *testing.T, c GatewayConfig) *Gateway {
	t.Helper()
	g, err := newGateway(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return g
}
