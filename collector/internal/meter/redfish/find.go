package redfish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/odata"
)

// A plan is which resources are read each time.
type plan struct {
	equipment string   // that has the serial number and the state
	power     string   // "": none
	loop      []string // coolant connectors that are summed
	facility  []string // those of the other side
	lacks     []error  // what is not there
}

// Bounds of what is looked at.
const (
	mostPages   = 8
	mostMembers = 64 // of a collection
	mostLooked  = 16 // of several, at whether they are there
	mostListed  = 8  // to people
	unsure      = 5 * time.Minute
)

// find looks for what is to be read.
func (r *Reader) find(ctx context.Context) (*plan, error) {
	at := r.resource
	if at == "" {
		list, err := r.candidates(ctx)
		if err == nil {
			at, err = r.only(ctx, list)
		}
		if err != nil {
			return nil, err
		}
	}
	var d resource
	err := r.get(ctx, at, &d)
	if errors.Is(err, odata.ErrNotFound) && r.resource != "" {
		if list, e := r.candidates(ctx); e == nil && len(list) > 0 {
			return nil, fmt.Errorf("%w; what it has is %s", err, listed(list))
		}
	}
	if err != nil {
		return nil, err
	}
	if len(d.Members) > 0 && !(r.aim.loop && isSide(at)) {
		if at, err = r.only(ctx, d.Members); err != nil {
			return nil, err
		}
		d = resource{}
		if err := r.get(ctx, at, &d); err != nil {
			return nil, err
		}
	}
	if err := d.state(); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	p := &plan{equipment: equipmentOf(at)}
	if p.equipment == at {
		r.identified(&d)
	}
	if r.aim.power() {
		if err := r.findPower(ctx, p, at, &d); err != nil {
			return nil, err
		}
	}
	if r.aim.loop {
		if err := r.findLoop(ctx, p, at, &d); err != nil {
			return nil, err
		}
	}
	if p.power == "" && len(p.loop) == 0 {
		return nil, odata.Later(errors.Join(p.lacks...), unsure)
	}
	return p, nil
}

// findPower looks for what a resource shows of its power.
func (r *Reader) findPower(ctx context.Context, p *plan, at string, d *resource) error {
	switch {
	case d.electric():
		p.power = at
	case d.Metrics.ID != "":
		p.power = d.Metrics.ID
	case d.EnvironmentMetrics.ID != "":
		p.power = d.EnvironmentMetrics.ID
	case d.Mains.ID != "":
		mains, err := r.members(ctx, d.Mains.ID)
		if err != nil {
			return err
		}
		p.power, err = r.only(ctx, mains)
		if err != nil {
			return fmt.Errorf("%s has no Metrics: %w", at, err)
		}
	default:
		p.lacks = append(p.lacks, fmt.Errorf("%s shows no power: it has neither Metrics, EnvironmentMetrics, Mains nor PowerWatts", at))
	}
	return nil
}

// findLoop looks for the coolant connectors of a resource.
func (r *Reader) findLoop(ctx context.Context, p *plan, at string, d *resource) (err error) {
	inner, outer := d.SecondaryCoolantConnectors.ID, d.PrimaryCoolantConnectors.ID
	if r.aim.inward {
		inner, outer = outer, ""
	}
	switch {
	case d.connector():
		p.loop = []string{at}
		return nil
	case isSide(at):
		inner, outer = at, ""
	case inner == "" && outer == "":
		p.lacks = append(p.lacks, fmt.Errorf("%s shows no coolant connectors of the side that is read", at))
		return nil
	case inner == "":
		inner, outer = outer, ""
	}
	list, err := r.members(ctx, inner)
	if err != nil {
		return err
	}
	if p.loop = ids(list); len(list) == 0 {
		p.lacks = append(p.lacks, fmt.Errorf("%s has no members", inner))
	}
	if outer != "" && r.aim.whole {
		list, err = r.members(ctx, outer)
		p.facility = ids(list)
	}
	return err
}

// isSide reports whether a path is that of all connectors of one side.
func isSide(at string) bool { return strings.HasSuffix(at, "CoolantConnectors") }

