package report_test

import (
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A situation is a change to a site that is in order, and the rule that it breaks.
type situation struct {
	entries []string // of the report section
	replace []string // pairs, in the other sections
	change  func(l *fakeLedger, in *report.Input)
	code    string
	field   string
	text    string // a part of what is said
}

// soundSite breaks no rule.
const soundSite = `
meters:
  - {id: grid, role: grid_input, point: a, serial: "1", accuracy: "1", calibrated: 2025-01-10}
  - {id: pv, role: onsite_generation, point: b, serial: "2", accuracy: "1", calibrated: 2025-01-10}
  - {id: diesel, role: generator_output, point: c, serial: "3", accuracy: "1", calibrated: 2025-01-10}
  - {id: ups, role: ups_output, point: d, rating: 3 MW, serial: "4", accuracy: "1", calibrated: 2025-01-10}
  - {id: cooling, role: cooling, point: e, serial: "5", accuracy: "1", calibrated: 2025-01-10}
  - {id: losses, role: distribution, point: f, serial: "9", accuracy: "1", calibrated: 2025-01-10}
  - {id: water, role: water_total, point: g, serial: "6", accuracy: "1", calibrated: 2025-01-10}
  - {id: tap, role: water_potable, point: h, serial: "7", accuracy: "1", calibrated: 2025-01-10}
  - {id: heat, role: heat_reuse, point: i, serial: "8", accuracy: "1", calibrated: 2025-01-10}
grid: {connection: 5 MW}
generators: {id: genset, fuel: diesel, rating: 1 MW, factor: 700 g/kWh, evidence: sheet, meter: diesel}
batteries: {id: bess, capacity: 1 MWh, power: 1 MW}
it_power: {power: 3 MW, evidence: list}
boundary: {wue_category: 1}
contracts:
  supply: {name: S, factor: 300 g/kWh, evidence: bill}
  guarantees:
    - {id: G-1, volume: 100 MWh, technology: solar, produced: {first_day: 2026-01-01, last_day: 2026-06-30}, retired: 2026-09-15, year: 2026, evidence: register}
  ppa:
    - {name: park, technology: wind_onshore, volume: 1 GWh, contract_volume: 2 GWh, guarantees: [P-1], guarantees_retired: true, evidence: contract, first_day: 2026-01-01}
  own_generation:
    - {id: O-1, volume: 1 MWh, produced: {first_day: 2026-12-01, last_day: 2026-12-31}, retired: 2027-01-10, evidence: register}
`

var soundEntries = []string{"in_operation_since", "2026-12", "heat_customers", "town", "s_dc_m2", "900", "s_cr_m2", "400", "data_in_eb", "0.9", "data_out_eb", "0.5"}

// sound is the input of a report that breaks no rule, changed.
func (x *situation) input(t *testing.T) report.Input {
	t.Helper()
	l := &fakeLedger{
		perHour: map[string]float64{"grid": 2300, "pv": 100, "diesel": 10, "ups": 2000, "cooling": 300, "losses": 80, "water": 1, "tap": 0.5, "heat": 500},
		hosts:   1900, gpus: 1300, kpis: map[string]account.KPI{},
	}
	text := soundSite
	for i := 0; i < len(x.replace); i += 2 {
		if !strings.Contains(text, x.replace[i]) {
			t.Fatalf("there is no %q", x.replace[i])
		}
		text = strings.Replace(text, x.replace[i], x.replace[i+1], 1)
	}
	entries := slices.Clone(x.entries)
	for i := 0; i < len(soundEntries); i += 2 {
		if k := slices.Index(x.entries, soundEntries[i]); k < 0 || k%2 == 1 {
			entries = append(entries, soundEntries[i], soundEntries[i+1])
		}
	}
	in := faked(t, text+begun("2026-12", entries...), l)
	if x.change != nil {
		x.change(l, &in)
	}
	return in
}

// german puts a site into Germany.
func german(_ *fakeLedger, in *report.Input) { in.Rules, in.Beside = germany() }

func value(v float64) account.KPI { return account.KPI{Value: &v} }

// another is a site file of another site.
func another(t *testing.T, sections string) *site.Site {
	return parse(t, strings.Replace(siteHead, "site: s1", "site: s2", 1)+sections)
}

func situations(t *testing.T) map[string]situation {
	earlier := func(year int, site string, change func(*report.Record)) func(*fakeLedger, *report.Input) {
		return func(_ *fakeLedger, in *report.Input) {
			x := &situation{}
			r := build(t, x.input(t))
			r.Period.Year, r.Period.Partial, r.Site = year, false, site
			change(r)
			in.Earlier = append(in.Earlier, r)
		}
	}
	meter := func(id string, v float64) func(*fakeLedger, *report.Input) {
		return func(l *fakeLedger, _ *report.Input) { l.perHour[id] = v }
	}
	gone := func(ids ...string) func(*fakeLedger, *report.Input) {
		return func(l *fakeLedger, _ *report.Input) {
			for _, id := range ids {
				delete(l.perHour, id)
			}
		}
	}
	kpi := func(kv map[string]account.KPI) func(*fakeLedger, *report.Input) {
		return func(l *fakeLedger, _ *report.Input) { l.kpis = kv }
	}
	return map[string]situation{
		"the year is not over":            {code: "E_PERIOD_OPEN", change: func(_ *fakeLedger, in *report.Input) { in.Now = time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC) }},
		"meters counted before it began":  {code: "W_BEFORE_OPERATION", field: "in_operation_since", text: "since 2026-12-01, and meters counted from 2026-01-01 on (diesel, grid, pv, ups)", change: func(l *fakeLedger, _ *report.Input) { l.before = true }},
		"the site is small":               {code: "W_SCOPE_OUT", replace: []string{"power: 3 MW, evidence", "power: 400 kW, evidence"}},
		"the site is nearly small":        {code: "W_SCOPE_NEAR", replace: []string{"power: 3 MW, evidence", "power: 540 kW, evidence"}},
		"an owner is missing":             {code: "E_ANNEX1_MISSING", field: "owner", entries: []string{"owner", `""`}},
		"a contact has no address":        {code: "E_ANNEX1_FORM", field: "owner_contact", entries: []string{"owner_contact", "Ida Berg"}},
		"a contact has half an address":   {code: "E_ANNEX1_FORM", field: "owner_contact", entries: []string{"owner_contact", "Ida Berg <ida@>"}},
		"a type is none":                  {code: "E_ANNEX1_FORM", field: "dc_type", entries: []string{"dc_type", "cohosting"}},
		"a flag is neither":               {code: "E_ANNEX1_FORM", field: "also_colo", entries: []string{"also_colo", "perhaps"}},
		"a region is none":                {code: "E_ANNEX1_FORM", field: "nuts3_code", entries: []string{"nuts3_code", "LU"}},
		"a location is none":              {code: "E_ANNEX1_FORM", field: "lau_code", entries: []string{"lau_code", "'?'"}},
		"a location is in no table":       {code: "E_ANNEX1_FORM", field: "lau_code", change: func(_ *fakeLedger, in *report.Input) { in.LAU = func(string) bool { return false } }},
		"there is no table":               {code: "W_LAU_UNCHECKED", change: func(_ *fakeLedger, in *report.Input) { in.LAU = nil }},
		"redundancy is written otherwise": {code: "W_ANNEX1_FORM", field: "red_elec_hv", entries: []string{"red_elec_hv", "2N+1"}},
		"a service repeats the type":      {code: "E_ALSO_REPEATS", entries: []string{"also_cohost", "yes"}},
		"nobody looked at the entries for years": {code: "W_ANNEX1_STALE", change: func(l *fakeLedger, in *report.Input) {
			earlier(2025, "s1", func(*report.Record) {})(l, in)
			earlier(2024, "s1", func(*report.Record) {})(l, in)
		}},
		"a figure is missing":                                    {code: "E_MISSING", field: "t_wh_c", entries: []string{"t_wh_c", `""`}},
		"a range is no figure":                                   {code: "E_MISSING", field: "s_dc_m2", entries: []string{"s_dc_m2", "800-900"}, text: "no range"},
		"IT drew more than is installed":                         {code: "E_PDIT_BELOW_LOAD", replace: []string{"power: 3 MW, evidence", "power: 1800 kW, evidence"}},
		"nothing is installed":                                   {code: "E_PDIT_ZERO", replace: []string{"it_power: {power: 3 MW, evidence: list}\n", ""}, entries: []string{"pd_it_kw", "0"}},
		"nobody says whether it is installed":                    {code: "E_PDIT_BASIS", replace: []string{"it_power: {power: 3 MW, evidence: list}\n", ""}, entries: []string{"pd_it_kw", "3000", "pd_it_basis", "guessed"}},
		"little is used":                                         {code: "W_PDIT_UTILISATION", replace: []string{"power: 3 MW, evidence", "power: 30 MW, evidence"}},
		"rooms are larger than the whole":                        {code: "E_AREA", entries: []string{"s_cr_m2", "1000"}},
		"an area is nothing":                                     {code: "E_AREA", entries: []string{"s_cr_m2", "0"}},
		"a room is dense":                                        {code: "W_AREA_DENSITY", entries: []string{"s_cr_m2", "40"}},
		"IT draws more than comes in":                            {code: "E_EDC_BELOW_IT", change: meter("grid", 1000)},
		"parts draw more than comes in":                          {code: "E_EDC_BELOW_PARTS", change: meter("cooling", 900)},
		"an invoice says otherwise":                              {code: "W_EDC_INVOICE", entries: []string{"invoice_e_dc_kwh", "1900000"}},
		"the connection is too small":                            {code: "W_EDC_CONNECTION", replace: []string{"connection: 5 MW", "connection: 2 MW"}},
		"generators give more than is drawn":                     {code: "E_BG_ABOVE_DC", replace: []string{"  - {id: heat, ", "  - {id: out, role: export, point: k}\n  - {id: heat, "}, change: func(l *fakeLedger, _ *report.Input) { l.perHour["diesel"], l.perHour["out"] = 5000, 4900 }},
		"generators ran for long":                                {code: "W_BG_HIGH", change: meter("diesel", 100)},
		"generators never ran":                                   {code: "W_BG_ZERO", change: meter("diesel", 0)},
		"IT draws nothing":                                       {code: "E_EIT_ZERO", change: meter("ups", 0)},
		"nodes draw more than IT":                                {code: "E_EIT_BELOW_HOSTS", change: func(l *fakeLedger, _ *report.Input) { l.hosts = 2100 }},
		"nodes draw little":                                      {code: "W_COV_HOST", change: func(l *fakeLedger, _ *report.Input) { l.hosts = 1500 }},
		"boards draw more than IT":                               {code: "E_COV_GPU", change: func(l *fakeLedger, _ *report.Input) { l.gpus = 2100 }},
		"boards draw little":                                     {code: "W_COV_GPU", change: func(l *fakeLedger, _ *report.Input) { l.gpus = 500 }},
		"UPS carry more than they can":                           {code: "W_UPS_RATING", replace: []string{"rating: 3 MW, serial", "rating: 1.8 MW, serial"}},
		"something draws that has no meter":                      {code: "W_REST", change: meter("cooling", 100)},
		"capacity is offered without functions":                  {code: "E_BTG_WITHOUT_GRID", entries: []string{"c_btg_kw", "500"}},
		"more is offered than there is":                          {code: "W_BTG_ABOVE_BATTERY", entries: []string{"c_btg_kw", "5000", "grid_functions", "yes"}},
		"more is potable than came in":                           {code: "E_WIN_BELOW_POT", change: meter("tap", 2)},
		"nobody says the category of the water":                  {code: "E_WUE_CATEGORY", replace: []string{"boundary: {wue_category: 1}\n", ""}},
		"an invoice of water says otherwise":                     {code: "W_WIN_INVOICE", entries: []string{"invoice_w_in_m3", "800"}},
		"no water is taken, and it evaporates":                   {code: "W_WIN_ZERO", change: func(l *fakeLedger, _ *report.Input) { l.perHour["water"], l.perHour["tap"] = 0, 0 }, entries: []string{"evaporative_cooling", "yes"}},
		"the mains give nothing":                                 {code: "W_WPOT_ZERO", change: meter("tap", 0), entries: []string{"mains_connection", "yes"}},
		"more is fresh than came in":                             {code: "E_WFRE_ABOVE_WIN", replace: []string{"  - {id: water, role: water_total, point: g, serial: \"6\", accuracy: \"1\", calibrated: 2025-01-10}\n", ""}, entries: []string{"w_in_m3", "100", "w_in_pot_m3", "1", "w_in_fre_m3", "200"}},
		"more heat comes back than was given":                    {code: "E_REUSE_RANGE", replace: []string{"  - {id: heat, ", "  - {id: back, role: heat_reuse, taken_off: true, point: j}\n  - {id: heat, "}, change: func(l *fakeLedger, _ *report.Input) { l.perHour["back"] = 600 }},
		"more heat is given than is drawn":                       {code: "E_REUSE_RANGE", change: meter("heat", 3000)},
		"all heat is given away":                                 {code: "W_REUSE_NEAR_IT", change: meter("heat", 1950)},
		"nobody took the heat":                                   {code: "W_REUSE_NO_CUSTOMER", entries: []string{"heat_customers", `""`}},
		"waste heat boils":                                       {code: "E_TWH_RANGE", entries: []string{"t_wh_c", "120"}},
		"waste heat is hot":                                      {code: "W_TWH_ODD", entries: []string{"t_wh_c", "75"}},
		"waste heat is colder than the intake":                   {code: "W_TWH_ODD", entries: []string{"t_wh_c", "15"}},
		"a set-point is none":                                    {code: "E_TIN_RANGE", entries: []string{"t_in_c", "50"}},
		"a set-point is high":                                    {code: "W_TIN_ODD", entries: []string{"t_in_c", "35"}},
		"a refrigerant has no such name":                         {code: "E_REFRIGERANT", entries: []string{"refrigerants", "[R1234ze(E), Freon]"}},
		"there is no refrigerant":                                {code: "W_REFRIGERANT_NONE", entries: []string{"refrigerants", "none"}},
		"degree days are below zero":                             {code: "E_CDD", entries: []string{"cdd", "-5"}},
		"degree days are many":                                   {code: "W_CDD_HIGH", entries: []string{"cdd", "2000"}},
		"degree days are another place's":                        {code: "W_CDD_REGION", change: func(_ *fakeLedger, in *report.Input) { d := report.Whole(90); in.RegionalCDD = &d }},
		"degree days are not those of the region that is stated": {code: "W_CDD_REGION", entries: []string{"cdd_region", "90"}},
		"a limit of the country is broken":                       {code: "W_LIMIT", field: "ref", text: "at least 0.50 since 2024-01-01", change: german},
		"electricity of heat pumps is not known":                 {code: "W_HEAT_UPGRADE", field: "pue", text: "whether pue is at most 1.2, as it has to be from 2028-12-01 on, is not known: this limit leaves out", change: german},
		"electricity of heat pumps is more than there is":        {code: "W_HEAT_UPGRADE", field: "pue", text: "are not of IT", entries: []string{"e_heat_upgrade_kwh", "9000000"}, change: german},
		"a limit of the country cannot be told":                  {code: "W_LIMIT_UNKNOWN", field: "pue", entries: []string{"in_operation_since", "soon"}, change: german},
		"a guarantee is another site's": {code: "E_GO_TWICE", text: "s2", change: func(_ *fakeLedger, in *report.Input) {
			in.Others = append(in.Others, another(t, "contracts:\n  guarantees:\n    - {id: G-1, volume: 1 MWh, technology: solar, produced: {first_day: 2026-01-01, last_day: 2026-06-30}, retired: 2026-09-15, year: 2026, evidence: r}\n"))
		}},
		"a guarantee was used the year before": {code: "E_GO_TWICE", text: "2025", change: earlier(2025, "s1", func(*report.Record) {})},
		"a guarantee had expired":              {code: "E_GO_EXPIRED", replace: []string{"produced: {first_day: 2026-01-01, last_day: 2026-06-30}, retired: 2026-09-15", "produced: {first_day: 2024-01-01, last_day: 2024-06-30}, retired: 2025-09-15"}},
		"a guarantee is of the agreement":      {code: "E_GO_OWN", replace: []string{"guarantees: [P-1]", "guarantees: [G-1]"}},
		"a guarantee is of another's generation": {code: "E_GO_OWN", change: func(_ *fakeLedger, in *report.Input) {
			in.Others = append(in.Others, another(t, "contracts:\n  own_generation:\n    - {id: G-1, volume: 1 MWh, produced: {first_day: 2026-01-01, last_day: 2026-06-30}}\n"))
		}},
		"sites claim more than the contract has": {code: "E_PPA_OVER", text: "s1, s2", replace: []string{"contract_volume: 2 GWh", "contract_volume: 150 MWh"}, change: func(_ *fakeLedger, in *report.Input) {
			in.Others = append(in.Others, another(t, "contracts:\n  ppa:\n    - {name: park, technology: wind_onshore, volume: 1 GWh, guarantees_retired: true, evidence: c, first_day: 2026-01-01}\n"))
		}},
		"more is exported than generated": {code: "E_OS_NEGATIVE", replace: []string{"  - {id: heat, ", "  - {id: out, role: export, point: k}\n  - {id: heat, "}, change: meter("out", 150)},
		"more is claimed than drawn":      {code: "E_RES_OVERCLAIM", replace: []string{"volume: 100 MWh", "volume: 5 GWh"}},
		"nobody says how much ICT covers": {code: "E_ICT_COVERAGE", field: "c_serv", entries: []string{"c_serv_cov_pct", `""`}},
		"ICT covers more than all":        {code: "E_ICT_COVERAGE", field: "c_stor_pb", entries: []string{"c_stor_cov_pct", "120"}},
		"agents see more storage":         {code: "W_STOR_SEEN", change: func(_ *fakeLedger, in *report.Input) { in.SeenStorage = big.NewRat(700, 1) }},
		"more data flow than can":         {code: "E_DATA_ABOVE_BANDWIDTH", entries: []string{"bw_in_gbs", "40"}},
		"data flow one way":               {code: "W_TRAFFIC_RATIO", entries: []string{"data_out_eb", "0.001"}},
		"PUE is below one":                {code: "E_PUE_BELOW_1", change: meter("grid", 1500)},
		"PUE is high":                     {code: "W_PUE_ODD", change: func(l *fakeLedger, _ *report.Input) { l.perHour["grid"], l.perHour["cooling"] = 9000, 7000 }},
		"PUE rests on estimates":          {code: "W_PUE_ESTIMATES", change: kpi(map[string]account.KPI{"pue": value(1.3)})},
		"WUE is high":                     {code: "W_WUE_HIGH", change: meter("water", 10)},
		"ERF is above one":                {code: "E_ERF_RANGE", change: meter("heat", 3000)},
		"a year differs from the last": {code: "W_YEAR_ON_YEAR", field: "pue", entries: []string{"in_operation_since", "2024-03"}, change: func(l *fakeLedger, in *report.Input) {
			earlier(2025, "s1", func(r *report.Record) { r.Guarantees = nil })(l, in)
			l.perHour["grid"] = 3000
		}},
		"there is no residual mix":           {code: "E_RESIDUAL_MISSING", change: kpi(map[string]account.KPI{"carbon_market": {Reason: "no residual mix of 2026 is stated, and no contract covers 5 kWh"}})},
		"the market is dirtier":              {code: "W_CUE_MARKET", change: kpi(map[string]account.KPI{"cue": value(0.2), "cue_market": value(0.4)})},
		"half a month is not known":          {code: "E_COVERAGE", change: func(l *fakeLedger, _ *report.Input) { l.known = blind("ups", 0, 1400) }},
		"a few days are not known":           {code: "W_COVERAGE", change: func(l *fakeLedger, _ *report.Input) { l.known = blind("ups", 700, 1000) }},
		"a day and more is not known":        {code: "W_GAP_LONG", change: func(l *fakeLedger, _ *report.Input) { l.known = blind("ups", 700, 800) }},
		"a beginning cannot be known":        {code: "E_GAP_UNFILLED", change: func(l *fakeLedger, _ *report.Input) { l.known = blind("ups", -5000, 100) }},
		"a meter has no plate":               {code: "W_METER_RECORD", replace: []string{`point: d, rating: 3 MW, serial: "4"`, "point: d, rating: 3 MW"}},
		"nothing stands behind a word":       {code: "W_EVIDENCE", change: func(_ *fakeLedger, in *report.Input) { in.Site.Report["dc_type"][0].Evidence = "" }},
		"a role was corrected":               {code: "W_LEDGER_NOTE", change: kpi(map[string]account.KPI{"pue": {Reason: "x", Flags: []account.Flag{{Code: "role_corrected", Text: "meters count by the role that is stated now"}}}})},
		"an hour is open":                    {code: "E_UNSEALED", change: func(l *fakeLedger, in *report.Input) { l.unsealed = luxembourg(t, 2026, 12, 31).Unix() / 3600 }},
		"the log was changed":                {code: "E_LOG", change: func(_ *fakeLedger, in *report.Input) { in.LogUnchanged = errBroken }},
		"nobody knows of which meters it is": {code: "E_NO_METER", change: func(l *fakeLedger, _ *report.Input) { l.nameless = true }},
		"it is a model":                      {code: "E_SIMULATED", change: func(_ *fakeLedger, in *report.Input) { in.Books.Simulated = true }},
		"an unknown meter is silent":         {code: "E_MISSING", field: "e_it_kwh", change: gone("ups")},
	}
}

