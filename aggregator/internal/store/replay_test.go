package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// said is one tick that the flight recorder has, in the order it came.
type said struct {
	second int
	layout *metric.Layout
	values []metric.Raw
}

// recorder is the flight recorder of host n0017 of site dc1.
type recorder struct {
	ticks []said
	fails error
	asked []string // site, host and second, of each replay
}

func (r *recorder) replay(_ context.Context, site, host string, since time.Time, yield func(string, *metric.Layout, int64, []metric.Raw) error) error {
	r.asked = append(r.asked, fmt.Sprintf("%s/%s/%d", site, host, (since.UnixMilli()-at(0))/1000))
	if host != "n0017" || site != "" && site != "dc1" {
		return r.fails
	}
	scratch := []metric.Raw{}
	for _, t := range r.ticks {
		if at(t.second) < since.UnixMilli() {
			continue
		}
		scratch = append(scratch[:0], t.values...)
		if err := yield("dc1", t.layout, at(t.second), scratch); err != nil {
			return err
		}
		for i := range scratch { // valid during the call only
			scratch[i] = 4711
		}
	}
	return r.fails
}

// question is what a selector asks; the half hour begins at second 1800.
type question struct {
	name     string
	matchers []string // label, operator and value
	from, to int      // seconds
	step     time.Duration
	function string
	noHints  bool
}

// hour is when it is asked.
const hour = 3600

// answer is every sample of each series, by the labels named, and the warnings.
func (b *bench) answer(r *recorder, limit int, q question, by ...string) (map[string]string, []string) {
	b.Helper()
	full := &store.Replaying{Store: b.Store, Replay: r.replay, Limit: limit}
	querier, err := full.Querier(at(q.from), at(q.to))
	if err != nil {
		b.Fatal(err)
	}
	defer querier.Close()
	ms := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, q.name)}
	for _, m := range q.matchers {
		f := strings.Fields(m)
		kind := map[string]labels.MatchType{"=": labels.MatchEqual, "!=": labels.MatchNotEqual, "=~": labels.MatchRegexp}[f[1]]
		ms = append(ms, labels.MustNewMatcher(kind, f[0], f[2]))
	}
	hints := &storage.SelectHints{Start: at(q.from), End: at(q.to), Step: q.step.Milliseconds(), Func: q.function}
	if q.noHints {
		hints = nil
	}
	got := map[string]string{}
	set := querier.Select(b.Context(), true, hints, ms...)
	for set.Next() {
		var names, points []string
		for _, n := range by {
			names = append(names, set.At().Labels().Get(n))
		}
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			t, v := it.At()
			s := fmt.Sprint(v)
			if value.IsStaleNaN(v) {
				s = "–"
			}
			points = append(points, fmt.Sprintf("%d:%s", (t-at(0))/1000, s))
		}
		key := strings.Join(names, " ")
		if _, twice := got[key]; twice {
			b.Errorf("two series are called %q", key)
		}
		got[key] = strings.Join(points, " ")
	}
	if set.Err() != nil {
		b.Fatal(set.Err())
	}
	var warnings []string
	for _, w := range set.Warnings().AsErrors() {
		warnings = append(warnings, w.Error())
	}
	return got, warnings
}

// asking opens a store in which it is an hour after the epoch.
func asking(t *testing.T) *bench {
	return open(t, func(c *store.Config) { c.Now = func() time.Time { return epoch.Add(hour * time.Second) } })
}

var onHost = []string{"host = n0017"}

