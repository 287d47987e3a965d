package carbon

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// parsePrices are the prices of the day-ahead auction in a document A44. Where a
// zone has several auctions, sequence says which counts: they differ, and are
// published one before the other, so none stands in for another.
func parsePrices(b []byte, eic string, sequence int, fetched int64) ([]figure, error) {
	doc, err := parseDocument(b, "Publication_MarketDocument", "A44")
	if err != nil {
		return nil, err
	}
	wanted := strconv.Itoa(sequence)
	var list []figure
	var others []string
	room := mostSteps
	for i := range doc.Series {
		s := &doc.Series[i]
		switch {
		case s.To != eic || s.From != eic:
			return nil, fmt.Errorf("prices of %s and %s where %s is wanted", s.To, s.From, eic)
		case s.Contract != "" && s.Contract != "A01": // intraday
			continue
		case s.Sequence != "" && s.Sequence != wanted:
			if !slices.Contains(others, s.Sequence) && len(others) < 8 {
				others = append(others, s.Sequence)
			}
			continue
		case s.Currency != "EUR" || s.Per != "MWH":
			return nil, fmt.Errorf("prices in %s per %s where EUR per MWH is wanted", s.Currency, s.Per)
		}
		steps, err := s.steps(&room)
		if err != nil {
			return nil, fmt.Errorf("prices: %w", err)
		}
		for _, p := range steps {
			list = append(list, figure{from: p.from, to: p.to, value: p.value, basis: Auctioned, set: "day-ahead", published: doc.published(), fetched: fetched})
		}
	}
	if len(list) == 0 && len(others) > 0 {
		return nil, fmt.Errorf("%w of auction %s yet, only of %v", errNoData, wanted, others)
	}
	return finest(list)
}

// finest cuts figures so that none overlaps another: of two resolutions of a time
// the finer one counts. Two of the same resolution cannot differ.
func finest(list []figure) ([]figure, error) {
	slices.SortStableFunc(list, func(a, b figure) int {
		return cmp.Or(cmp.Compare(b.to-b.from, a.to-a.from), cmp.Compare(a.from, b.from))
	})
	owner := map[slot]int{}
	for i := range list {
		f := &list[i]
		if i > 0 && list[i-1].from == f.from && list[i-1].to == f.to && list[i-1].value != f.value {
			return nil, fmt.Errorf("two prices, %v and %v, from %s", list[i-1].value, f.value, utc(f.from).Format(time.RFC3339))
		}
		first, end, _ := f.slots()
		for at := first; at < end; at++ {
			owner[at] = i
		}
	}
	var cut []figure
	for i, f := range list {
		first, end, ok := f.slots()
		whole := ok
		for at := first; at < end; at++ {
			whole = whole && owner[at] == i
		}
		if whole {
			cut = append(cut, f)
			continue
		}
		for at := first; at < end; at++ {
			if owner[at] == i {
				f.from, f.to = at.start(), (at + 1).start()
				cut = append(cut, f)
			}
		}
	}
	return cut, nil
}
