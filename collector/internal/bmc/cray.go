package bmc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
)

// A cray reads the counters that the controller of an HPE Cray blade writes into
// the node's sysfs ten times a second.
type cray struct {
	tree tree.Tree

	freshness uint64
	advanced  time.Time // when freshness was first seen as it is
}

const crayDir = "sys/cray/pm_counters"

// stalled is for how long the counters may not have been written.
const stalled = 3 * time.Second

func (*cray) name() string          { return "pm_counters" }
func (*cray) close(context.Context) {}

// read takes power and energy of the same scan, as the freshness around them
// tells.
func (c *cray) read(context.Context) (sample, error) {
	if !c.tree.Exists(crayDir, "power") {
		return sample{}, absent{errors.New("there are no pm_counters")}
	}
	for range 4 {
		before, err := c.counter("freshness", "")
		if err != nil {
			return sample{}, err
		}
		watts, err := c.counter("power", "W")
		if err != nil {
			return sample{}, err
		}
		joules, err := c.counter("energy", "J")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return sample{}, err
		}
		after, err2 := c.counter("freshness", "")
		if err2 != nil || after != before {
			continue
		}
		s := sample{about: "pm_counters", watts: float64(watts)}
		if err == nil {
			s.register = &register{id: "pm_counters/energy", mj: joules * 1000}
		}
		now := time.Now()
		if c.advanced.IsZero() || before != c.freshness {
			c.freshness, c.advanced = before, now
		} else if stood := now.Sub(c.advanced); stood > stalled {
			return sample{}, fmt.Errorf("pm_counters were not written for %v", stood.Round(time.Second))
		}
		s.at = c.advanced
		return s, nil
	}
	return sample{}, errors.New("pm_counters are written while they are read")
}

// counter reads one file.
func (c *cray) counter(name, unit string) (uint64, error) {
	path := c.tree.Path(crayDir, name)
	var b [128]byte
	n, err := c.tree.ReadFile(path, b[:])
	if err != nil {
		return 0, err
	}
	v, err := parseCounter(string(b[:n]), unit)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return v, nil
}

// parseCounter reads "412 W 1763843412345678 us": a value, its unit, and when.
func parseCounter(text, unit string) (uint64, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return 0, errors.New("it is empty")
	}
	v, err := strconv.ParseUint(fields[0], 10, 64)
	if err != nil || v > 1<<52 {
		return 0, fmt.Errorf("%q is no count", fields[0])
	}
	if unit != "" && (len(fields) < 2 || fields[1] != unit) {
		return 0, fmt.Errorf("%q is not in %s", strings.TrimSpace(text), unit)
	}
	return v, nil
}