func TestOneHostIsAnsweredAtFullRate(t *testing.T) {
	temperature := host(column(metric.GPUTemperature, 0, 3, 2))
	energy := host(column(metric.GPUEnergyJoules, 0, 3, 1))
	state := host(column(metric.GPUState, 0, 3, 1))
	every := func(l *metric.Layout, from, to int, v func(s int) []metric.Raw) (ts []said) {
		for s := from; s <= to; s++ {
			ts = append(ts, said{s, l, v(s)})
		}
		return ts
	}
	hot := func(s int) []metric.Raw { return []metric.Raw{metric.Of(float64(s)), metric.Of(50)} }
	at := func(l *metric.Layout, vs ...any) (ts []said) { // second and value, in turns; – is missing
		for i := 0; i < len(vs); i += 2 {
			v := metric.Missing
			if n, ok := vs[i+1].(int); ok {
				v = metric.Raw(n)
			}
			ts = append(ts, said{vs[i].(int), l, []metric.Raw{v}})
		}
		return ts
	}
	other := host(column(metric.HostUp, 0, 2, 1))
	swapped := host(column(metric.HostUp, 0, 2, 1), column(metric.GPUTemperature, 0, 3, 2))
	swapped.Entities[3], swapped.Entities[4] = swapped.Entities[4], swapped.Entities[3]
	wrong := host(
		metric.Column{Metric: 9999, Form: metric.Float, First: 3, Count: 2},
		metric.Column{Metric: metric.GPUTemperature, Form: metric.Int, First: 3, Count: 1},
		metric.Column{Metric: metric.GPUECCErrors, Form: metric.Int, Point: 17, First: 3, Count: 1},
		column(metric.GPUTemperature, 0, 4, 1),
	)
	for name, tc := range map[string]struct {
		said []said
		ask  question
		by   []string
		want map[string]string
	}{
		"each second of the last half hour": {
			said: every(temperature, 3000, 3004, hot),
			ask:  question{name: "gpu_temperature_celsius", matchers: onHost, from: 2990, to: 3100}, by: []string{"uuid"},
			want: map[string]string{"GPU-1b2": "3000:3000 3001:3001 3002:3002 3003:3003 3004:3004", "GPU-9f0": "3000:50 3001:50 3002:50 3003:50 3004:50"},
		},
		"the edges of what is asked": {
			said: every(temperature, 3000, 3010, hot),
			ask:  question{name: "gpu_temperature_celsius", matchers: append(onHost, "gpu = 0"), from: 3004, to: 3006}, by: []string{"gpu"},
			want: map[string]string{"0": "3004:3004 3005:3005 3006:3006"},
		},
		"the edge of the half hour": {
			said: every(temperature, 1795, 1803, hot),
			ask:  question{name: "gpu_temperature_celsius", matchers: append(onHost, "gpu = 0"), from: 1700, to: 2000}, by: []string{"gpu"},
			want: map[string]string{"0": "1800:1800 1801:1801 1802:1802 1803:1803"},
		},
		"one of the GPUs, by a label of its own and not by another": {
			said: every(temperature, 3000, 3001, hot),
			ask:  question{name: "gpu_temperature_celsius", matchers: append(onHost, "uuid != GPU-1b2", "site = dc1", "rack =~ r.*"), from: 3000, to: 3100}, by: []string{"uuid"},
			want: map[string]string{"GPU-9f0": "3000:50 3001:50"},
		},
		"a counter, in its base unit": {
			said: at(energy, 3000, 1000, 3001, 3500, 3002, 3500, 3003, 0),
			ask:  question{name: "gpu_energy_joules_total", matchers: onHost, from: 3000, to: 3100},
			want: map[string]string{"": "3000:1 3001:3.5 3002:3.5 3003:0"},
		},
		"a gap ends the series until it is over": {
			said: at(energy, 2999, "–", 3000, 1000, 3001, "–", 3002, "–", 3003, 4000, 3004, "–"),
			ask:  question{name: "gpu_energy_joules_total", matchers: onHost, from: 2990, to: 3100},
			want: map[string]string{"": "3000:1 3001:– 3003:4 3004:–"},
		},
		"a value that was never read is no series": {
			said: at(energy, 3000, "–", 3001, "–"),
			ask:  question{name: "gpu_energy_joules_total", matchers: onHost, from: 2990, to: 3100},
			want: map[string]string{},
		},
		"batches that came twice, late, or after a gap": {
			said: at(energy, 3000, 1000, 3001, 2000, 3001, 2000, 3005, 6000, 3003, 4000, 3002, 3000, 3005, "–", 3004, "–", 3004, 5000),
			ask:  question{name: "gpu_energy_joules_total", matchers: onHost, from: 2990, to: 3100},
			want: map[string]string{"": "3000:1 3001:2 3002:3 3003:4 3004:5 3005:6"},
		},
		"states: 1 while it is, 0 when it is left, and then its end": {
			said: at(state, 3000, 0, 3001, 0, 3002, 1, 3003, 1, 3004, 0, 3005, 0),
			ask:  question{name: "gpu_state", matchers: onHost, from: 2990, to: 3100}, by: []string{"state"},
			want: map[string]string{"ok": "3000:1 3001:1 3002:0 3003:– 3004:1 3005:1", "lost": "3002:1 3003:1 3004:0 3005:–"},
		},
		"a state that is not known for a while, or not in the catalogue": {
			said: at(state, 3000, 0, 3001, "–", 3002, 0, 3003, 77, 3004, -1, 3005, 0),
			ask:  question{name: "gpu_state", matchers: onHost, from: 2990, to: 3100}, by: []string{"state"},
			want: map[string]string{"ok": "3000:1 3001:– 3002:1 3003:– 3005:1"},
		},
		"one state only": {
			said: at(state, 3000, 0, 3001, 1, 3002, 1, 3003, 0),
			ask:  question{name: "gpu_state", matchers: append(onHost, "state = lost"), from: 2990, to: 3100}, by: []string{"state"},
			want: map[string]string{"lost": "3001:1 3002:1 3003:0"},
		},
		"a state that nobody was in": {
			said: at(state, 3000, 0, 3001, 0),
			ask:  question{name: "gpu_state", matchers: append(onHost, "state = lost"), from: 2990, to: 3100},
			want: map[string]string{},
		},
		"a layout that changes in between, and back": {
			said: slices.Concat(every(temperature, 3000, 3001, hot),
				every(swapped, 3002, 3003, func(s int) []metric.Raw { return []metric.Raw{1, metric.Of(51), metric.Of(float64(s))} }),
				every(temperature, 3004, 3004, hot)),
			ask: question{name: "gpu_temperature_celsius", matchers: onHost, from: 3000, to: 3100}, by: []string{"uuid"},
			want: map[string]string{"GPU-1b2": "3000:3000 3001:3001 3002:3002 3003:3003 3004:3004", "GPU-9f0": "3000:50 3001:50 3002:51 3003:51 3004:50"},
		},
		"two agents of one host": {
			said: slices.Concat(every(temperature, 3000, 3001, hot), at(other, 3000, 1, 3001, 1)),
			ask:  question{name: "host_up", matchers: onHost, from: 3000, to: 3100},
			want: map[string]string{"": "3000:1 3001:1"},
		},
		"what the catalogue has not, or has otherwise": {
			said: []said{{3000, wrong, []metric.Raw{1, 2, 3, 4, metric.Of(5)}}, {3001, wrong, []metric.Raw{1, 2, 3, 4, metric.Of(6)}}},
			ask:  question{name: "gpu_temperature_celsius", matchers: onHost, from: 3000, to: 3100}, by: []string{"uuid"},
			want: map[string]string{"GPU-9f0": "3000:5 3001:6"},
		},
		"a point that the metric has not": {
			said: []said{{3000, wrong, []metric.Raw{1, 2, 3, 4, metric.Of(5)}}},
			ask:  question{name: "gpu_ecc_errors_total", matchers: onHost, from: 3000, to: 3100},
			want: map[string]string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := asking(t)
			got, warnings := b.answer(&recorder{ticks: tc.said}, 0, tc.ask, tc.by...)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
			if warnings != nil {
				t.Errorf("warnings: %q", warnings)
			}
		})
	}
}

