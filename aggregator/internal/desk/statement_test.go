package desk_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/desk"
	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

func everything(string) bool { return true }

// A statement names nobody, save for who may have the names; it is signed in the name
// of somebody, and what stands in the log is what was handed out.
func TestAStatementIsHandedOut(t *testing.T) {
	o := newOffice(t)
	o.of = described(t, strings.Replace(siteText(t), "  - {name: Ben, may: [approve]}", "  - {name: ben, may: [approve, names]}", 1))
	o.l.site = o.of.Site
	ask := func(q query.StatementQuestion, sign bool, by query.ReportReader) (*query.Statement, error) {
		return o.Statement(t.Context(), q, sign, by, everything)
	}
	month := query.StatementQuestion{Kind: "tenant", Site: year.Site, Month: "2025-12", Format: "csv"}
	all, err := ask(month, false, anna)
	if err != nil || all.Signed || all.Note != "" || strings.Contains(string(all.File), "acme") || !strings.Contains(string(all.File), "tenant-") || all.Name != "tenant-vilvoorde-2025-12.csv" || len(all.Issues) != 0 {
		t.Fatalf("a statement of all: %v, %s", err, all.File)
	}
	named := month
	named.Names = true
	_, err = ask(named, false, anna)
	refused(t, "names for anna", err, query.ErrNames, `no such person`)
	if x, err := ask(named, false, ben); err != nil || !strings.Contains(string(x.File), "acme,Facility kWh") {
		t.Errorf("names for ben: %v", err)
	}
	// A tenant has its own names, and nothing of others or of the site.
	mine := query.StatementQuestion{Kind: "tenant", Site: year.Site, Month: "2025-12", Tenant: "acme", Names: true, Mine: true, Own: true, Format: "json"}
	own, err := ask(mine, false, query.ReportReader{Name: "tina", Role: "viewer"})
	if err != nil {
		t.Fatal(err)
	}
	var x struct {
		Months []struct {
			Rows []map[string]any `json:"rows"`
		} `json:"months"`
		Total []map[string]any `json:"total"`
	}
	if err := json.Unmarshal(own.File, &x); err != nil {
		t.Fatal(err)
	}
	if rows := x.Months[0].Rows; len(rows) != 1 || rows[0]["tenant"] != "acme" || rows[0]["share_of_site_pct"] != nil || rows[0]["kwh"] == nil || len(x.Total) != 1 || strings.Contains(string(own.File), "zeta") {
		t.Errorf("a tenant's own: %+v", x)
	}
	// Signed: by somebody, with a key that holds it.
	_, err = ask(month, true, query.ReportReader{})
	refused(t, "signed by nobody", err, query.ErrStep, "somebody whom the server knows")
	signed, err := ask(month, true, anna)
	if err != nil || !signed.Signed {
		t.Fatalf("signed: %v", err)
	}
	if c, err := statement.Verify(signed.File, []byte(signed.Note), signed.Key); err != nil || c.Kind != "tenant" || c.Period != "2025-12" || c.Leaves != 750 {
		t.Errorf("its note: %+v, %v", c, err)
	}
	log, err := statement.NewFolder(o.dir).Log(year.Site)
	if err != nil || len(log) != 1 || log[0].By != "anna" || log[0].Role != "energy" || log[0].SHA256 != signed.SHA256 || log[0].Action != statement.ActSign {
		t.Errorf("the log: %+v, %v", log, err)
	}
	// The command makes the same bytes.
	s, err := o.State(t.Context(), month, query.ReportReader{Name: "Anna"}, everything)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := o.Hand(s, "csv", false, desk.Hander{Name: "Anna"}); err != nil || string(h.File) != string(signed.File) {
		t.Errorf("the command's file is another: %v", err)
	}
}

// What has errors is made, and not signed.
func TestAStatementWithErrorsIsNotSigned(t *testing.T) {
	o := newOffice(t)
	q := query.StatementQuestion{Kind: "tenant", Site: year.Site, Year: 2026}
	x, err := o.Statement(t.Context(), q, true, anna, everything)
	if err != nil || x.Signed || x.Note != "" || !strings.HasPrefix(x.Why, "E_PERIOD_OPEN") {
		t.Errorf("of a year that is not over: signed %t, %s, %v", x.Signed, x.Why, err)
	}
	if log, err := statement.NewFolder(o.dir).Log(year.Site); err != nil || len(log) != 0 {
		t.Errorf("the log: %+v, %v", log, err)
	}
	o.l.fail(&o.l.spoilt, errors.New("hour 2025-12-17T09Z was changed"))
	_, err = o.Statement(t.Context(), query.StatementQuestion{Kind: "tenant", Site: year.Site, Month: "2025-12"}, false, anna, everything)
	refused(t, "of hours that were changed", err, query.ErrReport, "2025-12-17T09Z")
}

