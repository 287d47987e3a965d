package snmp

import (
	"fmt"

	"github.com/gigawatch/gigawatch/collector/site"
)

// Of is the reader of a device as a site's file describes it, and what tells the
// meters from others that are asked by turns with it.
func (s *Agents) Of(d *site.SNMP) (r *Reader, line string, err error) {
	a, err := s.Open(AgentConfig{
		Address: d.Address, Version: d.Version, CommunityFile: d.CommunityFile,
		User: d.User, AuthProtocol: d.AuthProtocol, AuthFile: d.AuthFile, PrivProtocol: d.PrivProtocol, PrivFile: d.PrivFile,
	})
	if err != nil {
		return nil, "", err
	}
	m, err := mapOf(d)
	if err == nil {
		r, err = a.Reader(m, d.Row)
	}
	if err != nil {
		return nil, "", fmt.Errorf("snmp agent %s: %w", d.Address, err)
	}
	return r, a.Line(), nil
}

// mapOf is the object map of d: one that is built in, or its own.
func mapOf(d *site.SNMP) (*Map, error) {
	if d.Profile != "" {
		return Profile(d.Profile)
	}
	r := RawMap{Name: "of its own"}
	for i := range d.Objects {
		o := &d.Objects[i]
		r.Values = append(r.Values, RawObject{Measures: string(o.Measures), Point: o.Point, Unit: o.Unit, Scale: o.Scale, Invert: o.Invert, OID: o.OID})
	}
	m, err := r.Map()
	if err == nil {
		m.own = true
	}
	return m, err
}
