package rule

import (
	"fmt"
	"sync/atomic"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Caps bound how many alerts are sent. Zero stands for the default.
type Caps struct {
	Rule int // of one rule at a site, at once; default 30
	Site int // of a site, at once: critical ones, and likewise all others; default 100
}

// ofHost is how many of one host are sent at once: one that is broken, or lies, takes
// no others' place.
const ofHost = 20

// refill is after how long one more may be sent, in milliseconds.
const refill = 60_000

// caps are buckets of tokens, of each rule at each site and of each site: one of what
// pages, and one of all else, so that no warning takes the place of a page.
type caps struct {
	Caps
	buckets map[capKey]*bucket
}

type capKey struct{ site, name string }

type bucket struct {
	tokens float64
	at     int64
}

func newCaps(c Caps) *caps {
	if c.Rule <= 0 {
		c.Rule = 30
	}
	if c.Site <= 0 {
		c.Site = 100
	}
	return &caps{c, map[capKey]*bucket{}}
}

// of is a bucket, filled by the time that has passed.
func (c *caps) of(k capKey, most int, now int64) *bucket {
	b := c.buckets[k]
	if b == nil {
		b = &bucket{float64(most), now}
		c.buckets[k] = b
	}
	if now > b.at {
		b.tokens, b.at = min(float64(most), b.tokens+float64(now-b.at)/refill), now
	}
	return b
}

// all is the bucket of a site that a stands in line for.
func (c *caps) all(a *alert) capKey {
	if a.rule.Severity == table.Critical {
		return capKey{a.place.site, "\x00critical"}
	}
	return capKey{a.place.site, "\x00"}
}

// has reports whether an alert may be sent.
func (c *caps) has(a *alert, now int64) bool {
	if a.rule.Direct || a.rule.own || a.rule.silence != "" && a.rule.silence != table.Silent {
		return true
	}
	for k, most := range map[capKey]int{{a.place.site, a.rule.Name}: c.Rule, c.all(a): c.Site, c.host(a): ofHost} {
		if k.name != "" && c.of(k, most, now).tokens < 1 {
			return false
		}
	}
	return true
}

func (c *caps) host(a *alert) capKey {
	if a.place.host == "" {
		return capKey{}
	}
	k := c.all(a)
	k.name += "\x00" + a.place.host
	return k
}

// spent is that an alert was sent before this program began.
func (c *caps) spent(a *alert, now int64) {
	for k, most := range map[capKey]int{{a.place.site, a.rule.Name}: c.Rule, c.all(a): c.Site, c.host(a): ofHost} {
		if b := c.of(k, most, now); k.name != "" {
			b.tokens = max(0, b.tokens-1)
		}
	}
}

// take sends one, if it may be.
func (c *caps) take(a *alert, now int64) bool {
	if !c.has(a, now) {
		return false
	}
	if b := c.buckets[capKey{a.place.site, a.rule.Name}]; b != nil {
		b.tokens--
	}
	for _, k := range []capKey{c.all(a), c.host(a)} {
		if b := c.buckets[k]; b != nil {
			b.tokens--
		}
	}
	return true
}

// tellCapped has an alert for each site that has more than are sent.
func (e *Evaluator) tellCapped(now int64) {
	held := map[string]int{}
	for _, a := range e.alerts {
		if a.phase == Suppressed && a.reason == reasonCap {
			held[a.place.site]++
		}
	}
	for name := range e.sites {
		e.cappedOf(name).Store(int64(held[name]))
	}
	for _, c := range e.own[table.Capped] {
		for name, s := range e.sites {
			x := label(c, s.simulated, metric.Pair{Name: "site", Value: name})
			if n := held[name]; n > 0 {
				e.raise(c, x, 1, now, now, float64(n), "")
			} else {
				e.over(e.alerts[x.id()], 1, now)
			}
		}
	}
}

// cappedOf shows how many of a site are held back.
func (e *Evaluator) cappedOf(site string) *atomic.Int64 {
	n := e.capped[site]
	if n == nil {
		n = &atomic.Int64{}
		e.capped[site] = n
		e.c.Metrics.NewGauge(fmt.Sprintf("%s{%s}", table.MetricSuppressed, e.sites[site].labels()), func() float64 { return float64(n.Load()) })
	}
	return n
}
