package gpu

import (
	"context"
	"errors"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Driver reads boards by one means: a vendor's library or the kernel's files.
// All its calls come from one goroutine.
type Driver interface {
	// Name is the driver's name in settings and logs.
	Name() string

	// Read fills r, which the driver may keep between calls: what it does not
	// set anew stays as it was, save Events, which are those since the reading
	// before. An error means that nothing is known of any board now, save
	// [ErrPending].
	Read(ctx context.Context, now time.Time, r *Reading) error

	Close() error
}

// ErrPending means that the boards were asked and have not answered yet: what
// was read last stands until it is too old.
var ErrPending = errors.New("the boards have not answered yet")

// A Reading is what a driver knows at one time. It crosses a process boundary.
type Reading struct {
	Boards   []Board // by Index; a board that was lost stays, with its identity
	Events   []Event
	Sockets  []Socket
	Switches []Switch
	Time     int64 // µs since 1970 at which it was taken; 0: now

	Found string // one line: by what means, which version, how many of what
	// Refused is what was not to be had, why, and what would make it work; one
	// sentence each.
	Refused []string
}

// A Board is one accelerator.
type Board struct {
	UUID   string // identity for ever, in the vendor's own spelling
	Index  int    // on its host
	Model  string
	PCI    string // bus address, 0000:3b:00.0
	Serial string
	Driver string // version: with another the energy counter may have begun anew

	Instances []Instance // that the board is divided into (MIG, compute partitions); none if it is whole

	Absent     bool  // the driver says that the board is lost or detached
	Time       int64 // µs since 1970 of the newest value, as the driver has it; 0: values are of the reading's time
	EnergyTime int64 // likewise of Values[Energy]; 0: as Time

	// Values of a board that answers nothing are all missing, save Partitions,
	// those too that are read more rarely than the others.
	Values [Slots]metric.Raw
}

// An Instance is a part of a board that a job may hold by itself. It has no
// power or energy of its own.
type Instance struct {
	UUID    string // as job schedulers spell it: MIG-…, amdgpu_xcp_3, 0000:1b:00.0; empty if unknown
	Index   int    // GPU instance id, or the partition's number
	Compute int    // compute instance id: a GPU instance may be divided itself
	Parts   int    // compute slices that it has of Of; 0 if unknown
	Of      int
}

// Unlisted is the index of an instance that is not known. A board of which
// nobody can say now what it is divided into has one, without a name.
const Unlisted = -1

// Clear makes all values missing.
func (b *Board) Clear() {
	for i := range b.Values {
		b.Values[i] = metric.Missing
	}
}

// An Event is one XID, the driver's word for a fault. Each happens once.
type Event struct {
	PCI  string // of the board
	UUID string // of the board; empty if only PCI is known
	Code uint32
	Time int64 // µs since 1970
}

// A Socket is the power of a part of a superchip, by its label source.
type Socket struct {
	Source string // module, grace
	Index  int
	Power  metric.Raw
}

// A Switch is one NVSwitch.
type Switch struct {
	Name            string
	Temperature     metric.Raw
	Fatal, NonFatal uint64 // events seen since the driver was opened
}
