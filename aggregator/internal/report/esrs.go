package report

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/site"
)

// ESRSSchema is that of extracts for ESRS E1.
const ESRSSchema = "gigawatch-esrs-e1/1"

// An ESRS is what the sustainability statement of an undertaking takes from its data
// centres for one year: energy by source, and scope 1 and 2 in both methods.
type ESRS struct {
	Schema  string     `json:"schema"`
	Law     []string   `json:"law"`
	Year    int        `json:"year"`
	Sites   []ESRSSite `json:"sites"`
	Total   []Figure   `json:"total"`
	Says    string     `json:"statement"`
	Issues  []Issue    `json:"issues"`
	Program string     `json:"program,omitempty"`
}

// An ESRSSite is the part of one site. It follows from the record of its year.
type ESRSSite struct {
	Site     string   `json:"site"`
	SiteName string   `json:"site_name"`
	Record   string   `json:"record_sha256"`
	State    State    `json:"record_state"`
	Period   string   `json:"period"`
	Figures  []Figure `json:"figures"`
	Ledger   Books    `json:"ledger"`
}

// An ESRSPart is the record of a site, and what its operator states besides.
type ESRSPart struct {
	Record *Record
	Bytes  []byte // of the record
	State  State
	Site   *site.Site
}

// esrsFigures are those of an extract, in the order in which they stand. Those that
// sum add up over sites.
var esrsFigures = []struct {
	key, point, title, unit string
	sums                    bool
}{
	{"energy_mwh", "E1-7 (E1-5)", "Total energy consumption", "MWh", true},
	{"energy_renewable_mwh", "E1-7 (E1-5)", "Renewable sources in all", "MWh", true},
	{"energy_renewable_fuel_mwh", "E1-7 (E1-5)", "Renewable: fuels", "MWh", true},
	{"energy_renewable_purchased_mwh", "E1-7 (E1-5)", "Renewable: purchased electricity", "MWh", true},
	{"energy_renewable_own_mwh", "E1-7 (E1-5)", "Renewable: self-generated without fuel", "MWh", true},
	{"energy_nuclear_mwh", "E1-7 (E1-5)", "Nuclear sources", "MWh", true},
	{"energy_fossil_mwh", "E1-7 (E1-5)", "Fossil sources", "MWh", true},
	{"energy_non_renewable_mwh", "E1-7 (E1-5)", "Fossil and nuclear sources in all", "MWh", true},
	{"own_renewable_mwh", "E1-7 (E1-5)", "Own generation from renewable sources", "MWh", true},
	{"own_non_renewable_mwh", "E1-7 (E1-5)", "Own generation from other sources", "MWh", true},
	{"scope1_t", "E1-8 (E1-6)", "Gross scope 1", "t", true},
	{"scope2_location_t", "E1-8 (E1-6)", "Gross scope 2, location-based", "t", true},
	{"scope2_market_t", "E1-8 (E1-6)", "Gross scope 2, market-based", "t", true},
	{"bundled_pct", "E1-8 (E1-6)", "Purchased electricity under contracts bundled with energy (agreements)", "percent", false},
	{"unbundled_pct", "E1-8 (E1-6)", "Purchased electricity under unbundled guarantees of origin", "percent", false},
	{"cfe_hourly", "GHG scope 2, revision", "Matched by the hour with carbon-free energy", "1", false},
	{"scope2_location_hourly_t", "GHG scope 2, revision", "Location-based, of what is not matched by the hour", "t", true},
	{"scope2_market_hourly_t", "GHG scope 2, revision", "Market-based with hourly matching", "t", true},
}

