package hub

import (
	"log/slog"
	"time"
)

// A refusals says what is refused of a site: the first of a kind at once, and how many
// followed once a minute, for anybody who reaches the bus can send as many as he likes.
// All are counted by MetricMessages.
type refusals struct {
	since time.Time      // when a line of them all was last due
	more  map[string]int // by outcome, since; 0: the first was said, and no other came
}

const refusalsEvery = time.Minute

// mostWord is how much is logged of a word that is the sender's.
const mostWord = 40

// refuse says or counts one.
func (r *refusals) refuse(log *slog.Logger, site, what, outcome string, err error, now time.Time) {
	if r.more == nil {
		r.more, r.since = map[string]int{}, now
	}
	if _, said := r.more[outcome]; said {
		r.more[outcome]++
		return
	}
	r.more[outcome] = 0
	log.Warn("a message of a site is refused", "site", site, "what", what[:min(len(what), mostWord)], "outcome", outcome, "error", err)
}

// sum says how many there were besides, once a minute. A kind of which there was no
// other is said at once when it comes again.
func (r *refusals) sum(log *slog.Logger, site string, now time.Time) {
	if r.more == nil || now.Sub(r.since) < refusalsEvery {
		return
	}
	var args []any
	for _, o := range loud {
		switch n, said := r.more[o]; {
		case n > 0:
			args = append(args, o, n)
			r.more[o] = 0
		case said:
			delete(r.more, o)
		}
	}
	if len(args) > 0 {
		log.Warn("more messages of a site were refused", append([]any{"site", site, "seconds", int(now.Sub(r.since).Seconds())}, args...)...)
	}
	r.since = now
	if len(r.more) == 0 {
		r.more = nil
	}
}
