package rights

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

const (
	// lookEvery is how often the file is looked at. What has changed is read once it
	// has not for as long: an editor may be at it.
	lookEvery = 150 * time.Millisecond

	metricPrincipals = "gigawatch_principals"
	metricRefused    = "gigawatch_principals_refused" // 1: what stands in the file is not in force
	metricRevoked    = "gigawatch_principals_revoked_total"
)

// A Keeper knows who may what, as a file says it now.
type Keeper struct {
	path    string
	log     *slog.Logger
	book    atomic.Pointer[book]
	revoked *metrics.Counter

	refused atomic.Bool
	mu      sync.Mutex // guards what follows, and readings of the file
	seen    stamp      // of the file when it was last looked at
	taken   stamp      // when it was last read, rightly or wrongly
}

// stamp tells whether a file has changed.
type stamp struct {
	size  int64
	time  time.Time
	inode uint64
}

func stampOf(path string) (s stamp) {
	if i, err := os.Stat(path); err == nil {
		s = stamp{size: i.Size(), time: i.ModTime()}
		if u, ok := i.Sys().(*syscall.Stat_t); ok {
			s.inode = u.Ino
		}
	}
	return s
}

// Check says what is wrong with a file.
func Check(path string) error {
	_, err := load(path)
	return err
}

// Open brings what the file says into force.
func Open(path string, set *metrics.Set, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{path: path, log: log, taken: stampOf(path), revoked: set.NewCounter(metricRevoked)}
	k.seen = k.taken
	b, err := load(path)
	if err != nil {
		return nil, err
	}
	b.succeed(nil)
	k.book.Store(b)
	set.NewGauge(metricPrincipals, func() float64 { return float64(len(k.book.Load().list)) })
	set.NewGauge(metricRefused, func() float64 {
		if k.refused.Load() {
			return 1
		}
		return 0
	})
	return k, nil
}

func load(path string) (*book, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read principals: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if i, err := f.Stat(); err == nil && i.Mode().Perm()&0o002 != 0 {
		return nil, fmt.Errorf("read principals: %s may be written by everybody on this machine; take that away with chmod o-w", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read principals: %w", err)
	}
	if len(b) > mostBytes {
		return nil, fmt.Errorf("read principals: %s is longer than %d bytes", path, mostBytes)
	}
	return parseBook(path, b)
}

// Run takes the file anew when it has changed, until ctx ends; on SIGHUP at once.
func (k *Keeper) Run(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			k.Reload()
		case <-tick.C:
			k.look()
		}
	}
}

// look reads the file if it has changed and rests since.
func (k *Keeper) look() {
	k.mu.Lock()
	before := k.seen
	k.seen = stampOf(k.path)
	due := k.seen == before && k.seen != k.taken
	k.mu.Unlock()
	if due {
		k.Reload()
	}
}

// Reload reads the file now. One that is not in order changes nothing.
func (k *Keeper) Reload() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.taken = stampOf(k.path) // before it is read: what changes meanwhile is read again
	b, err := load(k.path)
	k.refused.Store(err != nil)
	if err != nil {
		k.log.Error("principals refused, who was let in before still is", "file", k.path, "error", err)
		return
	}
	struck := b.succeed(k.book.Load())
	k.book.Store(b)
	names := []string{}
	for _, p := range struck { // only now: nobody is let in again as who they were
		p.revoke()
		names = append(names, p.Name)
	}
	k.revoked.Add(len(struck))
	k.log.Info("principals taken", "file", k.path, "principals", len(b.list), "changed_or_struck", names)
}

// Token is whose token that is, nil if nobody's.
func (k *Keeper) Token(shown string) *Principal {
	h := hashOf(shown)
	return k.book.Load().find(&h)
}

// Certificate is whose certificate that is, nil if nobody's. It must have been
// verified.
func (k *Keeper) Certificate(c *x509.Certificate) *Principal {
	return k.book.Load().certificates[subject(c)]
}

// Contact is whom to ask for more.
func (k *Keeper) Contact() string {
	return cmp.Or(k.book.Load().contact, "whoever keeps the aggregator's list of principals")
}

// Ask is the sentence that ends a refusal. k may be nil.
func (k *Keeper) Ask() string {
	if k == nil {
		return ""
	}
	return ". Ask " + k.Contact() + " for it"
}
