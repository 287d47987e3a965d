package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// treeDay is the power tree of a site's last hours: what each stage shows against
// what stands below it.
type treeDay struct {
	from, to int64 // whole hours, milliseconds since 1970
	terms    string
	asked    time.Time
	gaps     []account.Gap
	reason   string // why there are none
}

const (
	// treeSpan is how far back the power tree looks: long enough for gaps to
	// stand out of the rounding of meters, and no longer, since it reads what every
	// host drew.
	treeSpan = 6 * time.Hour
	// treeEvery is after how long it is looked at again though no hour is over:
	// readings may have been corrected.
	treeEvery = 20 * time.Minute
)

// reconcile is the power tree of now by a version of the terms, or before if that
// still holds.
func (d *today) reconcile(site, terms string, before *treeDay, now time.Time) *treeDay {
	to := now.Truncate(time.Hour)
	t := &treeDay{from: to.Add(-treeSpan).UnixMilli(), to: to.UnixMilli(), terms: terms, asked: now}
	if before != nil && before.to == t.to && before.terms == t.terms && now.Sub(before.asked) < treeEvery {
		return before
	}
	gaps, err := d.ledger.Reconcile(site, t.from, t.to, []account.Stage{
		account.StageFacility, account.StageUPS, account.StagePDU, account.StageMeter, account.StageHosts, account.StageGPUs, account.StageRack,
	})
	switch {
	case err != nil:
		t.reason = err.Error()
	case len(gaps) == 0:
		t.reason = "nothing stands below a meter, or no hour is over yet"
	}
	t.gaps = gaps
	return t
}

// treeStatus is the power tree as the page reads it.
type treeStatus struct {
	From    int64       `json:"from"`
	To      int64       `json:"to"`
	Reason  string      `json:"reason"`
	Stages  []gapStatus `json:"stages"`
	Odd     int         `json:"odd"`     // of all
	Unknown int         `json:"unknown"` // of all
	All     int         `json:"all"`     // of which Stages are some, those that are odd first
}

// gapStatus is a stage of the power tree: what is above it, what below, and what
// that means.
type gapStatus struct {
	Stage    string   `json:"stage"`
	Name     string   `json:"name"`
	AboveKWh float64  `json:"above_kwh"`
	BelowKWh float64  `json:"below_kwh"`
	Children int      `json:"children"`
	Percent  *float64 `json:"gap_percent"` // null: nothing came in, or it is not known
	Low      float64  `json:"low_percent"`
	High     float64  `json:"high_percent"`
	Finding  string   `json:"finding"`
	Coverage float64  `json:"coverage"`
	Missing  []string `json:"missing"`
	Hint     string   `json:"hint"` // where to look
}

// mostGaps is how many stages the page has room for.
const mostGaps = 16

// treeOf is t as the page reads it. Stages of the whole site are always shown, of
// meters and racks first those that are odd.
func treeOf(t *treeDay) *treeStatus {
	if t == nil {
		return &treeStatus{Stages: []gapStatus{}, Reason: "nothing in the ledger yet"}
	}
	out := &treeStatus{From: t.from, To: t.to, Reason: t.reason, Stages: []gapStatus{}, All: len(t.gaps)}
	var list []gapStatus
	for i := range t.gaps {
		g := &t.gaps[i]
		switch g.Finding {
		case account.Lacking, account.Exceeds:
			out.Odd++
		case account.Unknown:
			out.Unknown++
		}
		list = append(list, gapOf(g, t.gaps))
	}
	rank := func(g gapStatus) int {
		switch {
		case g.Name == "":
			return 0
		case g.Finding == string(account.Exceeds) || g.Finding == string(account.Lacking):
			return 1
		case g.Finding == string(account.Unknown):
			return 2
		}
		return 3
	}
	slices.SortStableFunc(list, func(a, b gapStatus) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(off(&b), off(&a))*min(1, rank(a)))
	})
	list = list[:min(len(list), mostGaps)]
	order := func(stage string) int { s, _ := account.ParseStage(stage); return int(s) }
	slices.SortStableFunc(list, func(a, b gapStatus) int { return cmp.Compare(order(a.Stage), order(b.Stage)) })
	out.Stages = append(out.Stages, list...)
	return out
}

// off is by how much a gap is outside of what is expected, in percent.
func off(g *gapStatus) float64 {
	if g.Percent == nil {
		return 0
	}
	return max(0, g.Low-*g.Percent, *g.Percent-g.High)
}

func gapOf(g *account.Gap, all []account.Gap) gapStatus {
	s := gapStatus{
		Stage: g.Stage.String(), Name: g.Name, AboveKWh: g.Above.Float() / metric.MillijoulesPerKWh, BelowKWh: g.Below.Float() / metric.MillijoulesPerKWh,
		Children: g.Children, Low: 100 * g.Low, High: 100 * g.High, Finding: string(g.Finding), Coverage: g.Coverage, Missing: g.Missing,
	}
	if g.Ratio != nil {
		p := 100 * *g.Ratio
		s.Percent = &p
	}
	switch g.Finding {
	case account.Exceeds:
		s.Hint = "more is metered below than comes in: a meter hangs below the wrong one, counts twice, or stands in kWh for Wh"
	case account.Lacking:
		s.Hint = "less is metered below than comes in: a load without a meter, or a meter under another name or parent"
	case account.Unknown:
		if len(g.Missing) > 0 {
			s.Hint = "not known: " + strings.Join(g.Missing[:min(3, len(g.Missing))], ", ")
		}
	}
	if o := counterpart(g, all); o != nil {
		which := "exceeds"
		if g.Finding == account.Exceeds {
			which = "is lacking"
		}
		s.Hint = fmt.Sprintf("about as much %s at %s: a meter may hang below the wrong one of the two", which, o.Name)
	}
	return s
}

// counterpart is the stage at which about as much is lacking as exceeds at g, or
// the other way about: what is metered at one belongs to the other. nil if there is
// none, or more than one.
func counterpart(g *account.Gap, all []account.Gap) (found *account.Gap) {
	if g.Name == "" || g.Finding != account.Exceeds && g.Finding != account.Lacking {
		return nil
	}
	for i := range all {
		o := &all[i]
		if o.Stage != g.Stage || o.Name == g.Name || o.Finding == g.Finding || o.Finding != account.Exceeds && o.Finding != account.Lacking {
			continue
		}
		if math.Abs(o.Gap+g.Gap) > 0.1*max(math.Abs(o.Gap), math.Abs(g.Gap)) {
			continue
		}
		if found != nil {
			return nil
		}
		found = o
	}
	return found
}
