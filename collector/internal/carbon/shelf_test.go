package carbon

import (
	"fmt"
	"testing"
)

func TestFiguresThatCannotBeAreRefused(t *testing.T) {
	now := slot(1_000_000)
	good := figure{from: now.start(), to: (now + 1).start(), value: 100, basis: Generated}
	for name, spoil := range map[string]func(*figure){
		"below zero":           func(f *figure) { f.value = -1 },
		"more than coal":       func(f *figure) { f.value = 4001 },
		"no interval":          func(f *figure) { f.to = f.from },
		"five minutes":         func(f *figure) { f.to = f.from + 300 },
		"between quarters":     func(f *figure) { f.from += 60; f.to += 60 },
		"a year":               func(f *figure) { f.to += 365 * 86400 },
		"of next week":         func(f *figure) { f.from += 7 * 86400; f.to += 7 * 86400 },
		"before time":          func(f *figure) { f.from, f.to = -900, 0 },
		"of no basis":          func(f *figure) { f.basis = 0 },
		"worked out elsewhere": func(f *figure) { f.basis = WeekBefore },
	} {
		f := good
		spoil(&f)
		var s shelf
		if news := s.put(Lifecycle, []figure{f}, now); len(news) > 0 || s.refused != 1 {
			t.Errorf("%s: %+v", name, news)
		}
	}
	var s shelf
	s.put(Lifecycle, []figure{good}, now)
	for name, tc := range map[string]struct {
		change func(*figure)
		news   bool
	}{
		"again":                       {func(f *figure) { f.fetched = 99 }, false},
		"a forecast of what is known": {func(f *figure) { f.basis, f.value = Forecast, 90 }, false},
		"corrected":                   {func(f *figure) { f.value = 101 }, true},
		"an older answer":             {func(f *figure) { f.value, f.published = 90, 5 }, false},
	} {
		f := good
		f.published = 10
		tc.change(&f)
		s.figures[now] = func() figure { g := good; g.published = 10; return g }()
		if news := s.put(Lifecycle, []figure{f}, now); (len(news) > 0) != tc.news {
			t.Errorf("%s: news %v", name, news)
		}
	}
	if got := fmt.Sprint(Basis(77), Basis(77).Tier()); got != "unknown 9" {
		t.Error(got)
	}
}
