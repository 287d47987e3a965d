package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

// numbered gives keys by counting.
type numbered map[string]string

func (n numbered) Key(kind, name string) (string, error) {
	k := kind + "/" + name
	if n[k] == "" {
		n[k] = fmt.Sprintf("%s-%d", kind, 9-len(n))
	}
	return n[k], nil
}

func TestAHiddenStatementNamesNobody(t *testing.T) {
	f, from, hours := shared(t)
	f.sealFloor(from, hours)
	all, err := report.TenantsOf(f.tenantInput(luxembourg(t, 2026, 1, 1), luxembourg(t, 2026, 3, 1)))
	if err != nil {
		t.Fatal(err)
	}
	in := f.jobInput(2026, from, hours)
	in.Tenant = "acme"
	in.About = report.JobAbout{Model: "Example-70B", Provider: "Ida Holm", Evidence: "mail of Ida Holm", Notes: "ask Ida Holm"}
	job, err := report.JobOf(in)
	if err != nil {
		t.Fatal(err)
	}
	keys := numbered{}
	hidden, err := all.Hidden(keys)
	if err != nil {
		t.Fatal(err)
	}
	hiddenJob, err := job.Hidden(keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []report.Statement{hidden, hiddenJob} {
		for _, format := range []string{"json", "csv"} {
			b, err := report.Write(s, format)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"acme", "zeta", "\"mid\"", "Ida", "a0", "night"} {
				if strings.Contains(string(b), name) {
					t.Errorf("%s stands in %s", name, format)
				}
			}
		}
	}
	if all.Names != "joined" || hidden.Names != "opaque" || all.Months[0].Rows[0].Tenant != "acme" {
		t.Errorf("the one with names was changed: %s, %+v", all.Names, all.Months[0].Rows[0])
	}
	if a, b := hidden.Total[0].Tenant, hidden.Total[1].Tenant; a > b || !strings.HasPrefix(a, "tenant-") {
		t.Errorf("%s, %s", a, b)
	}
	if len(hiddenJob.Jobs) < 8 || hiddenJob.Jobs[0].Node != job.Jobs[0].Node {
		t.Errorf("%+v", hiddenJob.Jobs)
	}
}