func ids(list []odata.Link) (paths []string) {
	for _, l := range list {
		paths = append(paths, l.ID)
	}
	return paths
}

// equipmentOf is the path of the device that a resource is a part of.
func equipmentOf(at string) string {
	parts := strings.Split(at, "/")
	for i, p := range parts {
		if (p == "PowerEquipment" || p == "ThermalEquipment") && len(parts) > i+3 {
			return strings.Join(parts[:i+3], "/")
		}
	}
	return at
}

// candidates are what the service has of what r reads.
func (r *Reader) candidates(ctx context.Context) ([]odata.Link, error) {
	var root struct{ PowerEquipment, ThermalEquipment odata.Link }
	if err := r.get(ctx, odata.ServicePath, &root); err != nil {
		return nil, err
	}
	var found []odata.Link
	add := func(links ...odata.Link) error {
		for _, l := range links {
			if l.ID == "" {
				continue
			}
			list, err := r.members(ctx, l.ID)
			if err != nil {
				return err
			}
			found = append(found, list...)
		}
		return nil
	}
	if root.PowerEquipment.ID != "" && !r.aim.loop {
		var e struct{ RackPDUs, FloorPDUs, ElectricalBuses, PowerShelves, Switchgear, TransferSwitches odata.Link }
		if err := r.get(ctx, root.PowerEquipment.ID, &e); err != nil {
			return nil, err
		}
		if err := add(e.RackPDUs, e.FloorPDUs, e.ElectricalBuses, e.PowerShelves, e.Switchgear, e.TransferSwitches); err != nil {
			return nil, err
		}
	}
	if root.ThermalEquipment.ID != "" && (r.aim.loop || len(found) == 0) {
		var e struct{ CDUs, HeatExchangers, ImmersionUnits, RPUs odata.Link }
		if err := r.get(ctx, root.ThermalEquipment.ID, &e); err != nil {
			return nil, err
		}
		if err := add(e.CDUs, e.HeatExchangers, e.ImmersionUnits, e.RPUs); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// members are those of a collection; of one that is not there, none. What was found is not asked for again when
// the time of one reading does not do for all.
func (r *Reader) members(ctx context.Context, of string) (list []odata.Link, err error) {
	if list, ok := r.looked[of]; ok {
		return list, nil
	}
	next := of
	for range mostPages {
		var c resource
		if err := r.get(ctx, next, &c); err != nil && !errors.Is(err, odata.ErrNotFound) {
			return nil, err
		}
		for _, l := range c.Members {
			if len(list) < mostMembers && !slices.Contains(list, l) {
				list = append(list, l)
			}
		}
		if next = c.Next; next == "" || len(list) == mostMembers {
			break
		}
	}
	if r.looked == nil {
		r.looked = map[string][]odata.Link{}
	}
	r.looked[of] = list
	return list, nil
}

// only is the one of several that is there.
func (r *Reader) only(ctx context.Context, list []odata.Link) (string, error) {
	if len(list) > 1 && len(list) <= mostLooked {
		var there []odata.Link
		for _, l := range list {
			var d resource
			err := r.get(ctx, l.ID, &d)
			if err != nil && !errors.Is(err, odata.ErrNotFound) && ctx.Err() == nil {
				return "", err
			}
			if !errors.Is(err, odata.ErrNotFound) && d.Status.State != "Absent" {
				there = append(there, l)
			}
		}
		list = there
	}
	switch len(list) {
	case 1:
		return strings.TrimRight(list[0].ID, "/"), nil
	case 0:
		return "", odata.Later(errors.New("it has nothing that is metered, as far as it shows; write resource: with the path of what shows power"), unsure)
	}
	return "", odata.Later(fmt.Errorf("it has several that may be meant: write resource: %s", listed(list)), unsure)
}

// listed are paths, for people.
func listed(list []odata.Link) string {
	paths := ids(list)
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(path.Dir(a), path.Dir(b)), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	more := ""
	if n := len(paths) - mostListed; n > 0 {
		paths, more = paths[:mostListed], fmt.Sprintf(" and %d more", n)
	}
	for i, p := range paths {
		paths[i] = p[:min(len(p), 200)]
	}
	return strings.Join(paths, ", ") + more
}
