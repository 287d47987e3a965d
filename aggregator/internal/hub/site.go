package hub

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
)

// A SiteConfig is what a site needs to tell a hub of itself.
type SiteConfig struct {
	Site    string
	Conn    *nats.Conn // to a bus from which the hub hears
	Ledger  *ledger.Ledger
	Signer  *checkpoint.Signer
	Folder  checkpoint.Folder
	Hub     checkpoint.Verifier     // whose signatures besides are kept; the zero key: nobody's
	Now     func(now time.Time) Now // what the ledger does not know of the present
	Terms   func() (t account.Terms, version string)
	Every   time.Duration // 0: 10 s
	Logger  *slog.Logger
	Metrics *metrics.Set
}

// Site tells a hub of a site.
type Site struct {
	c      SiteConfig
	life   int64
	sent   *metrics.Counter
	leaves *metrics.Counter
	forks  *metrics.Counter
	said   string // newest refusal that was logged
}

// Names of a site's metrics of this package.
const (
	MetricHubSent   = "gigawatch_hub_messages_sent_total"
	MetricHubLeaves = "gigawatch_hub_leaves_sent_total"
	MetricHubForks  = "gigawatch_hub_disagreements_total" // with the hub, on what the log was
)

// NewSite is ready to run.
func NewSite(c SiteConfig) *Site {
	if c.Every == 0 {
		c.Every = 10 * time.Second
	}
	label := fmt.Sprintf(`{site=%q}`, c.Site)
	return &Site{c: c, life: time.Now().UnixMilli(), sent: c.Metrics.GetOrCreateCounter(MetricHubSent + label),
		leaves: c.Metrics.GetOrCreateCounter(MetricHubLeaves + label), forks: c.Metrics.GetOrCreateCounter(MetricHubForks + label)}
}

// Run tells until ctx ends. What does not get through is told when it does.
func (s *Site) Run(ctx context.Context) error {
	heard := make(chan *nats.Msg, 16) // what is more than it has time for is said again
	sub, err := s.c.Conn.ChanSubscribe(haveSubject(s.c.Site), heard)
	if err != nil {
		return fmt.Errorf("hear the hub: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	tick := time.NewTicker(s.c.Every)
	defer tick.Stop()
	s.now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.now()
		case m := <-heard:
			s.hear(m.Data)
		}
	}
}

// now tells of the present.
func (s *Site) now() {
	at := time.Now()
	n := s.c.Now(at)
	h, err := s.c.Ledger.Head(s.c.Site)
	if err != nil {
		s.c.Logger.Error("the hub is not told", "site", s.c.Site, "error", err)
		return
	}
	n.Site, n.Life, n.At, n.Leaves, n.Root = s.c.Site, s.life, at.UnixMilli(), h.Leaves, h.Root
	_, n.Terms = s.c.Terms()
	s.tell(tellsNow, n)
}

func (s *Site) tell(what string, v any) {
	subject := subject(s.c.Site, what)
	b, err := seal(s.c.Signer, subject, v)
	if err == nil {
		err = s.c.Conn.Publish(subject, b)
	}
	switch {
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionReconnecting), errors.Is(err, nats.ErrConnectionClosed):
	case err != nil:
		s.c.Logger.Error("the hub is not told", "site", s.c.Site, "what", what, "error", err)
	default:
		s.sent.Inc()
	}
}

// hear goes on from what the hub has.
func (s *Site) hear(b []byte) {
	var have Have
	if err := decode(b, &have); err != nil || have.Site != s.c.Site || have.Leaves < 0 {
		return // it decides nothing but what is told next
	}
	s.witnessed(have.Witnessed)
	if t, version := s.c.Terms(); have.Terms != version {
		location := "UTC"
		if t.Location != nil {
			location = t.Location.String()
		}
		s.tell(tellsTerms, Terms{s.c.Site, s.life, time.Now().UnixMilli(), version, location, t})
	}
	own, err := s.c.Ledger.Head(s.c.Site)
	if err == nil && have.Leaves > 0 {
		err = s.c.Ledger.Extends(ledger.Head{Site: s.c.Site, Leaves: have.Leaves, Root: have.Root})
	}
	if err != nil {
		s.disagree(err.Error())
		return
	}
	if have.Refused != "" { // it may have been set right since
		s.disagree(have.Refused)
	} else {
		s.said = ""
	}
	if have.Leaves < own.Leaves {
		s.hours(have.Leaves)
	}
}

func (s *Site) disagree(why string) {
	s.forks.Inc()
	if why != s.said {
		s.said = why
		s.c.Logger.Error("the hub has another log of this site, and takes nothing more of it", "site", s.c.Site, "why", why)
	}
}

// witnessed keeps what the hub signed.
func (s *Site) witnessed(signed []byte) {
	if s.c.Hub.Name() == "" || len(signed) == 0 {
		return
	}
	if err := s.c.Folder.Witness(s.c.Site, signed, s.c.Hub); err != nil {
		s.c.Logger.Warn("what the hub signed is not kept", "site", s.c.Site, "error", err)
	}
}

// hours tells leaves from the given one on.
func (s *Site) hours(from int64) {
	fs, to, err := s.c.Ledger.Fronts(s.c.Site, from, maxBatch)
	if err != nil {
		s.c.Logger.Error("sealed hours are not told to the hub", "site", s.c.Site, "error", err)
		return
	}
	signed, err := s.point(to)
	if err != nil {
		s.c.Logger.Error("sealed hours are not told to the hub", "site", s.c.Site, "error", err)
		return
	}
	s.leaves.Add(len(fs))
	s.tell(tellsHours, Hours{s.c.Site, from, fs, signed})
}

// point signs what the log is, or was.
func (s *Site) point(h ledger.Head) ([]byte, error) {
	c, err := pointOf(h)
	if err != nil {
		return nil, err
	}
	switch _, old, err := s.c.Folder.Newest(s.c.Site); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, err
	default: // two logs are never signed
		if err := s.c.Ledger.Extends(ledger.Head{Site: s.c.Site, Leaves: old.Size, Root: hex.EncodeToString(old.Root[:])}); err != nil {
			return nil, fmt.Errorf("%w: %w", checkpoint.ErrFork, err)
		}
	}
	return checkpoint.Sign(s.c.Signer, c)
}

// pointOf is a head as a checkpoint.
func pointOf(h ledger.Head) (c checkpoint.Checkpoint, err error) {
	c = checkpoint.Checkpoint{Origin: checkpoint.Origin(h.Site), Size: h.Leaves}
	root, err := hex.DecodeString(h.Root)
	if err != nil || len(root) != len(c.Root) {
		return c, fmt.Errorf("%q is no hash", h.Root)
	}
	copy(c.Root[:], root)
	return c, nil
}
