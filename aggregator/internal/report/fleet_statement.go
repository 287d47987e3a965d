package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FleetSchema is that of fleet statements.
const FleetSchema = "gigawatch-fleet/1"

// A FleetStatement is several sites of one year, as Annex IV adds them up, for the
// company alone.
type FleetStatement struct {
	Schema   string       `json:"schema"`
	Year     int          `json:"year"`
	RuleSet  RuleSetID    `json:"rule_set"`
	Official bool         `json:"official"` // never
	Says     string       `json:"statement"`
	Sites    []FleetSite  `json:"sites"`
	Groups   []FleetGroup `json:"groups"` // the first is of all
	Program  string       `json:"program,omitempty"`
}

// A FleetSite is one of them.
type FleetSite struct {
	Site     string   `json:"site"`
	SiteName string   `json:"site_name"`
	Country  string   `json:"country,omitempty"`
	Type     string   `json:"dc_type,omitempty"`
	Size     string   `json:"size_class,omitempty"`
	State    State    `json:"record_state"`
	Record   string   `json:"record_sha256"`
	Errors   int      `json:"open_errors"`
	Figures  []Figure `json:"figures"`
	Previews []Class  `json:"preview_classes,omitempty"` // not official, and no label
	Preview  string   `json:"preview_rules,omitempty"`
}

// A FleetGroup is the sites that have something in common.
type FleetGroup struct {
	By string `json:"by"` // all, country, type, size
	Of string `json:"of,omitempty"`
	Fleet
	Published bool `json:"published"` // the Commission publishes groups of so many
}

// fleetFigures are those that are shown of each site.
var fleetFigures = []string{"pd_it_kw", "e_dc_kwh", "e_it_kwh", "w_in_m3", "pue", "wue", "erf", "ref"}

// FleetStatementOf makes the statement of a year.
func FleetStatementOf(year int, parts []ESRSPart, rules *Set, program string) (*FleetStatement, error) {
	x := &FleetStatement{Schema: FleetSchema, Year: year, RuleSet: rules.id(), Program: program,
		Says: "A view inside the company, by the method of Annex IV. It is not official. Averages stand in both ways, each by its name: *_edc_weighted compares with the Commission's figures, *_ratio_of_sums is what all sites together come to; they differ, and are not to be mixed. " +
			"Classes are a preview of rules that are not in force: they are no label of the Union and must not be shown as one."}
	var all []*Record
	by := map[string]map[string][]*Record{"country": {}, "type": {}, "size": {}}
	for i := range parts {
		p := &parts[i]
		r := p.Record
		if r == nil || r.Period.Year != year {
			return nil, fmt.Errorf("fleet of %d: a record is missing, or of another year", year)
		}
		s := FleetSite{Site: r.Site, SiteName: r.SiteName, Country: r.Country, Size: r.Size, State: p.State, Record: Hash(p.Bytes)}
		for k := range r.About {
			if r.About[k].Key == "dc_type" {
				s.Type = r.About[k].Value
			}
		}
		for k := range r.Issues {
			if r.Issues[k].Severity == Error {
				s.Errors++
			}
		}
		for _, key := range fleetFigures {
			if f := r.Figure(key); f != nil {
				s.Figures = append(s.Figures, Figure{Key: f.Key, Title: f.Title, Unit: f.Unit, Value: f.Value, Missing: f.Missing, Quality: f.Quality, Coverage: f.Coverage})
			}
		}
		for k := range r.Previews {
			if v := &r.Previews[k]; len(v.Classes) > 0 {
				s.Previews, s.Preview = v.Classes, v.RuleSet.ID
			}
		}
		x.Sites = append(x.Sites, s)
		all = append(all, r)
		for key, of := range map[string]string{"country": s.Country, "type": s.Type, "size": s.Size} {
			if of == "" {
				of = "not known"
			}
			by[key][of] = append(by[key][of], r)
		}
	}
	slices.SortFunc(x.Sites, func(a, b FleetSite) int { return cmp.Compare(a.Site, b.Site) })
	x.Groups = []FleetGroup{{By: "all", Fleet: FleetOf(all, rules), Published: true}}
	for _, key := range []string{"country", "type", "size"} {
		for _, of := range slices.Sorted(maps.Keys(by[key])) {
			list := by[key][of]
			x.Groups = append(x.Groups, FleetGroup{key, of, FleetOf(list, rules), len(list) >= max(1, rules.Averages.LeastSites)})
		}
	}
	return x, nil
}

