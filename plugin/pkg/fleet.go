package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A fleet is the aggregators of a data source, and which sites each answers for.
type fleet struct {
	callers []*caller
	cache   *cache
	figures *cache
	usual   string // the site that is meant where none is said; "": the only one
}

// A siteOf is a site with who answers for it.
type siteOf struct {
	name      string
	simulated bool
	by        *caller
	stands    position
	also      string // who else would answer for it, as a hub does; with commas between them
}

// A position is in degrees; the zero position is not known.
type position struct {
	known               bool
	latitude, longitude float64
}

// sites are all sites, by name, real ones first. Who could not be asked is in
// failed; the error is of the first where none answered.
func (f *fleet) sites(ctx context.Context) (sites []siteOf, failed []error, err error) {
	lists := make([][]siteOf, len(f.callers))
	errs := make([]error, len(f.callers))
	var wait sync.WaitGroup
	for i, c := range f.callers {
		wait.Go(func() { lists[i], errs[i] = f.sitesOf(ctx, c) })
	}
	wait.Wait()
	seen := map[string]int{}
	for i, list := range lists {
		if errs[i] != nil {
			failed = append(failed, errs[i])
			continue
		}
		for _, s := range list {
			if first, ok := seen[s.name]; ok {
				sites[first].also = strings.TrimPrefix(sites[first].also+", "+s.by.name, ", ")
				continue
			}
			seen[s.name] = len(sites)
			sites = append(sites, s)
		}
	}
	if len(failed) > 0 && len(sites) == 0 {
		return nil, nil, failed[0]
	}
	slices.SortFunc(sites, func(a, b siteOf) int {
		if a.simulated != b.simulated {
			if a.simulated {
				return 1
			}
			return -1
		}
		return strings.Compare(a.name, b.name)
	})
	return sites, failed, nil
}

func (f *fleet) sitesOf(ctx context.Context, c *caller) ([]siteOf, error) {
	list, err := f.inventory(ctx, c, query.InventoryQuestion{Kind: "site"})
	if err != nil {
		return nil, err
	}
	var sites []siteOf
	for _, i := range list.Items {
		s := siteOf{name: i.Name, simulated: i.Simulated, by: c}
		if i.Latitude != nil && i.Longitude != nil {
			s.stands = position{true, *i.Latitude, *i.Longitude}
		}
		sites = append(sites, s)
	}
	return sites, nil
}

// inventory asks an aggregator what there is, from the cache if it was asked a
// moment ago.
func (f *fleet) inventory(ctx context.Context, c *caller, q query.InventoryQuestion) (*query.Inventory, error) {
	v := q.Values()
	return cached(ctx, f.cache, c.name+" inventory "+v.Encode(), func(ctx context.Context) (*query.Inventory, error) {
		a, err := ask[query.Inventory](ctx, c, "/api/v1/inventory", v)
		return a, advised(c.name, err)
	})
}

// all is what a question says for all sites.
const all = "*"

// chosen are the sites that a question means: names with commas between them, *
// for all, or none for the usual one. Who could not be asked is in failed, where
// that leaves open which sites there are.
func (f *fleet) chosen(ctx context.Context, said string) (sites []siteOf, failed []error, err error) {
	known, failed, err := f.sites(ctx)
	if err != nil {
		return nil, nil, err
	}
	if said = strings.TrimSpace(said); said == "" {
		said = f.usual
	}
	switch {
	case said == all:
		return known, failed, nil
	case said == "":
		real := slices.DeleteFunc(slices.Clone(known), func(s siteOf) bool { return s.simulated })
		if len(real) == 1 {
			return real, failed, nil
		}
		if len(known) == 1 {
			return known, failed, nil
		}
		return nil, nil, wrong("which site? Write one of %s, or %s for all; or set a default site in the data source's settings", names(known), all)
	}
	for name := range strings.SplitSeq(said, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(known, func(s siteOf) bool { return s.name == name })
		switch {
		case !metric.ValidName(name):
			return nil, nil, wrong("site %q is not a name; write one of %s, or %s for all", name, names(known), all)
		case i < 0 && len(failed) > 0:
			return nil, nil, wrong("site %q is not known to the aggregators that answered; not all did: %s", name, strings.Join(texts(failed), "; "))
		case i < 0:
			return nil, nil, wrong("site %q is not known, or this data source's token may not read it; there are %s", name, names(known))
		case slices.Contains(sites, known[i]):
		default:
			sites = append(sites, known[i])
		}
	}
	return sites, nil, nil
}

func texts(errs []error) (out []string) {
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

func names(sites []siteOf) string {
	const shown = 20
	var out []string
	for _, s := range sites[:min(shown, len(sites))] {
		out = append(out, s.name)
	}
	if len(out) == 0 {
		return "none yet"
	}
	if n := len(sites) - shown; n > 0 {
		out = append(out, fmt.Sprintf("%d more", n))
	}
	return strings.Join(out, ", ")
}

// each asks ask of every site at once, a few at a time, and gives what came in
// the sites' order. It fails only if all did; what else did is in notes. A rule gets
// all or an error: it sees no notes, and would take a part for the whole.
func each[T any](a *asking, sites []siteOf, ask func(context.Context, siteOf) (T, error)) (out []T, of []siteOf, notes []string, err error) {
	out, of, notes, failed, err := ofEach(a, sites, ask)
	if err == nil && failed != nil && a.fromAlert {
		err = notAll(failed)
	}
	return out, of, notes, err
}

// notAll is why a rule gets no answer though a part of it is there.
func notAll(failed error) error {
	if m := (*mistake)(nil); errors.As(failed, &m) {
		return failed
	}
	return fmt.Errorf("a rule needs the answer of all: %w", failed)
}

// ofEach is each of whoever is told notes. failed is the first that did.
func ofEach[T any](ctx context.Context, sites []siteOf, ask func(context.Context, siteOf) (T, error)) (out []T, of []siteOf, notes []string, failed, err error) {
	const atOnce = 8
	answers, errs := make([]T, len(sites)), make([]error, len(sites))
	gate := make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	for i, s := range sites {
		wait.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			defer recovered(&errs[i])
			answers[i], errs[i] = ask(ctx, s)
		})
	}
	wait.Wait()
	for i := range sites {
		if errs[i] != nil {
			errs[i] = advised(sites[i].by.name, errs[i])
			if failed == nil {
				failed = errs[i]
			}
			what := "site " + sites[i].name
			if sites[i].name == sites[i].by.name { // an aggregator as a whole was asked
				what = "aggregator " + sites[i].name
			}
			notes = append(notes, fmt.Sprintf("%s is not in this answer: %v", what, errs[i]))
			continue
		}
		out, of = append(out, answers[i]), append(of, sites[i])
	}
	if len(out) > 0 || failed == nil {
		return out, of, notes, failed, nil
	}
	return nil, nil, nil, failed, failed
}
