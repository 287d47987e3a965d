package gpu

import (
	"fmt"
	"strconv"
	"strings"
)

// An address is where a board is on the PCI bus. Drivers, the kernel and people
// spell it differently; the function is left out, for a board is all of them.
type address struct {
	domain      uint32
	bus, device uint8
}

// parseAddress reads 0000:3b:00.0, 00000000:3B:00.0, 3b:00 and the like.
func parseAddress(s string) (a address, ok bool) {
	if len(s) > 4 && strings.EqualFold(s[:4], "PCI:") {
		s = s[4:]
	}
	s, function, dotted := strings.Cut(s, ".")
	if _, err := strconv.ParseUint(function, 16, 8); dotted && err != nil {
		return address{}, false
	}
	parts := strings.Split(s, ":")
	if len(parts) == 2 {
		parts = append([]string{"0"}, parts...)
	}
	if len(parts) != 3 {
		return address{}, false
	}
	var v [3]uint64
	for i, bits := range [3]int{32, 8, 8} {
		n, err := strconv.ParseUint(parts[i], 16, bits)
		if err != nil || len(parts[i]) > 8 {
			return address{}, false
		}
		v[i] = n
	}
	return address{uint32(v[0]), uint8(v[1]), uint8(v[2])}, true
}

func (a address) String() string { return fmt.Sprintf("%04x:%02x:%02x", a.domain, a.bus, a.device) }
