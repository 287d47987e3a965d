package energy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Lives tell the lifetimes of registers apart, and remember across restarts of
// the agent how often each began anew without the machine doing so.
type Lives struct {
	path string
	boot string
	kept lives
	now  map[string]*epoch // of each device that was asked for since the start
	last time.Time         // when it was saved
}

// lives is the file. It is of no use to another boot, so nobody waits for the
// disk.
type lives struct {
	Boot    string           `json:"boot"`
	Devices map[string]*life `json:"devices"`
}

// A life is what is kept of one register.
type life struct {
	Driver   string `json:"driver"`             // when it began; "" if that was not known
	Anew     int    `json:"anew,omitempty"`     // times it began anew: showed less, or had another driver
	Last     uint64 `json:"last"`               // what it showed, as of the newest saving
	Forsaken bool   `json:"forsaken,omitempty"` // see Forsake
}

// epoch is one that was worked out, and what for.
type epoch struct {
	anew int
	id   metric.Raw
}

// saveEvery is how often what the registers show is saved: a register that falls
// while no agent reads it is found out by that.
const saveEvery = time.Minute

// OpenLives reads what the file at path remembers of this boot; path may be
// empty: then nothing is remembered. The error says why it could not be read;
// the Lives are good even so.
func OpenLives(path, boot string) (*Lives, error) {
	l := &Lives{path: path, boot: boot, kept: lives{boot, map[string]*life{}}, now: map[string]*epoch{}, last: time.Now()}
	if path == "" {
		return l, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("read lives of counters: %w", err)
	}
	var kept lives
	if err := json.Unmarshal(b, &kept); err != nil {
		return l, fmt.Errorf("read lives of counters from %s: %w", path, err)
	}
	if kept.Boot != boot {
		return l, nil
	}
	for device, k := range kept.Devices {
		if k != nil {
			l.kept.Devices[device] = k
		}
	}
	return l, nil
}

// Epoch is the lifetime in which the register of device, as its driver of that
// version counts it, shows value; "" if the version is not known. The error says
// why that will not be remembered.
func (l *Lives) Epoch(device, driver string, value uint64) (metric.Raw, error) {
	k := l.kept.Devices[device]
	fresh := k == nil
	if fresh {
		k = &life{Driver: driver}
		l.kept.Devices[device] = k
	}
	anew := value < k.Last || driver != "" && k.Driver != "" && driver != k.Driver
	if anew {
		k.Anew++
		k.Driver, k.Forsaken = driver, false
	}
	k.Last = value
	var err error
	if fresh || anew || time.Since(l.last) >= saveEvery {
		err = l.save()
	}
	e := l.now[device]
	if e == nil || e.anew != k.Anew {
		e = &epoch{k.Anew, Epoch("register", device, l.boot, k.Driver, k.Anew)}
		l.now[device] = e
	}
	return e.id, err
}

// Forsake notes that what the register of device should count is counted by
// other means from now on: in this life of it what it shows was in part counted
// already. The error says why that will not be remembered.
func (l *Lives) Forsake(device string) error {
	k := l.kept.Devices[device]
	if k == nil {
		k = &life{}
		l.kept.Devices[device] = k
	}
	if k.Forsaken {
		return nil
	}
	k.Forsaken = true
	return l.save()
}

// Forsaken reports whether the register of device was forsaken in this life of
// it, be it by another run of the agent.
func (l *Lives) Forsaken(device string) bool {
	k := l.kept.Devices[device]
	return k != nil && k.Forsaken
}

// save replaces the file in one step.
func (l *Lives) save() error {
	l.last = time.Now()
	if l.path == "" {
		return nil
	}
	b, err := json.Marshal(l.kept)
	if err == nil {
		err = os.WriteFile(l.path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(l.path+".new", l.path)
	}
	if err != nil {
		return fmt.Errorf("remember the lives of counters: %w", err)
	}
	return nil
}
