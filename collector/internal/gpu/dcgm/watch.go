//go:build cgo && linux

package dcgm

import (
	"errors"
	"fmt"
	"time"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"
)

// perCall is how many values are asked for at once: a megabyte of them.
const perCall = 256

// A watch is fields that the engine reads, at one rate, of entities of one kind.
type watch struct {
	fields   []field
	ids      []dcgmlib.Short
	entities []dcgmlib.GroupEntityPair
	asked    []entity // the same
	every    time.Duration
	group    dcgmlib.FieldHandle
}

// lost says whether an error means that the engine is gone, by the code of one
// of the calls that have codes.
func lost(err error) bool {
	var e *dcgmlib.Error
	var r refusal
	if errors.As(err, &e) {
		r = refusal(e.Code)
	} else if !errors.As(err, &r) {
		return false
	}
	return r == dcgmlib.DCGM_ST_CONNECTION_NOT_VALID || r == dcgmlib.DCGM_ST_UNINITIALIZED
}

// alive is the error that the engine is gone with, if it is.
func alive() error {
	if _, err := dcgmlib.GetHostengineVersionInfo(); err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	return nil
}

// read asks for the newest values and hands them over entity by entity, in the
// order of w.entities and w.fields. They are not to be kept.
func (s *session) read(w *watch, each func(entity int, v []value)) error {
	n := len(w.fields)
	if n == 0 {
		return nil
	}
	for from := 0; from < len(w.asked); from += perCall / n {
		to := min(from+perCall/n, len(w.asked))
		values, err := s.latest(w.asked[from:to], w.ids)
		if err != nil {
			return err
		}
		for i := from; i < to; i++ {
			each(i, values[(i-from)*n:(i-from+1)*n])
		}
	}
	return nil
}

// watch makes the engine read as many of the fields as it can. The others it
// names among what is refused. An error means that the engine is gone.
func (s *session) watch(what string, fields []field, entities []dcgmlib.GroupEntityPair, every time.Duration) (*watch, error) {
	w := &watch{entities: entities, asked: asked(entities), every: every}
	if len(entities) == 0 || len(fields) == 0 {
		return w, nil
	}
	group, err := s.group(entities)
	if err != nil {
		if gone := alive(); gone != nil {
			return nil, gone
		}
		s.refuse("The engine makes no group of %s: %v.", what, err)
		return w, nil
	}
	s.groups = append(s.groups, group)
	// One field that the engine does not know, or cannot watch, or not read,
	// fails the call for all.
	create := func(f []field) error {
		g, err := dcgmlib.FieldGroupCreate(s.unique(), numbers(f))
		if err != nil {
			return err
		}
		return dcgmlib.FieldGroupDestroy(g)
	}
	begin := func(f []field) error {
		g, err := dcgmlib.FieldGroupCreate(s.unique(), numbers(f))
		if err != nil {
			return err
		}
		if err := dcgmlib.WatchFieldsWithGroupEx(g, group, every.Microseconds(), keepAge.Seconds(), 0); err != nil {
			return errors.Join(err, dcgmlib.FieldGroupDestroy(g))
		}
		w.group = g
		return nil
	}
	try := func(f []field) error {
		err := begin(f)
		if err == nil {
			err = dcgmlib.FieldGroupDestroy(w.group)
		}
		return err
	}
	ask := func(f []field) error {
		_, err := s.latest(w.asked[:1], numbers(f))
		return err
	}
	fields, err = s.willing(what, "know", fields, create)
	if err == nil && len(fields) > 0 && begin(fields) != nil {
		if fields, err = s.willing(what, "watch", fields, try); err == nil && len(fields) > 0 {
			if err = begin(fields); err != nil {
				// Each of them can be had, but not all together.
				s.refuse("The engine does not watch %s of %s together: %v.", list(fields), what, err)
				fields, err = nil, alive()
			}
		}
	}
	if err == nil && len(fields) > 0 {
		s.fieldGroups = append(s.fieldGroups, w.group)
		fields, err = s.willing(what, "answer for", fields, ask)
	}
	for i := range fields {
		fields[i].add = i > 0 && fields[i].slot >= 0 && fields[i].slot == fields[i-1].slot
	}
	w.fields, w.ids = fields, numbers(fields)
	return w, err
}

// willing is the fields with which try succeeds, found by halving. An error
// means that the engine is gone.
func (s *session) willing(what, verb string, fields []field, try func([]field) error) ([]field, error) {
	var good, bad []field
	var why error
	var halve func([]field) error
	halve = func(f []field) error {
		err := try(f)
		if err == nil {
			good = append(good, f...)
			return nil
		}
		if gone := alive(); gone != nil {
			return gone
		}
		if len(f) == 1 {
			bad, why = append(bad, f[0]), err
			return nil
		}
		if err := halve(f[:len(f)/2]); err != nil {
			return err
		}
		return halve(f[len(f)/2:])
	}
	if err := halve(fields); err != nil {
		return nil, err
	}
	if bad != nil {
		hint := ""
		switch {
		case verb == "know":
			hint = "; a newer DCGM may"
		case bad[0].id >= profiling[0].id && bad[0].id <= profiling[len(profiling)-1].id:
			hint = "; before Hopper it needs DCGM's profiling module, and root"
		}
		s.refuse("The engine does not %s %s of %s (%v)%s.", verb, list(bad), what, why, hint)
	}
	return good, nil
}
