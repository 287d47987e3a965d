package job

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxDevices bounds the devices of one job.
const maxDevices = 256

// drops is the folder that our own prolog fills: a file a job, with lines of the
// form key=value.
//
//	job=4711             the file's name if left out
//	tenant=physics
//	gpus=0,1,GPU-8a2c…   devices
//	gpu_share=0.5        of each of them
//	host_share=0.25      of the host
type drops struct{ folder }

func newDrops(dir string) *drops {
	return &drops{folder{dir: dir, parse: func(name, text string, _ bool) ([]holding, error) { return parseDrop(name, text) },
		unclear: func(name string) holding { return holding{job: name} }}}
}

func (d *drops) name() string { return "drop folder " + d.dir }

// parseDrop reads the text of a drop file.
func parseDrop(name, text string) (held []holding, err error) {
	if !strings.HasSuffix(text, "\n") {
		return nil, errors.New("its last line has no end: it is being written, or was cut off")
	}
	h := holding{job: name}
	var devices []string
	var gpu, host int64
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("line %d is not of the form key=value", n)
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if seen[key] {
			return nil, fmt.Errorf("line %d: %s is said twice", n, key)
		}
		var err error
		switch key {
		case "job":
			h.job = value
		case "tenant":
			h.tenant = value
		case "gpus":
			devices, err = devicesOf(value)
		case "gpu_share":
			gpu, err = parseShare(value)
		case "host_share":
			host, err = parseShare(value)
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		seen[key] = true
	}
	if !seen["gpus"] && !seen["host_share"] {
		return nil, errors.New("it says neither gpus nor host_share")
	}
	for _, device := range devices {
		held = append(held, holding{job: h.job, tenant: h.tenant, device: device, share: gpu})
	}
	if host > 0 || len(devices) == 0 && seen["gpus"] {
		held = append(held, holding{job: h.job, tenant: h.tenant, share: host})
	}
	return held, nil
}

// devicesOf are the devices of a list, each once.
func devicesOf(list string) (devices []string, err error) {
	for d := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		if slices.Contains(devices, d) {
			continue
		}
		if len(devices) == maxDevices {
			return nil, fmt.Errorf("more than %d devices", maxDevices)
		}
		devices = append(devices, d)
	}
	return devices, nil
}

// parseShare reads a number above 0 and at most 1, in millionths.
func parseShare(s string) (int64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0 && v <= 1) {
		return 0, fmt.Errorf("share %q is not above 0 and at most 1", s)
	}
	return max(1, int64(v*Whole+0.5)), nil
}
