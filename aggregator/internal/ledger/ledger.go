package ledger

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sync/singleflight"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Config says where the ledger lives.
type Config struct {
	Dir     *Dir
	Disk    Disk           // in its place, where it is no folder of the operating system's
	Account account.Config // what is plausible; its zero has the defaults
	Cache   int            // bytes of sealed hours kept for answers; 0 stands for 64 MiB
	Names   Names          // nil: jobs and tenants are sealed, and shown, as they are called
	Hide    bool           // hours that are sealed call them by what Names makes of them
	Logger  *slog.Logger
	Metrics *metrics.Set
}

// A Ledger keeps the books. Apply and Commit are called by one goroutine;
// questions are answered, and revisions and imports taken, meanwhile.
type Ledger struct {
	log    *slog.Logger
	disk   Disk
	close  func() error
	tally  *tallies
	opened int64 // ms since 1970, of the first commit: since when agents could catch up

	names Names
	hide  bool

	amending sync.Mutex // one revision or import at a time: each looks at what stands

	mu       sync.RWMutex // what follows is written only under it
	state    *account.State
	stream   string
	sequence uint64
	logs     map[string]*siteLog
	now      int64 // of the newest commit, ms since 1970
	durable  map[agentKey]account.Watermark
	bases    map[string]*account.Basis // by site: what its operator states
	amended  uint64                    // corrections that were taken
	kept     uint64                    // of them, those that are durable
	models   map[string]bool           // sites of a mirror whose readings come from a model
	damaged  error                     // what cannot be told from the disk any more; a restart reads it anew

	cache   *cache
	reading singleflight.Group // of sealed hours

	// owned by Apply and Commit
	changed    bool
	more       bool // the last commit sealed as many hours as one may
	generation uint64
	slot       int // that holds the newest state; -1: none
	buffer     []byte
	alarms     map[alarmKey]int64 // last logged, ms since 1970
}

type agentKey struct{ site, agent string }

// Open reads the ledger in c.Dir, finishes what a crash left half done, and says
// loudly what is lost, if anything is.
func Open(c Config) (*Ledger, error) {
	if c.Disk != nil {
		return open(c, c.Disk)
	}
	d, err := openFolder(c.Dir.Path)
	if err != nil {
		return nil, err
	}
	l, err := open(c, d)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), d.root.Close())
	}
	l.close = d.root.Close
	return l, nil
}

// empty is a ledger that has not read its disk yet.
func empty(c Config, d Disk) *Ledger {
	if c.Cache == 0 {
		c.Cache = 64 << 20
	}
	return &Ledger{
		log: c.Logger, disk: d, close: func() error { return nil }, tally: newTallies(c.Metrics),
		logs: map[string]*siteLog{}, durable: map[agentKey]account.Watermark{}, bases: map[string]*account.Basis{}, alarms: map[alarmKey]int64{},
		cache: newCache(c.Cache), slot: -1, names: c.Names, hide: c.Hide,
	}
}

func open(c Config, d Disk) (*Ledger, error) {
	l := empty(c, d)
	if err := d.MkdirAll(ledgerDir); err != nil {
		return nil, fmt.Errorf("make folder %s: %w", ledgerDir, err)
	}
	marks, err := l.load(c.Account)
	if err != nil {
		return nil, err
	}
	if err := l.readLogs(marks); err != nil {
		return nil, err
	}
	for _, site := range l.state.Sites() {
		l.state.Agents(site, func(w account.Watermark) { l.durable[agentKey{site, w.Agent}] = w })
	}
	if err := l.sealFrozen(); err != nil {
		return nil, err
	}
	l.state.Moved() // they were told, or will ask
	return l, nil
}

// load reads the newest slot that is whole. With none, the state is empty.
func (l *Ledger) load(c account.Config) ([]logMark, error) {
	found, at, damaged := slots(l.disk)
	for _, err := range damaged {
		if errors.Is(err, errSlotVersion) {
			return nil, err // another program's: it must not be overwritten
		}
		l.log.Error("a slot of the ledger's state is damaged", "error", err)
		l.tally.damagedSlots.Inc()
	}
	for i, s := range found {
		state, err := account.Decode(s.state, c)
		if errors.Is(err, account.ErrFormat) {
			return nil, err
		}
		if err != nil {
			l.log.Error("a slot of the ledger's state is damaged", "slot", slotName(at[i]), "error", err)
			l.tally.damagedSlots.Inc()
			continue
		}
		l.state, l.stream, l.sequence, l.generation, l.slot = state, s.stream, s.sequence, s.generation, at[i]
		// Whoever wrote it may have been killed before its name was durable, and
		// agents forget what is said to be in it.
		if err := l.disk.SyncDir(ledgerDir); err != nil {
			return nil, fmt.Errorf("sync folder %s: %w", ledgerDir, err)
		}
		if i > 0 || len(damaged) > 0 {
			l.log.Warn("the ledger goes on from its older state; what it had taken since is read again")
		}
		return s.logs, nil
	}
	l.state = account.NewState(c)
	return nil, nil
}

