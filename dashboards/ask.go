package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
)

// plugin is the data source that is asked.
const plugin = "gigawatch-gigawatch-datasource"

// A source names a data source: the one that the dashboard's variable says.
type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// An ask is one query, with the keys of all kinds of them; each kind has some.
type ask struct {
	RefID      string `json:"refId"`
	Datasource source `json:"datasource"`
	Kind       string `json:"queryType"`
	Version    int    `json:"version"`
	Site       string `json:"site,omitempty"`

	Measure  string   `json:"measure,omitempty"`
	By       string   `json:"by,omitempty"`
	Boundary string   `json:"boundary,omitempty"`
	KPIs     []string `json:"kpis,omitempty"`
	Shape    string   `json:"shape,omitempty"`
	Period   string   `json:"period,omitempty"`
	Step     string   `json:"step,omitempty"`

	Of     string `json:"of,omitempty"`
	Metric string `json:"metric,omitempty"`
	Order  string `json:"order,omitempty"`
	Value  string `json:"value,omitempty"`
	Lane   string `json:"lane,omitempty"`
	Over   string `json:"over,omitempty"`

	About    string   `json:"kind,omitempty"`
	States   []string `json:"states,omitempty"`
	State    string   `json:"state,omitempty"`
	Stages   []string `json:"stages,omitempty"`
	Findings []string `json:"findings,omitempty"`
	What     []string `json:"what,omitempty"`
	Expr     string   `json:"expr,omitempty"`
	Mode     string   `json:"mode,omitempty"`
	Format   string   `json:"format,omitempty"`
	Legend   string   `json:"legend,omitempty"`
	Hall     string   `json:"hall,omitempty"`
	Rack     string   `json:"rack,omitempty"`
	Host     string   `json:"host,omitempty"`
	GPU      string   `json:"gpu,omitempty"`
	Job      string   `json:"job,omitempty"`
	Tenant   string   `json:"tenant,omitempty"`
	Limit    int      `json:"limit,omitempty"`
	Largest  int      `json:"largest,omitempty"`
	Unread   string   `json:"unread,omitempty"`
	Words    int      `json:"words,omitempty"`
	Unit     string   `json:"unit,omitempty"`

	name   string // "": as the data source names what it answers
	colour string
}

// question begins an ask of a kind, of the chosen site.
func question(kind string) ask {
	return ask{Kind: kind, Version: 1, Site: "$site", Datasource: source{plugin, "${ds}"}}
}

// power is over time, by what, inside a boundary.
func power(by, boundary string) ask {
	a := question("power_energy")
	a.By, a.Boundary = by, boundary
	if by == "site" {
		a.name, a.colour = boundaryName(boundary), boundaryColour(boundary)
	}
	return a
}

// energy is what the ledger has booked: in intervals, or in all.
func energy(by, boundary, shape string) ask {
	a := power(by, boundary)
	a.Measure, a.Shape = "energy", shape
	return a
}

// live is the site's power, a value a second.
func live() ask {
	a := question("live")
	a.By = "site"
	return a
}

// tree is what stages of the power tree show, less what stands below them.
func tree(findings []string, stages ...string) ask {
	a := question("reconciliation")
	a.Findings, a.Stages = findings, stages
	return a
}

// alerts are those of the aggregator.
func alerts(shape, state string) ask {
	a := question("alerts")
	a.Shape, a.State = shape, state
	return a
}

// happened is what annotations mark, as rows.
func happened(what ...string) ask {
	a := question("annotations")
	a.What = what
	return a
}

func kpi(shape string, names ...string) ask {
	a := question("kpi")
	a.Shape, a.KPIs = shape, names
	return a
}

// today is figures since the site's midnight.
func today(names ...string) ask {
	a := kpi("value", names...)
	a.Period = "today"
	return a
}

// top ranks GPUs, hosts, racks or halls by what they say now.
func top(of, metric string, n int) ask {
	a := question("top")
	a.Of, a.Metric, a.Limit = of, metric, n
	return a
}

// of is of one lane of agents.
func (a ask) of(lane string) ask {
	a.Lane = lane
	return a
}

// over ranks by what rose in so long.
func (a ask) over(long string) ask {
	a.Over = long
	return a
}

// racks are all racks of a hall, or of the site, with one value each.
func racks(value string) ask {
	a := question("map")
	a.Value, a.Shape, a.Limit = value, "tiles", mostTiles
	return a
}

