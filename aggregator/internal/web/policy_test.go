package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
)

func TestNoServerIsMadeOfARouteWithoutAPolicy(t *testing.T) {
	get, both := []string{http.MethodGet}, []string{http.MethodGet, http.MethodPost}
	for name, tt := range map[string]struct {
		methods []string
		policy  policy
		want    string
	}{
		"all say something":         {both, reads(holdsSite).changed(rights.Admin, http.MethodPost), ""},
		"a form asks":               {both, reads(holdsSeries), ""},
		"none":                      {get, policy{}, "/x has no policy"},
		"only who":                  {get, policy{who: rights.Admin}, "/x has no policy"},
		"only what":                 {get, policy{holds: holdsNone}, "nobody may GET"},
		"open, of a site":           {get, policy{open: true, holds: holdsSite}, "is open, and holds something"},
		"open, to be changed":       {both, free().changed(rights.Admin, http.MethodPost), "or changes it"},
		"a deletion that asks":      {[]string{http.MethodDelete}, reads(holdsSite), "DELETE is not what it says"},
		"a question that changes":   {get, reads(holdsSite).changed(rights.Admin, http.MethodGet), "GET is not what it says"},
		"a change by nobody":        {both, reads(holdsSite).changed(0, http.MethodPost), "nobody may POST"},
		"a change it does not know": {get, reads(holdsSite).changed(rights.Admin, http.MethodPost), "does not answer POST"},
	} {
		err := checkPolicies([]route{{path: "/y", methods: get, policy: reads(holdsNone)}, {path: "/x", methods: tt.methods, policy: tt.policy}})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
