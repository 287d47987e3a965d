package redfish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/internal/odata"
)

// A Reader reads one resource of a service. It is used by one goroutine.
type Reader struct {
	s        *service
	resource string // "": what is found, if it is one
	aim      aim

	plan   *plan
	failed int                     // readings in a row without a value
	looked map[string][]odata.Link // members that were found before the time was up

	serial   string
	sure     bool // the device is the one of that number
	checked  time.Time
	register register
}

const (
	replan  = 10               // readings that failed
	recheck = 10 * time.Minute // of the serial number and the state
)

// Gives is what the aim says.
func (r *Reader) Gives() []meter.Kind { return r.aim.kinds() }

// Read finds out first what is to be read, if that is not known.
func (r *Reader) Read(ctx context.Context) ([]meter.Value, error) {
	list, err := r.read(ctx)
	if len(list) > 0 {
		r.failed = 0
	} else {
		r.failed++
	}
	if errors.Is(err, odata.ErrNotFound) || r.failed >= replan {
		r.plan, r.failed = nil, 0
	}
	return list, r.s.explain(err)
}

func (r *Reader) read(ctx context.Context) ([]meter.Value, error) {
	if r.plan == nil {
		p, err := r.find(ctx)
		if ctx.Err() == nil {
			r.looked = nil
		}
		if err != nil {
			return nil, err
		}
		r.plan = p
	}
	if err := r.identify(ctx); err != nil {
		return nil, err
	}
	errs := slices.Clone(r.plan.lacks)
	var list []meter.Value
	for _, part := range []func(context.Context) ([]meter.Value, error){r.readPower, r.readLoop, r.readFacility} {
		values, err := part(ctx)
		list, errs = append(list, values...), append(errs, err)
		if ctx.Err() != nil || patient(err) {
			break
		}
	}
	return list, errors.Join(errs...)
}

// patient reports whether the service asked to be left alone.
func patient(err error) bool {
	var p meter.Patient
	return errors.As(err, &p)
}

// get reads a resource. Once one could not be read, the device may be another.
func (r *Reader) get(ctx context.Context, at string, to any) error {
	err := r.s.Get(ctx, at, to)
	if err != nil {
		r.sure = false
	}
	return err
}

// identify asks for the serial number and the state of the device if they are not
// known, or old.
func (r *Reader) identify(ctx context.Context) error {
	if r.sure && time.Since(r.checked) < recheck {
		return nil
	}
	var d resource
	err := r.s.Get(ctx, r.plan.equipment, &d)
	switch {
	case err == nil:
		if err := d.state(); err != nil {
			return fmt.Errorf("%s: %w", r.plan.equipment, err)
		}
		r.identified(&d)
	case errors.Is(err, odata.ErrNotFound): // what is metered is there all the same
		r.identified(&resource{})
	default:
		return err
	}
	return nil
}

// longest text of a serial number.
const longestSerial = 64

// identified takes what the device says of itself. One that starts may not know
// its number yet.
func (r *Reader) identified(d *resource) {
	r.sure, r.checked = true, time.Now()
	if d.SerialNumber != "" {
		r.serial = d.SerialNumber[:min(len(d.SerialNumber), longestSerial)]
	}
}

// readPower reads what is shown of power and energy.
func (r *Reader) readPower(ctx context.Context) (list []meter.Value, err error) {
	at := r.plan.power
	if at == "" {
		return nil, nil
	}
	var d resource
	if err := r.get(ctx, at, &d); err != nil {
		return nil, err
	}
	if err := d.state(); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	var errs []error
	if r.aim.watts {
		w, err := d.PowerWatts.Reading.Value()
		if err != nil {
			errs = append(errs, fmt.Errorf("PowerWatts of %s: %w", at, err))
		} else {
			list = append(list, meter.Value{Quantity: meter.Power, Number: w})
		}
	}
	if r.aim.energy {
		g, err := r.register.read(&d, at, r.serial)
		if err != nil {
			errs = append(errs, fmt.Errorf("energy of %s: %w", at, err))
		} else {
			list = append(list, meter.Value{Quantity: meter.Energy, Register: g})
		}
	}
	return list, errors.Join(errs...)
}
