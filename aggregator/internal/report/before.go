package report

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/site"
)

// earlier is what meters show of a year before the site is stated to have begun. It
// is in no figure: tests and building, or the month that is stated is wrong.
type earlier struct {
	supply, it account.Wide // mJ
	meters     map[string]bool
	first      int64 // ms since 1970
}

// readBefore reads it, as imports and collectors have it.
func (b *build) readBefore() error {
	p := &b.r.Period
	if !p.Partial {
		return nil
	}
	from := b.Site.MidnightOf(site.Date{Year: b.Year, Month: time.January, Day: 1}).UnixMilli()
	e := &earlier{meters: map[string]bool{}}
	b.early = e
	sums := []struct {
		of  func(*account.Branch) bool
		sum *account.Wide
	}{{b.sums.groups[gSupply].members, &e.supply}, {b.sums.groups[gIT].members, &e.it}}
	return b.Ledger.Branches(b.Site.Token, from, p.from, func(h *account.HourBranches) bool {
		for i := range h.Branches {
			x := &h.Branches[i]
			for _, s := range sums {
				if !s.of(x) {
					continue
				}
				for k := range x.Quarters {
					at := h.Number*hourMillis + int64(k)*quarterMillis
					if q := &x.Quarters[k]; at >= from && at < p.from && !q.Amount.IsZero() {
						for _, v := range q.Amount {
							*s.sum, _ = s.sum.Add(account.Wide{Lo: v})
						}
						if len(e.meters) == 0 {
							e.first = at
						}
						e.meters[x.Meter] = true
					}
				}
			}
		}
		return true
	})
}

// checkBefore raises what was counted before.
func (b *build) checkBefore() {
	e := b.early
	if e == nil || len(e.meters) == 0 {
		return
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(e.meters)), func(n string) bool { return n == "" })
	if more := len(names) - 5; more > 0 {
		names = append(names[:5], "others")
	}
	b.issue("W_BEFORE_OPERATION", "in_operation_since", "the site is stated to be in operation since %s, and meters counted from %s on (%s): of the time before, %s kWh that came in, and %s kWh of them that went to IT, are in no figure",
		b.r.Period.From, time.UnixMilli(e.first).In(b.Site.TimeZone).Format(time.DateOnly), strings.Join(names, ", "), number(over(rat(e.supply), perKWh)), number(over(rat(e.it), perKWh)))
}
