//go:build cgo && linux

package dcgm

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"
)

// port is where a host engine listens unless it is told otherwise.
const port = "5555"

// An address is where a host engine is to be had. The zero one is in this
// process.
type address struct{ network, at string }

var embedded address

func parseAddress(s string) (address, error) {
	switch {
	case strings.HasPrefix(s, "unix://"):
		s = strings.TrimPrefix(s, "unix://")
		if !strings.HasPrefix(s, "/") {
			return address{}, fmt.Errorf("DCGM address: unix://%s has no path", s)
		}
		return address{"unix", s}, nil
	case strings.HasPrefix(s, "/"):
		return address{"unix", s}, nil
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		rest = scheme
	} else if scheme != "tcp" {
		return address{}, fmt.Errorf("DCGM address %s: want host:port, tcp:// or unix://", s)
	}
	host, p, err := net.SplitHostPort(rest)
	if err != nil {
		host, p = strings.Trim(rest, "[]"), port
	}
	if host == "" {
		return address{}, fmt.Errorf("DCGM address %s: no host", s)
	}
	return address{"tcp", net.JoinHostPort(host, p)}, nil
}

func (a address) String() string {
	switch a.network {
	case "":
		return "in this process"
	case "unix":
		return "at unix://" + a.at
	}
	return "at " + a.at
}

// knock asks whether anybody listens. DCGM's own client takes five seconds to
// find that out, and does not say why.
func (a address) knock() error {
	if a == embedded {
		return nil
	}
	c, err := net.DialTimeout(a.network, a.at, time.Second)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return err
	}
	return c.Close()
}

// connect makes this process's one connection to DCGM. The form with two
// arguments is older than that with a scheme, and every DCGM 4 has it.
func (a address) connect() error {
	var err error
	switch a.network {
	case "":
		_, err = dcgmlib.Init(dcgmlib.Embedded)
	case "unix":
		_, err = dcgmlib.Init(dcgmlib.Standalone, a.at, "1")
	default:
		_, err = dcgmlib.Init(dcgmlib.Standalone, a.at, "0")
	}
	return err
}
