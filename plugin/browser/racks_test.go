//go:build browser

package browser_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

var racks = flag.Int("racks", 0, "racks that the maps of the site are said to have, made from the first; 0: as it has")

// manyRacks stands before an aggregator, whose maps it says to have n racks.
func manyRacks(t *testing.T, aggregator string, n int) string {
	t.Helper()
	to, err := url.Parse(aggregator)
	if err != nil {
		t.Fatal(err)
	}
	p := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Set("Accept-Encoding", "identity")
	}}
	p.ModifyResponse = func(r *http.Response) error {
		if r.Request.URL.Path != "/api/v1/map" {
			return nil
		}
		var e query.Envelope
		var m query.RackMap
		err := json.NewDecoder(r.Body).Decode(&e)
		if err != nil {
			return err
		}
		if err = json.Unmarshal(e.Data, &m); err != nil || len(m.Racks) == 0 {
			return err
		}
		for i := len(m.Racks); i < n; i++ {
			one := m.Racks[0]
			one.Hall, one.Rack = fmt.Sprintf("h%02d", 1+i/180), fmt.Sprintf("r%04d", i+1)
			if one.Value != nil {
				v := *one.Value * (0.7 + 0.3*float64(i%17)/17)
				one.Value = &v
			}
			m.Racks = append(m.Racks, one)
		}
		m.Total = len(m.Racks)
		if e.Data, err = json.Marshal(m); err != nil {
			return err
		}
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		r.ContentLength = int64(len(body))
		return nil
	}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return s.URL
}
