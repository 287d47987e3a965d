package bacnet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

// A Reader reads objects of one device. It is used by one goroutine.
type Reader struct {
	address string
	route
	device int // instance; -1: it is not asked
	points []point

	way    way
	proved bool // an answer came by this way
	fixed  map[place]result
	asked  time.Time // when fixed was
}

// A way is how much one request asks for.
type way uint8

const (
	several way = iota // objects
	single             // object
	each               // property by itself
)

const (
	together = 8                // objects in a request
	stays    = 10 * time.Minute // what rarely changes, where each property costs a request
)

// Gives is what was configured.
func (r *Reader) Gives() (list []meter.Kind) {
	for i := range r.points {
		list = append(list, r.points[i].kind)
	}
	return list
}

// Read asks for all objects. Some may be lacking where the device does not know
// them, or does not vouch for them.
func (r *Reader) Read(ctx context.Context) ([]meter.Value, error) {
	all, err := r.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.where(), err)
	}
	if err := r.isTheOne(all); err != nil {
		return nil, err
	}
	var list []meter.Value
	var errs []error
	for i := range r.points {
		p := &r.points[i]
		v, err := p.value(all)
		switch {
		case err == nil:
			list = append(list, v)
		case !errors.Is(err, errMissing):
			errs = append(errs, fmt.Errorf("%s, %s: %w", p.kind, p.of, err))
		}
	}
	return list, errors.Join(errs...)
}

// where is the device for people.
func (r *Reader) where() string {
	if r.network != 0 {
		return fmt.Sprintf("station %x of network %d behind %s", r.mac, r.network, r.address)
	}
	return r.address
}

// isTheOne says what is wrong with the identity of the device.
func (r *Reader) isTheOne(all map[place]result) error {
	if r.device < 0 {
		return nil
	}
	got := all[place{objectOf(device, r.device), propIdentifier}]
	var refused refusal
	switch {
	case got.err == nil && len(got.tags) == 1 && got.tags[0].number == identifier:
		if n, ok := whole(got.tags[0].value); ok && object(n) == objectOf(device, r.device) {
			return nil
		}
	case errors.As(got.err, &refused) && refused.code != unknownObject:
		return fmt.Errorf("whether %s is device %d cannot be told: %w", r.where(), r.device, got.err)
	}
	return fmt.Errorf("what answers at %s is another device than %d: its address or device: is wrong", r.where(), r.device)
}

// fetch asks for the properties of all objects, by requests as large as the device
// takes.
func (r *Reader) fetch(ctx context.Context) (map[place]result, error) {
	s, err := dial(ctx, r.address, r.route)
	if err != nil {
		return nil, err
	}
	defer s.conn.Close()
	for {
		all, err := r.by(ctx, s)
		var no refusal
		switch {
		case err == nil:
			r.proved = true
			return all, nil
		case r.way == each:
			return nil, err
		case errors.As(err, &no):
			r.way, r.proved = r.way+1, false
			if no.kind == rejected {
				r.way = each
			}
		case errors.Is(err, errSilent) && !r.proved && ctx.Err() == nil:
			// Some do not answer what they do not know. One property, to see.
			w := want{r.points[0].of, []byte{propPresentValue}}
			if quiet := r.singly(ctx, s, w, map[place]result{}); quiet != nil {
				return nil, err
			}
			r.way = each
		default:
			return nil, err
		}
	}
}

// by asks in the way of the reader.
func (r *Reader) by(ctx context.Context, s *session) (map[place]result, error) {
	all := map[place]result{}
	var wants []want
	if r.device >= 0 {
		wants = append(wants, want{objectOf(device, r.device), []byte{propIdentifier}})
	}
	for i := range r.points {
		wants = append(wants, r.points[i].wants())
	}
	if r.way == each {
		return all, r.apart(ctx, s, wants, all)
	}
	n := together
	if r.way == single {
		n = 1
	}
	for len(wants) > 0 {
		now := wants[:min(n, len(wants))]
		wants = wants[len(now):]
		a, err := s.ask(ctx, readPropertyMultiple, func(id byte) []byte { return many(id, now) })
		if err != nil {
			return nil, err
		}
		if a.kind != ack {
			return nil, a.refusal
		}
		if err := a.results(all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// apart asks for each property by itself; for those that rarely change, rarely.
func (r *Reader) apart(ctx context.Context, s *session, wants []want, all map[place]result) error {
	now := time.Now()
	fresh := r.fixed == nil || now.Sub(r.asked) > stays
	if fresh {
		r.fixed = nil
	}
	fixed := map[place]result{}
	for _, w := range wants {
		var often []byte
		for _, p := range w.properties {
			at := place{w.of, p}
			got, known := r.fixed[at]
			switch {
			case p == propPresentValue || p == propStatusFlags || p == propReliability:
				// What an object does not have it will not have next time.
				if no := (refusal{}); known && errors.As(got.err, &no) {
					all[at] = got
					continue
				}
			case known:
				all[at] = got
				continue
			}
			often = append(often, p)
		}
		if err := r.singly(ctx, s, want{w.of, often}, all); err != nil {
			return err
		}
		for _, p := range w.properties {
			at := place{w.of, p}
			no := refusal{}
			absent := errors.As(all[at].err, &no) && no.code == unknownProperty
			if p == propUnits || p == propScale || p == propMaxPresValue || absent || p == propIdentifier && all[at].err == nil {
				fixed[at] = all[at]
			}
		}
	}
	if fresh {
		r.fixed, r.asked = fixed, now
	}
	return nil
}

// singly asks for properties of one object, each by itself.
func (r *Reader) singly(ctx context.Context, s *session, w want, all map[place]result) error {
	for _, p := range w.properties {
		a, err := s.ask(ctx, readProperty, func(id byte) []byte { return one(id, w.of, p) })
		if err != nil {
			return err
		}
		at := place{w.of, p}
		if a.kind != ack {
			all[at] = result{err: a.refusal}
			continue
		}
		got := map[place]result{}
		if err := a.results(got); err != nil {
			return err
		}
		answered, ok := got[at]
		if !ok {
			return fmt.Errorf("%w: it answers for another object or property", errCut)
		}
		all[at] = answered
		if len(got) != 1 {
			return errCut
		}
	}
	return nil
}
