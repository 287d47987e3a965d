package main

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// A look is what a panel shows otherwise than its kind does by itself.
type look struct {
	steps    steps    // thresholds; none: quiet
	since    string   // a time of its own
	points   int      // at most
	decimals *float64 //
	empty    string   // said where there is nothing
	sum      string   // "": the newest; else how values become one, such as sum or max

	name   string            // of each value
	only   string            // columns that stay, as a regular expression between slashes
	hide   []string          // columns that are there for links alone
	titles map[string]string // of columns, by what the data source calls them
	units  map[string]string // of columns, where the data source gives none
	bar    string            // column that is drawn as a bar
	state  []string          // columns coloured by what they say
	lit    []string          // columns coloured by the panel's thresholds
	sort   string            // by that column, greatest first; - before it: least first
	links  []link
	change []dashboard.DataTransformerConfig

	widths map[string]int   // of columns, in pixels
	wrap   []string         // columns whose text goes on below
	tenths []string         // columns that are no more exact than that
	by     map[string]steps // thresholds of columns

	wide    uint32   // as the panel is
	most    *float64 // the axis reaches that at least
	heat    bool     // colour by how great a value is among the others
	stacked bool
	limits  bool // thresholds are drawn as lines
	anyBase bool // the axis need not begin at zero
	legend  string
	says    []saying // what 0, 1, … stand for
}

// A link leads from a value, a column or a series to another board.
type link struct {
	title, uid string
	column     string            // "": from every value
	with       map[string]string // the other board's variables, by what they are here
}

// Where a variable of the other board comes from.
func here(variable string) string { return "${" + variable + "}" }

// cell is a column by the name that the frame has it by, not by its title.
func cell(column string) string { return "${__data.fields." + column + "}" }
func label(name string) string  { return "${__field.labels." + name + "}" }

// to is a link to a board with pairs of a variable there and what it is here.
func to(uid, column string, pairs ...string) link {
	l := link{title: "Open " + titleOf(uid), uid: uid, column: column, with: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		l.with[pairs[i]] = pairs[i+1]
	}
	return l
}

func (l *link) model() dashboard.DashboardLink {
	u := "/d/" + prefix + l.uid + "?var-ds=${ds}"
	for _, name := range sorted(l.with) {
		u += "&var-" + url.QueryEscape(name) + "=" + l.with[name]
	}
	return dashboard.DashboardLink{Title: l.title, Type: dashboard.DashboardLinkTypeLink, Url: ptr(u + "&${__url_time_range}"), Tags: []string{}}
}

// fields are how values are shown, and what is shown otherwise.
func (p *panel) fields(custom map[string]any) *dashboard.FieldConfigSource {
	l := &p.look
	s := l.steps
	if len(s) == 0 {
		s = quiet()
	}
	f := dashboard.FieldConfig{Unit: ptr(p.unit), Decimals: l.decimals, Thresholds: s.thresholds(), Color: p.colours(s), Custom: custom}
	if f.Decimals == nil && p.unit == count && (p.kind == lines || p.kind == columns) { // increase() reckons with parts
		f.Decimals = ptr(0.0)
	}
	if l.empty != "" {
		f.NoValue = ptr(l.empty)
	}
	if l.name != "" {
		f.DisplayName = ptr(l.name)
	}
	if p.unit == share || l.heat {
		f.Min = ptr(0.0)
	}
	if p.kind == gauges && p.unit == share {
		f.Max = ptr(1.0)
	}
	if p.kind == list && l.bar != "" { // names may be numbers, and must stay as they are
		f.Unit, f.Decimals = ptr(names), nil
	}
	if len(l.says) > 0 {
		f.Mappings = []dashboard.ValueMapping{{ValueMap: worded(l.says)}}
	}
	if (p.kind == figure || p.kind == gauges) && l.empty != "0" {
		f.Mappings = append(f.Mappings, neutral())
	}
	for i := range l.links {
		if l.links[i].column == "" {
			f.Links = append(f.Links, l.links[i].model())
		}
	}
	return &dashboard.FieldConfigSource{Defaults: f, Overrides: p.overrides()}
}

