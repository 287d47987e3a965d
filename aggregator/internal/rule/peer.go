package rule

import (
	"slices"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// jobsOf is which job holds each of the devices, and what model they are: boards of
// another kind are no peers. "" where none does, or several share it.
func jobsOf(l *metric.Layout, first, count int32) []string {
	jobs := make([]string, count)
	for i := range l.Entities {
		x := &l.Entities[i]
		k := int32(x.Parent) - first
		if x.Kind != metric.Job || k < 0 || k >= count {
			continue
		}
		if jobs[k] != "" {
			jobs[k] = shared
		} else {
			jobs[k] = x.Name
		}
	}
	for k := range jobs {
		switch jobs[k] {
		case "":
		case shared:
			jobs[k] = ""
		default:
			for _, p := range l.Entities[first+int32(k)].Labels {
				if p.Name == "model" {
					jobs[k] += shared + p.Value
				}
			}
		}
	}
	return jobs
}

const shared = "\x00"

// compareEvery is how often peers are compared, in milliseconds.
const compareEvery = 5000

// noteEvery is how often at most what peers show is noted, in milliseconds.
const noteEvery = compareEvery / 2

// note keeps what devices show that are held against others, of those that matter.
func (r *run) note(at int64, column, values []metric.Raw) {
	r.turn = at
	for k, v := range column {
		if !r.matters(int32(k), values) {
			v = metric.Missing
		}
		r.past[k] = v
	}
}

type peerKey struct {
	rule *compiled
	site *site
	job  string
}

type peer struct {
	r *run
	k int32
	v float64
}

// compare holds each GPU against the others of its job.
func (e *Evaluator) compare(now int64) {
	if !e.comparing || now-e.compared < compareEvery {
		return
	}
	e.compared = now
	jobs := map[peerKey][]peer{}
	for _, s := range e.senders {
		for i := range s.runs {
			r := &s.runs[i]
			if r.rule.Watch.Test != table.PeerBelow {
				continue
			}
			for j := range r.states {
				r.states[j].seen = 0
			}
			if now-s.heard > gone {
				continue
			}
			for k, v := range r.past {
				if job := r.jobs[k]; job != "" && v != metric.Missing {
					key := peerKey{r.rule, s.site, job}
					jobs[key] = append(jobs[key], peer{r, int32(k), r.rule.def.Value(v)})
				}
			}
		}
	}
	var sorted []float64
	for key, peers := range jobs {
		if len(peers) < max(2, key.rule.Watch.MinPeers) {
			continue
		}
		sorted = sorted[:0]
		for _, p := range peers {
			sorted = append(sorted, p.v)
		}
		slices.Sort(sorted)
		e.outliers(key.rule, peers, median(sorted), now)
	}
	for _, s := range e.senders { // who has no peers any more
		for i := range s.runs {
			if r := &s.runs[i]; r.rule.Watch.Test == table.PeerBelow && len(r.states) > 0 {
				r.states = slices.DeleteFunc(r.states, func(st state) bool {
					if st.seen == 0 {
						e.over(st.alert, st.bit, now)
					}
					return st.seen == 0
				})
			}
		}
	}
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (e *Evaluator) outliers(c *compiled, peers []peer, middle float64, now int64) {
	for _, p := range peers {
		st := p.r.state(p.k)
		below := p.v <= c.Watch.Fire*middle
		switch {
		case st == nil && below:
			p.r.states = append(p.r.states, state{k: p.k, bit: p.r.bit, since: now, seen: now, alert: e.raise(c, e.identity(p.r, p.k), p.r.bit, now, now, p.v/middle, "")})
		case st != nil && (below || st.alert.fires() && p.v <= c.Watch.Clear*middle):
			st.seen, st.alert.value = now, p.v/middle
		}
	}
}