// ESRSOf makes the extract of a year.
func ESRSOf(year int, parts []ESRSPart, program string) (*ESRS, error) {
	x := &ESRS{Schema: ESRSSchema, Year: year, Program: program, Issues: []Issue{},
		Law: []string{"Delegated Regulation (EU) 2026/1563 (ESRS E1-7, E1-8; E1-5 and E1-6 of the set of 2023)", "GHG Protocol Scope 2 Guidance (2015), both methods"},
		Says: "An extract of the records of the sites named, for the undertaking's own statement. Sites under operational control; nothing is subtracted for offsets. Figures by the hour go by the drafted revision of the GHG Protocol, and are not asked for yet. " +
			"Energy intensity by revenue is not in it: data hosting is in no high-impact section."}
	for i := range parts {
		p := &parts[i]
		if p.Record == nil || p.Record.Period.Year != year {
			return nil, fmt.Errorf("extract of %d: a record is missing, or of another year", year)
		}
		r := p.Record
		s := ESRSSite{Site: r.Site, SiteName: r.SiteName, Record: Hash(p.Bytes), State: p.State, Period: r.Period.Says, Ledger: r.Ledger}
		m := &esrsMake{ESRSPart: p, made: map[string]Figure{}}
		m.energy()
		m.emissions()
		for _, a := range esrsFigures {
			f := m.made[a.key]
			f.Key, f.Point, f.Title, f.Unit = a.key, a.point, a.title, a.unit
			s.Figures = append(s.Figures, f)
		}
		x.Sites = append(x.Sites, s)
		x.judge(p, &s)
	}
	x.total()
	return x, nil
}

// An esrsMake is the part of a site in the making.
type esrsMake struct {
	*ESRSPart
	made map[string]Figure
}

// of is a figure of the record divided by n; ok is false where it is missing.
func (m *esrsMake) of(key string, n int64) (v *big.Rat, from *Figure, ok bool) {
	f := m.Record.Figure(key)
	if !f.known() {
		return nil, f, false
	}
	return over(f.rat(), n), f, true
}

func (m *esrsMake) put(key string, v *big.Rat, decimals int, from *Figure, how string) {
	f := Figure{Quality: QualityCalculated, Method: how}
	if from != nil {
		f.Coverage = from.Coverage
		f.Notes = slices.Clone(from.Notes)
	}
	f.set(v, decimals)
	m.made[key] = f
}

func (m *esrsMake) lack(key, why string) { m.made[key] = Figure{Missing: why} }

// take puts figure of into key, in thousands.
func (m *esrsMake) take(key, of, how string) (*big.Rat, bool) {
	v, f, ok := m.of(of, 1000)
	if !ok {
		why := of + " is missing"
		if f != nil && f.Missing != "" {
			why += ": " + f.Missing
		}
		m.lack(key, why)
		return nil, false
	}
	m.put(key, v, 6, f, how)
	return v, true
}

