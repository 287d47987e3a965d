package store_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// written is a log that can be read while it is written.
type written struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// A query may choose labels, and may hold a secret: it is sent with each request, and
// is in nothing that is said, whatever the remote answers.
func TestTheQueryOfARemoteIsSentAndNotShown(t *testing.T) {
	const told, token = "canary-7f3a+91d2", "canary-of-a-token"
	var mu sync.Mutex
	var heard []url.Values
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		heard = append(heard, r.URL.Query())
		asked++
		n := asked
		mu.Unlock()
		if n%4 == 0 {
			panic(http.ErrAbortHandler) // the error has the address
		}
		w.WriteHeader([]int{0, http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusBadRequest}[n%4])
		fmt.Fprintf(w, "no: you said %s and %s, %s, %s", r.URL, r.Header.Get("Authorization"), told, base64.StdEncoding.EncodeToString([]byte("x"+told)))
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &written{}
	remote := store.Remote{URL: secret.At(server.URL + "/api/v1/write?key=" + url.QueryEscape(told) + "&extra_label=site=north"), TokenFile: file}
	if b, err := json.Marshal(remote); err != nil || strings.Contains(fmt.Sprintf("%+v %#v %s", remote, &remote, b), "canary") {
		t.Errorf("it is printed: %+v %s %v", remote, b, err)
	}
	b := open(t, func(c *store.Config) {
		c.Now, c.Logger = nil, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.RemoteWrite = []store.Remote{remote}
	})
	l := host(column(metric.GPUTemperature, 0, 3, 1))
	start := time.Now().Add(time.Second).UnixMilli()
	for i := range int64(240) {
		b.tick(l, start+i, metric.Of(float64(i)))
		mu.Lock()
		n := asked
		mu.Unlock()
		if n > 8 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	var metrics strings.Builder
	b.metrics.WritePrometheus(&metrics)
	b.close()
	mu.Lock()
	defer mu.Unlock()
	if len(heard) == 0 || heard[0].Get("key") != told || heard[0].Get("extra_label") != "site=north" {
		t.Errorf("the remote was asked %v", heard)
	}
	out := log.String() + metrics.String()
	for name, word := range map[string]string{"the secret": told, "the token": token, "the label": "site=north", "the name": "extra_label"} {
		for line := range strings.Lines(out) {
			if secret.Of(word).Stands(line) {
				t.Errorf("%s is in %s", name, line)
			}
		}
	}
	for _, says := range []string{"url=" + server.URL + "/api/v1/write ", "no: you said /api/v1/write and Bearer [redacted], [redacted], ", `Post \"` + server.URL + `/api/v1/write\"`} {
		if !strings.Contains(out, says) {
			t.Errorf("nothing says %s in\n%s", says, out)
		}
	}
}

func TestAddressesOfRemotes(t *testing.T) {
	const told = "canary-7f3a91d2"
	for address, says := range map[string]string{
		"http://victoria:8428/api/v1/write":                 "",
		"http://victoria:8428/api/v1/write?extra_label=x=y": "",
		"https://mimir/push?a=" + told + "&b=1&a=%2B":       "",
		"http://u:" + told + "@victoria/write":              "secrets do not belong into a url",
		"http://victoria/write#" + told:                     "its url has a # in it",
		"http://victoria/write?a=" + told + ";b=2":          "the query of its url cannot be read",
		"http://victoria/write?a=%zz" + told:                "the query of its url cannot be read",
		"http://u:" + told + "@[::1":                        "its url is none",
		"victoria:8428?" + told:                             "not an http or https address",
		"file:///etc/" + told:                               "not an http or https address",
	} {
		err := store.Remote{URL: secret.At(address)}.Check()
		if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || strings.Contains(err.Error(), told)) {
			t.Errorf("%s: %v; want %q", address, err, says)
		}
	}
}