// JSON is the statement as it is kept.
func (x *FleetStatement) JSON() ([]byte, error) { return indented(x) }

func (x *FleetStatement) leaflet() *leaflet {
	p := &leaflet{
		kind: "fleet", title: "All data centres, not official", name: fmt.Sprintf("%d data centres", len(x.Sites)), period: fmt.Sprint(x.Year), mark: "not official",
		program: x.Program, says: x.Says, made: timeOf(fmt.Sprintf("%d-12-31", x.Year)), foot: "Follows from records of sites.",
		facts: [][2]string{{"Rules", x.RuleSet.ID}, {"Official", "no"}},
	}
	b := block{title: "Sites", lanes: []lane{{"Site", 26, 0}, {"Country", 14, 0}, {"Size", 18, 0}, {"Record", 16, 0}, {"PDIT kW", 20, 1}, {"EDC kWh", 26, 1}, {"PUE", 16, 1}, {"WUE", 16, 1}, {"Preview, not official", 28, 0}}}
	for i := range x.Sites {
		s := &x.Sites[i]
		value := map[string]string{}
		for k := range s.Figures {
			value[s.Figures[k].Key] = "missing"
			if d := s.Figures[k].Value; d != nil {
				value[s.Figures[k].Key] = d.String()
				if k := s.Figures[k].Key; k == "pue" || k == "wue" {
					short, _ := decimalOf(d.Rat(), 4)
					value[k] = short.String()
				}
			}
		}
		var classes []string
		for _, c := range s.Previews {
			is := c.Class
			if is == "" {
				is = "unknown"
			}
			classes = append(classes, strings.ToUpper(c.Of)+": "+is)
		}
		state := string(s.State)
		if s.Errors > 0 {
			state += fmt.Sprintf(", %d to mend", s.Errors)
		}
		b.row(s.Site, s.Country, s.Size, state, value["pd_it_kw"], value["e_dc_kwh"], value["pue"], value["wue"], strings.Join(classes, ", "))
	}
	p.blocks = append(p.blocks, b)
	for i := range x.Groups {
		g := &x.Groups[i]
		title := "All sites"
		if g.By != "all" {
			title = "By " + g.By + ": " + g.Of
		}
		says := fmt.Sprintf("%d sites; of those that know it: %s kW installed, %s kWh, %s m³ of water.", g.Sites, known(g.Power), known(g.Facility), known(g.Water))
		if !g.Published {
			says += " The Commission publishes no such group of so few."
		}
		b := block{title: title, says: says, lanes: []lane{{"Average", 44, 0}, {"Value", 30, 1}, {"Unit", 16, 0}, {"Way", 90, 0}}}
		for k := range g.Averages {
			f := &g.Averages[k]
			way := f.Title
			if f.Missing != "" {
				way += "; " + f.Missing
			}
			b.row(f.Key, text(f.Value), unitWords(f.Unit), way)
		}
		p.blocks = append(p.blocks, b)
		if g.By != "all" || len(g.Left) == 0 {
			continue
		}
		b = block{title: "Left out of averages", lanes: []lane{{"No", 14, 0}, {"Site and figure", 166, 0}}}
		for n, l := range g.Left {
			b.row(fmt.Sprint(n+1), l)
		}
		p.blocks = append(p.blocks, b)
	}
	return p
}