// needs is what needs a person; counted, how many do.
func needs(shape string, states ...string) ask {
	a := question("health")
	a.Shape, a.States = shape, states
	return a
}

// mean is PromQL of the mean of each step, not of a moment; expr is of what stands
// still too, which is stored seldom.
func mean(expr, legend string) ask {
	return series(`avg_over_time(`+expr+`[$__interval:$__part])`, legend)
}

// series is PromQL over the range.
func series(expr, legend string) ask {
	a := question("promql")
	a.Expr, a.Legend = expr, legend
	return a
}

// now is PromQL at the end of the range.
func now(expr, legend string) ask {
	a := series(expr, legend)
	a.Mode = "instant"
	return a
}

// down is a share in whole parts of one, never more than it is: Grafana rounds to the
// nearest, and one silent GPU of many thousands must not read as 100 %.
func down(parts int, expr string) string {
	return fmt.Sprintf("floor((%s) * %d) / %d", expr, parts, parts)
}

// rows is PromQL at the end of the range, a row a series.
func rows(expr string) ask {
	a := now(expr, "")
	a.Format = "table"
	return a
}

// in narrows a to places that the dashboard's variables of that name say.
func (a ask) in(places ...string) ask {
	for _, p := range places {
		*map[string]*string{"hall": &a.Hall, "rack": &a.Rack, "host": &a.Host, "gpu": &a.GPU, "job": &a.Job, "tenant": &a.Tenant}[p] = "$" + p
	}
	return a
}

// ofAll asks about all sites.
func (a ask) ofAll() ask {
	a.Site, a.name, a.colour = "*", "", ""
	if a.Kind == "promql" {
		a.Site = ""
	}
	return a
}

// ofIntervals reports whether a answers with amounts of intervals, the last of which
// may not be over and is apart; of one job its power is too.
func (a ask) ofIntervals() bool {
	amount := func(name string) bool { return name == "cost" || strings.HasPrefix(name, "carbon_") }
	return a.Shape == "series" && (a.Measure == "energy" || slices.ContainsFunc(a.KPIs, amount)) || a.isBooked() && a.Job != ""
}

// isBooked reports whether a answers with means of power of whole intervals, from
// the ledger.
func (a ask) isBooked() bool {
	return a.Kind == "power_energy" && a.Measure == "" && (a.By == "job" || a.By == "tenant")
}

// isMean reports whether each point that a answers with is a mean of power.
func (a ask) isMean() bool {
	return a.Kind == "power_energy" && a.Measure == "" && !a.isBooked() || strings.Contains(a.Expr, "[$__interval:")
}

// unread is what is said of what is there and of which nothing was read: a counter
// tells nothing of itself by one reading.
func (a ask) unread() string {
	if strings.Contains(a.Expr, "rate(") || strings.Contains(a.Expr, "increase(") {
		return "Not read twice within minutes in this time"
	}
	return "Not read in this time"
}

// as names what a answers, in a colour of its own if one is given.
func (a ask) as(name, colour string) ask {
	a.name, a.colour = name, colour
	return a
}

// called is as, of what may be several alike: the data source names them, and adds what
// tells them apart.
func (a ask) called(name, colour string) ask {
	a.Legend = name
	return a.as(name, colour)
}

// about is of hosts alone, or of GPUs.
func (a ask) about(kind string) ask {
	a.About = kind
	return a
}

func (a ask) by(step string) ask {
	a.Step = step
	return a
}

// largest leaves the n that need the most, and adds all others up.
func (a ask) largest(n int) ask {
	a.Largest = n
	return a
}

func (a ask) most(n int) ask {
	a.Limit = n
	return a
}

// The rest is what the SDK asks of a query.

func (a ask) ImplementsDataqueryVariant() {}
func (a ask) DataqueryType() string       { return plugin }
func (a ask) Validate() error             { return nil }

func (a ask) Equals(other variants.Dataquery) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(other)
	return err == nil && err2 == nil && bytes.Equal(x, y)
}

// variant lets the SDK read asks back, and refuse what is none.
func variant() variants.DataqueryConfig {
	read := func(raw []byte) (variants.Dataquery, error) {
		var a ask
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&a); err != nil {
			return nil, fmt.Errorf("read query: %w", err)
		}
		return a, nil
	}
	return variants.DataqueryConfig{Identifier: plugin, DataqueryUnmarshaler: read, StrictDataqueryUnmarshaler: read}
}