// neutral colours what is not known: it is neither good nor bad, and the thresholds
// would give it the colour of the least.
func neutral() dashboard.ValueMapping {
	return dashboard.ValueMapping{SpecialValueMap: &dashboard.SpecialValueMap{
		Type:    dashboard.MappingTypeSpecialValue,
		Options: dashboard.DashboardSpecialValueMapOptions{Match: dashboard.SpecialValueMatchNullAndNan, Result: dashboard.ValueMappingResult{Color: ptr(plain)}},
	}}
}

func (p *panel) colours(s steps) *dashboard.FieldColor {
	switch {
	case p.look.heat:
		return &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdContinuousBlues}
	case shapes[p.kind].drawn && !p.look.limits || p.kind == timeline:
		// By name two of a few lines often have one colour.
		return &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdPaletteClassic}
	}
	return &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdThresholds}
}

// A saying is a number in words, with its colour.
type saying struct{ text, colour string }

func worded(says []saying) *dashboard.ValueMap {
	m := &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: map[string]dashboard.ValueMappingResult{}}
	for i, s := range says {
		m.Options[strconv.Itoa(i)] = dashboard.ValueMappingResult{Text: ptr(s.text), Color: ptr(s.colour), Index: ptr(int32(i))}
	}
	return m
}

// overrides are of what an ask answers, and of columns.
func (p *panel) overrides() []dashboard.DashboardFieldConfigSourceOverrides {
	out := []dashboard.DashboardFieldConfigSourceOverrides{}
	add := func(matcher, of string, properties ...dashboard.DynamicConfigValue) {
		out = append(out, dashboard.DashboardFieldConfigSourceOverrides{Matcher: dashboard.MatcherConfig{Id: matcher, Options: of}, Properties: properties})
	}
	set := func(id string, v any) dashboard.DynamicConfigValue {
		return dashboard.DynamicConfigValue{Id: id, Value: v}
	}
	fixed := func(c string) dashboard.DynamicConfigValue {
		return set("color", map[string]any{"mode": "fixed", "fixedColor": c})
	}
	for _, a := range p.asks {
		if a.Kind == "live" {
			for _, b := range boundaries() {
				add("byRegexp", "/(^| )"+b+"$/", set("displayName", boundaryName(b)), fixed(boundaryColour(b)))
			}
		}
		if a.Largest > 0 && shapes[p.kind].drawn {
			add("byRegexp", "/^the rest/", fixed(restColour))
			add("byRegexp", "/^(unallocated|unknown|unrecorded)/", fixed(nobodysColour))
		}
		if a.name == "" {
			continue
		}
		shown := func(name string, more ...dashboard.DynamicConfigValue) {
			var properties []dashboard.DynamicConfigValue
			if a.Kind != "power_energy" || a.Legend == "" { // else the data source has named it
				properties = append(properties, set("displayName", name))
			}
			if a.colour != "" {
				properties = append(properties, fixed(a.colour))
			}
			add("byFrameRefID", name, append(properties, more...)...)
		}
		shown(a.name)
		if p.kind == columns && a.ofIntervals() {
			shown(a.name+soFar, set("custom.fillOpacity", paleColumn))
		}
	}
	if p.kind == columns && slices.ContainsFunc(p.asks, ask.ofIntervals) {
		add("byRegexp", "/"+soFar+"/", set("custom.fillOpacity", paleColumn))
	}
	l := &p.look
	if p.kind == list { // what is said of an empty table is not said of a cell
		add("byRegexp", "/.*/", set("noValue", "–"))
	}
	for _, c := range sorted(l.units) {
		add("byName", c, set("unit", l.units[c]))
	}
	for _, c := range l.hide {
		add("byName", c, set("custom.hideFrom.viz", true))
	}
	for _, c := range l.state {
		add("byName", c, set("custom.cellOptions", map[string]any{"type": "color-background", "mode": "basic"}), set("custom.width", 95))
	}
	for _, c := range l.lit {
		add("byName", c, set("custom.cellOptions", map[string]any{"type": "color-text"}), set("mappings", []dashboard.ValueMapping{neutral()}))
	}
	for _, c := range sorted(l.by) {
		add("byName", c, set("thresholds", l.by[c].thresholds()))
	}
	for _, c := range sorted(l.widths) {
		add("byName", c, set("custom.width", l.widths[c]))
	}
	for _, c := range l.tenths {
		add("byName", c, set("decimals", 1))
	}
	for _, c := range l.wrap {
		add("byName", c, set("custom.wrapText", true))
	}
	if l.bar != "" {
		properties := []dashboard.DynamicConfigValue{set("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}), set("min", 0), set("unit", p.unit)}
		if l.decimals != nil {
			properties = append(properties, set("decimals", *l.decimals))
		}
		switch p.unit {
		case share:
			properties = append(properties, set("max", 1))
		case celsius:
			properties = append(properties, set("max", 100))
		}
		add("byName", l.bar, properties...)
	}
	for i := range l.links {
		if c := l.links[i].column; c != "" {
			add("byName", c, set("links", []dashboard.DashboardLink{l.links[i].model()}))
		}
	}
	// The last: what has another name is found by its old one no more.
	for _, c := range sorted(l.titles) {
		add("byName", c, set("displayName", l.titles[c]))
	}
	return out
}

// soFar is how the data source calls what an interval that is not over has come to;
// its column is pale, for it will be higher.
const (
	soFar      = ", so far"
	paleColumn = 25
)

// transformations turn what is asked into what is shown.
func (p *panel) transformations() []dashboard.DataTransformerConfig {
	l := &p.look
	if l.only == "" {
		return l.change
	}
	return append([]dashboard.DataTransformerConfig{change("filterFieldsByName", map[string]any{"include": map[string]any{"pattern": l.only}})}, l.change...)
}

func change(id string, options map[string]any) dashboard.DataTransformerConfig {
	return dashboard.DataTransformerConfig{Id: id, Options: options}
}

// less adds a column with what a has more than b, and sum one with both together;
// where one of them is missing, there is none.
func less(name, a, b string) dashboard.DataTransformerConfig { return reckoned(name, a, "-", b) }
func sum(name, a, b string) dashboard.DataTransformerConfig  { return reckoned(name, a, "+", b) }

func reckoned(name, a, operator, b string) dashboard.DataTransformerConfig {
	column := func(of string) map[string]any {
		return map[string]any{"matcher": map[string]any{"id": "byName", "options": of}}
	}
	return change("calculateField", map[string]any{"mode": "binary", "binary": map[string]any{"left": column(a), "operator": operator, "right": column(b)}, "alias": name, "replaceFields": false})
}

// bareState leaves of "GPUs ok" that they are ok.
func bareState() dashboard.DataTransformerConfig {
	return change("renameByRegex", map[string]any{"regex": `/^\w+ (.*)$/`, "renamePattern": "$1"})
}

// matrix is a table of row by column.
func matrix(row, column, value string) dashboard.DataTransformerConfig {
	return change("groupingToMatrix", map[string]any{"rowField": row, "columnField": column, "valueField": value, "emptyValue": "null"})
}

// listed makes a row of each series, its labels as columns.
func listed() dashboard.DataTransformerConfig {
	return change("reduce", map[string]any{"reducers": []string{"lastNotNull"}, "mode": "seriesToRows", "labelsToFields": true})
}

// counted is how many rows there are of each value of a column.
func counted(column string) dashboard.DataTransformerConfig {
	return change("groupBy", map[string]any{"fields": map[string]any{
		column: map[string]any{"operation": "groupby", "aggregations": []string{}},
		"Kind": map[string]any{"operation": "aggregate", "aggregations": []string{"count"}},
	}})
}

// exactly are names as a regular expression.
func exactly(names ...string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = regexp.QuoteMeta(n)
	}
	return fmt.Sprintf("/^(%s)$/", strings.Join(quoted, "|"))
}

func changes(c ...dashboard.DataTransformerConfig) []dashboard.DataTransformerConfig { return c }
