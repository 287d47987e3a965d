package fault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// watch is what was seen of the disk at the last look.
type watch struct {
	files  map[string][]byte // sealed hours
	leaves []byte
	hours  map[int64]uint64 // energy of sealed hours, mJ
}

// most is the power that a device of a kind may draw, mW, as the accounts have it.
var most = map[metric.EntityKind]int64{metric.GPU: 3_000_000, metric.Host: 50_000_000}

func (r *run) ledgerConfig(d *device) ledger.Config {
	return ledger.Config{
		Disk: shelf{d}, Account: account.Config{Interval: r.o.Interval.Milliseconds()}, Cache: 1 << 20, Logger: slog.New(slog.DiscardHandler),
	}
}

// bad is a broken invariant.
func (r *run) bad(invariant, format string, args ...any) {
	r.t.Errorf(invariant+": "+format, args...)
}

// check looks at the books after a step, and now and then at what is on disk.
func (r *run) check() {
	r.sum.steps++
	if r.reading != nil {
		r.books(r.ledger, "")
	}
	r.files()
	if r.step%r.every() == 0 {
		r.fromStorage("on the way")
	}
}

// every is how many steps lie between two readings of the disk.
func (r *run) every() int {
	if r.o.Seed%20 == 0 {
		return 1
	}
	return 60
}

// admitted holds that of an agent's lives none is booked after a later one, and that one is told
// of who sends even so.
func (r *run) admitted(b *metric.Batch, o *account.Outcome) {
	switch o.Verdict {
	case account.Accepted:
		if b.Incarnation < r.lives[b.Agent] {
			r.bad("I2", "a record of life %d of %s is booked after one of life %d", b.Incarnation, b.Agent, r.lives[b.Agent])
		}
		r.lives[b.Agent] = b.Incarnation
	case account.Zombie:
		if !slices.ContainsFunc(o.Alarms, func(a account.Alarm) bool { return a.Kind == account.Revenant }) {
			r.bad("I7", "a record of an earlier life of %s came, and no alarm was raised", b.Agent)
		}
	}
}

// fromStorage checks what another process would find on disk.
func (r *run) fromStorage(when string) {
	r.sum.checks++
	d := r.device.kill()
	if len(d.names) == 0 {
		return
	}
	sum, err := ledger.CheckDisk(shelf{d})
	switch {
	case err == nil:
		r.flipped = false
	case !r.flipped || !strings.Contains(err.Error(), "slot is damaged"):
		r.bad("I4", "%s, the ledger on disk: %v", when, err)
	}
	r.sum.hours, r.sum.restatements = sum.Hours, sum.Restatements
	l, err := ledger.Open(r.ledgerConfig(d))
	if err != nil {
		r.bad("I4", "%s, the ledger on disk does not open: %v", when, err)
		return
	}
	r.books(l, when)
	r.answers(l, when)
}

// books holds what is booked against the truth.
func (r *run) books(l *ledger.Ledger, when string) {
	have := map[accountKey]account.Balance{}
	for _, b := range l.Balances(siteName) {
		have[keyOf(&b.Device)] = b
	}
	for _, c := range r.collectors {
		for i, key := range c.oracle.order {
			b, known := have[key]
			low, high := &c.oracle.low[i], &c.oracle.high[i]
			delete(have, key)
			if int64(b.Counted) > high.sum {
				r.bad("I1", "%s%s has booked %d mJ, and its readings show %d: %d too many", when, name(key), b.Counted, high.sum, int64(b.Counted)-high.sum)
			}
			if !r.settled {
				continue
			}
			if c.givenUp && int64(b.Counted) <= high.sum {
				continue
			}
			r.sum.difference += uint64(max(0, low.sum-int64(b.Counted), int64(b.Counted)-high.sum))
			if int64(b.Counted) < low.sum || !known && low.seen {
				r.bad("I2", "%s%s has booked %d mJ, and %d could be seen: %d are lost", when, name(key), b.Counted, low.sum, low.sum-int64(b.Counted))
			}
			// What was estimated is of lifetimes whose end nobody saw.
			if p := most[key.kind]; p != 0 {
				unseen := high.unseen + low.unseen + int64(high.began)*r.o.Interval.Milliseconds()*3
				if c.oracle.some || r.clocks() {
					unseen += int64(high.began+low.began+1) * (20 * time.Minute).Milliseconds()
				}
				if over := int64(b.Counted+b.Estimated) - high.sum; over > p/1000*unseen && !r.glitched() {
					r.bad("I3", "%s%s has %d mJ estimated beside %d, and nobody saw it for %d ms", when, name(key), b.Estimated, b.Counted, unseen)
				}
			}
			r.sum.booked = max(r.sum.booked, b.Counted)
		}
	}
	for key, b := range have {
		if b.Counted > 0 {
			r.bad("I1", "%s%s has booked %d mJ, and nobody read it", when, name(key), b.Counted)
		}
	}
}

func name(k accountKey) string {
	return " " + k.kind.String() + " " + k.name + " " + metric.Lookup(k.metric).Name
}