// readLogs reads the logs of all sites and holds them against the state's marks.
func (l *Ledger) readLogs(marks []logMark) error {
	sites, err := logSites(l.disk)
	if err != nil {
		return err
	}
	for _, m := range marks { // whose log may be gone
		if !slices.Contains(sites, m.site) {
			sites = append(sites, m.site)
		}
	}
	for _, site := range sites {
		mark := logMark{site: site}
		for _, m := range marks {
			if m.site == site {
				mark = m
			}
		}
		seen := mark.leaves
		if l.slot < 0 { // nothing says how many there were
			seen = unknownLeaves
		}
		g, err := readLog(l.disk, site, seen, true)
		if err != nil {
			return err
		}
		l.logs[site] = g
		if g.mended > 0 {
			l.log.Error("the log of the ledger was damaged, and is made again of what else is there", "site", site, "places", g.mended, "leaves", len(g.leaves))
			if err := l.rewrite(g); err != nil {
				return err
			}
		}
		if int64(len(g.leaves)) > mark.leaves { // what can be read may not be durable, a line as little as a name
			if err := l.disk.Sync(logDir(site) + "/leaves"); err != nil {
				return fmt.Errorf("sync log of %s: %w", site, err)
			}
			for _, dir := range []string{hoursDir(site), logDir(site)} {
				if err := l.disk.SyncDir(dir); err != nil {
					return fmt.Errorf("sync folder %s: %w", dir, err)
				}
			}
		}
		if !g.whole { // a crash may have cut the hashes short
			if err := g.writeHashes(l.disk, 0, g.hashes); err != nil {
				return err
			}
		}
		if l.slot < 0 {
			err = l.adopt(g)
		} else {
			err = g.match(&mark)
		}
		if err != nil {
			return err
		}
		for n := range g.pending {
			// The state seals it itself, or sets what it has against it.
			l.state.Resume(account.Ref{Site: site, Number: g.leaves[n].number})
		}
	}
	return nil
}

// adopt takes over the sealed hours of a site whose state is lost.
func (l *Ledger) adopt(g *siteLog) error {
	if len(g.leaves) == 0 {
		return nil
	}
	last := g.leaves[0].number
	var life [account.Quantities][metric.Qualities]account.Wide
	for i := range g.leaves {
		last = max(last, g.leaves[i].number)
		h, err := l.head(g, i)
		if err != nil {
			return err
		}
		for q, sums := range h.Summary.Sums {
			for k, v := range sums {
				life[q][k] = life[q][k].AddSigned(int64(v))
			}
		}
	}
	l.log.Error("the state of the ledger is lost; sealed hours stand, and what comes for them is not booked again",
		"site", g.site, "sealed_through", hourName(last))
	l.tally.lostStates.Inc()
	l.state.Adopt(g.site, last+1, life)
	return nil
}

// Close gives up the files. What was not committed is read again.
func (l *Ledger) Close() error { return l.close() }

// Position is the stream that is read, and the last message of it that the books
// rest on.
func (l *Ledger) Position() (stream string, sequence uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.stream, l.sequence
}

// Apply books batch b of the ledger lane, valid during the call, that came as
// the given message of a stream. Its layout is kept.
func (l *Ledger) Apply(b *metric.Batch, arrived time.Time, stream string, sequence uint64) account.Outcome {
	var restated account.Outcome
	if b.Flags&metric.Restated != 0 {
		if restated = l.restate(b, arrived); restated.Verdict == account.Hole {
			l.Skip(stream, sequence)
			l.tally.count(restated.Verdict)
			return restated
		}
	}
	l.mu.Lock()
	o := l.state.Apply(b, arrived.UnixMilli())
	l.stream, l.sequence, l.changed = stream, sequence, true
	l.mu.Unlock()
	if o.Verdict == account.Accepted && restated.Verdict != account.Accepted {
		o.Verdict, o.Reason = restated.Verdict, restated.Reason
	}
	l.tally.count(o.Verdict)
	for _, a := range o.Alarms {
		l.alarm(b, a, arrived.UnixMilli())
	}
	return o
}

// Skip notes that a message was passed over: it holds no batch.
func (l *Ledger) Skip(stream string, sequence uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stream, l.sequence, l.changed = stream, sequence, true
}

// Durable is the newest watermark of an agent that is on disk.
func (l *Ledger) Durable(site, agent string) (w account.Watermark, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	w, ok = l.durable[agentKey{site, agent}]
	return w, ok
}

type alarmKey struct {
	kind                account.AlarmKind
	site, agent, device string
}

// alarmEvery is how often one alarm of one device is logged.
const alarmEvery = int64(10 * time.Minute / time.Millisecond)

// alarm counts an alarm, and logs it unless it was of late.
func (l *Ledger) alarm(b *metric.Batch, a account.Alarm, now int64) {
	l.tally.alarm(a.Kind)
	k := alarmKey{a.Kind, b.Site, b.Agent, a.Device}
	if last, ok := l.alarms[k]; ok && now-last < alarmEvery {
		return
	}
	if len(l.alarms) > 10_000 {
		clear(l.alarms)
	}
	l.alarms[alarmKey{a.Kind, strings.Clone(b.Site), strings.Clone(b.Agent), a.Device}] = now
	l.log.Warn("accounting alarm", "kind", string(a.Kind), "site", b.Site, "agent", b.Agent, "device", a.Device, "detail", a.Detail)
}
