package bmc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
)

// A hwmon reads the power meters that ACPI describes. On most machines there is
// one, of the whole node. NVIDIA Grace has several a socket, that lie in each
// other: Module ⊃ Grace ⊃ CPU and SysIO.
type hwmon struct {
	tree tree.Tree
	kind string // Module or Grace; "" is the whole node

	found []string // the files that add up to it
	about string
}

// powerFiles are where a meter shows microwatts: in the directory of its chip or,
// with older kernels, of the chip's device.
var powerFiles = []string{"power1_average", "power1_input"}

func (h *hwmon) name() string {
	return cmp.Or(strings.ToLower(h.kind), "acpi")
}

func (*hwmon) close(context.Context) {}

// read adds the meters up. They are looked for again after any that failed.
func (h *hwmon) read(context.Context) (sample, error) {
	if len(h.found) == 0 {
		if err := h.find(); err != nil {
			return sample{}, err
		}
	}
	s := sample{about: h.about}
	for _, path := range h.found {
		v, err := h.tree.Number(path)
		if err == nil && v < 0 {
			err = fmt.Errorf("read %s: %d", path, v)
		}
		if err != nil {
			h.found = nil
			return sample{}, err
		}
		s.watts += float64(v) / 1e6
	}
	return s, nil
}

// find looks for the meters of h's kind.
func (h *hwmon) find() error {
	sockets := map[int]string{}
	var whole []string
	for _, chip := range h.tree.List("sys/class/hwmon") {
		if h.tree.Text("sys/class/hwmon", chip, "name") != "power_meter" {
			continue
		}
		for _, place := range []string{"", "device"} {
			file := h.meter(chip, place)
			if file == "" {
				continue
			}
			info := h.tree.Text("sys/class/hwmon", chip, place, "power1_oem_info")
			switch kind, socket, ok := parseSocket(info); {
			case !ok && h.tree.Text("sys/class/hwmon", chip, place, "power1_is_battery") != "1":
				whole = append(whole, file)
			case ok && kind == h.kind:
				if sockets[socket] != "" {
					return fmt.Errorf("two power meters call themselves %s", info)
				}
				sockets[socket] = file
			}
			break
		}
	}
	switch {
	case h.kind != "" && len(sockets) > 0:
		for _, socket := range slices.Sorted(maps.Keys(sockets)) {
			h.found = append(h.found, sockets[socket])
		}
		h.about = fmt.Sprintf("%s power of %d sockets", h.kind, len(sockets))
		return nil
	case h.kind != "" || len(whole) == 0:
		return absent{errors.New("there is no such power meter")}
	case len(whole) > 1:
		return fmt.Errorf("%d power meters do not say of what: %s", len(whole), strings.Join(whole, ", "))
	}
	h.found, h.about = whole, "the ACPI power meter"
	return nil
}

// meter is the file with the power at a place of a chip, "" if there is none.
func (h *hwmon) meter(chip, place string) string {
	for _, name := range powerFiles {
		if h.tree.Exists("sys/class/hwmon", chip, place, name) {
			return h.tree.Path("sys/class/hwmon", chip, place, name)
		}
	}
	return ""
}

// parseSocket reads "Grace Power Socket 1".
func parseSocket(info string) (kind string, socket int, ok bool) {
	kind, number, ok := strings.Cut(info, " Power Socket ")
	if !ok {
		return "", 0, false
	}
	socket, err := strconv.Atoi(strings.TrimSpace(number))
	return kind, socket, err == nil && socket >= 0 && socket < 1024 && kind != ""
}