func (m *esrsMake) energy() {
	all, okAll := m.take("energy_mwh", "e_dc_kwh", "EDC of the record: electricity, fuels and cooling that came in and stayed")
	own, okOwn := m.take("energy_renewable_own_mwh", "e_res_os_kwh", "ERES-OS of the record")
	m.take("own_renewable_mwh", "e_res_os_kwh", "ERES-OS of the record: used on site, guarantees retired")
	backup, okBackup := m.take("own_non_renewable_mwh", "e_dc_bg_kwh", "output of the back-up generators")
	fuel := new(big.Rat)
	if is, _ := truth(m.text("backup_fuel_renewable")); is && okBackup {
		fuel = backup
		m.put("own_non_renewable_mwh", new(big.Rat), 6, nil, "the operator states that the fuel is renewable")
		m.put("own_renewable_mwh", sumOf(backup, ratOrZero(own)), 6, nil, "ERES-OS of the record, and generators whose fuel the operator states to be renewable")
	}
	m.put("energy_renewable_fuel_mwh", fuel, 6, nil, "output of generators whose fuel the operator states to be renewable")
	goo, _, okGOO := m.of("e_res_goo_kwh", 1000)
	ppa, _, okPPA := m.of("e_res_ppa_kwh", 1000)
	if !okGOO || !okPPA || !okOwn {
		why := "renewable energy of the record is missing"
		for _, k := range []string{"energy_renewable_purchased_mwh", "energy_renewable_mwh", "energy_non_renewable_mwh", "energy_nuclear_mwh", "energy_fossil_mwh"} {
			m.lack(k, why)
		}
		return
	}
	bought := sumOf(goo, ppa)
	m.put("energy_renewable_purchased_mwh", bought, 6, nil, "ERES-GOO and ERES-PPA of the record")
	renewable := sumOf(sumOf(bought, own), fuel)
	if okAll && renewable.Cmp(all) > 0 {
		renewable = all
	}
	m.put("energy_renewable_mwh", renewable, 6, nil, "its parts, no more than was consumed")
	if !okAll {
		for _, k := range []string{"energy_non_renewable_mwh", "energy_nuclear_mwh", "energy_fossil_mwh"} {
			m.lack(k, "e_dc_kwh is missing")
		}
		return
	}
	rest := lessOf(all, renewable)
	m.put("energy_non_renewable_mwh", rest, 6, nil, "what is not renewable")
	share, evidence, why := m.nuclear()
	grid, _, okGrid := m.of("e_grid_kwh", 1000)
	if why == "" && !okGrid {
		why = "e_grid_kwh is missing"
	}
	if why != "" {
		m.lack("energy_nuclear_mwh", why)
		m.lack("energy_fossil_mwh", "it is not known what of the rest is nuclear: "+why)
		return
	}
	mixed := lessOf(grid, bought)
	if mixed.Sign() < 0 {
		mixed = new(big.Rat)
	}
	if mixed.Cmp(rest) > 0 {
		mixed = rest
	}
	nuclear := new(big.Rat).Mul(mixed, share)
	m.put("energy_nuclear_mwh", nuclear, 6, nil, "electricity of the grid under no contract, by the share of nuclear that the operator states ("+evidence+")")
	m.put("energy_fossil_mwh", lessOf(rest, nuclear), 6, nil, "what is neither renewable nor nuclear")
}

func ratOrZero(v *big.Rat) *big.Rat {
	if v == nil {
		return new(big.Rat)
	}
	return v
}

func (m *esrsMake) text(key string) string {
	e, _ := m.Site.Answer(key, m.Record.Period.Year)
	return e.Value.String()
}

// nuclear is the share of nuclear that the operator states.
func (m *esrsMake) nuclear() (share *big.Rat, evidence, why string) {
	b := build{Input: &Input{Site: m.Site, Year: m.Record.Period.Year}}
	v, e, why, ok := b.stated("grid_nuclear_share")
	switch {
	case why != "":
		return nil, "", why
	case !ok:
		return nil, "", "the share of nuclear is " + strings.TrimPrefix(notEntered("grid_nuclear_share"), "it is ")
	case v.Sign() < 0 || v.Cmp(big.NewRat(1, 1)) > 0:
		return nil, "", "report.grid_nuclear_share is none of 0 to 1"
	}
	return v, e.Evidence, ""
}

func (m *esrsMake) emissions() {
	for _, x := range []struct{ key, of, how string }{
		{"scope1_t", "co2_scope1_kg", "fuel of generators; refrigerants that leak are not metered"},
		{"scope2_location_t", "co2_location_kg", "energy of the grid by its intensity, minute by minute"},
		{"scope2_market_t", "co2_market_kg", "contracts by their factors, the rest by the residual mix"},
		{"scope2_location_hourly_t", "co2_hourly_kg", "of each hour what no carbon-free energy was matched with"},
		{"scope2_market_hourly_t", "co2_market_hourly_kg", "contracts count in the hour in which they deliver"},
	} {
		m.take(x.key, x.of, x.how)
	}
	if v, f, ok := m.of("cfe", 1); ok {
		m.put("cfe_hourly", v, 9, f, f.Method)
	} else {
		m.lack("cfe_hourly", "hourly matching is missing: "+missingOf(f))
	}
	grid, _, ok := m.of("e_grid_kwh", 1)
	for _, x := range []struct{ key, of string }{{"bundled_pct", "e_res_ppa_kwh"}, {"unbundled_pct", "e_res_goo_kwh"}} {
		v, f, has := m.of(x.of, 1)
		switch {
		case !ok || grid.Sign() == 0:
			m.lack(x.key, "e_grid_kwh is missing or zero")
		case !has:
			m.lack(x.key, x.of+" is missing: "+missingOf(f))
		default:
			v = new(big.Rat).Quo(v, grid)
			m.put(x.key, v.Mul(v, big.NewRat(100, 1)), 3, nil, x.of+" / e_grid_kwh")
		}
	}
}