func TestTheRecorderIsAskedOnlyForWhatItCanAdd(t *testing.T) {
	for name, tc := range map[string]struct {
		ask  question
		want []string
	}{
		"one host":                   {question{name: "host_up", matchers: onHost, from: 3000, to: 3100}, []string{"/n0017/3000"}},
		"one host of one site":       {question{name: "host_up", matchers: append(onHost, "site = dc1"), from: 3000, to: 3100}, []string{"dc1/n0017/3000"}},
		"a step finer than stored":   {question{name: "host_up", matchers: onHost, from: 3000, to: 3100, step: 9 * time.Second}, []string{"/n0017/3000"}},
		"half of it is long ago":     {question{name: "host_up", matchers: onHost, from: 0, to: 3100}, []string{"/n0017/1800"}},
		"all of it is long ago":      {question{name: "host_up", matchers: onHost, from: 0, to: 1799}, nil},
		"all of it is to come":       {question{name: "host_up", matchers: onHost, from: 4000, to: 3900}, nil},
		"a step as coarse as that":   {question{name: "host_up", matchers: onHost, from: 3000, to: 3100, step: 10 * time.Second}, nil},
		"no host":                    {question{name: "host_up", from: 3000, to: 3100}, nil},
		"hosts by a pattern":         {question{name: "host_up", matchers: []string{"host =~ n0017"}, from: 3000, to: 3100}, nil},
		"all but one":                {question{name: "host_up", matchers: []string{"host != n0017"}, from: 3000, to: 3100}, nil},
		"which series there are":     {question{name: "host_up", matchers: onHost, from: 3000, to: 3100, function: "series"}, nil},
		"by who does not say when":   {question{name: "host_up", matchers: onHost, from: 3000, to: 3100, noHints: true}, nil},
		"nobody speaks for the host": {question{name: "host_up", matchers: []string{"host = n9"}, from: 3000, to: 3100}, []string{"/n9/3000"}},
	} {
		r := &recorder{}
		if got, _ := asking(t).answer(r, 0, tc.ask); len(got) != 0 {
			t.Errorf("%s: answered %v out of nothing", name, got)
		}
		if d := cmp.Diff(tc.want, r.asked); d != "" {
			t.Errorf("%s: it was asked (-want +got):\n%s", name, d)
		}
	}
}

