package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/storage"

	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// What the server understands, the client says back in the same sense.
func FuzzEnergyQuestion(f *testing.F) {
	for _, s := range []string{
		"", "site=fra1&by=gpu&boundary=gpu&from=0&to=3600", "from=2026-11-22T10:00:00%2B01:00&to=253402300799&step=1w&limit=1",
		"from=1e9&to=9e18", "from=NaN", "step=9223372036854775807", "from=-0&to=0x1p20", "by=&boundary=", "limit=-0", "to=0001-01-01T00:00:00Z",
	} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 22, 17, 3, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		v, err := url.ParseQuery(s)
		if err != nil {
			return
		}
		q, err := web.ParseEnergy(v, now)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("the error says nothing")
			}
			return
		}
		if q.From.Unix() < 0 || !q.From.Before(q.To) || q.Step < 0 || q.Step%time.Hour != 0 {
			t.Errorf("%q is understood as %+v", s, q)
		}
		again, err := web.ParseEnergy(q.Values(), now)
		if d := cmp.Diff(q, again); err != nil || d != "" {
			t.Errorf("said again it is another question (%v): %s", err, d)
		}
	})
}

// No target and no header, however odd, gets past the token or brings down the
// server, and every refusal is an answer of ours.
func FuzzRequest(f *testing.F) {
	s, err := web.New(web.Config{Queryable: storage.QueryableFunc(func(int64, int64) (storage.Querier, error) {
		return storage.NoopQuerier(), nil
	}), Ledger: newBooks(), Token: query.NewSecret(token)})
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range []string{"/api/v1/query?query=up", "/healthz", "//", "/%2e%2e/metrics", "/api/v1/label/a%2fb/values", "/api/v1/energy?%zz", "/\x00"} {
		f.Add(p, "Bearer x", true)
		f.Add(p, "", false)
	}
	f.Fuzz(func(t *testing.T, target, authorization string, right bool) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}, Host: "localhost", Body: http.NoBody}
		r.Header["Authorization"] = []string{authorization}
		if right {
			r.Header["Authorization"] = []string{"Bearer " + token}
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r.WithContext(t.Context()))
		open := u.Path == "/healthz" || u.Path == "/readyz"
		if w.Code < 400 && !right && !open {
			t.Errorf("%q with %q is answered %d", target, authorization, w.Code)
		}
		if w.Code >= 500 && w.Code != http.StatusNotImplemented {
			t.Errorf("%q is answered %d: %s", target, w.Code, w.Body)
		}
		if w.Code >= 400 && !strings.HasPrefix(w.Body.String(), `{"status":"error"`) {
			t.Errorf("%q is refused with %d: %s", target, w.Code, w.Body)
		}
	})
}
