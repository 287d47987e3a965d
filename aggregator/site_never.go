package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/collector/site"
)

// absentees finds the hosts of sites' files that nobody ever heard of: what was never
// installed falls silent for nobody.
type absentees struct {
	files *siteFiles
	hosts func([]health.Host) []health.Host // that were ever heard of, also before the start
	show  func(site string, hosts int)

	at   time.Time // when it was last looked
	list []rule.Absent
}

// neverEvery is how often it is looked.
const neverEvery = time.Minute

// absent are those of the minute.
func (n *absentees) absent() []rule.Absent {
	now := time.Now()
	if since := now.Sub(n.at); since >= 0 && since < neverEvery {
		return n.list
	}
	n.at, n.list = now, nil
	if n.files == nil || len(n.files.list) == 0 {
		return nil
	}
	heard := n.hosts(nil)
	for _, x := range n.files.list {
		x.mu.Lock()
		d := x.d
		x.mu.Unlock()
		if d == nil || len(d.site.Racks) == 0 {
			continue
		}
		a := absentOf(d.site, heard, now)
		n.show(x.name, a.Hosts)
		n.list = append(n.list, a)
	}
	return n.list
}

// absentOf compares what a site's file names, or counts, with who was ever heard of.
func absentOf(s *site.Site, heard []health.Host, now time.Time) rule.Absent {
	a := rule.Absent{Site: s.Token}
	known := map[string]bool{} // by name
	inRack := map[string]int{} // those that the file does not name
	named := map[string]bool{}
	for i := range s.Racks {
		for _, h := range s.Racks[i].Hosts {
			named[h.Name] = true
		}
	}
	for _, h := range heard {
		if h.Site != s.Token {
			continue
		}
		known[h.Name] = true
		if !named[h.Name] {
			inRack[h.Hall+"\x00"+h.Rack]++
		}
	}
	today := s.DateOf(now)
	for i := range s.Racks {
		k := &s.Racks[i]
		if !k.InUse.Contains(today) {
			continue
		}
		lack := 0
		for _, h := range k.Hosts {
			switch {
			case h.Name == "":
				lack++
			case !known[h.Name]:
				a.Hosts++
				a.Names = append(a.Names, h.Name+where(k.Hall, k.ID))
			}
			a.Of++
		}
		if lack -= inRack[k.Hall+"\x00"+k.ID]; lack > 0 {
			a.Hosts += lack
			a.Names = append(a.Names, fmt.Sprintf("%d in rack %s", lack, k.ID)+where(k.Hall, ""))
		}
	}
	slices.Sort(a.Names)
	return a
}

// where is a place in brackets, as far as it is known.
func where(hall, rack string) string {
	if at := strings.TrimSpace(hall + " " + rack); at != "" {
		return " (" + at + ")"
	}
	return ""
}