// blind is when a meter is not read: quarters of the period.
func blind(id string, from, to int64) func(string, int64) int64 {
	began := time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC).UnixMilli() / 900_000
	return func(meter string, at int64) int64 {
		if at -= began; meter == id && at >= from && at < to {
			return 0
		}
		return 900_000
	}
}

var errBroken = errors.New("its first 9 leaves are others")

// beyond are the rules that nothing a site file can say breaks: what would is
// refused before, or cannot be. They are there for who changes this package.
var beyond = []string{"E_PERIOD", "E_PPA_NEGATIVE", "E_OS_ABOVE_METER", "E_RES_SUM"}

// Every rule is broken by a situation, and said with its severity and what to do;
// the site itself breaks none.
func TestEveryRuleIsBrokenBySomething(t *testing.T) {
	none := situation{}
	if r := build(t, none.input(t)); len(r.Issues) > 0 {
		for _, x := range r.Issues {
			t.Error(x.String())
		}
		t.Fatal("a site that is in order breaks rules")
	}
	broken := map[string]bool{}
	for name, x := range situations(t) {
		t.Run(name, func(t *testing.T) {
			r := build(t, x.input(t))
			at := slices.IndexFunc(r.Issues, func(i report.Issue) bool {
				return i.Code == x.code && (x.field == "" || i.Field == x.field) && strings.Contains(i.Text, x.text)
			})
			if at < 0 {
				t.Fatalf("%s of %q is not raised; there are %v", x.code, x.field, r.Issues)
			}
			broken[x.code] = true
			if i := r.Issues[at]; i.Severity != x.code[:1] || i.Text == "" || i.Fix == "" || !i.Open() || r.Blocked() && i.Severity == report.Warning && !slices.ContainsFunc(r.Issues, func(o report.Issue) bool { return o.Severity == report.Error }) {
				t.Errorf("%+v", i)
			}
		})
	}
	for _, c := range report.Checks() {
		if !broken[c.Code] && !slices.Contains(beyond, c.Code) {
			t.Errorf("nothing breaks %s", c.Code)
		}
		if c.Rule == "" || c.Fix == "" || !strings.HasPrefix(c.Code, c.Severity+"_") {
			t.Errorf("%+v", c)
		}
	}
}

// A warning that was commented on is open no more; an error stays one.
func TestACommentClosesAWarningAndNoError(t *testing.T) {
	x := situation{entries: []string{"t_wh_c", "75", "comment_W_TWH_ODD", "measured at the boards", "comment_E_AREA", "never mind", "s_cr_m2", "1000"}}
	r := build(t, x.input(t))
	for _, i := range r.Issues {
		if i.Open() != (i.Code == "E_AREA") {
			t.Errorf("%+v", i)
		}
	}
	if len(r.Issues) != 2 || !r.Blocked() {
		t.Errorf("issues are %+v", r.Issues)
	}
}
