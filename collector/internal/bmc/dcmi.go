package bmc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// DCMI is a group of IPMI commands for data centres; Get Power Reading is one.
const (
	groupExtension  = 0x2c // network function
	getPowerReading = 0x02
	dcmiGroup       = 0xdc
)

// powerRequest asks for the statistics of the whole system.
var powerRequest = []byte{dcmiGroup, 1, 0, 0}

// A bus carries an IPMI request to the controller and its answer back, which
// begins with the completion code.
type bus interface {
	send(ctx context.Context, function, command byte, request []byte) ([]byte, error)
	where() string
	close(ctx context.Context)
}

// An ipmi reads the node's power by DCMI.
type ipmi struct{ bus }

func (*ipmi) name() string { return "ipmi" }

func (i *ipmi) read(ctx context.Context) (sample, error) {
	answer, err := i.send(ctx, groupExtension, getPowerReading, powerRequest)
	if err != nil {
		return sample{}, err
	}
	watts, err := parsePower(answer)
	if err != nil {
		return sample{}, fmt.Errorf("read power by DCMI: %w", err)
	}
	return sample{about: "DCMI of " + i.where(), watts: float64(watts)}, nil
}

// What a controller answers instead of a reading.
var completions = map[byte]string{
	0xc0: "the controller is busy",
	0xc1: "the controller knows no DCMI",
	0xc3: "the controller took too long",
	0xcb: "the controller has no power meter",
	0xcc: "the controller does not take the request",
	0xd4: "the session's privilege is too low",
	0xd5: "the controller cannot now",
}

// parsePower reads the answer to Get Power Reading:
//
//	0  completion code
//	1  0xdc
//	2  watts now, little endian, as all of them
//	4  least, 6 most, 8 mean of the last period
//	10 when, 14 milliseconds of the period
//	18 bit 6: it is measured; else the others stand still
func parsePower(b []byte) (watts uint16, err error) {
	if len(b) == 0 {
		return 0, errors.New("the answer is empty")
	}
	if b[0] != 0 {
		if why, ok := completions[b[0]]; ok {
			return 0, fmt.Errorf("%s (completion code %#02x)", why, b[0])
		}
		return 0, fmt.Errorf("completion code %#02x", b[0])
	}
	if len(b) < 19 || b[1] != dcmiGroup {
		return 0, fmt.Errorf("%d bytes are no power reading", len(b))
	}
	if b[18]&0x40 == 0 {
		return 0, errors.New("power is not being measured")
	}
	watts = binary.LittleEndian.Uint16(b[2:])
	if watts == 0 || watts == 0xffff {
		return 0, fmt.Errorf("%d W is no reading", watts)
	}
	return watts, nil
}
