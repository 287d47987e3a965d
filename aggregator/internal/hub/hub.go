package hub

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
)

// A Config is what a hub needs.
type Config struct {
	Conn    *nats.Conn
	Mirror  *ledger.Mirror
	Witness *checkpoint.Witness
	Keys    map[string]checkpoint.Verifier // of the sites that may speak, by name
	Dir     string                         // for what the sites' operators state
	Heard   func(*Now)                     // the present of a site; nil: nobody asks
	Took    func()                         // hours were taken, or what is stated; nil: nobody asks
	Logger  *slog.Logger
	Metrics *metrics.Set
}

// Hub hears sites.
type Hub struct {
	c       Config
	dropped *metrics.Counter

	strangers refusals  // of sites that nobody entered; owned by who calls Take
	summed    time.Time // likewise, when sums were last looked for

	mu    sync.Mutex // what follows
	sites map[string]*spoken
}

// spoken is what is known of a site besides its log.
type spoken struct {
	now     *Now
	heard   time.Time
	newest  [2]int64 // Life and At of now
	stated  [2]int64 // likewise of the terms
	terms   string   // their version
	refused string   // why nothing more of its log is taken

	refusals refusals // owned by who calls Take
}

// Names of the hub's metrics.
const (
	MetricTaken    = "gigawatch_hub_leaves_taken_total"     // by site
	MetricMessages = "gigawatch_hub_messages_total"         // by site and what came of them: taken, again, hole, old, forged, stranger, bad, fork, failed
	MetricSilent   = "gigawatch_hub_site_silent_seconds"    // by site; since the hub started, if it was never heard
	MetricBehind   = "gigawatch_hub_site_leaves_behind"     // by site, as the site says
	MetricDropped  = "gigawatch_hub_messages_dropped_total" // more than it had time for; they are said again
)

// New is a hub that knows what it was told before.
func New(c Config) (*Hub, error) {
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make folder of the hub: %w", err)
	}
	h := &Hub{c: c, dropped: c.Metrics.GetOrCreateCounter(MetricDropped), sites: map[string]*spoken{}}
	started := time.Now()
	for site, key := range c.Keys {
		if key.Name() != checkpoint.Origin(site) {
			return nil, fmt.Errorf("key of %s is of %q", site, key.Name())
		}
		s := &spoken{heard: started}
		h.sites[site] = s
		if err := h.recall(site, s); err != nil {
			return nil, err
		}
		label := fmt.Sprintf("{site=%q}", site)
		c.Metrics.GetOrCreateCounter(MetricTaken + label)
		c.Metrics.GetOrCreateGauge(MetricSilent+label, func() float64 {
			h.mu.Lock()
			defer h.mu.Unlock()
			return time.Since(s.heard).Seconds()
		})
		c.Metrics.GetOrCreateGauge(MetricBehind+label, func() float64 {
			have, err := c.Mirror.Head(site)
			h.mu.Lock()
			defer h.mu.Unlock()
			if s.now == nil || err != nil {
				return 0
			}
			return float64(s.now.Leaves - have.Leaves)
		})
	}
	return h, nil
}

func (h *Hub) file(site string) string { return filepath.Join(h.c.Dir, site+".terms") }

// recall takes up what the operator of a site stated last.
func (h *Hub) recall(site string, s *spoken) error {
	b, err := os.ReadFile(h.file(site))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = h.state(site, s, b)
	}
	if err != nil {
		h.c.Logger.Error("what was stated of a site cannot be read here, and is asked for again", "site", site, "error", err)
	}
	return nil
}

// Run hears until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	sub, err := h.c.Conn.SubscribeSync(everySite)
	if err == nil {
		err = sub.SetPendingLimits(4096, 64<<20)
	}
	if err != nil {
		return fmt.Errorf("hear sites: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for {
		waiting, cancel := context.WithTimeout(ctx, refusalsEvery)
		m, err := sub.NextMsgWithContext(waiting)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			h.sum(time.Now())
		case errors.Is(err, nats.ErrSlowConsumer):
			h.dropped.Inc()
		case err != nil:
			return fmt.Errorf("hear sites: %w", err)
		default:
			h.Take(m.Subject, m.Data, time.Now())
		}
	}
}

