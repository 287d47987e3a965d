package web_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
)

// SECURITY.md says which routes are not for everybody to read, and who changes what,
// as the router has it.
func TestSecurityTellsTheRoutes(t *testing.T) {
	_, list := people()
	c, _ := worldConfig(t, list)
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| route | method | who |\n|---|---|---|\n")
	for _, rt := range s.Routes() {
		for _, m := range rt.Methods {
			who := rt.May(m).String()
			if strings.HasPrefix(rt.Path, "/api/v1/report") || !rt.Open && rt.May(m) == rights.Everybody {
				continue
			}
			if rt.Open {
				who = "everybody, without a token"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", rt.Path, m, who)
		}
	}
	const file, begin = "../../../SECURITY.md", "<!-- routes: written by go test ./aggregator/internal/web -run Security -update -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	was, tail, end := strings.Cut(rest, "<!-- end -->")
	if !ok || !end {
		t.Fatal("SECURITY.md has no place for the routes")
	}
	if was == b.String() {
		return
	}
	if !*update {
		t.Fatalf("SECURITY.md tells of other routes; -update writes\n%s", b.String())
	}
	if err := os.WriteFile(file, []byte(head+begin+b.String()+"<!-- end -->"+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
