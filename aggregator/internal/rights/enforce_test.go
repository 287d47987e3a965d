package rights_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
)

// series are of three sites, of which two have jobs of two tenants each.
const series = `load 10s
	site_power_watts{site="alfa",boundary="it"} 1000+1x120
	gpu_power_watts{site="alfa",host="n1",gpu="0"} 700+0x120
	gpu_power_watts{site="alfa",host="n2",gpu="0"} 600+1x120
	gpu_energy_joules_total{site="alfa",host="n1",gpu="0"} 0+7000x120
	job_gpu_share_ratio{site="alfa",host="n1",gpu="0",job="1",tenant="physics"} 1+0x120
	job_gpu_share_ratio{site="alfa",host="n2",gpu="0",job="2",tenant="zoology"} 0.5+0x120
	gpu_power_watts{site="mike",host="n1",gpu="0"} 500+0x120
	job_gpu_share_ratio{site="mike",host="n1",gpu="0",job="1",tenant="physics"} 0.25+0x120
	site_power_watts{site="zulu",boundary="it"} 9000+1x120
	gpu_power_watts{site="zulu",host="n1",gpu="0"} 901+0x120
	gpu_power_watts{site="zulu",host="zebra",gpu="0"} 902+1x120
	gpu_energy_joules_total{site="zulu",host="zebra",gpu="0"} 0+9000x120
	zebra_watts{site="zulu",zebra="1"} 903+0x120
	stray_watts{host="zebra"} 904+0x120
	job_gpu_share_ratio{site="zulu",host="zebra",gpu="0",job="9",tenant="physics"} 0.125+0x120
	job_gpu_share_ratio{site="zulu",host="zebra",gpu="0",job="8",tenant="zebras"} 0.125+0x120
`

// hostile are questions that want more than they may have, or that are easily
// spoilt by being narrowed.
var hostile = []string{
	`{__name__=~".+"}`, `{__name__!=""}`, `{site=~".+"}`, `{tenant=~".*",site=~".+"}`, `sum({__name__=~".+_watts"})`,
	`gpu_power_watts`, `gpu_power_watts{site="zulu"}`, `gpu_power_watts{site!="alfa"}`, `gpu_power_watts{site=~"zulu|alfa"}`, `gpu_power_watts{site!~"alfa"}`, `gpu_power_watts{site=""}`,
	`gpu_power_watts{site="alfa",site="zulu"}`, `gpu_power_watts{site=~"alfa",site!="alfa"}`, `{"gpu_power_watts",site="zulu"}`, `{"zebra_watts"}`, `{"not a legacy name"}`,
	`gpu_power_watts or {__name__=~".+",site="zulu"}`, `gpu_power_watts unless gpu_power_watts{site="alfa"}`, `gpu_power_watts unless on() gpu_power_watts{site="zulu"}`,
	`vector(1) and on() gpu_power_watts{site="zulu"}`, `vector(1) unless on() gpu_power_watts{site="zulu"}`, `vector(1) unless on() gpu_power_watts{site="ghost"}`,
	`absent(gpu_power_watts{site="zulu"})`, `absent(gpu_power_watts{site="ghost"})`, `absent_over_time(zebra_watts[5m])`, `absent(gpu_power_watts{host="zebra"})`,
	`label_replace(gpu_power_watts, "site", "alfa", "", "")`, `label_replace(gpu_power_watts{site="zulu"}, "site", "alfa", "site", "zulu")`, `label_join(zebra_watts, "site", "", "host")`,
	`max_over_time(gpu_power_watts[10m:1m])`, `sum_over_time((gpu_power_watts{site="zulu"} or vector(0))[5m:30s] @ end() offset 1m)`, `max_over_time(max_over_time(gpu_power_watts[5m:])[10m:2m])`,
	`gpu_power_watts @ 600`, `gpu_power_watts{site="zulu"} @ start() offset -5m`, `rate(gpu_energy_joules_total[5m] @ 900 offset 1m)`, `gpu_power_watts offset -1m30s`,
	`count_values("site", gpu_power_watts)`, `group by (site) ({__name__=~".+"})`, `count by (__name__, site, tenant) ({__name__=~".+"})`, `topk(100, gpu_power_watts)`, `quantile by (site) (0.5, gpu_power_watts)`,
	`gpu_power_watts * on(site,host,gpu) group_left(tenant,job) job_gpu_share_ratio`, `gpu_power_watts * on(host) group_right gpu_power_watts{site="zulu"}`,
	`job_gpu_share_ratio{tenant!="physics"}`, `job_gpu_share_ratio{tenant=""}`, `sum by (tenant) (job_gpu_share_ratio)`, `job_gpu_share_ratio{tenant=~"zebras|zoology"}`,
	`-1 ^ 2 * sum(gpu_power_watts)`, `2 ^ 3 ^ 0.5 - -sum(gpu_power_watts)`, `scalar(gpu_power_watts{site="zulu"})`, `1 == bool 1`, `"zulu"`, `time()`, `sum(gpu_power_watts) > bool 3`,
	`histogram_quantile(0.9, gpu_power_watts)`, `sort_desc(gpu_power_watts)`, `stddev without (gpu) (gpu_power_watts)`, `clamp_max(site_power_watts{boundary="it"}, 1e9)`, `stray_watts`,
}

