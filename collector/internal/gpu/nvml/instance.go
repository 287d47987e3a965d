//go:build cgo

package nvml

import (
	"slices"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// divide reads what b is divided into. What cannot be read leaves what was known
// of it.
func (d *Driver) divide(b *board) metric.Raw {
	if b.lost || !d.have[callMIGMode] { // a driver without it divides nothing
		return metric.Missing
	}
	list, ok := d.instances(b)
	switch {
	case ok:
		if b.divided = true; !slices.Equal(list, b.Instances) {
			b.Instances = list
		}
		return metric.Raw(len(list))
	case !b.divided:
		b.Instances = []gpu.Instance{{Index: gpu.Unlisted}}
	}
	return metric.Missing
}

// mostInstances bounds those of a board; today's have at most seven.
const mostInstances = 64

// instances are the MIG devices of b, each a compute instance of a GPU instance;
// none if it is whole. Of one that does not say all the rest is told.
func (d *Driver) instances(b *board) (list []gpu.Instance, ok bool) {
	mode, _, ret := b.device.GetMigMode()
	if !d.answers(b, callMIGMode, ret) {
		return nil, ret == nvidia.ERROR_NOT_SUPPORTED
	}
	if mode != nvidia.DEVICE_MIG_ENABLE {
		return nil, true
	}
	if !d.have[callMIGCount] || !d.have[callMIGHandle] {
		return nil, false
	}
	most, ret := b.device.GetMaxMigDeviceCount()
	if !d.answers(b, callMIGCount, ret) || most < 0 || most > mostInstances {
		return nil, false
	}
	for i := range most {
		part, ret := b.device.GetMigDeviceHandleByIndex(i)
		if ret == nvidia.ERROR_NOT_FOUND {
			continue
		}
		if !d.answers(b, callMIGHandle, ret) {
			return nil, false
		}
		in := gpu.Instance{Index: gpu.Unlisted}
		in.UUID, _ = tell(d, b, callUUID, part.GetUUID)
		instance, known := tell(d, b, callMIGInstance, part.GetGpuInstanceId)
		compute, both := tell(d, b, callMIGCompute, part.GetComputeInstanceId)
		if known && both && instance >= 0 && compute >= 0 {
			in.Index, in.Compute = instance, compute
		}
		if a, ok := tell(d, b, callMIGAttributes, part.GetAttributes); ok {
			if n := int(a.ComputeInstanceSliceCount); n > 0 && n <= most {
				in.Parts, in.Of = n, most
			}
		}
		list = append(list, in)
	}
	return list, !b.lost
}

// tell calls f, which is c of an instance of b. Instances come and go: what one
// refuses the next is asked for all the same.
func tell[T any](d *Driver, b *board, c call, f func() (T, nvidia.Return)) (v T, ok bool) {
	if b.lost || !d.have[c] {
		return v, false
	}
	v, ret := f()
	if !d.answers(b, c, ret) {
		var none T
		return none, false
	}
	return v, true
}

// answers reports whether what was asked of b was answered.
func (d *Driver) answers(b *board, c call, ret nvidia.Return) bool {
	switch ret {
	case nvidia.SUCCESS:
		return true
	case nvidia.ERROR_GPU_IS_LOST:
		b.lost = true
	case nvidia.ERROR_NO_PERMISSION:
		d.deny(b, symbols[c].what)
	}
	return false
}
