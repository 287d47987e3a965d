package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func indented(t *testing.T, body string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return b.String()
}

func TestLedgerAnswers(t *testing.T) {
	_, base := serve(t, config(t))
	const span = "&from=2026-11-22T10:00:00Z&to=2026-11-22T13:00:00Z"
	for name, path := range map[string]string{
		"energy_site_hourly.json":   "energy?site=fra1&step=1h" + span,
		"energy_site_whole.json":    "energy?from=1795341600&to=1795352400.0",
		"energy_host.json":          "energy?site=fra1&by=host&boundary=host" + span,
		"energy_uneven_step.json":   "energy?site=fra1&step=7200" + span,
		"energy_cut.json":           "energy?site=fra1&by=host&boundary=host&step=1h&limit=5" + span,
		"energy_job.json":           "energy?site=fra1&by=job&boundary=gpu" + span,
		"energy_tenant_cut.json":    "energy?site=fra1&by=tenant&boundary=host&limit=2" + span,
		"energy_job_no_meter.json":  "energy?site=fra1&by=job&boundary=it" + span,
		"energy_no_meter.json":      "energy?site=fra1&boundary=it" + span,
		"kpi_all.json":              "kpi?site=fra1" + span,
		"kpi_pue_wue_hourly.json":   "kpi?site=fra1&kpi=pue,wue&step=1h" + span,
		"kpi_cut.json":              "kpi?site=fra1&kpi=pue&step=1h&limit=2" + span,
		"kpi_part.json":             "kpi?site=fra1&part=hall+1&category=2" + span,
		"kpi_months.json":           "kpi?site=fra1&kpi=cost&step=month&from=2026-10-31T00:00:00Z&to=2026-12-01T00:00:00Z",
		"reconciliation.json":       "reconciliation?site=fra1" + span,
		"reconciliation_racks.json": "reconciliation?stage=rack,host&finding=exceeds&step=2h" + span,
		"reconciliation_cut.json":   "reconciliation?limit=1" + span,
		"metadata_one.json":         "metadata?metric=gpu_energy_joules_total",
		"rules.json":                "rules",
		"alerts.json":               "alerts",
		"health_not_yet.json":       "health?site=fra1",
		"report_not_yet.json":       "report?site=fra1",
		"unknown_path.json":         "nothing",
		"instant.json":              "query?query=sort(sum+by(host)(gpu_power_watts))&time=600",
		"label_values.json":         "label/host/values",
		"query_bad_expression.json": "query?query=sum(",
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, indented(t, get(t, base+"/api/v1/"+path).body))
		})
	}
}

