//go:build cgo && linux

package dcgm

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"
)

const library = "libdcgm.so.4"

// symbols are those that this package's calls end in.
var symbols = strings.Fields(`
	dcgmInit dcgmShutdown dcgmConnect_v2 dcgmDisconnect dcgmStartEmbedded dcgmStopEmbedded errorString
	dcgmHostengineVersionInfo dcgmGetAllSupportedDevices dcgmGetEntityGroupEntities dcgmGetGpuStatus
	dcgmGetGpuInstanceHierarchy dcgmGroupCreate dcgmGroupAddEntity dcgmGroupDestroy
	dcgmFieldGroupCreate dcgmFieldGroupDestroy dcgmWatchFields dcgmUpdateAllFields
	dcgmEntitiesGetLatestValues dcgmGetValuesSince_v2
`)

// load loads the library for ever. The loader then finds it by its name
// wherever it came from, and closing a connection does not take it out from
// under the library's own threads. It also says what go-dcgm does not: why the
// library was refused, and which symbol it lacks, since a call of a missing one
// ends the process.
func load(path string) error {
	if path == "" {
		path = library
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	h := C.dlopen(name, C.RTLD_LAZY|C.RTLD_GLOBAL|C.RTLD_NODELETE)
	if h == nil {
		return fmt.Errorf("load DCGM: %s", C.GoString(C.dlerror()))
	}
	var lacks []string
	for _, s := range symbols {
		c := C.CString(s)
		if C.dlsym(h, c) == nil {
			lacks = append(lacks, s)
		}
		C.free(unsafe.Pointer(c))
	}
	if lacks != nil {
		return fmt.Errorf("load DCGM: %s lacks %s; it needs DCGM 4", path, strings.Join(lacks, ", "))
	}
	return nil
}