// scopes are those of the tests, with the series that each may see.
func scopes() map[string]struct {
	scope rights.Scope
	sees  func(labels.Labels) bool
} {
	type of = struct {
		scope rights.Scope
		sees  func(labels.Labels) bool
	}
	site := func(names ...string) func(labels.Labels) bool {
		return func(l labels.Labels) bool { return slices.Contains(names, l.Get("site")) }
	}
	both := func(a, b func(labels.Labels) bool) func(labels.Labels) bool {
		return func(l labels.Labels) bool { return a(l) && b(l) }
	}
	tenant := func(names ...string) func(labels.Labels) bool {
		return func(l labels.Labels) bool { return slices.Contains(names, l.Get("tenant")) }
	}
	return map[string]of{
		"everything":                    {rights.All(), func(labels.Labels) bool { return true }},
		"nothing":                       {rights.Scope{}, site()},
		"a site":                        {rights.NewScope([]string{"alfa"}, nil, false), site("alfa")},
		"a site that is not there":      {rights.NewScope([]string{"ghost"}, nil, false), site()},
		"two sites":                     {rights.NewScope([]string{"mike", "alfa"}, nil, false), site("alfa", "mike")},
		"names with dots":               {rights.NewScope([]string{"al.a", "m|ke"}, nil, false), site()},
		"a tenant of a site":            {rights.NewScope([]string{"alfa"}, []string{"physics"}, false), both(site("alfa"), tenant("physics"))},
		"a tenant and what is nobody's": {rights.NewScope([]string{"alfa"}, []string{"physics"}, true), both(site("alfa"), tenant("physics", ""))},
		"tenants everywhere":            {rights.NewScope([]string{"*"}, []string{"physics", "zoology"}, false), tenant("physics", "zoology")},
	}
}

func newEngine() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 }, Parser: parser.NewParser(parser.Options{})})
}

// as is a context of somebody with a scope.
func as(ctx context.Context, s rights.Scope) context.Context {
	ctx, _ = (&rights.Principal{Name: "p", Role: rights.Viewer, Scope: s}).Bind(ctx) // nothing is to be released
	return ctx
}

// only is a store of which some series are left.
type only struct {
	storage.Queryable
	sees func(labels.Labels) bool
}

func (o only) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := o.Queryable.Querier(mint, maxt)
	return onlyQuerier{q, o.sees}, err
}

type onlyQuerier struct {
	storage.Querier
	sees func(labels.Labels) bool
}

func (q onlyQuerier) Select(ctx context.Context, sorted bool, h *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	return &onlySet{q.Querier.Select(ctx, sorted, h, ms...), q.sees}
}

type onlySet struct {
	storage.SeriesSet
	sees func(labels.Labels) bool
}

