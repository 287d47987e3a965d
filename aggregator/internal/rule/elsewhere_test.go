package rule_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Receivers get their alerts at the address that was written, and nowhere else: not
// where they send on to, and not where clouds hand out credentials.
func TestAlertsGoNowhereElse(t *testing.T) {
	var elsewhere, asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	codes := []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token-of-a-receiver" {
			t.Errorf("%s is asked with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		http.Redirect(w, r, other.URL, codes[asked.Add(1)%int64(len(codes))])
	}))
	defer receiver.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("token-of-a-receiver"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := rule.NewDelivery(rule.DeliveryConfig{
		Alertmanagers: []rule.Endpoint{{URL: receiver.URL, TokenFile: token}, {URL: "http://169.254.169.254/latest", TokenFile: token}},
		Direct:        rule.Endpoint{URL: receiver.URL + "/direct", TokenFile: token},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := d.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer func() { stop(); running.Wait() }()
	end := time.Now().Add(30 * time.Second)
	for asked.Load() < 4 && time.Now().Before(end) {
		d.Send([]rule.Message{{Labels: []metric.Pair{{Name: "alertname", Value: "HostSilent"}}, StartsAt: time.Now(), Direct: true}})
		time.Sleep(100 * time.Millisecond)
	}
	if asked.Load() < 4 {
		t.Errorf("receivers were asked %d times", asked.Load())
	}
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
	client, err := rule.Endpoint{URL: "http://169.254.169.254/latest"}.Client()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Get("http://169.254.169.254/latest/api/token")
	if err == nil {
		resp.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "nothing connects there") {
		t.Errorf("where credentials are handed out: %v", err)
	}
	if said := fmt.Sprint(d.Faults()); !strings.Contains(said, "nothing connects there") {
		t.Errorf("it is not said why the second is told nothing: %s", said)
	}
}