func TestBadQuestionsNameTheParameter(t *testing.T) {
	c := config(t)
	c.Limits = web.Limits{Range: 48 * time.Hour, Intervals: 24}
	_, base := serve(t, c)
	const span = "&from=2026-11-22T10:00:00Z&to=2026-11-22T13:00:00Z"
	for name, tt := range map[string]struct {
		path    string
		code    int
		reason  string
		message string // contained
	}{
		"by is unknown":             {"energy?by=floor", 400, "bad_data", `parameter "by": "floor" is none of site, hall`},
		"boundary is unknown":       {"energy?boundary=rack", 400, "bad_data", `parameter "boundary": "rack" is none of facility, it, host, gpu`},
		"from is no time":           {"energy?from=yesterday", 400, "bad_data", `parameter "from": "yesterday" is neither RFC 3339 nor unix seconds`},
		"from is off the hour":      {"energy?from=2026-11-22T10:30:00Z&to=2026-11-22T13:00:00Z", 400, "bad_data", `parameter "from": 2026-11-22T10:30:00Z is not on a whole hour`},
		"to is no time":             {"energy?to=1e300", 400, "bad_data", `parameter "to"`},
		"time is not a number":      {"energy?to=NaN", 400, "bad_data", `parameter "to"`},
		"to before from":            {"energy?from=2026-11-22T10:00:00Z&to=2026-11-22T09:00:00Z", 400, "bad_data", `parameter "to": 2026-11-22T09:00:00Z is not after from`},
		"to equals from":            {"energy?from=2026-11-22T10:00:00Z&to=2026-11-22T10:00:00Z", 400, "bad_data", `parameter "to"`},
		"step is no duration":       {"energy?step=often" + span, 400, "bad_data", `parameter "step": "often" is neither`},
		"step is half an hour":      {"energy?step=30m" + span, 400, "bad_data", `parameter "step": 30m0s is not a whole number of hours`},
		"step is negative":          {"energy?step=-3600" + span, 400, "bad_data", `parameter "step"`},
		"limit is zero":             {"energy?limit=0" + span, 400, "bad_data", `parameter "limit"`},
		"a name is misspelt":        {"energy?boundry=it" + span, 400, "bad_data", `parameter "boundry": unknown; known are site, by, boundary`},
		"a parameter stands twice":  {"energy?by=host&by=gpu" + span, 400, "bad_data", `parameter "by": given 2 times`},
		"site is no name":           {"energy?site=a/b" + span, 400, "bad_data", `parameter "site": "a/b" is not a site's name`},
		"site is not there":         {"energy?site=ber2" + span, 404, "not_found", `parameter "site": no site "ber2"`},
		"the range is too long":     {"energy?from=2026-01-01T00:00:00Z&to=2026-11-22T00:00:00Z", 400, "bad_data", `parameter "from": 325d before to; the limit is 2d`},
		"too many intervals":        {"energy?step=1h&from=2026-11-20T00:00:00Z&to=2026-11-22T00:00:00Z", 400, "bad_data", `parameter "step": 48 intervals; the limit is 24`},
		"an escape is broken":       {"energy?site=%zz", 400, "bad_data", "parse parameters"},
		"kpi is unknown":            {"kpi?kpi=pue,eer" + span, 400, "bad_data", `parameter "kpi": "eer" is none of pue, wue`},
		"kpi stands twice":          {"kpi?kpi=pue,pue" + span, 400, "bad_data", `parameter "kpi": pue is asked for twice`},
		"category is none":          {"kpi?category=4" + span, 400, "bad_data", `parameter "category": "4" is none of 1, 2, 3`},
		"part is not there":         {"kpi?part=annexe" + span, 400, "bad_data", `parameter "part": "annexe" is not stated`},
		"part has a PUE alone":      {"kpi?part=hall+1&kpi=wue" + span, 400, "bad_data", `parameter "kpi": "wue" is none of pue`},
		"step is no calendar":       {"kpi?step=week" + span, 400, "bad_data", `parameter "step": "week" is neither`},
		"stage is none":             {"reconciliation?stage=floor" + span, 400, "bad_data", `parameter "stage": "floor" is none of facility`},
		"finding is none":           {"reconciliation?finding=bad" + span, 400, "bad_data", `parameter "finding": "bad" is none of ok`},
		"kpi takes no boundary":     {"kpi?boundary=it" + span, 400, "bad_data", `parameter "boundary": unknown`},
		"kpi of a site not there":   {"kpi?site=ber2" + span, 404, "not_found", `parameter "site"`},
		"metadata limit is no word": {"metadata?limit=all", 400, "bad_data", `parameter "limit"`},
	} {
		t.Run(name, func(t *testing.T) {
			r := get(t, base+"/api/v1/"+tt.path)
			reason, message := r.failure(t)
			if r.code != tt.code || reason != tt.reason || !strings.Contains(message, tt.message) {
				t.Errorf("answer is %d %s %q, want %d %s %q", r.code, reason, message, tt.code, tt.reason, tt.message)
			}
			if got := r.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type is %q", got)
			}
		})
	}
}

