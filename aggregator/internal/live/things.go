package live

import (
	"cmp"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A ThingQuestion asks what there is of a kind: halls, racks, hosts, GPUs, meters,
// jobs, or tenants.
type ThingQuestion struct {
	Kind    metric.EntityKind
	Tenants bool // of jobs, their tenants
	Where
	Match string // what a name contains, whatever the case; of a GPU also its host/index or model
	Limit int

	Sees func(tenant string) bool // whose jobs may be told of; nil: everybody's
}

// A Thing is a part of a site, or what it does.
type Thing struct {
	Name string
	Spot
	Job, Tenant, Role string
}

// Things answers q, by place and name, with how many there are in all; ok is false
// if nothing was heard of the site. Whoever was known stays so while it is silent,
// but a job is there only while an agent says so.
func (l *Live) Things(name string, q ThingQuestion, now time.Time) (p Present, things []Thing, total int, ok bool) {
	c := choice[Thing]{most: q.Limit, compare: func(a, b *Thing) int {
		return cmp.Or(compareSpots(&a.Spot, &b.Spot), strings.Compare(a.Name, b.Name), strings.Compare(a.Tenant, b.Tenant))
	}}
	m := matcher(strings.ToLower(q.Match))
	take := func(t *Thing) {
		if m.matches(t) {
			c.add(t)
		}
	}
	if q.Kind == metric.Hall || q.Kind == metric.Rack {
		var places []place
		p, places, ok = l.places(name, q.Kind, now)
		for i := range places {
			x := &places[i]
			t := Thing{Name: x.name, Spot: Spot{Hall: x.hall, Rack: x.name}}
			if q.Kind == metric.Hall {
				t = Thing{Name: x.hall, Spot: Spot{Hall: x.hall}}
			}
			if t.Name != "" && q.holds(&t.Spot) {
				take(&t)
			}
		}
		return p, c.sorted(), c.seen, ok
	}
	jobs, t := map[[2]string]bool{}, Thing{}
	var of *metric.Layout
	see := func(e int) {
		t = Thing{Name: of.Entities[e].Name, Spot: spotOf(of, e), Role: of.Entities[e].Label("role")}
		if q.holds(&t.Spot) {
			take(&t)
		}
	}
	p, ok = l.walk(name, now, func(a *sender, p Present) {
		switch {
		case q.Kind != metric.Job:
			of = a.layout
			a.things(q.Kind, see)
		case p.Reason == "" && a.stands(p.Second):
			a.jobs(&q, jobs, take)
		}
	})
	return p, c.sorted(), c.seen, ok
}

// things shows see the entities of a kind that a speaks for.
func (a *sender) things(k metric.EntityKind, see func(e int)) {
	switch k {
	case metric.Host:
		a.hosts(hostClaim, powerClaim, see)
	case metric.GPU:
		for i := range a.gpus {
			see(int(a.gpus[i].entity))
		}
	case metric.Meter:
		for e := range a.layout.Entities {
			if x := &a.layout.Entities[e]; x.Kind == k && a.site.claims[claim{meterClaim, x.Name}] == a {
				see(e)
			}
		}
	}
}

// jobs gives take the jobs that a says run, or their tenants, each once.
func (a *sender) jobs(q *ThingQuestion, seen map[[2]string]bool, take func(*Thing)) {
	var last [2]string // neighbours are of one job
	for e := range a.layout.Entities {
		x := &a.layout.Entities[e]
		if x.Kind != metric.Job {
			continue
		}
		key := [2]string{x.Name, x.Label("tenant")}
		if q.Tenants {
			key[0] = ""
		}
		if key == last || key[0] == "" && key[1] == "" || seen[key] || q.Sees != nil && !q.Sees(key[1]) || !q.holdsEntity(a.layout, e) {
			continue
		}
		last, seen[key] = key, true
		take(&Thing{Name: cmp.Or(key[0], key[1]), Job: key[0], Tenant: key[1]})
	}
}

// A matcher is what a name has to contain, in lower case.
type matcher string

func (m matcher) matches(t *Thing) bool {
	switch {
	case m == "" || m.in(t.Name):
		return true
	case t.UUID == "":
		return false
	case strings.Contains(string(m), "/"):
		return m.in(t.Host + "/" + t.GPU)
	}
	return m.in(t.Host) || m.in(t.Model)
}

// in reports whether s contains m. Names are ASCII nearly always, and there are a
// hundred thousand of them.
func (m matcher) in(s string) bool {
	for i := 0; i+len(m) <= len(s); i++ {
		k := 0
		for k < len(m) && lower(s[i+k]) == m[k] {
			k++
		}
		if k == len(m) {
			return true
		}
	}
	return false
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