// answers holds the answers against the accounts, and sealed hours against what they were.
func (r *run) answers(l *ledger.Ledger, when string) {
	from := r.began.Add(-40 * 24 * time.Hour).Truncate(time.Hour).UnixMilli()
	to := time.Now().Add(40 * 24 * time.Hour).Truncate(time.Hour).UnixMilli()
	lines, err := l.Energy(account.Question{Site: siteName, By: account.ByGPU, Boundary: metric.GPUs, From: from, To: to})
	if err != nil {
		r.bad("I4", "%s, no answer: %v", when, err)
		return
	}
	got := map[string]uint64{}
	for _, x := range lines {
		mj, _ := x.Energy.Total()
		got[x.UUID] += mj - x.Energy[metric.EstimatedProfile]
	}
	for _, b := range l.Balances(siteName) {
		if b.Device.Kind == metric.GPU && got[b.Device.Name] != b.Counted {
			r.bad("I4", "%s, GPU %s has %d mJ in its account and %d in its hours", when, b.Device.Name, b.Counted, got[b.Device.Name])
		}
	}
	first := r.began.Add(-25 * time.Hour).Truncate(time.Hour).UnixMilli()
	hours, err := l.Energy(account.Question{Site: siteName, Boundary: metric.GPUs, From: first, To: time.Now().Add(25 * time.Hour).Truncate(time.Hour).UnixMilli(), Step: time.Hour.Milliseconds()})
	if err != nil {
		r.bad("I4", "%s, no answer by the hour: %v", when, err)
		return
	}
	for _, x := range hours {
		mj, _ := x.Energy.Total()
		if x.Final && mj < r.watch.hours[x.From] {
			r.bad("I5", "%s, the sealed hour %s had %d mJ and has %d", when, time.UnixMilli(x.From).UTC(), r.watch.hours[x.From], mj)
		}
		if r.settled && x.From >= r.began.UnixMilli() && x.To <= time.Now().Add(-3*time.Hour).UnixMilli() && !x.Final && !r.clocks() {
			r.bad("I5", "%s, %s is not sealed", when, time.UnixMilli(x.From).UTC())
		}
		if x.Final && r.committed {
			if r.watch.hours == nil {
				r.watch.hours = map[int64]uint64{}
			}
			r.watch.hours[x.From] = mj
		}
	}
}

// files holds sealed files and leaves against what they were.
func (r *run) files() {
	w := &r.watch
	for name, before := range w.files {
		f := r.device.names[name]
		if f == nil || !bytes.Equal(f.data, before) {
			r.bad("I5", "the sealed file %s was changed", name)
		}
	}
	var leaves []byte
	if f := r.device.names["ledger/"+siteName+"/log/leaves"]; f != nil {
		leaves = f.data[:1+bytes.LastIndexByte(f.data, '\n')]
	}
	if !bytes.HasPrefix(leaves, w.leaves) {
		r.bad("I5", "the log was %d bytes, and does not go on from them", len(w.leaves))
	}
	if len(leaves) == len(w.leaves) || !r.committed || r.reading == nil { // else nobody has said that it is durable
		return
	}
	w.leaves = slices.Clone(leaves)
	w.files = map[string][]byte{}
	for name, f := range r.device.names {
		// A file without its leaf may be written again, to the same bytes or to others.
		if strings.HasSuffix(name, ".hour") && r.sealed(name, leaves) {
			w.files[name] = slices.Clone(f.data)
		}
	}
}

// sealed reports whether a leaf stands for a file.
func (r *run) sealed(name string, leaves []byte) bool {
	sum := sha256.Sum256(r.device.names[name].data)
	return bytes.Contains(leaves, []byte(hex.EncodeToString(sum[:])))
}

// clocks and glitched report whether clocks and counters are among what fails.
func (r *run) clocks() bool { return r.o.Often[clock] > 0 }
func (r *run) glitched() bool {
	return r.o.Often[glitchCounter] > 0 || r.o.Often[freezeCounter] > 0
}

// truth holds the oracle against the site's own books: what its readings showed.
func (r *run) truth() {
	shown := map[string]int64{}
	t := r.world.Truth()
	for _, x := range t.GPU {
		shown["gpu "+x.UUID] = x.Observed
	}
	for _, c := range r.collectors {
		r.sum.records += c.records
		for i, key := range c.oracle.order {
			if x, ok := shown["gpu "+key.name]; ok && key.kind == metric.GPU && r.o.Often[freezeCounter] == 0 && c.oracle.high[i].sum != x {
				r.bad("oracle", "%s showed %d mJ, and the world says %d", name(key), c.oracle.high[i].sum, x)
			}
		}
	}
}

// causes are the faults that an alarm may come of. Those that follow surely from a fault are in
// raised.
var causes = map[account.AlarmKind][]kind{
	account.Frozen:      {freezeCounter},
	account.Quarantined: {glitchCounter, clock},
	account.Rebased:     {glitchCounter, clock},
	account.Glitch:      {glitchCounter, clock, freezeCounter},
	account.Overflow:    {glitchCounter},
	account.Conflict:    nil,
	account.Full:        nil,
	account.Discarded:   nil,
	// A board that was not read for long shows at once what its host's counter showed before.
	account.Shortfall: {lostGPU, blankDriver, hungProbe},
}

// alarmed holds the alarms against what was injected.
func (r *run) alarmed() {
	for _, a := range slices.Sorted(maps.Keys(r.alarms)) {
		of, known := causes[a]
		if known && !slices.ContainsFunc(of, func(k kind) bool { return r.sum.Injected[k.String()] > 0 }) {
			r.bad("I7", "%d alarms %q, and nothing that causes them was injected", r.alarms[a], a)
		}
	}
	if r.jumped && r.alarms[account.Quarantined] == 0 {
		r.bad("I7", "a reading beyond physics was booked from, and no alarm raised")
	}
}