// Each kind by its own question, and what is wrong with others.
func TestQuestionsOfStatements(t *testing.T) {
	o := newOffice(t)
	for name, x := range map[string]struct {
		q    query.StatementQuestion
		kind error // nil: it is answered
		want string
	}{
		"a job":                      {query.StatementQuestion{Kind: "job", Site: year.Site, Jobs: []string{"run-acme"}, From: "2025-12-03", To: "2025-12-05", Format: "csv", About: []byte(`{"model":"Example-70B"}`)}, nil, "Example-70B"},
		"all jobs of a tenant":       {query.StatementQuestion{Kind: "job", Site: year.Site, Tenant: "zeta", From: "2025-12-03T00:00:00Z", To: "2025-12-05", Format: "json"}, nil, `"boundary": "facility"`},
		"all sites":                  {query.StatementQuestion{Kind: "fleet", Year: 2025}, nil, "pue_edc_weighted"},
		"the extract for ESRS":       {query.StatementQuestion{Kind: "esrs", Year: 2025}, nil, "E1"},
		"of a job that is another's": {query.StatementQuestion{Kind: "job", Site: year.Site, Jobs: []string{"run-zeta"}, Tenant: "acme", From: "2025-12-03", To: "2025-12-05"}, query.ErrNothing, "nothing of it"},
		"of nothing":                 {query.StatementQuestion{Kind: "weather", Year: 2025}, query.ErrNoReport, "weather"},
		"of no job":                  {query.StatementQuestion{Kind: "job", Site: year.Site, Year: 2025}, query.ErrAsked, "neither a job nor a tenant"},
		"of no time":                 {query.StatementQuestion{Kind: "tenant", Site: year.Site}, query.ErrAsked, "a year, a month"},
		"of two times":               {query.StatementQuestion{Kind: "tenant", Site: year.Site, Year: 2025, Month: "2025-12"}, query.ErrAsked, "a year, a month"},
		"of a month that is none":    {query.StatementQuestion{Kind: "tenant", Site: year.Site, Month: "12/2025"}, query.ErrAsked, "such as 2026-11"},
		"of a time backwards":        {query.StatementQuestion{Kind: "job", Site: year.Site, Tenant: "acme", From: "2025-12-05", To: "2025-12-03"}, query.ErrAsked, "is nothing"},
		"of a time too long":         {query.StatementQuestion{Kind: "job", Site: year.Site, Tenant: "acme", From: "2015-12-05", To: "2025-12-03"}, query.ErrAsked, "800 days"},
		"of a year long ago":         {query.StatementQuestion{Kind: "esrs", Year: 1789}, query.ErrNoReport, "1789"},
		"with something unknown":     {query.StatementQuestion{Kind: "job", Site: year.Site, Tenant: "acme", Year: 2025, About: []byte(`{"colour":"red"}`)}, query.ErrAsked, "colour"},
		"as a format that is none":   {query.StatementQuestion{Kind: "esrs", Year: 2025, Format: "odt"}, query.ErrAsked, "odt"},
		"of a site that is none":     {query.StatementQuestion{Kind: "tenant", Site: "nowhere", Year: 2025}, query.ErrNoSite, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := o.Statement(t.Context(), x.q, false, anna, everything)
			switch {
			case x.kind != nil:
				refused(t, "it", err, x.kind, x.want)
			case err != nil || !strings.Contains(string(a.File), x.want):
				t.Errorf("%v: it is without %q", err, x.want)
			}
		})
	}
	_, err := o.Statement(t.Context(), query.StatementQuestion{Kind: "fleet", Year: 2025}, false, anna, func(string) bool { return false })
	refused(t, "of sites that one does not see", err, query.ErrNoReport, "")
	_, err = o.Statement(t.Context(), query.StatementQuestion{Kind: "tenant", Site: year.Site, Year: 2025}, false, anna, func(string) bool { return false })
	refused(t, "of a site that one does not see", err, query.ErrNoSite, "")
}
