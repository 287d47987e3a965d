package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// cells are a quarantine that remembers who was released.
type cells struct{ released []string }

func (c *cells) Quarantined(time.Time) []query.Quarantined {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	return []query.Quarantined{
		{Site: "fra1", Agent: "n7", State: "held", Since: at, Until: at.Add(10 * time.Minute), Refused: 30, Why: "checksum", Times: 2},
		{Site: "ber2", Agent: "n1", State: "released", Since: at, Until: at, Refused: 30, Why: "magic", Times: 1, By: "ada"},
	}
}

func (c *cells) Release(site, agent, by string, _ time.Time) (query.Quarantined, bool) {
	c.released = append(c.released, fmt.Sprint(site, " ", agent, " ", by))
	return query.Quarantined{Site: site, Agent: agent, State: "released", By: by}, agent == "n7"
}

func TestQuarantine(t *testing.T) {
	c, held := config(t), &cells{}
	c.Quarantine = held
	_, base := serve(t, c)
	client := &query.Client{URL: base}
	all, err := client.Quarantine(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(held.Quarantined(time.Now()), all.Agents); d != "" {
		t.Errorf("want -, got +\n%s", d)
	}
	if one, err := client.Quarantine(t.Context(), "ber2"); err != nil || len(one.Agents) != 1 || one.Agents[0].By != "ada" {
		t.Errorf("of one site: %+v, %v", one, err)
	}
	if none, err := client.Quarantine(t.Context(), "ham3"); err != nil || none.Agents == nil || len(none.Agents) != 0 {
		t.Errorf("of a site where nobody is: %+v, %v", none, err)
	}
	if a, err := client.Release(t.Context(), "fra1", "n7"); err != nil || a.State != "released" || a.Agent != "n7" {
		t.Errorf("released is %+v, %v", a, err)
	}
	var e *query.Error
	if _, err := client.Release(t.Context(), "fra1", "n8"); !errors.As(err, &e) || e.Status != 404 || !strings.Contains(err.Error(), `no agent "n8" of site "fra1" is in quarantine`) {
		t.Errorf("of one that is not there: %v", err)
	}
	before := len(held.released)
	for ask, want := range map[string]int{"site=fra1": 400, "agent=n7": 400, "site=fra1&agent=n.7": 400, "site=fra1&agent=n7&by=me": 400, "site=fra1&agent=n7%0alevel": 400} {
		r, err := http.Post(base+"/api/v1/quarantine/release", "application/x-www-form-urlencoded", strings.NewReader(ask))
		if err != nil {
			t.Fatal(err)
		}
		if r.Body.Close(); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", ask, r.StatusCode, want)
		}
	}
	foreign := httptest.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/v1/quarantine/release", strings.NewReader(url.Values{"site": {"fra1"}, "agent": {"n7"}}.Encode()))
	foreign.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	foreign.RequestURI = ""
	r, err := http.DefaultClient.Do(foreign)
	if err != nil {
		t.Fatal(err)
	}
	if r.Body.Close(); r.StatusCode != 403 {
		t.Errorf("a page of another origin is answered %d", r.StatusCode)
	}
	if len(held.released) != before {
		t.Errorf("released were %q", held.released)
	}
}

// Who releases an agent is known by name, and it takes an operator.
func TestWhoReleasesIsNamed(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	held := &cells{}
	c.Quarantine = held
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	may := 0
	for _, p := range ps {
		r := asked(t, s, http.MethodPost, "/api/v1/quarantine/release", "site="+ours+"&agent=n7", "Bearer "+p.token)
		if r.code == 200 {
			if may++; !operators.Has(p.role) || !p.scope.Whole() {
				t.Errorf("%s released one", p.name)
			}
			if last := held.released[len(held.released)-1]; last != ours+" n7 "+p.name {
				t.Errorf("%s did, and it is %q", p.name, last)
			}
		}
	}
	if may == 0 || may != len(held.released) {
		t.Errorf("%d may, and released were %q", may, held.released)
	}
}
