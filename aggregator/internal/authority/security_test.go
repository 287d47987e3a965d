package authority

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of SECURITY.md anew")

// SECURITY.md says what the roles are allowed, as they are.
func TestSecurityTellsTheRoles(t *testing.T) {
	var b strings.Builder
	b.WriteString("| role | who | publishes | hears |\n|---|---|---|---|\n")
	told := func(subjects []string) string {
		if len(subjects) == 0 {
			return "nothing"
		}
		return "`" + strings.NewReplacer("{site}", "SITE", "{name}", "NAME").Replace(strings.Join(subjects, "` `")) + "`"
	}
	for _, r := range Roles() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Name, r.Who, told(r.Publish), told(r.Subscribe))
	}
	const file, begin = "../../../SECURITY.md", "<!-- bus: written by go test ./aggregator/internal/authority -run Security -update -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	was, tail, end := strings.Cut(rest, "<!-- end -->")
	if !ok || !end {
		t.Fatal("SECURITY.md has no place for the roles of the bus")
	}
	if was == b.String() {
		return
	}
	if !*update {
		t.Fatalf("SECURITY.md tells of other roles of the bus; -update writes\n%s", b.String())
	}
	if err := os.WriteFile(file, []byte(head+begin+b.String()+"<!-- end -->"+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