// Take takes a message, and answers it. It is called by one goroutine.
func (h *Hub) Take(subject string, b []byte, at time.Time) {
	site, what, ok := split(subject)
	h.sum(at)
	h.mu.Lock()
	s := h.sites[site]
	h.mu.Unlock()
	if !ok || s == nil { // its name is not put into a metric: there may be many
		h.c.Metrics.GetOrCreateCounter(MetricMessages + `{site="",outcome="stranger"}`).Inc()
		h.strangers.refuse(h.c.Logger, "", subject, "stranger", errStranger, at)
		return
	}
	var err error
	switch what {
	case tellsNow:
		err = h.now(site, s, b, at)
	case tellsTerms:
		if err = h.state(site, s, b); err == nil {
			err = durable.Replace(h.file(site), b, 0o640)
		}
	case tellsHours:
		err = h.hours(site, s, b, at)
	default:
		err = errForm
	}
	h.settle(site, s, what, err, at)
}

// sum says what more was refused, where that is due.
func (h *Hub) sum(now time.Time) {
	if now.Sub(h.summed) < time.Second {
		return
	}
	h.summed = now
	h.strangers.sum(h.c.Logger, "", now)
	h.mu.Lock()
	defer h.mu.Unlock()
	for site, s := range h.sites {
		s.refusals.sum(h.c.Logger, site, now)
	}
}

// What a message may come to.
var (
	errAgain = errors.New("it is known")
	errOld   = errors.New("something newer is known")

	errStranger = errors.New("no key of such a site was entered")
)

// loud are the outcomes that are said.
var loud = []string{"forged", "bad", "failed", "stranger"}

var outcomes = []struct {
	is   error
	name string
}{
	{errAgain, "again"}, {errOld, "old"}, {ledger.ErrHole, "hole"}, {errForged, "forged"}, {checkpoint.ErrSignature, "forged"}, {errForm, "bad"},
	{checkpoint.ErrFork, "fork"}, {checkpoint.ErrShrink, "fork"},
}

// settle counts what a message came to, says loudly what is wrong, and answers.
func (h *Hub) settle(site string, s *spoken, what string, err error, at time.Time) {
	outcome := "taken"
	if err != nil {
		outcome = "failed"
		if i := slices.IndexFunc(outcomes, func(o struct {
			is   error
			name string
		}) bool {
			return errors.Is(err, o.is)
		}); i >= 0 {
			outcome = outcomes[i].name
		}
	}
	h.c.Metrics.GetOrCreateCounter(fmt.Sprintf("%s{site=%q,outcome=%q}", MetricMessages, site, outcome)).Inc()
	h.mu.Lock()
	was := s.refused
	switch outcome {
	case "fork":
		s.refused = err.Error()
	case "taken":
		if what == tellsHours {
			s.refused = ""
		}
	}
	news := s.refused != "" && was != s.refused
	h.mu.Unlock()
	switch {
	case news:
		h.c.Logger.Error("a site's log is not the one that it was, and nothing more of it is taken", "site", site, "error", err)
	case slices.Contains(loud, outcome):
		s.refusals.refuse(h.c.Logger, site, what, outcome, err, at)
	}
	if outcome == "taken" && what != tellsNow && h.c.Took != nil {
		h.c.Took()
	}
	if outcome != "forged" && outcome != "bad" && outcome != "old" && outcome != "again" {
		h.answer(site, s)
	}
}

// answer says how far the hub has come with a site.
func (h *Hub) answer(site string, s *spoken) {
	have := Have{Site: site}
	head, err := h.c.Mirror.Head(site)
	if err == nil {
		have.Leaves, have.Root = head.Leaves, head.Root
		_, have.Witnessed, err = h.c.Witness.Last(h.c.Keys[site])
	}
	if err != nil {
		h.c.Logger.Error("a site is not answered", "site", site, "error", err)
		return
	}
	h.mu.Lock()
	have.Terms, have.Refused = s.terms, s.refused
	h.mu.Unlock()
	b, err := json.Marshal(have)
	if err == nil {
		err = h.c.Conn.Publish(haveSubject(site), b)
	}
	if err != nil {
		h.c.Logger.Warn("a site is not answered", "site", site, "error", err)
	}
}

// later reports whether something was said after what is known.
func later(is, than [2]int64) bool {
	return is[0] > than[0] || is[0] == than[0] && is[1] > than[1]
}

