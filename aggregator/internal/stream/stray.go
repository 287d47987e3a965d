package stream

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// A StraysConfig says who is served and where the others would be heard.
type StraysConfig struct {
	Conn    *nats.Conn
	Sites   []string // that are served; empty: all, and nobody strays
	Logger  *slog.Logger
	Metrics *metrics.Set
}

// Strays counts what is sent under the name of a site that is not served. The
// streams do not take it, so that a foreign site cannot fill them, and without
// this nobody would hear of it.
//
//	ledger.*.*           always: every agent speaks there, a tenth as often as on the other lane
//	telemetry.<site>.*   of a foreign site once it was heard there
//
// Listening takes no room on the bus, and no bytes of a served site but its
// ledger's. Nothing heard here is handed on.
type Strays struct {
	c       StraysConfig
	rejects map[metric.Lane]*rejects
	missed  *metrics.Counter
	heard   chan *nats.Msg
	every   time.Duration

	sites map[string]*straying // owned by Run
}

// straying is a site that is not served.
type straying struct {
	listener // to its telemetry
	last     time.Time
}

// listener is a subscription with how many of its messages are known to be
// missed; the zero one listens to nothing.
type listener struct {
	*nats.Subscription
	missed int
}

const (
	metricStraysMissed = "gigawatch_stream_strays_missed_total" // heard too fast to be looked at

	maxStraying   = 64        // sites whose telemetry is listened to
	strayForget   = time.Hour // of silence, after which it is not any more
	strayWaiting  = 8192      // messages that may wait to be looked at
	strayOverhaul = 10 * time.Second
)

// NewStrays prepares; Run listens.
func NewStrays(c StraysConfig) *Strays {
	return &Strays{
		c: c, every: strayOverhaul, heard: make(chan *nats.Msg, strayWaiting), sites: map[string]*straying{},
		missed: c.Metrics.NewCounter(metricStraysMissed),
		rejects: map[metric.Lane]*rejects{
			metric.Telemetry: newRejects("telemetry", c.Metrics, c.Logger), metric.Ledger: newRejects("ledger", c.Metrics, c.Logger),
		},
	}
}

// Run listens until ctx ends.
func (s *Strays) Run(ctx context.Context) error {
	if len(s.c.Sites) == 0 {
		<-ctx.Done()
		return nil
	}
	all, err := s.listen(metric.Ledger, "*")
	if err != nil {
		return fmt.Errorf("listen for sites that are not served: %w", err)
	}
	defer func() {
		s.end(&all)
		for site := range s.sites {
			s.leave(site)
		}
	}()
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-s.heard:
			s.hear(m.Subject, time.Now())
		case now := <-tick.C:
			s.tally(&all)
			for site, one := range s.sites {
				s.tally(&one.listener)
				if now.Sub(one.last) >= strayForget {
					s.leave(site)
				}
			}
		}
	}
}

// hear counts one message unless it is a served site's: those are in the streams.
func (s *Strays) hear(subject string, now time.Time) {
	lane := metric.Telemetry
	head, rest, _ := strings.Cut(subject, ".")
	if head == "ledger" {
		lane = metric.Ledger
	}
	site, _, _ := strings.Cut(rest, ".")
	if slices.Contains(s.c.Sites, site) {
		return
	}
	s.rejects[lane].refuse(subject, errSite)
	one := s.sites[site]
	if one == nil {
		if len(s.sites) >= maxStraying || !metric.ValidName(site) {
			return
		}
		one = &straying{}
		s.sites[site] = one
		var err error
		if one.listener, err = s.listen(metric.Telemetry, site); err != nil {
			s.c.Logger.Warn("telemetry of a site that is not served is not listened to", "site", site, "error", err)
		}
	}
	one.last = now
}

func (s *Strays) listen(lane metric.Lane, site string) (listener, error) {
	sub, err := s.c.Conn.ChanSubscribe(wire.Subject(lane, site, "*"), s.heard)
	return listener{Subscription: sub}, err
}

// tally counts what came while the queue was full.
func (s *Strays) tally(l *listener) {
	if l.Subscription == nil {
		return
	}
	if n, err := l.Dropped(); err == nil && n > l.missed {
		s.missed.Add(n - l.missed)
		l.missed = n
	}
}

func (s *Strays) end(l *listener) {
	if l.Subscription == nil {
		return
	}
	s.tally(l)
	_ = l.Unsubscribe() // fails where the connection has ended, and this with it
}

// leave stops listening to a site.
func (s *Strays) leave(site string) {
	s.end(&s.sites[site].listener)
	delete(s.sites, site)
}
