package field

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"time"

	"github.com/simonvetter/modbus"
)

// A gateway is one address with devices behind it, by their unit ids from 1.
type gateway struct {
	plant   *Plant
	devices []int
	address string
	server  *modbus.ModbusServer // nil: it does not listen
}

// How devices refuse.
var (
	errSilent   = modbus.ErrGWTargetFailedToRespond
	errFunction = modbus.ErrIllegalFunction
	errAddress  = modbus.ErrIllegalDataAddress
)

// tries is how often a free port is looked for: another program may take it first.
const tries = 20

// listen starts g at a port; 0: any that is free.
func (g *gateway) listen(host string, port int) error {
	var errs []error
	for range tries {
		at := port
		if at == 0 {
			var err error
			if at, err = free(host); err != nil {
				return err
			}
		}
		g.address = net.JoinHostPort(host, strconv.Itoa(at))
		s, err := modbus.NewServer(&modbus.ServerConfiguration{URL: "tcp://" + g.address, Logger: log.New(io.Discard, "", 0)}, g)
		if err == nil {
			err = s.Start()
		}
		if err == nil {
			g.server = s
			return nil
		}
		errs = append(errs, fmt.Errorf("listen at %s: %w", g.address, err))
		if port != 0 {
			break
		}
	}
	return errors.Join(errs...)
}

// free is a port on which nobody listens.
func free(host string) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, err
	}
	at := l.Addr().(*net.TCPAddr).Port
	return at, l.Close()
}

// reached is the address of g as it is written down: one that listens everywhere
// is reached on loopback at least.
func (g *gateway) reached() string {
	host, port, _ := net.SplitHostPort(g.address) // it was joined
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func (g *gateway) close() error {
	if g.server == nil {
		return nil
	}
	return g.server.Stop()
}

// ask is what the device of a unit says.
func (g *gateway) ask(unit, function uint8, at, n uint16) ([]uint16, error) {
	err := error(errSilent)
	if k := int(unit) - 1; k >= 0 && k < len(g.devices) {
		var words []uint16
		if words, err = g.plant.answer(g.devices[k], function, int(at), int(n)); err == nil {
			return words, nil
		}
	}
	if err == errSilent {
		select {
		case <-time.After(g.plant.slow):
		case <-g.plant.over:
		}
	}
	return nil, err
}

// HandleHoldingRegisters answers function 3. Nothing can be written.
func (g *gateway) HandleHoldingRegisters(r *modbus.HoldingRegistersRequest) ([]uint16, error) {
	if r.IsWrite {
		return nil, errFunction
	}
	return g.ask(r.UnitId, 3, r.Addr, r.Quantity)
}

// HandleInputRegisters answers function 4.
func (g *gateway) HandleInputRegisters(r *modbus.InputRegistersRequest) ([]uint16, error) {
	return g.ask(r.UnitId, 4, r.Addr, r.Quantity)
}

// HandleCoils refuses.
func (g *gateway) HandleCoils(*modbus.CoilsRequest) ([]bool, error) { return nil, errFunction }

// HandleDiscreteInputs refuses.
func (g *gateway) HandleDiscreteInputs(*modbus.DiscreteInputsRequest) ([]bool, error) {
	return nil, errFunction
}