// now takes the present of a site.
func (h *Hub) now(site string, s *spoken, b []byte, at time.Time) error {
	var n Now
	if err := unseal(h.c.Keys[site], subject(site, tellsNow), b, &n); err != nil {
		return err
	}
	if n.Site != site {
		return errForged
	}
	if err := n.bounded(); err != nil {
		return err
	}
	h.mu.Lock()
	when := [2]int64{n.Life, n.At}
	if !later(when, s.newest) {
		h.mu.Unlock()
		return errOld
	}
	s.now, s.heard, s.newest = &n, at, when
	h.mu.Unlock()
	if h.c.Heard != nil {
		h.c.Heard(&n)
	}
	have, err := h.c.Mirror.Head(site)
	switch {
	case err != nil:
		return err
	case n.Leaves < have.Leaves:
		return fmt.Errorf("%w: it has %d leaves, and had %d", checkpoint.ErrShrink, n.Leaves, have.Leaves)
	case n.Leaves == have.Leaves && n.Leaves > 0 && n.Root != have.Root:
		return fmt.Errorf("%w: %d leaves had the hash %s, and have %s", checkpoint.ErrFork, n.Leaves, have.Root, n.Root)
	case n.Leaves == have.Leaves:
		h.mu.Lock()
		s.refused = "" // it is what it was again
		h.mu.Unlock()
	}
	return nil
}

// state takes what the operator of a site states.
func (h *Hub) state(site string, s *spoken, b []byte) error {
	var t Terms
	if err := unseal(h.c.Keys[site], subject(site, tellsTerms), b, &t); err != nil {
		return err
	}
	if t.Site != site {
		return errForged
	}
	h.mu.Lock()
	fresh := later([2]int64{t.Life, t.At}, s.stated)
	h.mu.Unlock()
	if !fresh {
		return errOld
	}
	location, err := time.LoadLocation(t.Location)
	if err != nil || len(t.Version) > maxText {
		return fmt.Errorf("%w: time zone %.60q", errForm, t.Location)
	}
	t.Terms.Location = location
	if _, err := h.c.Mirror.SetTerms(site, t.Terms); err != nil {
		return fmt.Errorf("%w: %w", errForm, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.stated, s.terms = [2]int64{t.Life, t.At}, t.Version
	return nil
}

// hours takes leaves of a site's log that go on from what there is.
func (h *Hub) hours(site string, s *spoken, b []byte, at time.Time) error {
	key := h.c.Keys[site]
	var x Hours
	if err := unseal(key, subject(site, tellsHours), b, &x); err != nil {
		return err
	}
	if x.Site != site {
		return errForged
	}
	have, err := h.c.Mirror.Head(site)
	switch {
	case err != nil:
		return err
	case x.From < 0 || len(x.Fronts) == 0:
		return errForm
	case x.From+int64(len(x.Fronts)) <= have.Leaves:
		return errAgain
	}
	if err := h.c.Mirror.Take(site, x.From, x.Fronts, func(to ledger.Head) error {
		c, _, err := checkpoint.Open(x.Checkpoint, key)
		if err == nil && (c.Size != to.Leaves || hex.EncodeToString(c.Root[:]) != to.Root) {
			err = fmt.Errorf("%w: with what there is, %d leaves have the hash %s, and %d with another are signed", checkpoint.ErrFork, to.Leaves, to.Root, c.Size)
		}
		return err
	}, at); err != nil {
		return err
	}
	h.c.Metrics.GetOrCreateCounter(fmt.Sprintf("%s{site=%q}", MetricTaken, site)).Add(len(x.Fronts))
	return h.sign(site, key, x.From+int64(len(x.Fronts)), x.Checkpoint)
}

// sign signs the checkpoint of a site besides, once the hub has as much of its log as
// it signed before.
func (h *Hub) sign(site string, key checkpoint.Verifier, size int64, signed []byte) error {
	last, _, err := h.c.Witness.Last(key)
	if err != nil || size < last.Size {
		return err
	}
	r := checkpoint.Request{Old: last.Size, Signed: signed}
	if r.Proof, err = h.c.Mirror.Grown(site, last.Size, size); err != nil {
		return err
	}
	_, err = h.c.Witness.Sign(key, r)
	return err
}
