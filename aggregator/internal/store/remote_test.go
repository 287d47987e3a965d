package store_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/loopback"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// victoria starts a VictoriaMetrics of its own and returns its address.
func victoria(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("victoria-metrics")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no victoria-metrics in CI")
		}
		t.Skip("no victoria-metrics here: Debian has it as victoria-metrics")
	}
	address := loopback.Free(t)
	var out strings.Builder
	c := exec.Command(path, "-storageDataPath", t.TempDir(), "-httpListenAddr", address, "-retentionPeriod", "100y", "-memory.allowedBytes", "64MiB", "-search.latencyOffset", "0s")
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
		for line := range strings.Lines(out.String()) {
			if t.Failed() && !strings.Contains(line, "\tinfo\t") {
				t.Log(line)
			}
		}
	})
	for range 100 {
		if r, err := http.Get("http://" + address + "/health"); err == nil {
			_ = r.Body.Close()
			return "http://" + address
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("victoria-metrics did not answer in ten seconds")
	return ""
}

// exported is what VictoriaMetrics has of a metric: values by gpu, without the
// repetitions of heartbeats.
func exported(t *testing.T, address, name string) map[string][]float64 {
	t.Helper()
	r, err := http.Get(address + "/api/v1/export?match[]=" + url.QueryEscape(name))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	got := map[string][]float64{}
	for d := json.NewDecoder(r.Body); d.More(); {
		var line struct {
			Metric map[string]string
			Values []*float64 // null: stale
		}
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		for _, v := range line.Values {
			if v != nil {
				got[line.Metric["gpu"]] = slices.Compact(append(got[line.Metric["gpu"]], *v))
			}
		}
	}
	return got
}

func TestSamplesAreSentOn(t *testing.T) {
	address := victoria(t)
	b := open(t, func(c *store.Config) {
		c.Now, c.Heartbeat = nil, 4*time.Minute
		c.RemoteWrite = []store.Remote{{URL: secret.At(address + "/api/v1/write"), Name: "victoria", Metrics: "gpu_(power|energy).*"}}
	})
	l := host(column(metric.GPUPowerWatts, 0, 3, 2), column(metric.GPUEnergyJoules, 0, 3, 2), column(metric.GPUTemperature, 0, 3, 1))
	// What was before the store was opened is not sent, so the time is now's.
	start := time.Now().Add(time.Second).UnixMilli()
	for i := range int64(5) {
		b.tick(l, start+i*1000, metric.Of(float64(600+i)), metric.Of(1), metric.Raw(1000*i), metric.Raw(2500*i), metric.Of(60))
	}
	want := []map[string][]float64{{"0": {600, 601, 602, 603, 604}, "1": {1}}, {"0": {0, 1, 2, 3, 4}, "1": {0, 2.5, 5, 7.5, 10}}, {}}
	var got []map[string][]float64
	for i := range int64(60) {
		// The log is read when it is written to, or after a quarter of a minute.
		b.tick(l, start+5000+i, metric.Of(604), metric.Of(1), 4000, 10000, metric.Of(float64(i)))
		got = nil
		for _, name := range []string{"gpu_power_watts", "gpu_energy_joules_total", "gpu_temperature_celsius"} {
			got = append(got, exported(t, address, name))
		}
		if cmp.Equal(want, got) {
			break
		}
		time.Sleep(250 * time.Millisecond)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("VictoriaMetrics has (-want +got):\n%s", d)
	}
	r, err := http.Get(address + "/api/v1/query?query=" + url.QueryEscape("sum(gpu_power_watts)") + fmt.Sprintf("&time=%d", start/1000+5))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Data.Result) != 1 || answer.Data.Result[0].Value[1] != "605" {
		t.Errorf("its PromQL answers %v, want 605", answer.Data.Result)
	}
	if n, ok := b.shown(store.MetricRemoteSent + `{remote="victoria"}`); !ok || n < 16 {
		t.Errorf("%v samples counted as sent, want 16 or more", n)
	}
}

func TestRemoteThatIsAwayDelaysNothing(t *testing.T) {
	b := open(t, func(c *store.Config) {
		c.Now = nil
		c.RemoteWrite = []store.Remote{{URL: secret.At("http://127.0.0.1:1/api/v1/write")}}
	})
	l := host(column(metric.GPUPowerWatts, 0, 3, 2))
	start := time.Now()
	for i := range 2000 {
		b.tick(l, start.UnixMilli()+int64(i), metric.Of(float64(i)), 1)
	}
	b.close()
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("closing took %v with a remote that is away", d)
	}
}

// A remote that sends on to elsewhere is not followed: tokens, passwords and headers
// would go there.
func TestARemoteIsNotFollowedElsewhere(t *testing.T) {
	var elsewhere, asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, other.URL, http.StatusPermanentRedirect)
	}))
	defer remote.Close()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("token-of-a-remote"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, func(c *store.Config) {
		c.Now, c.Logger = nil, slog.New(slog.DiscardHandler)
		c.RemoteWrite = []store.Remote{{URL: secret.At(remote.URL + "/api/v1/write"), TokenFile: file}}
	})
	l := host(column(metric.GPUPowerWatts, 0, 3, 2))
	start := time.Now().Add(time.Second).UnixMilli()
	for i := int64(0); i < 400 && asked.Load() == 0; i++ {
		b.tick(l, start+i*100, metric.Of(float64(i)), 1)
		time.Sleep(100 * time.Millisecond)
	}
	if asked.Load() == 0 {
		t.Fatal("the remote was not asked")
	}
	time.Sleep(300 * time.Millisecond) // in which it would be followed
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
	for _, address := range []string{"http://169.254.169.254/latest/", "https://[fd00:ec2::254]/x", "http://100.100.100.200/x"} {
		if err := (store.Remote{URL: secret.At(address)}).Check(); err == nil || !strings.Contains(err.Error(), "credentials") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
