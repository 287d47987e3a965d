package rule

import (
	"cmp"
	"fmt"
	"slices"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Judgement is what the health judgement has against a GPU or host now. One that
// has nothing against it any more has no findings.
type Judgement struct {
	Site, Hall, Rack, Host, GPU, UUID string // UUID "": it is a host
	Simulated                         bool
	Findings                          []Finding // the worst first
}

// A Finding is one thing that is wrong. Times are milliseconds since 1970.
type Finding struct {
	Cause, State, Action, Evidence, Advice string
	Since, Last                            int64
	Count                                  int64
	Stands                                 bool // it is still true; else it happened, and is not dealt with
}

// subject is what is judged.
type subject struct{ site, host, uuid string }

// judge makes alerts of what changed; all says that there is nothing against any
// other.
func (e *Evaluator) judge(judgements []Judgement, all bool, now int64) {
	seen := map[subject]bool{}
	for i := range judgements {
		j := &judgements[i]
		x := subject{j.Site, j.Host, j.UUID}
		if j.UUID != "" {
			x.host = "" // it may be moved
		}
		seen[x] = true
		e.judgeOne(x, j, now, !all)
	}
	if !all {
		return
	}
	for x, alerts := range e.judged {
		if !seen[x] {
			for _, a := range alerts {
				e.over(a, 1, now)
			}
			delete(e.judged, x)
		}
	}
	e.settleJudged(now)
	e.forgot = false
}

func (e *Evaluator) judgeOne(x subject, j *Judgement, now int64, fresh bool) {
	level := table.Host
	if j.UUID != "" {
		level = table.GPU
	}
	before := e.judged[x]
	var after []*alert
	for _, c := range e.judging {
		if c.Level != level || c.silence != "" || c.own {
			continue
		}
		var mine []Finding
		for _, f := range j.Findings {
			if c.takes(f.Cause, f.State, f.Action) {
				mine = append(mine, f)
			}
		}
		if len(mine) == 0 {
			continue
		}
		id := label(c, j.Simulated, j.labels(level)...)
		if a := e.known(id.id(), id); a == nil || !a.stands() {
			if mine = slices.DeleteFunc(mine, func(f Finding) bool { return f.late(now) && !e.forgot }); len(mine) == 0 {
				if fresh {
					e.suppressed(reasonLate).Inc()
				}
				continue
			}
		}
		since := slices.MinFunc(mine, func(a, b Finding) int { return cmp.Compare(a.Since, b.Since) }).Since
		a := e.raise(c, id, 1, since, now, float64(max(1, mine[0].Count)), evidence(mine))
		a.advice = mine[0].Advice
		after = append(after, a)
	}
	for _, a := range before {
		if !slices.Contains(after, a) {
			e.over(a, 1, now)
		}
	}
	if len(after) > 0 {
		e.judged[x] = after
	} else {
		delete(e.judged, x)
	}
}

// late reports whether a finding is of something that happened too long ago to
// tell a person now. What is still true is of now.
func (f *Finding) late(now int64) bool { return !f.Stands && now-f.Last > oldest.Milliseconds() }

func (j *Judgement) labels(level table.Level) []metric.Pair {
	all := []metric.Pair{{Name: "site", Value: j.Site}, {Name: "hall", Value: j.Hall}, {Name: "rack", Value: j.Rack}, {Name: "host", Value: j.Host}}
	if level == table.GPU {
		all = append(all, metric.Pair{Name: "gpu", Value: j.GPU}, metric.Pair{Name: "uuid", Value: j.UUID})
	}
	return all
}

// evidence is that of the worst, and how many more there are.
func evidence(findings []Finding) string {
	text := findings[0].Evidence
	if n := len(findings) - 1; n == 1 {
		text += "; besides: " + findings[1].Evidence
	} else if n > 1 {
		text += fmt.Sprintf("; besides, %d more: %s, …", n, findings[1].Evidence)
	}
	return text
}

// settleJudged ends what a file had of the health judgement and it has no more. What
// it finds by rates it may have to find anew.
func (e *Evaluator) settleJudged(now int64) {
	if now-e.began < unheard.Milliseconds() {
		return
	}
	for _, a := range e.alerts {
		if a.restored && a.rule.Judged != nil && a.rule.silence == "" && !a.rule.own {
			e.over(a, a.bits, now)
		}
	}
}
