package job

import (
	"errors"
	"fmt"
	"strings"
)

// maxJobs bounds the jobs of one board.
const maxJobs = 64

// mapping is the folder that HPC sites fill from their prolog for
// dcgm-exporter: a file a GPU, by its index, index.instance or uuid, with a line
// a job; the next word of a line, if any, is who runs it.
type mapping struct{ folder }

func newMapping(dir string) *mapping {
	return &mapping{folder{dir: dir, wants: deviceLike, parse: parseMapping, unclear: func(name string) holding { return holding{device: name} }}}
}

func (m *mapping) name() string { return "mapping folder " + m.dir }

// parseMapping reads the text of the file of a device.
func parseMapping(name, text string, fresh bool) (held []holding, err error) {
	if fresh && !strings.HasSuffix(text, "\n") {
		return nil, errors.New("it is being written")
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(held) == maxJobs {
			return nil, fmt.Errorf("it names more than %d jobs", maxJobs)
		}
		h := holding{job: words[0], device: name}
		if len(words) > 1 {
			h.tenant = words[1]
		}
		held = append(held, h)
	}
	return held, nil
}

// deviceLike reports whether a file's name is that of a device: 3, 3.1, a uuid.
// Other programs may keep theirs beside them.
func deviceLike(name string) bool {
	return strings.Trim(name, "0123456789.") == "" || strings.HasPrefix(name, "GPU-") || strings.HasPrefix(name, "MIG-") || strings.HasPrefix(name, "AMD-")
}
