package rule

// What was told of a host or board goes on as it was told, though its rack or hall has
// another name since: receivers know an alert by its labels, and one that has others is
// another, told anew. It has them when it fires the next time.

// unplaced is what an alert is of, wherever that stands; "": it is of a place.
func (x identity) unplaced() string {
	if x.get("host") == "" {
		return ""
	}
	var rest identity
	for _, p := range x {
		if p.Name != "hall" && p.Name != "rack" {
			rest = append(rest, p)
		}
	}
	return rest.id()
}

// known is the alert of a thing: the one of its labels, or one that was told of it when
// its rack or hall had another name; nil if there is none.
func (e *Evaluator) known(id string, x identity) *alert {
	a := e.alerts[id]
	if a != nil && a.fires() || len(e.remains) == 0 {
		return a
	}
	if b := e.remains[x.unplaced()]; b != nil && b.fires() {
		b.place.hall, b.place.rack = x.get("hall"), x.get("rack") // what it may be part of stands there now
		return b
	}
	return a
}

// remain notes that a person was told of a.
func (e *Evaluator) remain(a *alert) {
	if k := identity(a.labels).unplaced(); k != "" && a.fires() {
		e.remains[k] = a
	}
}

// leftAt forgets a.
func (e *Evaluator) leftAt(a *alert) {
	if k := identity(a.labels).unplaced(); e.remains[k] == a {
		delete(e.remains, k)
	}
}
