package bmc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/odata"
)

// A plan is where the node's power stands.
type plan struct {
	chassis string // id
	kind    kind
	paths   []string // of the resources to read
}

// kind is which of the three ways a controller has of showing power.
type kind int

const (
	environment kind = iota // EnvironmentMetrics
	supplies                // the metrics of all power supplies
	control                 // Power, of schemas before 2020.4
)

// Resources as far as they matter here.
type (
	service struct{ Systems, Chassis odata.Link }
	system  struct {
		ID    string `json:"Id"`
		Links struct{ Chassis []odata.Link }
	}
	chassis struct {
		ID                                        string `json:"Id"`
		ChassisType                               string
		EnvironmentMetrics, PowerSubsystem, Power odata.Link
		Links                                     struct{ ContainedBy odata.Link }
	}
	environmentMetrics struct{ PowerWatts, EnergykWh, EnergyJoules odata.Excerpt }
	powerSubsystem     struct{ PowerSupplies odata.Link }
	powerSupply        struct {
		Metrics odata.Link
		Status  struct{ State string }
	}
	powerSupplyMetrics struct{ InputPowerWatts odata.Excerpt }
	power              struct {
		PowerControl []struct{ PowerConsumedWatts odata.Number }
	}
)

const (
	mostMembers = 64 // of a collection
	// accelerators prefixes the ids of baseboards full of GPUs, which are not the
	// node.
	accelerators = "HGX_"
)

// parts are sorts of chassis that a node may have inside or beside it.
var parts = []string{"StorageEnclosure", "Expansion", "ExpansionModule", "Card", "Cartridge", "Component", "Drawer", "Module", "Row", "Pod", "Rack", "RackGroup", "Zone", "Facility", "HeatExchanger", "ImmersionTank", "PowerStrip", "IPBasedDrive"}