func missingOf(f *Figure) string {
	if f == nil {
		return "these rules do not ask for it"
	}
	return f.Missing
}

// judge says what is wrong with the part of a site.
func (x *ESRS) judge(p *ESRSPart, s *ESRSSite) {
	add := func(severity, code, text, fix string) {
		x.Issues = append(x.Issues, Issue{Code: code, Severity: severity, Field: s.Site, Text: text, Fix: fix})
	}
	if !slices.Contains([]State{Locked, Approved, Submitted}, p.State) {
		add(Warning, "W_RECORD_DRAFT", s.Site+": the record of the year is not locked, and may change", "lock it first")
	}
	if p.Record.Ledger.Simulated {
		add(Error, "E_SIMULATED", s.Site+": readings come from a model and not from meters", "do not report this site")
	}
	for i := range s.Figures {
		if f := &s.Figures[i]; f.Missing != "" {
			add(Warning, "W_MISSING", s.Site+": "+f.Title+": "+f.Missing, "see the reason")
		}
	}
}

// total adds up the sites.
func (x *ESRS) total() {
	for i, a := range esrsFigures {
		f := Figure{Key: a.key, Point: a.point, Title: a.title, Unit: a.unit}
		if !a.sums {
			continue
		}
		sum, lacks := new(big.Rat), []string(nil)
		for k := range x.Sites {
			if y := &x.Sites[k].Figures[i]; y.known() {
				sum = sumOf(sum, y.rat())
			} else {
				lacks = append(lacks, x.Sites[k].Site)
			}
		}
		if len(lacks) > 0 {
			f.Missing = "missing of " + some(lacks)
		} else {
			f.set(sum, 6)
			f.Quality = QualityCalculated
		}
		x.Total = append(x.Total, f)
	}
}

// JSON is the extract as it is kept.
func (x *ESRS) JSON() ([]byte, error) { return indented(x) }

func (x *ESRS) leaflet() *leaflet {
	p := &leaflet{
		kind: "esrs e1 extract", title: "Energy and carbon for the sustainability statement (ESRS E1)", name: fmt.Sprintf("%d sites", len(x.Sites)), period: fmt.Sprint(x.Year),
		mark: "ESRS E1 extract", program: x.Program, says: x.Says, made: timeOf(fmt.Sprintf("%d-12-31", x.Year)), foot: "Follows from records of sites; each names its ledger.",
	}
	if len(x.Sites) == 1 {
		p.name = named(x.Sites[0].SiteName, x.Sites[0].Site)
	}
	for _, l := range x.Law {
		p.facts = append(p.facts, [2]string{"By", l})
	}
	table := func(title, says string, list []Figure) {
		b := block{title: title, says: says, lanes: []lane{{"Datapoint", 24, 0}, {"Figure", 58, 0}, {"Value", 32, 1}, {"Unit", 14, 0}, {"Coverage %", 18, 1}, {"How", 34, 0}}}
		for i := range list {
			f := &list[i]
			how := f.Method
			if f.Missing != "" {
				how = "missing: " + f.Missing
			}
			b.row(f.Point, f.Title, text(f.Value), unitWords(f.Unit), text(f.Coverage), how)
		}
		p.blocks = append(p.blocks, b)
	}
	if len(x.Sites) > 1 {
		table("All sites", "", x.Total)
	}
	for i := range x.Sites {
		s := &x.Sites[i]
		p.simulated = p.simulated || s.Ledger.Simulated
		table(named(s.SiteName, s.Site), fmt.Sprintf("%s Record %s, sha256 %s; ledger of %d leaves, root %s.", s.Period, s.State, s.Record, s.Ledger.Leaves, s.Ledger.Root), s.Figures)
	}
	p.issues(x.Issues)
	return p
}
