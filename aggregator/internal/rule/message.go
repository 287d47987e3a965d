package rule

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Message is an alert as receivers are told of it.
type Message struct {
	Labels      []metric.Pair // sorted, as are the annotations
	Annotations []metric.Pair
	StartsAt    time.Time
	EndsAt      time.Time // it is over then unless more is heard of it
	Ended       bool
	Fresh       bool // it was not told before
	Direct      bool

	rule  *compiled
	value float64
	said
}

// said is what is known of an alert besides the table's texts.
type said struct {
	evidence string // better than the rule's
	advice   string // likewise
	gap      int64  // since when nobody can say whether it still is so; 0: one can
	times    int    // it was over within an hour
}

func (e *Evaluator) said(a *alert) said {
	return said{a.evidence, a.advice, a.gap, e.flaps[a.id].times}
}

// besides is what else evidence says.
func (s *said) besides() (text string) {
	if s.gap > 0 {
		text += " Nothing has been read since " + time.UnixMilli(s.gap).UTC().Format("15:04:05") + " UTC: this is the last that is known."
	}
	if s.times > 1 {
		text += fmt.Sprintf(" It comes and goes: it was over %d times within an hour.", s.times)
	}
	return text
}

// Key tells an alert from all others.
func (m *Message) Key() string { return identity(m.Labels).id() }

// message is what is told of an alert now.
func (e *Evaluator) message(a *alert, now int64) Message {
	m := Message{
		Labels: a.labels, StartsAt: time.UnixMilli(a.since), EndsAt: time.UnixMilli(now).Add(valid),
		Fresh: a.fired == now, Direct: a.rule.Direct, rule: a.rule, value: a.value, said: e.said(a),
	}
	if a.rule.beats {
		m.EndsAt = time.UnixMilli(now).Add(beat)
	}
	if a.phase == Ended {
		m.Ended, m.EndsAt = true, time.UnixMilli(a.ended)
	}
	return m
}

// render writes the texts of a message.
func (e *Evaluator) render(m *Message) {
	m.Annotations = e.texts(m.rule, m.Labels, m.value, &m.said)
}

// texts are what a person reads of an alert.
func (e *Evaluator) texts(c *compiled, labels []metric.Pair, value float64, s *said) []metric.Pair {
	evidence, advice := s.evidence, s.advice
	if evidence == "" && math.IsNaN(value) && strings.Contains(c.Evidence, "$value") {
		evidence = "Its value is no number, or was forgotten in a restart."
	} else if evidence == "" {
		evidence = expand(c.Evidence, labels, value)
	}
	do := expand(c.Do, labels, value)
	if advice != "" && c.Judged != nil && slices.ContainsFunc(c.Judged.Causes, func(cause string) bool { return strings.HasSuffix(cause, "*") }) {
		do = sentence(advice) // of causes that it does not name the table knows but the general
	}
	var out []metric.Pair
	add := func(name, text string) {
		if text != "" {
			out = append(out, metric.Pair{Name: name, Value: text})
		}
	}
	if e.c.Page != "" && c.Board != "" {
		add("board", c.Board)
	}
	add("do", do)
	if evidence = sentence(evidence); evidence != "" {
		if !strings.HasSuffix(evidence, ".") && !strings.HasSuffix(evidence, "…") {
			evidence += "."
		}
		evidence += s.besides()
	}
	add("evidence", evidence)
	if e.c.Runbook != "" {
		add("runbook_url", e.c.Runbook+"#"+strings.ToLower(c.Name))
	}
	add("summary", expand(c.Summary, labels, value))
	return out
}

// sentence begins with a capital letter.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// expand fills in one of Prometheus' templates.
func expand(text string, labels []metric.Pair, value float64) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	data := template.AlertTemplateData(byName(labels), nil, "", promql.Sample{F: value})
	const defs = "{{$labels := .Labels}}{{$value := .Value}}"
	nothing := func(context.Context, string, time.Time) (promql.Vector, error) { return nil, nil }
	out, err := template.NewTemplateExpander(context.Background(), defs+text, "alert", data, model.Now(), nothing, &url.URL{}, nil).Expand()
	if err != nil {
		return text
	}
	return out
}
