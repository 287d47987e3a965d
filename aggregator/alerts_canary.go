package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
)

// receipts tell every aggregator of a site that its canary arrived. Where two sing for
// one site Alertmanager has one canary of both, by its labels, and its receiver may tell
// one of them only: that one says it to the others over the bus.
//
//	Alertmanager ─▶ webhook ─▶ one aggregator ─▶ ctl.SITE.all.canary ─▶ the others
type receipts struct {
	*rule.Evaluator
	heard func(site string, now time.Time)
	bus   *nats.Conn
	log   *slog.Logger
}

const canarySubject = "ctl.%s.all.canary"

// listen takes what others were told.
func (r *receipts) listen() error {
	_, err := r.bus.Subscribe(fmt.Sprintf(canarySubject, "*"), func(m *nats.Msg) {
		site, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, "ctl."), ".")
		r.heard(site, time.Now())
	})
	if err != nil {
		return fmt.Errorf("listen for receipts of test alerts: %w", err)
	}
	return nil
}

// Heard is that a receiver told this aggregator of a site's canary.
func (r *receipts) Heard(site string, now time.Time) {
	r.heard(site, now)
	if err := r.bus.Publish(fmt.Sprintf(canarySubject, site), nil); err != nil {
		r.log.Warn("other aggregators are not told that a test alert arrived", "site", site, "error", err)
	}
}
