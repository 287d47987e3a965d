package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// figureStatus is a figure of the day as the page reads it.
type figureStatus struct {
	Name     string             `json:"kpi"`
	Unit     string             `json:"unit"`
	Value    *float64           `json:"value"`
	Reason   string             `json:"reason"` // why there is none
	Detail   string             `json:"detail"` // more of that
	Category int                `json:"category"`
	Point    string             `json:"it_point"`
	From     int64              `json:"from"`
	To       int64              `json:"to"`
	Interim  bool               `json:"interim"`
	Coverage float64            `json:"coverage"`
	Needed   float64            `json:"coverage_needed"` // once the day is over
	Quality  map[string]float64 `json:"quality"`
	Flags    []string           `json:"flags"`
	Wrong    bool               `json:"wrong"` // it must not be reported
	Grid     []gridStatus       `json:"grid"`
	Method   string             `json:"method"`
}

// gridStatus is the share of the grid's energy for which one provider's word
// counts.
type gridStatus struct {
	Provider string  `json:"provider"`
	Tier     string  `json:"tier"`
	Zone     string  `json:"zone"`
	Revised  bool    `json:"revised"`
	Share    float64 `json:"share"`
}

func figureOf(k *account.KPI) figureStatus {
	f := figureStatus{
		Name: k.Name, Unit: k.Unit, Value: k.Value, Category: k.Category, Point: k.Point, From: k.From, To: k.To,
		Interim:  strings.HasPrefix(k.Reason, "interim") || strings.HasPrefix(k.Reason, "without the capacity"),
		Coverage: k.Coverage, Needed: k.Needed, Quality: map[string]float64{}, Flags: []string{}, Grid: []gridStatus{}, Method: k.Method,
	}
	if k.Value == nil {
		f.Reason, f.Detail = k.Reason, ""
		if i := strings.IndexAny(k.Reason, ":;"); i >= 0 && strings.HasPrefix(k.Reason[i+1:], " ") {
			f.Reason, f.Detail = k.Reason[:i], k.Reason[i+2:]
		}
	}
	for q, share := range k.Quality {
		if share > 0 {
			f.Quality[metric.Quality(q).String()] = share
		}
	}
	for _, x := range k.Flags {
		f.Flags = append(f.Flags, x.Text)
		f.Wrong = f.Wrong || x.Wrong
	}
	for _, g := range k.Grid {
		f.Grid = append(f.Grid, gridStatus{g.Provider, g.Tier, g.Zone, g.Revised, g.Share})
	}
	return f
}

// fileStatus is what is in force of a site's file.
type fileStatus struct {
	Version string `json:"version"`
	Taken   int64  `json:"taken"`    // milliseconds since 1970
	Refused string `json:"refused"`  // why what stands in the file now is not in force; "": it is
	Left    string `json:"unstated"` // which meters were read and count in nothing, for the file does not name them; "": none
}

func (x *siteFile) status() *fileStatus {
	if x == nil {
		return nil
	}
	version, at, refused := x.state()
	// No path of the server's, nor more than the page has room for.
	lines := strings.Split(strings.ReplaceAll(refused, x.path, filepath.Base(x.path)), "\n")
	if refused = lines[0]; len(lines) > 1 {
		refused += " (and more)"
	}
	return &fileStatus{version, at.UnixMilli(), refused, x.unstated()}
}

// mostLeft is how many meters the page names.
const mostLeft = 5

// unstated says which meters were read and are not in the file.
func (x *siteFile) unstated() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch n := len(x.left); {
	case n == 0:
		return ""
	case n > mostLeft:
		return fmt.Sprintf("%s and %d more", strings.Join(x.left[:mostLeft], ", "), n-mostLeft)
	}
	return strings.Join(x.left, ", ")
}
