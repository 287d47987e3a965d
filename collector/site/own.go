package site

import "github.com/gigawatch/gigawatch/collector/metric"

// readOwn reads a batch of guarantees that were issued for what the site itself
// generates. Whoever holds them may call that energy renewable, and nobody else.
func (s *Site) readOwn(r *reader, v value, seen map[string]place) {
	k := v.section()
	c := Guarantee{ID: k.get("id").text(), Evidence: k.get("evidence").text()}
	k.called("contracts.own_generation", c.ID)
	volume, ok := energies.take(k.get("volume"))
	c.Volume = Energy(volume)
	if !ok && !k.has("volume") {
		r.wrong(k.at("volume"), "write volume: 12 MWh", "missing: how much they are of")
	}
	p := k.get("produced")
	if p.given() {
		q := p.section()
		c.Produced = q.span()
		q.end()
	}
	if c.Produced.First == (Date{}) || c.Produced.Last == (Date{}) {
		r.wrong(k.at("produced"), "write produced: with first_day: and last_day:", "missing: when the energy was generated, from which they are taken off")
	}
	c.Retired = k.get("retired").date()
	k.end()
	c.mark = k.mark()
	k.number(c.ID, seen)
	if at := c.mark.at("retired"); c.Retired != (Date{}) && c.Produced.First != (Date{}) && c.Retired.Compare(c.Produced.First) < 0 {
		r.wrong(at, "check both", "retired on %s, before the energy was produced", c.Retired)
	}
	k.evidence(c.Retired != (Date{}), c.Evidence, "that they are retired for the site")
	s.Contracts.Own = append(s.Contracts.Own, c)
}

// number complains of a batch whose number is missing or stands twice.
func (s *section) number(id string, seen map[string]place) {
	if id == "" {
		s.r.wrong(s.at("id"), "write the number of the batch in its register", "missing: guarantees without a number cannot be told apart")
		return
	}
	if first, twice := seen[id]; twice {
		s.r.wrong(s.at("id"), "keep one: a guarantee counts once", "%q stands twice, first in line %d", short(id), first.line)
		return
	}
	seen[id] = s.at("id")
}

// judgeOwn complains of guarantees of a site that generates nothing.
func (s *Site) judgeOwn(r *reader) {
	if len(s.Contracts.Own) > 0 && len(s.MetersOf(metric.RoleOnsiteGeneration)) == 0 {
		r.warn(s.Contracts.Own[0].mark.place, "give the meter of what is generated role onsite_generation", "guarantees of own generation, and no meter of it: there is nothing to take them off")
	}
}