func (s *onlySet) Next() bool {
	for s.SeriesSet.Next() {
		if s.sees(s.At().Labels()) {
			return true
		}
	}
	return false
}

// What somebody is answered is what a store that holds nothing else answers. absent
// may name fewer labels, as it does not name those of which there are several.
func TestAnswersAreThoseOfAStoreWithNothingElse(t *testing.T) {
	all := promqltest.LoadedStorage(t, series)
	engine, language := newEngine(), parser.NewParser(parser.Options{})
	answer := func(q storage.Queryable, ctx context.Context, text string) string {
		query, err := engine.NewRangeQuery(ctx, q, nil, text, time.Unix(600, 0), time.Unix(900, 0), time.Minute)
		if err != nil {
			return "error: " + err.Error()
		}
		defer query.Close()
		return fmt.Sprint(query.Exec(ctx))
	}
	for name, x := range scopes() {
		for _, text := range hostile {
			expr, err := language.ParseExpr(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if expr.Type() == parser.ValueTypeString {
				continue
			}
			enforced := text
			if x.scope.Enforce(expr) {
				enforced = expr.String()
			}
			ctx := as(t.Context(), x.scope)
			want := answer(only{all, x.sees}, t.Context(), text)
			walled := answer(rights.Storage{Queryable: all}, ctx, text)
			if d := cmp.Diff(want, walled); d != "" {
				t.Errorf("%s, %s: behind the wall (-want +got)\n%s", name, text, d)
			}
			if both := answer(rights.Storage{Queryable: all}, ctx, enforced); both != want && !(len(text) > 6 && text[:6] == "absent") {
				t.Errorf("%s, %s: enforced as %s (-want +got)\n%s", name, text, enforced, cmp.Diff(want, both))
			}
			if alone := answer(all, t.Context(), enforced); alone != want && !(len(text) > 6 && text[:6] == "absent") {
				t.Errorf("%s, %s: without the wall (-want +got)\n%s", name, text, cmp.Diff(want, alone))
			}
		}
	}
}

func TestAbsenceTellsNothingOfOthers(t *testing.T) {
	all := rights.Storage{Queryable: promqltest.LoadedStorage(t, series)}
	engine, scope := newEngine(), rights.NewScope([]string{"alfa"}, nil, false)
	answer := func(text string) string {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		scope.Enforce(expr)
		q, err := engine.NewInstantQuery(as(t.Context(), scope), all, nil, expr.String(), time.Unix(600, 0))
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		return q.Exec(as(t.Context(), scope)).String()
	}
	for _, form := range []string{`absent(gpu_power_watts{site=%q})`, `absent(gpu_power_watts{site=~%q})`, `absent_over_time(gpu_power_watts{site=%q}[5m])`, `count(gpu_power_watts{site=%q}) or vector(0)`} {
		if there, not := answer(fmt.Sprintf(form, "zulu")), answer(fmt.Sprintf(form, "ghost")); there != not {
			t.Errorf("%s: %s of a site that is there, %s of one that is not", form, there, not)
		}
	}
}

// seen remembers what a store is asked.
type seen struct {
	storage.LabelQuerier
	asked [][]*labels.Matcher
}

func (s *seen) Querier(int64, int64) (storage.Querier, error) { return s, nil }

func (s *seen) Select(_ context.Context, _ bool, _ *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	s.asked = append(s.asked, ms)
	return storage.EmptySeriesSet()
}

func (s *seen) LabelValues(_ context.Context, _ string, _ *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	s.asked = append(s.asked, ms)
	return []string{"zulu"}, nil, nil
}

func (s *seen) LabelNames(_ context.Context, _ *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	s.asked = append(s.asked, ms)
	return []string{"zulu"}, nil, nil
}

func TestEveryReadOfTheStoreIsNarrowed(t *testing.T) {
	s := &seen{LabelQuerier: storage.NoopQuerier()}
	q, err := rights.Storage{Queryable: s}.Querier(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	scope := rights.NewScope([]string{"alfa", "mike"}, []string{"physics"}, true)
	ctx, host := as(t.Context(), scope), labels.MustNewMatcher(labels.MatchEqual, "host", "n1")
	q.Select(ctx, true, nil, host)
	if _, _, err := q.LabelValues(ctx, "host", nil, host); err != nil {
		t.Error(err)
	}
	if _, _, err := q.LabelNames(ctx, nil, host); err != nil {
		t.Error(err)
	}
	if got, want := fmt.Sprint(s.asked), `[[host="n1" site=~"alfa|mike" tenant=~"|physics"] [host="n1" site=~"alfa|mike" tenant=~"|physics"] [host="n1" site=~"alfa|mike" tenant=~"|physics"]]`; got != want {
		t.Errorf("the store is asked %s, want %s", got, want)
	}
	// What cannot be within the scope does not reach the store at all.
	s.asked = nil
	other := labels.MustNewMatcher(labels.MatchEqual, "site", "zulu")
	q.Select(ctx, true, nil, other)
	values, _, _ := q.LabelValues(ctx, "host", nil, other)
	names, _, _ := q.LabelNames(ctx, nil, other)
	if len(s.asked)+len(values)+len(names) > 0 {
		t.Errorf("of another site the store is asked %v; values %v, names %v", s.asked, values, names)
	}
	// Nobody is nobody.
	set := q.Select(t.Context(), true, nil, host)
	_, _, valuesErr := q.LabelValues(t.Context(), "host", nil)
	_, _, namesErr := q.LabelNames(t.Context(), nil)
	if set.Next() || set.Err() == nil || valuesErr == nil || namesErr == nil || len(s.asked) > 0 {
		t.Errorf("on nobody's behalf: %v, %v, %v; the store is asked %v", set.Err(), valuesErr, namesErr, s.asked)
	}
}

func FuzzEnforce(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, uint8(2))
	}
	names := []string{"a site", "two sites", "a tenant of a site", "a tenant and what is nobody's", "tenants everywhere", "nothing"}
	all, language := scopes(), parser.NewParser(parser.Options{})
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		expr, err := language.ParseExpr(text)
		if err != nil {
			return
		}
		before := len(parser.ExtractSelectors(expr))
		plain := expr.String()
		scope := all[names[int(which)%len(names)]].scope
		if !scope.Enforce(expr) {
			t.Fatal("nothing is enforced")
		}
		enforced := expr.String()
		again, err := language.ParseExpr(enforced)
		if err != nil {
			if _, bad := language.ParseExpr(plain); bad != nil {
				return // the library cannot read what it writes
			}
			t.Fatalf("%q is enforced as %q, which is no expression: %v", text, enforced, err)
		}
		selectors := parser.ExtractSelectors(again)
		if len(selectors) != before {
			t.Errorf("%q has %d selectors, %q has %d", text, before, enforced, len(selectors))
		}
		for _, ms := range selectors {
			if !narrow(ms) {
				t.Errorf("%q is enforced as %q, of which a selector is not narrowed", text, enforced)
			}
		}
		if scope.Enforce(again); again.String() != enforced {
			t.Errorf("enforced twice, %q is %q", enforced, again.String())
		}
	})
}

// narrow reports whether a selector has a matcher of the scopes of the fuzz test.
func narrow(ms []*labels.Matcher) bool {
	return slices.ContainsFunc(ms, func(m *labels.Matcher) bool {
		return slices.Contains([]string{`site="alfa"`, `site=~"alfa|mike"`, `tenant=~"physics|zoology"`, `site="\x00"`}, m.String())
	})
}

func BenchmarkEnforce(b *testing.B) {
	scope, language := rights.NewScope([]string{"alfa", "mike"}, nil, false), parser.NewParser(parser.Options{})
	expr, err := language.ParseExpr(`sum by (host) (rate(gpu_energy_joules_total{hall="h1"}[5m])) / on(host) group_left host_power_watts`)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if scope.Enforce(expr); len(expr.String()) == 0 {
			b.Fatal("nothing is left")
		}
	}
}
