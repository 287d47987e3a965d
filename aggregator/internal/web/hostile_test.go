package web_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/changes"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// bomb is so many bytes, compressed.
func bomb(t *testing.T, size int64, with func(io.Writer) io.WriteCloser) string {
	t.Helper()
	var b bytes.Buffer
	z := with(&b)
	if _, err := io.CopyN(z, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Nothing unpacks what a stranger sent, so that no few bytes become many.
func TestCompressedBodiesAreNotTaken(t *testing.T) {
	c := config(t)
	c.Token = query.NewSecret(token)
	s, base := serve(t, c)
	const size = 32 << 20
	packed := bomb(t, size, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	raw := bomb(t, size, func(w io.Writer) io.WriteCloser {
		z, err := flate.NewWriter(w, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		return z
	})
	if len(packed) > 60<<10 {
		t.Fatalf("the bomb has %d bytes, which is too much for a form", len(packed))
	}
	taken := 0
	for _, rt := range s.Routes() {
		for _, method := range rt.Methods {
			if method != http.MethodPost || !rt.May(method).Has(rights.Admin) {
				continue
			}
			taken++
			for _, x := range []struct{ encoding, body, kind string }{
				{"gzip", packed, "application/x-www-form-urlencoded"}, {"GZIP", packed, "text/csv"}, {"x-gzip", packed, "application/json"}, {"deflate", raw, "text/csv"},
				{"zstd", packed, "application/json"}, {"br", packed, "text/csv"}, {"snappy", packed, "application/x-protobuf"}, {"identity, gzip", packed, "text/csv"}, {"unheard-of", "query=1", "application/x-www-form-urlencoded"},
			} {
				r := request(t, method, base+concrete(rt.Path), x.body)
				r.Header.Set("Authorization", "Bearer "+token)
				r.Header.Set("Content-Encoding", x.encoding)
				r.Header.Set("Content-Type", x.kind)
				got := do(t, r)
				if reason, message := got.failure(t); got.code != http.StatusUnsupportedMediaType || reason != string(query.BadEncoding) || !strings.Contains(message, "must not be compressed") {
					t.Errorf("%s takes %s: %d %s", rt.Path, x.encoding, got.code, got.body)
				}
			}
		}
	}
	if taken < 5 {
		t.Errorf("%d routes take a body", taken)
	}
	for _, path := range []string{"/api/v1/write", "/api/v1/read", "/api/v1/otlp/v1/metrics", "/api/v1/admin/tsdb/delete_series"} {
		r := request(t, http.MethodPost, base+path, packed)
		r.Header.Set("Authorization", "Bearer "+token)
		if got := do(t, r); got.code < 400 || got.code == http.StatusUnsupportedMediaType {
			t.Errorf("%s is answered %d", path, got.code)
		}
	}
}

// No spelling of a name in a path leads to a file, or to anything but an error.
func TestNoNameInAPathIsAPath(t *testing.T) {
	dir := t.TempDir()
	const inside = "what-stands-in-a-file-outside"
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte(inside), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := worldConfig(t, "principals: []\n")
	c.Token = query.NewSecret(token)
	s, base := serve(t, c)
	escaped := url.PathEscape(file)
	names := []string{
		"..", ".", "%2e%2e", "%2e", "..%2f..%2f..%2fsecret", "..%5c..%5csecret", "%2fetc%2fpasswd", escaped, "%252e%252e", "..%252f..%252fsecret", "..%c0%af..%c0%afsecret",
		"x%00", "x%00.json", "%00", "x%0a", "x%2500", "....//....//secret", ".../secret", "..;/secret", "C:%5csecret", "file:%2f%2f" + escaped, strings.Repeat("..%2f", 500), "steps", "lock", "v1.json", "..", "x%2f..%2f..%2fy", "~root", "x%7f",
	}
	asked := 0
	for _, rt := range s.Routes() {
		head, rest, ok := strings.Cut(rt.Path, "{")
		if !ok {
			continue
		}
		for _, name := range names {
			_, tail, _ := strings.Cut(rest, "}")
			path := head + name + strings.NewReplacer("{name}", "host", "{id}", "csv-1", "{year}", "2025", "{figure}", "pue").Replace(tail)
			code, body := raw(t, base, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+token+"\r\nConnection: close\r\n\r\n")
			asked++
			if code < 400 && !strings.Contains(body, `"data":[]`) && body != "the page" || strings.Contains(body, inside) || strings.Contains(body, "root:") {
				t.Errorf("%s is answered %d: %.300s", path, code, body)
			}
		}
	}
	if asked < 10*len(names) {
		t.Errorf("%d paths were asked for", asked)
	}
}

// Whoever changes something is kept on disk before it is changed, and what came of it
// behind; a change that cannot be kept is not made.
func TestChangesAreKept(t *testing.T) {
	_, list := people()
	c, _ := worldConfig(t, list)
	data := t.TempDir()
	l, broken, err := changes.Open(data)
	if err != nil || broken != nil {
		t.Fatal(err, broken)
	}
	c.Changes = l
	c.Token = query.NewSecret(token)
	s, base := serve(t, c)
	routes := 0
	for _, rt := range s.Routes() {
		for _, m := range rt.Methods {
			if m == http.MethodGet || m == http.MethodHead || rt.Path == "/api/v1/alerts/receipt" || !rt.May(m).Has(rights.Admin) || rt.May(m) == rights.Everybody {
				continue
			}
			before, _, err := changes.Check(data)
			if err != nil {
				t.Fatal(err)
			}
			r := request(t, m, base+concrete(rt.Path)+"?site="+ours, "")
			if strings.Contains(rt.Path, "{site}") {
				r.URL.RawQuery = ""
			}
			r.Header.Set("Authorization", "Bearer "+token)
			kind := "application/x-www-form-urlencoded"
			if strings.HasPrefix(rt.Path, "/api/v1/report") {
				kind = "application/json"
			} else if strings.HasPrefix(rt.Path, "/api/v1/imports") {
				kind = "text/csv"
			}
			r.Header.Set("Content-Type", kind)
			got := do(t, r)
			n, _, err := changes.Check(data)
			if err != nil || n != before+2 {
				t.Errorf("%s %s, answered %d: %d lines are kept, %v", m, rt.Path, got.code, n-before, err)
			}
			routes++
		}
	}
	if routes < 6 {
		t.Errorf("%d routes change something", routes)
	}
	text, err := os.ReadFile(changes.File(data))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"route":"/api/v1/health/reset"`, `"method":"DELETE"`, `"site":"` + ours + `"`, `"role":"admin"`, `"answer":`, `"path":"/api/v1/windows/csv-1"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("it lacks %s:\n%s", want, text)
		}
	}
	before := len(text)
	if r := get(t, base+"/api/v1/windows"); r.code == 0 { // who only asks is not kept
		t.Error("no answer")
	}
	if text, err = os.ReadFile(changes.File(data)); err != nil || len(text) != before {
		t.Errorf("a question is kept: %v", err)
	}
	if err := l.Close(); err != nil { // as if the disk were gone
		t.Fatal(err)
	}
	r := request(t, http.MethodDelete, base+"/api/v1/imports/csv-1?site="+ours, "")
	r.Header.Set("Authorization", "Bearer "+token)
	if got := do(t, r); got.code != http.StatusServiceUnavailable || !strings.Contains(got.body, "so it is not made") {
		t.Errorf("a change that cannot be kept is answered %d %s", got.code, got.body)
	}
}