func TestKPIsWithoutATimeAreOfTodayAsTheLedgerMeansIt(t *testing.T) {
	_, base := serve(t, config(t))
	client := query.Client{URL: base}
	from, _ := newBooks().Today("fra1", time.Now())
	whole, err := client.KPI(t.Context(), query.KPIQuestion{KPIs: []string{"pue"}})
	if err != nil {
		t.Fatal(err)
	}
	k := whole.KPIs[0]
	if len(whole.KPIs) != 1 || k.From.UnixMilli() != from || !k.From.Equal(whole.From) || !k.To.Equal(whole.To) {
		t.Errorf("the answer is of %v to %v, %+v; want it from %v", whole.From, whole.To, whole.KPIs, time.UnixMilli(from).UTC())
	}
	if ahead := time.Until(whole.To); ahead < -10*time.Second || ahead > time.Minute {
		t.Errorf("it ends at %v, want the end of this minute", whole.To)
	}
	// Steps are those of the day, whenever the site began.
	hourly, err := client.KPI(t.Context(), query.KPIQuestion{KPIs: []string{"pue"}, Step: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range hourly.KPIs {
		if i > 0 && (!k.From.Equal(k.From.Truncate(time.Hour)) || !k.From.Equal(hourly.KPIs[i-1].To)) || i == 0 && k.From.UnixMilli() != from {
			t.Errorf("step %d is of %v to %v", i, k.From, k.To)
		}
	}
	if last := hourly.KPIs[len(hourly.KPIs)-1]; !last.To.Equal(hourly.To) {
		t.Errorf("the last step ends at %v, the answer at %v", last.To, hourly.To)
	}
	// A time that was said stands.
	day := time.Now().UTC().Truncate(24 * time.Hour)
	said, err := client.KPI(t.Context(), query.KPIQuestion{From: day.Add(-24 * time.Hour), To: day})
	if err != nil || !said.From.Equal(day.Add(-24*time.Hour)) || !said.To.Equal(day) {
		t.Errorf("asked for yesterday, answered %+v, %v", said, err)
	}
	if from > day.Add(time.Hour).UnixMilli() {
		if _, message := get(t, base+"/api/v1/kpi?to="+day.Add(time.Hour).Format(time.RFC3339)).failure(t); !strings.Contains(message, "is not after from") {
			t.Errorf("an end before the site began: %q", message)
		}
	}
}

// A site's day begins at its own midnight; the ledger is kept by the hour.
func TestWithoutATimeItIsTheSitesDay(t *testing.T) {
	for zone, off := range map[string]time.Duration{"Pacific/Auckland": 0, "America/Los_Angeles": 0, "Asia/Kolkata": 30 * time.Minute} {
		where, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		b := newBooks()
		if b.basis, err = account.NewBasis(account.Terms{Location: where}); err != nil {
			t.Fatal(err)
		}
		c := config(t)
		c.Ledger = b
		_, base := serve(t, c)
		client := query.Client{URL: base}
		a, err := client.Energy(t.Context(), query.EnergyQuestion{})
		if err != nil {
			t.Fatal(zone, err)
		}
		y, m, d := time.Now().In(where).Date()
		if want := time.Date(y, m, d, 0, 0, 0, 0, where).Add(-off); !a.From.Equal(want) {
			t.Errorf("%s: energy is from %v, want %v", zone, a.From, want)
		}
		k, err := client.KPI(t.Context(), query.KPIQuestion{KPIs: []string{"pue"}, Calendar: "day"})
		if err != nil || k.TimeZone != zone {
			t.Errorf("%s: figures are cut in %q, %v", zone, k.TimeZone, err)
		}
	}
}

func TestSiteMustBeNamedWhereThereAreMany(t *testing.T) {
	c := config(t)
	c.Ledger = &books{sites: []string{"fra1", "ber2"}}
	_, base := serve(t, c)
	if _, message := get(t, base+"/api/v1/energy").failure(t); message != `parameter "site": needed, as the ledger holds 2 sites` {
		t.Errorf("message is %q", message)
	}
}

func TestWhatTheLedgerSaysOfItsFilesStaysInside(t *testing.T) {
	c := config(t)
	c.Ledger = &books{sites: []string{"fra1"}, fault: errBooks}
	_, base := serve(t, c)
	for _, path := range []string{"energy", "kpi"} {
		r := get(t, base+"/api/v1/"+path)
		reason, message := r.failure(t)
		if r.code != 500 || reason != "internal" || strings.Contains(message, "checksum") {
			t.Errorf("%s: answer is %d %s %q", path, r.code, reason, message)
		}
	}
}

// However the answer is cut into portions, it is the same answer.
func TestLongAnswersArePortionedAndKeepTheirOrder(t *testing.T) {
	c := config(t)
	b := newBooks()
	c.Ledger = b
	_, base := serve(t, c)
	client := query.Client{URL: base}
	from := ledgerStart.Add(-300 * 24 * time.Hour)
	a, err := client.Energy(t.Context(), query.EnergyQuestion{By: "host", Boundary: metric.Hosts, From: from, To: ledgerStart, Step: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if want := 300 * 24 * 4; len(a.Lines) != want || a.Truncated {
		t.Fatalf("%d lines, cut %v; want %d whole", len(a.Lines), a.Truncated, want)
	}
	for i, l := range a.Lines {
		if want := from.Add(time.Duration(i/4) * time.Hour); !l.From.Equal(want) || l.Host != "n"+string('1'+rune(i%4)) {
			t.Fatalf("line %d is of %s from %v, want n%d from %v", i, l.Host, l.From, i%4+1, want)
		}
	}
	if n := len(b.asked); n < 3 || n > 20 {
		t.Errorf("the ledger was asked %d times", n)
	}
	for i, q := range b.asked {
		if i > 0 && q.From != b.asked[i-1].To {
			t.Errorf("question %d begins at %d, the one before ended at %d", i, q.From, b.asked[i-1].To)
		}
	}
}

func TestClientSpeaksTheServersLanguage(t *testing.T) {
	c := config(t)
	c.Token = query.NewSecret(token)
	_, base := serve(t, c)
	client := query.Client{URL: base + "/", Token: query.NewSecret(token)}

	e, err := client.Energy(t.Context(), query.EnergyQuestion{
		Site: "fra1", By: "host", Boundary: metric.Hosts, From: ledgerStart, To: ledgerStart.Add(time.Hour), Step: time.Hour, Limit: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Lines) != 3 || !e.Truncated || *e.Lines[2].Millijoules != 1003*3_600_000+1 || *e.Lines[2].KWh != 1.003 || e.Lines[2].Quality["integrated"] == 0 {
		t.Errorf("energy is %+v", e)
	}
	none, err := client.Energy(t.Context(), query.EnergyQuestion{Boundary: metric.IT})
	if err != nil {
		t.Fatal(err)
	}
	if l := none.Lines[0]; l.Millijoules != nil || l.KWh != nil || l.Reason == "" {
		t.Errorf("energy without a meter is %+v", l)
	}
	k, err := client.KPI(t.Context(), query.KPIQuestion{KPIs: []string{"pue"}, From: ledgerStart, To: ledgerStart.Add(2 * time.Hour), Step: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	g, err := client.Reconciliation(t.Context(), query.ReconciliationQuestion{Stages: []string{"rack"}, From: ledgerStart, To: ledgerStart.Add(2 * time.Hour), Findings: []string{"exceeds", "unknown"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Gaps) != 2 || g.Gaps[0].Name != "r1" || *g.Gaps[0].GapWh != -2000 || *g.Gaps[0].Percent != -25 || g.Gaps[1].GapWh != nil || g.Gaps[1].Missing[0] != "n3" {
		t.Errorf("gaps are %+v", g.Gaps)
	}
	days, err := client.KPI(t.Context(), query.KPIQuestion{KPIs: []string{"pue"}, Calendar: "day", Category: 3, Part: "hall 1", From: ledgerStart, To: ledgerStart.Add(30 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(days.KPIs); n != 2 || days.Calendar != "day" || days.KPIs[0].Category != 3 || days.KPIs[0].Part != "hall 1" || !days.KPIs[1].From.Equal(days.KPIs[1].From.Truncate(24*time.Hour)) {
		t.Errorf("by the day: %+v", days)
	}
	if len(k.KPIs) != 2 || *k.KPIs[1].Value != 1.2 || k.KPIs[0].Category != 1 || len(k.KPIs[0].Inputs) != 3 {
		t.Errorf("KPIs are %+v", k)
	}
	i, err := client.Query(t.Context(), `gpu_power_watts{host="n1",gpu="0"}`, time.Unix(600, 250e6))
	if err != nil {
		t.Fatal(err)
	}
	if p := i.Points[0]; p.Value != 700 || p.Labels["site"] != "fra1" || !p.Time.Equal(time.Unix(600, 250e6)) {
		t.Errorf("point is %+v", p)
	}
	if i, err = client.Query(t.Context(), "1/0", time.Time{}); err != nil || len(i.Points) != 1 || i.Points[0].Labels != nil {
		t.Errorf("scalar is %+v, %v", i, err)
	}

	var e1 *query.Error
	if _, err = client.Query(t.Context(), "sum(", time.Time{}); !errors.As(err, &e1) || e1.Status != 400 || e1.Reason != query.BadData {
		t.Errorf("error of a bad expression is %v", err)
	}
	client.Token = query.NewSecret("another-token-0123456789")
	if _, err = client.Energy(t.Context(), query.EnergyQuestion{}); !errors.As(err, &e1) || e1.Status != http.StatusUnauthorized {
		t.Errorf("error of a wrong token is %v", err)
	}
}

func TestTodayIsTheDefault(t *testing.T) {
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct{ now, to time.Time }{
		"within an hour": {day.Add(9*time.Hour + 20*time.Minute), day.Add(10 * time.Hour)},
		"on the hour":    {day.Add(9 * time.Hour), day.Add(9 * time.Hour)},
		"at midnight":    {day, day.Add(time.Hour)},
		"just after":     {day.Add(time.Nanosecond), day.Add(time.Hour)},
		"another zone":   {day.Add(9*time.Hour + time.Minute).In(time.FixedZone("", -10*3600)), day.Add(10 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			from, to, err := web.ParseSpan(url.Values{}, tt.now)
			if err != nil || !from.Equal(day) || !to.Equal(tt.to) {
				t.Errorf("span is %v to %v (%v), want %v to %v", from, to, err, day, tt.to)
			}
		})
	}
}

func TestKilowattHoursAreRoundedOnce(t *testing.T) {
	for mj, want := range map[uint64]float64{
		0: 0, 1_799_999: 0, 1_800_000: 0.001, 3_600_000_000: 1, 123_456_789_012: 34.294, 1<<64 - 1: 5124095576.030,
	} {
		if got := web.KilowattHours(mj); got != want {
			t.Errorf("%d mJ are %v kWh, want %v", mj, got, want)
		}
	}
}
