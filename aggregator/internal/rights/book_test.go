package rights_test

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
)

// Whatever stands in a list, who is on it has a name, a role and a scope that holds
// something, and no complaint repeats what may be a token.
func FuzzList(f *testing.F) {
	_, word := rights.NewToken()
	for _, text := range []string{
		"principals: []", "contact: a\nprincipals:\n- {name: a, role: viewer, sites: [b], token: gw_}\n",
		text(line("anna", rights.Viewer, word, "alfa")), text(line("anna", rights.Admin, word, "*"), rights.Line("bob", rights.Viewer, []string{"alfa"}, []string{"physics"}, true, word)),
		"principals:\n- {name: a, role: energy, sites: [b, c], certificate: CN=a}\n- &x {name: b}\n- *x\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := rights.ParseBook(b)
		if err != nil {
			if i := strings.Index(string(b), "gw_"); i >= 0 && len(b) >= i+20 && !strings.ContainsAny(string(b[i:i+20]), " \n") && strings.Contains(err.Error(), string(b[i:i+20])) && strings.Contains(err.Error(), ".token") {
				t.Errorf("a complaint holds what stands for a token: %v", err)
			}
			return
		}
		for _, p := range list {
			sites, all := p.Scope.Sites()
			tenants, _ := p.Scope.Tenants()
			if !rights.ValidName(p.Name) || p.Role == 0 || p.Role&(p.Role-1) != 0 || !all && len(sites) == 0 || len(tenants) > 0 && p.Role != rights.Viewer {
				t.Errorf("%q is %+v", b, p)
			}
		}
	})
}
