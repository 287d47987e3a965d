package site

// What a person may do with reports and statements.
const (
	MayPrepare = "prepare" // lock a report that is in order, and correct one
	MayApprove = "approve" // what another prepared
	MaySubmit  = "submit"
	MayNames   = "names" // see and forget the names of jobs and tenants in statements
)

// A Person may take part in reports on the site.
type Person struct {
	Name string
	May  []string
}

// mostPeople bounds those of a site.
const mostPeople = 200

func (s *Site) readPeople(r *reader, v value) {
	seen := map[string]place{}
	for i, item := range v.items() {
		if i == mostPeople {
			item.wrong("", "more than %d people", mostPeople)
			return
		}
		k := item.section()
		p := Person{Name: k.named("people")}
		for _, w := range k.get("may").words() {
			if t := w.choice(MayPrepare, MayApprove, MaySubmit, MayNames); t != "" {
				p.May = append(p.May, t)
			}
		}
		k.end()
		if first, twice := seen[p.Name]; twice {
			r.again(k.at("name"), p.Name, first)
			continue
		}
		seen[p.Name] = k.at("name")
		if len(p.May) == 0 && !k.has("may") {
			r.wrong(k.at("may"), "write may: [prepare, approve, submit, names], or some of them", "missing: what %s may do with reports", short(p.Name))
		}
		s.People = append(s.People, p)
	}
}
