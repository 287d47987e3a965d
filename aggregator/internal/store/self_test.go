package store_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// shown is a metric as /metrics has it; ok is false if it is not there, or there
// more than once.
func (b *bench) shown(name string) (v float64, ok bool) {
	b.Helper()
	var w strings.Builder
	b.metrics.WritePrometheus(&w)
	n := 0
	for line := range strings.Lines(w.String()) {
		if rest, found := strings.CutPrefix(line, name+" "); found {
			var err error
			if v, err = strconv.ParseFloat(strings.TrimSpace(rest), 64); err != nil {
				b.Error(err)
			}
			n++
		}
	}
	return v, n == 1
}

func TestTheDatabasesOwnStateIsShown(t *testing.T) {
	b := open(t, func(c *store.Config) { c.Block, c.Retention = 10*time.Minute, time.Hour })
	l := host(column(metric.GPUTemperature, 0, 3, 2))
	for s := 0; s < 4*3600; s += 10 {
		b.tick(l, at(s), metric.Of(float64(s)), metric.Of(50))
	}
	b.tick(l, at(4*3600-300), metric.Of(7), metric.Of(7))
	if err := b.DB().Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, least := range map[string]float64{
		store.MetricSeries: 2, store.MetricHeadChunks: 2, store.MetricWALBytes: 1, store.MetricOutOfOrder: 2,
		store.MetricCompactions: 1, store.MetricBlocksLoaded: 1, store.MetricDroppedForAge: 1, store.MetricDroppedForSize: 0, store.MetricSeriesRemoved: 0,
		store.MetricCompactionFailures: 0, store.MetricWALFailures: 0, store.MetricWALTruncateFailures: 0, store.MetricWALCorruptions: 0,
		store.MetricCheckpointFailures: 0, store.MetricHeadTruncateFailures: 0, store.MetricReloadFailures: 0,
	} {
		switch v, ok := b.shown(name); {
		case !ok:
			t.Errorf("%s is not shown, or twice", name)
		case v < least || least == 0 && v != 0:
			t.Errorf("%s is %v, want %v or more", name, v, least)
		}
	}
	if _, ok := b.shown(store.MetricRemoteSent); ok {
		t.Error("remote write is shown, and there is none")
	}
	b.reopen() // under the same set
	if _, ok := b.shown(store.MetricWALBytes); !ok {
		t.Error("after a restart the log's size is not shown, or twice")
	}
	b.close()
	if _, ok := b.shown(store.MetricWALBytes); ok {
		t.Error("a closed store shows itself")
	}
}

// Two remotes at one address, and one that refuses: each has its own numbers.
func TestWhatIsSentOnIsCountedByRemote(t *testing.T) {
	answer := func(code int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	takes, refuses := answer(http.StatusNoContent), answer(http.StatusBadRequest)
	b := open(t, func(c *store.Config) {
		c.Now = nil
		c.RemoteWrite = []store.Remote{{URL: secret.At(takes + "/a")}, {URL: secret.At(takes + "/b")}, {URL: secret.At(refuses), Name: "refuses"}}
	})
	address := strings.TrimPrefix(takes, "http://")
	l := host(column(metric.GPUTemperature, 0, 3, 1))
	start := time.Now().Add(time.Second).UnixMilli()
	is := func(name, remote string) float64 {
		v, _ := b.shown(name + `{remote="` + remote + `"}`)
		return v
	}
	for i := range int64(240) {
		b.tick(l, start+i, metric.Of(float64(i)))
		if is(store.MetricRemoteSent, address) > 0 && is(store.MetricRemoteSent, address+"-2") > 0 && is(store.MetricRemoteFailed, "refuses") > 0 {
			if n := is(store.MetricRemoteFailed, address); n != 0 {
				t.Errorf("%v samples failed at a remote that takes all", n)
			}
			for _, name := range []string{store.MetricRemotePending, store.MetricRemoteRetried, store.MetricRemoteReached} {
				if _, ok := b.shown(name + `{remote="` + address + `"}`); !ok {
					t.Errorf("%s is not shown", name)
				}
			}
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
	t.Errorf("sent: %v and %v, failed: %v", is(store.MetricRemoteSent, address), is(store.MetricRemoteSent, address+"-2"), is(store.MetricRemoteFailed, "refuses"))
}
