package sim

import (
	"fmt"
	"strings"
)

// A board is what one model of GPU is like.
type board struct {
	name       string
	idle       float64 // W
	limit      float64 // W, as delivered
	peak       float64 // W that a full load asks for on the average board; more than the limit on some
	memory     int64   // MiB
	clock      float64 // MHz, the multiprocessors at full load
	rest       float64 // MHz, the multiprocessors when idle
	memClock   int64   // MHz
	resistance float64 // K/W from die to air at middling fan speed
}

// boards are the models that Config.Model may name.
var boards = [...]board{
	{"NVIDIA H100", 72, 700, 672, 81559, 1980, 345, 2619, 0.058},
	{"NVIDIA H200", 78, 700, 672, 143771, 1980, 345, 3201, 0.058},
	{"NVIDIA B200", 142, 1000, 960, 183359, 1965, 120, 3996, 0.040},
}

func boardOf(name string) (board, error) {
	var names []string
	for i := range boards {
		if boards[i].name == name {
			return boards[i], nil
		}
		names = append(names, boards[i].name)
	}
	return board{}, fmt.Errorf("no GPU model %q; there are %s", name, strings.Join(names, ", "))
}

// Temperatures of a die, °C.
const (
	softLimit = 83.0 // the board sheds power to stay here
	slowdown  = 87.0 // the hardware would cut its clock; the margin counts down to this
)

// What a host has.
const (
	nics        = 2
	disks       = 4
	drives      = 2 // NVMe controllers with a health page
	mounts      = 2
	sensors     = 4
	ports       = 4
	threads     = 224
	hostMemory  = 2 << 40            // bytes
	portRate    = 400_000_000_000    // bit/s
	rootSize    = 960_197_124_096    // bytes
	scratchSize = 30_725_970_923_520 // bytes
	rackHosts   = 8                  // hosts to a rack
	hallRacks   = 64                 // racks to a hall: as many as one ledger record of 4 kB can carry
	switchWatts = 620                // a rack's switches, unloaded
)

// nodeRating is what a host draws at the most, W.
func (b *board) nodeRating(gpus int) float64 { return float64(gpus)*b.limit*1.12 + 2600 }