// find looks for the one chassis that shows the node's power.
func (r *redfish) find(ctx context.Context) (*plan, error) {
	var root service
	if err := r.get(ctx, odata.ServicePath, &root); err != nil {
		return nil, err
	}
	candidates, err := r.candidates(ctx, &root)
	if err != nil {
		return nil, err
	}
	var found []*plan
	var why []string
	for _, c := range candidates {
		p, err := r.probe(ctx, &c)
		switch {
		case err == nil:
			found = append(found, p)
		case passing(err):
			return nil, err
		default:
			why = append(why, fmt.Sprintf("chassis %s: %v", c.ID, err))
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if len(why) == 0 {
			why = append(why, "it shows no chassis")
		}
		return nil, later{errors.New(strings.Join(why, "; ")), rarest}
	}
	ids := make([]string, len(found))
	for i, p := range found {
		ids[i] = p.chassis
	}
	return nil, later{fmt.Errorf("chassis %s all show power: configure which is the node", strings.Join(ids, ", ")), rarest}
}

// candidates are the chassis that may be the node: the one configured; or those
// that the host's system says it is in; or those that are not a part of one. A
// chassis inside another candidate is none.
func (r *redfish) candidates(ctx context.Context, root *service) ([]chassis, error) {
	if r.c.Chassis != "" {
		var c chassis
		if err := r.get(ctx, path.Join(cmp.Or(root.Chassis.ID, odata.ServicePath+"Chassis"), r.c.Chassis), &c); err != nil {
			return nil, err
		}
		c.ID = cmp.Or(c.ID, r.c.Chassis)
		return []chassis{c}, nil
	}
	links, err := r.systemChassis(ctx, root)
	if err != nil {
		return nil, err
	}
	told := len(links) > 0
	if !told {
		if links, err = r.members(ctx, root.Chassis); err != nil {
			return nil, err
		}
	}
	all := map[string]chassis{}
	var order []string
	for _, l := range links {
		var c chassis
		if err := r.get(ctx, l.ID, &c); err != nil {
			return nil, err
		}
		if c.ID == "" {
			c.ID = path.Base(l.ID)
		}
		if !told && (slices.Contains(parts, c.ChassisType) || strings.HasPrefix(c.ID, accelerators)) {
			continue
		}
		key := strings.TrimRight(l.ID, "/")
		if _, twice := all[key]; !twice {
			all[key], order = c, append(order, key)
		}
	}
	var found []chassis
	for _, key := range order {
		if _, inside := all[strings.TrimRight(all[key].Links.ContainedBy.ID, "/")]; !inside {
			found = append(found, all[key])
		}
	}
	return found, nil
}

// systemChassis is where the host's system says that it is. A second system that
// is a baseboard of accelerators is not the host.
func (r *redfish) systemChassis(ctx context.Context, root *service) ([]odata.Link, error) {
	if root.Systems.ID == "" && r.c.System == "" {
		return nil, nil
	}
	links := []odata.Link{{ID: path.Join(cmp.Or(root.Systems.ID, odata.ServicePath+"Systems"), r.c.System)}}
	if r.c.System == "" {
		var err error
		if links, err = r.members(ctx, root.Systems); err != nil {
			return nil, err
		}
		if len(links) > 1 {
			var hosts []odata.Link
			for _, l := range links {
				if !strings.HasPrefix(path.Base(l.ID), accelerators) {
					hosts = append(hosts, l)
				}
			}
			links = hosts
		}
	}
	if len(links) > 1 {
		ids := make([]string, len(links))
		for i, l := range links {
			ids[i] = path.Base(l.ID)
		}
		return nil, later{fmt.Errorf("systems %s: configure which is this host", strings.Join(ids, ", ")), rarest}
	}
	if len(links) == 0 {
		return nil, nil
	}
	var s system
	if err := r.get(ctx, links[0].ID, &s); err != nil {
		return nil, err
	}
	return s.Links.Chassis[:min(len(s.Links.Chassis), mostMembers)], nil
}

func (r *redfish) members(ctx context.Context, l odata.Link) ([]odata.Link, error) {
	if l.ID == "" {
		return nil, nil
	}
	var c odata.Collection
	if err := r.get(ctx, l.ID, &c); err != nil {
		return nil, err
	}
	return c.Members[:min(len(c.Members), mostMembers)], nil
}

// probe is the best way in which chassis c shows power now.
func (r *redfish) probe(ctx context.Context, c *chassis) (*plan, error) {
	var why []string
	attempt := func(p *plan) (*plan, error) {
		_, err := p.read(ctx, r)
		if err == nil || passing(err) {
			return p, err
		}
		why = append(why, err.Error())
		return nil, nil
	}
	if l := c.EnvironmentMetrics.ID; l != "" {
		if p, err := attempt(&plan{c.ID, environment, []string{l}}); p != nil {
			return p, err
		}
	}
	if l := c.PowerSubsystem.ID; l != "" {
		paths, err := r.supplies(ctx, l)
		if err != nil && passing(err) {
			return nil, err
		} else if err != nil {
			why = append(why, err.Error())
		} else if len(paths) > 0 {
			if p, err := attempt(&plan{c.ID, supplies, paths}); p != nil {
				return p, err
			}
		}
	}
	if l := c.Power.ID; l != "" {
		if p, err := attempt(&plan{c.ID, control, []string{l}}); p != nil {
			return p, err
		}
	}
	if len(why) == 0 {
		return nil, errors.New("it has no power meter")
	}
	return nil, errors.New(strings.Join(why, "; "))
}

// passing reports whether err says nothing of what the controller can show.
func passing(err error) bool {
	var wait patient
	var lost *url.Error
	return errors.As(err, &wait) || errors.As(err, &lost)
}

// supplies are the metrics of all power supplies that are there. One without
// metrics leaves the sum unknown.
func (r *redfish) supplies(ctx context.Context, subsystem string) ([]string, error) {
	var s powerSubsystem
	if err := r.get(ctx, subsystem, &s); err != nil {
		return nil, err
	}
	links, err := r.members(ctx, s.PowerSupplies)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, l := range links {
		var u powerSupply
		if err := r.get(ctx, l.ID, &u); err != nil {
			return nil, err
		}
		switch u.Status.State {
		case "Absent", "Disabled", "UnavailableOffline":
			continue
		}
		if u.Metrics.ID == "" {
			return nil, fmt.Errorf("power supply %s has no metrics", path.Base(l.ID))
		}
		paths = append(paths, u.Metrics.ID)
	}
	return paths, nil
}

// read takes one reading.
func (p *plan) read(ctx context.Context, r *redfish) (sample, error) {
	s := sample{}
	switch p.kind {
	case environment:
		s.about = "EnvironmentMetrics of chassis " + p.chassis
		var m environmentMetrics
		if err := r.get(ctx, p.paths[0], &m); err != nil {
			return s, err
		}
		var err error
		if s.watts, err = m.PowerWatts.Reading.Value(); err != nil {
			return s, fmt.Errorf("PowerWatts in %s: %w", s.about, err)
		}
		id := "EnvironmentMetrics/" + p.chassis + "/"
		if s.register = registerOf(m.EnergyJoules, id+"EnergyJoules", joule); s.register == nil {
			s.register = registerOf(m.EnergykWh, id+"EnergykWh", kWh)
		}
	case supplies:
		s.about = fmt.Sprintf("%d power supplies of chassis %s", len(p.paths), p.chassis)
		for _, path := range p.paths {
			var m powerSupplyMetrics
			if err := r.get(ctx, path, &m); err != nil {
				return s, err
			}
			v, err := m.InputPowerWatts.Reading.Value()
			if err == nil && v < 0 {
				err = fmt.Errorf("%v W", v)
			}
			if err != nil {
				return s, fmt.Errorf("InputPowerWatts in %s: %w", path, err)
			}
			s.watts += v
		}
	case control:
		s.about = "PowerControl of chassis " + p.chassis
		var m power
		if err := r.get(ctx, p.paths[0], &m); err != nil {
			return s, err
		}
		if len(m.PowerControl) == 0 {
			return s, fmt.Errorf("%s has no members", s.about)
		}
		// The first is the whole; the others lie within it.
		var err error
		if s.watts, err = m.PowerControl[0].PowerConsumedWatts.Value(); err != nil {
			return s, fmt.Errorf("PowerConsumedWatts in %s: %w", s.about, err)
		}
	}
	if !(s.watts > 0 && s.watts <= r.watts) { // another resource may say it
		return s, fmt.Errorf("%s says %v W, which no running host draws", s.about, s.watts)
	}
	return s, nil
}
