package host

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// drives read the health logs of NVMe controllers, each in a goroutine of its
// own that lives for one reading: a drive that answers no more holds up nobody.
type drives struct {
	read func(path string, page *healthPage) error

	mu   sync.Mutex
	all  map[string]*drive // by path
	news bool              // one was read, or refused otherwise than before
}

// A drive is what is known of one.
type drive struct {
	busy   bool
	asked  time.Time
	at     time.Time // of the last good reading; zero: never
	health health
	err    error // why the last reading failed
}

const (
	healthEvery  = time.Minute
	healthOldest = 3 * healthEvery
)

// ask begins a reading of each of the drives at paths that is due.
func (d *drives) ask(paths []device, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range paths {
		x := d.all[p.path]
		if x == nil {
			x = &drive{}
			d.all[p.path] = x
		}
		if x.busy || !x.asked.IsZero() && now.Sub(x.asked) < healthEvery {
			continue
		}
		x.busy, x.asked = true, now
		go d.take(p.path, x)
	}
}

// take reads a drive.
func (d *drives) take(path string, x *drive) {
	var page healthPage
	err := d.read(path, &page)
	var h health
	if err == nil {
		h, err = page.parse()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.news = d.news || err == nil && x.at.IsZero() || (err == nil) != (x.err == nil)
	x.busy, x.err = false, err
	if err == nil {
		x.at, x.health = time.Now(), h
	}
}

// changed reports whether more or less can be said than before, once.
func (d *drives) changed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.news
	d.news = false
	return was
}

// known are those of the drives at paths that were read once, and why some
// cannot be read at now. It forgets the drives that are not at paths.
func (d *drives) known(paths []device, now time.Time) (found []device, refused []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	there, names := map[string]bool{}, map[string][]string{} // by the reason
	for _, p := range paths {
		there[p.path] = true
		x := d.all[p.path]
		if x == nil {
			continue
		}
		if !x.at.IsZero() {
			found = append(found, p)
		}
		switch {
		case x.busy && now.Sub(x.asked) > healthEvery:
			names["no answer"] = append(names["no answer"], p.name)
		case x.err != nil:
			names[x.err.Error()] = append(names[x.err.Error()], p.name)
		}
	}
	for path, x := range d.all {
		if !there[path] && !x.busy {
			delete(d.all, path)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(names)) {
		refused = append(refused, fmt.Sprintf("health of %s: %s", strings.Join(names[why], ", "), why))
	}
	return found, refused
}

// of is the health of the drive at path at now; all missing if its log was not
// read for long.
func (d *drives) of(path string, now time.Time) health {
	d.mu.Lock()
	defer d.mu.Unlock()
	if x := d.all[path]; x != nil && !x.at.IsZero() && now.Sub(x.at) <= healthOldest {
		return x.health
	}
	return health{metric.Missing, metric.Missing, metric.Missing, metric.Missing}
}

// controllers are the NVMe controllers of disks in this machine.
func (s *Source) controllers() (found []device) {
	for _, name := range s.tree.List("sys/class/nvme") {
		if at := s.tree.Text("sys/class/nvme", name, "transport"); fits(name) && (at == "pcie" || at == "") {
			found = append(found, device{name, s.tree.Path("dev", name)})
		}
	}
	return found
}

// explain says what would make a refused reading possible.
func explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("no device: pass it in")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("permission denied: run as root or give CAP_SYS_ADMIN")
	}
	return fmt.Errorf("read health log: %w", err)
}
