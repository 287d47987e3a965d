//go:build cgo && linux

package dcgm

/*
#include <dlfcn.h>
#include <stdint.h>

static int latest(uintptr_t handle, void *entities, unsigned n, void *fields, unsigned m, void *values)
{
	static int (*call)(uintptr_t, void *, unsigned, void *, unsigned, unsigned, void *);
	if (!call)
		*(void **)&call = dlsym(RTLD_DEFAULT, "dcgmEntitiesGetLatestValues");
	return call ? call(handle, entities, n, fields, m, 0, values) : -33; // no such function
}

static const char *said(int status)
{
	static const char *(*call)(int);
	if (!call)
		*(void **)&call = dlsym(RTLD_DEFAULT, "errorString");
	return call ? call(status) : "not known";
}
*/
import "C"

import (
	"fmt"
	"unsafe"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"
)

// What is asked each second is not asked through go-dcgm: it makes a new
// megabyte of each answer, of which nearly all is room for texts, and clearing
// and collecting that costs more than all the rest. DCGM's other calls are rare.

// handle is go-dcgm's connection, the only one of the process.
//
//go:linkname handle github.com/NVIDIA/go-dcgm/pkg/dcgm.handle
var handle struct{ connection C.uintptr_t }

// A value is a dcgmFieldValue_v2.
type value struct {
	version uint32
	kind    uint32
	entity  uint32
	field   uint16
	typ     uint16
	status  int32
	_       uint32
	time    int64 // µs since 1970
	bytes   [4096]byte
}

// An entity is a dcgmGroupEntityPair_t.
type entity struct{ kind, id uint32 }

func asked(of []dcgmlib.GroupEntityPair) []entity {
	e := make([]entity, len(of))
	for i, p := range of {
		e[i] = entity{uint32(p.EntityGroupId), uint32(p.EntityId)}
	}
	return e
}

// A refusal is an error by DCGM's number.
type refusal int

func (r refusal) Error() string { return C.GoString(C.said(C.int(r))) }

// latest asks for the newest values, never for live ones, of the fields of the
// entities: entity by entity, in the order of both. They are valid until the
// next call.
func (s *session) latest(of []entity, fields []dcgmlib.Short) ([]value, error) {
	n := len(of) * len(fields)
	if n == 0 {
		return nil, nil
	}
	if n > len(s.values) {
		s.values = make([]value, max(n, perCall))
	}
	values := s.values[:n]
	for i := range values {
		values[i].field = 0 // what is not written is not of the call before
	}
	status := C.latest(handle.connection, unsafe.Pointer(&of[0]), C.uint(len(of)), unsafe.Pointer(&fields[0]), C.uint(len(fields)), unsafe.Pointer(&values[0]))
	if status != dcgmlib.DCGM_ST_OK {
		return nil, refusal(status)
	}
	for i := range values {
		v, want, field := &values[i], of[i/len(fields)], fields[i%len(fields)]
		if v.entity != want.id || v.kind != want.kind || v.field != uint16(field) {
			return nil, fmt.Errorf("the engine answers for %v %d field %d where %v %d field %d was asked",
				dcgmlib.Field_Entity_Group(v.kind), v.entity, v.field, dcgmlib.Field_Entity_Group(want.kind), want.id, field)
		}
	}
	return values, nil
}
