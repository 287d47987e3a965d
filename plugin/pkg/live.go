package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// liveModel asks for power as it is now, and names the stream that goes on with
// it, a frame a second.
type liveModel struct {
	base
	By       string `json:"by,omitempty"`       // site, hall, rack
	Boundary string `json:"boundary,omitempty"` // facility, it, host, gpu; "": all of a site, of halls and racks that which they have
}

func (m *liveModel) check() error {
	if err := oneOf("by", &m.By, "site", "hall", "rack"); err != nil {
		return err
	}
	if m.Boundary == "" {
		return nil
	}
	p := powerModel{By: m.By, Boundary: m.Boundary, Measure: "power"}
	return p.boundaryOf()
}

func (m *liveModel) answer(a *asking) (*result, error) {
	sites, notes, err := a.sites()
	if err != nil {
		return nil, err
	}
	if len(sites) != 1 {
		return nil, wrong("a stream is of one site; write site=NAME, or choose one")
	}
	if a.fromAlert {
		return nil, wrong("a stream cannot be watched by a rule; write power_energy, or top")
	}
	c := channel{site: sites[0].name, by: m.By, boundary: m.Boundary}
	rows, err := first(a, sites[0].by, c)
	if err != nil {
		return nil, advised(sites[0].by.name, err)
	}
	frame, lacking := c.frame(rows, a.limits.Series)
	frame.Meta.Channel = "ds/" + a.uid + "/" + c.path()
	return &result{data.Frames{frame}, append(warnings(notes), lacking...)}, nil
}

// A channel is one stream: live/BY/SITE[/BOUNDARY].
type channel struct{ by, site, boundary string }

func (c channel) path() string {
	p := "live/" + c.by + "/" + c.site
	if c.boundary != "" {
		p += "/" + c.boundary
	}
	return p
}

// question is what the aggregator is asked for.
func (c channel) question() query.LiveQuestion {
	return query.LiveQuestion{Site: c.site, By: c.by, Boundary: c.boundary}
}

func parseChannel(path string) (c channel, ok bool) {
	parts := strings.Split(path, "/")
	if len(parts) < 3 || len(parts) > 4 || parts[0] != "live" {
		return c, false
	}
	c = channel{by: parts[1], site: parts[2]}
	if c.by != "site" && c.by != "hall" && c.by != "rack" || !metric.ValidName(c.site) {
		return c, false
	}
	if len(parts) == 4 {
		c.boundary = parts[3]
		if _, ok := metric.ParseBoundary(c.boundary); !ok {
			return c, false
		}
	}
	return c, true
}

// frame is one second, a column a place.
func (c channel) frame(r *query.LiveEvent, most int) (*data.Frame, []data.Notice) {
	at := time.Now().UTC()
	if r.At != nil {
		at = *r.At
	}
	f := data.NewFrame("power", data.NewField("time", nil, []time.Time{at}))
	f.Meta = typed(data.FrameTypeTimeSeriesWide)
	reasons, inside := map[string]int{}, map[string]int{}
	lacking, n := 0, 0
	for _, row := range r.Rows {
		if row.Site != c.site || c.boundary != "" && row.Boundary != c.boundary {
			continue
		}
		if n++; n > most {
			continue
		}
		if row.Watts == nil {
			lacking++
			reasons[row.Reason]++
		}
		labels := labelsOf("site", row.Site, "hall", row.Hall, "rack", row.Rack, "boundary", row.Boundary)
		shown := without(labels, "boundary")
		switch {
		case c.by == "site":
			shown = labels
		case c.boundary == "": // the outermost that is metered, which a silent meter changes
			inside[row.Boundary]++
			labels = shown
		}
		field := data.NewField("power", labels, []*float64{row.Watts})
		field.SetConfig(&data.FieldConfig{Unit: unitWatt, DisplayNameFromDS: named("power", shown, false)})
		f.Fields = append(f.Fields, field)
	}
	var notes []data.Notice
	if r.Truncated {
		notes = append(notes, warning("%s: the aggregator cut its list", c.site))
	}
	if lacking > 0 {
		notes = append(notes, warning("%s: of %d of %d nothing is known now: %s", c.site, lacking, n, listed(reasons)))
	}
	notes = append(notes, mixed(c.site, c.by, inside)...)
	if n > most {
		notes = append(notes, warning("%d of %d are shown: choose a boundary, or raise the data source's limit of series", most, n))
	}
	return f, notes
}

// mixed says how many places have their power from which boundary, where not all
// have it from the same.
func mixed(site, by string, inside map[string]int) []data.Notice {
	delete(inside, "")
	if len(inside) < 2 {
		return nil
	}
	var parts []string
	for _, b := range sortedKeys(inside) {
		parts = append(parts, fmt.Sprintf("%d inside %s", inside[b], b))
	}
	return []data.Notice{info("%s: %s are measured at the outermost boundary that each has: %s", site, plural(by), strings.Join(parts, ", "))}
}

// first is the first event of a stream, which comes at once.
func first(ctx context.Context, c *caller, ch channel) (*query.LiveEvent, error) {
	ctx, cancel := context.WithTimeout(ctx, c.http.Timeout)
	defer cancel()
	var out *query.LiveEvent
	enough := errors.New("enough")
	err := c.live.Live(ctx, ch.question(), func(e *query.LiveEvent) error { out = e; return enough })
	if out != nil {
		return out, nil
	}
	return nil, err
}
