package store_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A selector finds what the TSDB alone would find, in blocks and in the head, of one
// site and of several.
func TestSelectorsFindWhatTheDatabaseHas(t *testing.T) {
	equal, not, like, unlike := labels.MatchEqual, labels.MatchNotEqual, labels.MatchRegexp, labels.MatchNotRegexp
	type m = *labels.Matcher
	is := func(of labels.MatchType, name, value string) m { return labels.MustNewMatcher(of, name, value) }
	gpus, power := is(equal, "__name__", "gpu_power_watts"), is(equal, "__name__", "site_power_watts")
	selectors := map[string][]m{
		"a metric of few, of a site":           {power, is(equal, "site", "dc1")},
		"a metric of few, of another":          {power, is(equal, "site", "dc2"), is(equal, "boundary", "it")},
		"a metric of few, of a site not there": {power, is(equal, "site", "dc9")},
		"a metric of few, of no site":          {power, is(equal, "site", "")},
		"of some sites":                        {power, is(like, "site", "dc1|dc2")},
		"of sites by a pattern":                {power, is(like, "site", "dc.*")},
		"of all but one":                       {power, is(not, "site", "dc1")},
		"of none of some":                      {power, is(unlike, "site", "dc[12]")},
		"twice narrowed":                       {power, is(like, "site", "dc1|dc2"), is(equal, "site", "dc2")},
		"a metric of many":                     {gpus, is(equal, "site", "dc1")},
		"one board":                            {gpus, is(equal, "site", "dc2"), is(equal, "uuid", "u1")},
		"one board at another site":            {gpus, is(equal, "site", "dc1"), is(equal, "uuid", "u9")},
		"boards of a host":                     {is(equal, "host", "h1"), gpus, is(equal, "site", "dc1"), is(not, "gpu", "0")},
		"a site and no metric":                 {is(equal, "site", "dc2")},
		"metrics by a pattern":                 {is(like, "__name__", "gpu_.*"), is(equal, "site", "dc2"), is(equal, "host", "h1")},
		"a metric that is not there":           {is(equal, "__name__", "gpu_fan_ratio"), is(equal, "site", "dc1")},
	}
	for name, sites := range map[string][]string{"one site": {"dc1"}, "two sites": {"dc1", "dc2"}} {
		t.Run(name, func(t *testing.T) {
			b := open(t, short)
			l := host(column(metric.GPUPowerWatts, 0, 3, 2), column(metric.GPUTemperature, 0, 3, 2))
			for s := 0; s <= 3600; s += 10 {
				for i, site := range sites {
					if err := b.w.Append(site+"/a", l, site, at(s), []metric.Raw{metric.Of(float64(s + i)), metric.Of(float64(-s)), metric.Of(float64(s % 50)), metric.Of(1)}); err != nil {
						t.Fatal(err)
					}
					for point := range uint32(2) {
						x, err := b.w.Series(metric.SitePowerWatts, point, site, metric.Place{}, false)
						if err != nil {
							t.Fatal(err)
						}
						x.Append(at(s), float64(s+10*i))
					}
				}
				b.commit()
				if s%600 == 0 {
					b.compact()
				}
			}
			if len(b.DB().Blocks()) < 2 {
				t.Fatal("there are no blocks")
			}
			for name, ms := range selectors {
				for _, span := range [][2]int64{{math.MinInt64, math.MaxInt64}, {at(600), at(1200)}, {at(3590), at(4000)}} {
					ours, err := b.Querier(span[0], span[1])
					if err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(found(t, database(b, span[0], span[1]), ms), found(t, ours, ms)); d != "" {
						t.Errorf("%s (-database +store):\n%s", name, d)
					}
				}
			}
		})
	}
}

// database reads b as the TSDB does.
func database(b *bench, mint, maxt int64) storage.Querier {
	b.Helper()
	head, err := tsdb.NewBlockQuerier(tsdb.NewRangeHead(b.DB().Head(), mint, maxt), mint, maxt)
	if err != nil {
		b.Fatal(err)
	}
	all := []storage.Querier{head}
	for _, x := range b.DB().Blocks() {
		if !x.OverlapsClosedInterval(mint, maxt) {
			continue
		}
		q, err := tsdb.NewBlockQuerier(x, mint, maxt)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, q)
	}
	return storage.NewMergeQuerier(all, nil, storage.ChainedSeriesMerge)
}

// found is what a selector finds, series by series, and closes q.
func found(t *testing.T, q storage.Querier, ms []*labels.Matcher) (all []string) {
	t.Helper()
	defer q.Close()
	set := q.Select(t.Context(), true, nil, append([]*labels.Matcher{}, ms...)...)
	for set.Next() {
		var points strings.Builder
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			at, v := it.At()
			fmt.Fprintf(&points, " %d:%v", at, v)
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
		all = append(all, set.At().Labels().String()+points.String())
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return all
}