// What is stored and what is read back are one series: before the half hour the
// one, within it both, each time once.
func TestWhatIsReadBackGoesOnFromWhatIsStored(t *testing.T) {
	b, r := asking(t), &recorder{}
	l := host(column(metric.GPUEnergyJoules, 0, 3, 1), column(metric.GPUState, 0, 3, 1))
	for s := 1700; s <= 1900; s++ {
		state := metric.Raw(0)
		if s >= 1850 {
			state = 1
		}
		values := []metric.Raw{metric.Raw(s * 1000), state}
		if s%10 == 0 {
			b.tick(l, at(s), values...)
		}
		if s >= 1750 {
			r.ticks = append(r.ticks, said{s, l, values})
		}
	}
	var want []string
	for s := 1700; s <= 1900; s++ {
		if s >= 1800 || s%10 == 0 {
			want = append(want, fmt.Sprintf("%d:%d", s, s))
		}
	}
	got, _ := b.answer(r, 0, question{name: "gpu_energy_joules_total", matchers: onHost, from: 1700, to: 1900})
	if d := cmp.Diff(map[string]string{"": strings.Join(want, " ")}, got); d != "" {
		t.Error(d)
	}
	got, _ = b.answer(r, 0, question{name: "gpu_state", matchers: append(onHost, "state = ok"), from: 1845, to: 1865})
	if d := cmp.Diff(map[string]string{"": "1845:1 1846:1 1847:1 1848:1 1849:1 1850:0 1851:– 1860:–"}, got); d != "" {
		t.Error(d)
	}
	// As PromQL sees it.
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	defer engine.Close()
	for query, want := range map[string]string{
		`rate(gpu_energy_joules_total{host="n0017"}[4s])`:                              "1",
		`gpu_energy_joules_total{host="n0017"} - gpu_energy_joules_total offset 200s`:  "",
		`count_over_time(gpu_energy_joules_total{host="n0017"}[60s])`:                  "60",
		`count_over_time(gpu_energy_joules_total{host=~"n0017"}[60s])`:                 "6",
		`sum(gpu_state{host="n0017"})`:                                                 "1",
		`gpu_energy_joules_total{host="n0017"} / on (uuid) gpu_state{host="n0017"}==0`: "",
	} {
		q, err := engine.NewInstantQuery(t.Context(), &store.Replaying{Store: b.Store, Replay: r.replay}, nil, query, time.UnixMilli(at(1895)))
		if err != nil {
			t.Fatal(err)
		}
		res := q.Exec(t.Context())
		v, err := res.Vector()
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		got := ""
		if len(v) > 0 {
			got = fmt.Sprint(v[0].F)
		}
		if got != want || len(v) > 1 {
			t.Errorf("%s is %v, want %s", query, v, want)
		}
		q.Close()
	}
}

// What cannot be read back is answered from the store, with a warning.
func TestWithoutTheRecorderTheStoreAnswers(t *testing.T) {
	l := host(column(metric.GPUTemperature, 0, 3, 2))
	fill := func(b *bench, r *recorder) {
		for s := 3000; s < 3100; s++ {
			values := []metric.Raw{metric.Of(float64(s)), metric.Of(50)}
			if s%10 == 0 {
				b.tick(l, at(s), values...)
			}
			r.ticks = append(r.ticks, said{s, l, values})
		}
	}
	for name, tc := range map[string]struct {
		fails    error
		limit    int
		matchers []string
		points   int
		warning  string
	}{
		"all is well":                    {nil, 200, onHost, 100, ""},
		"the bus is away":                {errors.New("the bus is away"), 0, onHost, 10, "the bus is away"},
		"more readings than may be":      {nil, 199, onHost, 10, "more than 199 readings at full rate"},
		"fewer series, within the limit": {nil, 199, append(onHost, "gpu = 0"), 100, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, r := asking(t), &recorder{fails: tc.fails}
			fill(b, r)
			got, warnings := b.answer(r, tc.limit, question{name: "gpu_temperature_celsius", matchers: tc.matchers, from: 3000, to: 3100}, "gpu")
			if n := len(strings.Fields(got["0"])); n != tc.points {
				t.Errorf("%d points, want %d", n, tc.points)
			}
			if all := strings.Join(warnings, "; "); !strings.Contains(all, tc.warning) || tc.warning == "" && all != "" {
				t.Errorf("warnings: %q, want %q", all, tc.warning)
			}
		})
	}
}
