package main

import (
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// quarantineFile is where the data folder keeps who is in quarantine.
const quarantineFile = "quarantine.json"

// knowsWhoSpeaks reports whether the bus lets each agent speak in its own name alone: it
// asks who connects, and what it is shown are credentials of an authority.
func (n *node) knowsWhoSpeaks() bool {
	return n.c.Bus.Client.Credentials != "" && n.conn.AuthRequired()
}

// quarantine tells and changes who is not heard.
type quarantine struct{ held *stream.Quarantine }

// Quarantined implements web.Quarantine.
func (q quarantine) Quarantined(now time.Time) []query.Quarantined {
	list := q.held.Held()
	out := make([]query.Quarantined, len(list))
	for i := range list {
		out[i] = quarantined(&list[i], now)
	}
	return out
}

// Release implements web.Quarantine.
func (q quarantine) Release(site, agent, by string, now time.Time) (query.Quarantined, bool) {
	h, ok := q.held.Release(site, agent, by, now)
	return quarantined(&h, now), ok
}

func quarantined(h *stream.Held, now time.Time) query.Quarantined {
	a := query.Quarantined{Site: h.Site, Agent: h.Agent, State: "held", Since: h.Since.UTC(), Until: h.Until.UTC(), Refused: h.Refused, Why: h.Why, Times: h.Times, By: h.By}
	switch {
	case h.Released:
		a.State = "released"
	case !now.Before(h.Until):
		a.State = "over"
	}
	return a
}

// shown is who is in quarantine as health tells it.
func (q quarantine) shown() []health.Held {
	list := q.held.Held()
	out := make([]health.Held, len(list))
	for i := range list {
		out[i] = health.Held(list[i])
	}
	return out
}
