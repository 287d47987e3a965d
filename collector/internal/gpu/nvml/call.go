//go:build cgo

package nvml

import (
	"fmt"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
)

// A call is a function of the library, in any of its versions.
type call int

const (
	noCall call = iota
	callCount
	callHandle
	callUUID
	callName
	callSerial
	callPCI
	callDriverVersion
	callLibraryVersion
	callFields
	callEnergy
	callPower
	callUtilization
	callTemperature
	callMargin
	callClock
	callReasons
	callReasonsOld
	callState
	callMemory
	callMemoryOld
	callEncoder
	callDecoder
	callLimit
	callLimitDefault
	callReplays
	callWidth
	callWidthMax
	callGeneration
	callGenerationMax
	callSRAM
	callMIGMode
	callMIGCount
	callMIGHandle
	callMIGInstance
	callMIGCompute
	callMIGAttributes
	callEventCreate
	callEventWait
	callEventFree
	callEventTypes
	callEventRegister
	calls
)

// symbols say for each call what is lost without it and under which names the
// library may have it; whatever version the binding chooses is one of them.
var symbols = [calls]struct {
	what    string
	names   []string
	instead call // serves as well
}{
	callCount:          {"", []string{"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"}, noCall},
	callHandle:         {"", []string{"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"}, noCall},
	callUUID:           {"uuids", []string{"nvmlDeviceGetUUID"}, noCall},
	callName:           {"models", []string{"nvmlDeviceGetName"}, noCall},
	callSerial:         {"serial numbers", []string{"nvmlDeviceGetSerial"}, noCall},
	callPCI:            {"bus addresses", []string{"nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo"}, noCall},
	callDriverVersion:  {"version of the driver", []string{"nvmlSystemGetDriverVersion"}, noCall},
	callLibraryVersion: {"version of the library", []string{"nvmlSystemGetNVMLVersion"}, noCall},
	callFields:         {"memory temperature, slowdowns, errors, remapped rows and NVLink", []string{"nvmlDeviceGetFieldValues"}, noCall},
	callEnergy:         {"energy of boards that have no field of it", []string{"nvmlDeviceGetTotalEnergyConsumption"}, noCall},
	callPower:          {"power of boards that have no field of it", []string{"nvmlDeviceGetPowerUsage"}, noCall},
	callUtilization:    {"utilization", []string{"nvmlDeviceGetUtilizationRates"}, noCall},
	callTemperature:    {"temperature", []string{"nvmlDeviceGetTemperature"}, noCall},
	callMargin:         {"temperature margin", []string{"nvmlDeviceGetMarginTemperature"}, noCall},
	callClock:          {"clocks", []string{"nvmlDeviceGetClockInfo"}, noCall},
	callReasons:        {"reasons of clocks", []string{"nvmlDeviceGetCurrentClocksEventReasons"}, callReasonsOld},
	callReasonsOld:     {"", []string{"nvmlDeviceGetCurrentClocksThrottleReasons"}, callReasons},
	callState:          {"performance state", []string{"nvmlDeviceGetPerformanceState"}, noCall},
	callMemory:         {"memory", []string{"nvmlDeviceGetMemoryInfo_v2"}, callMemoryOld},
	callMemoryOld:      {"", []string{"nvmlDeviceGetMemoryInfo"}, callMemory},
	callEncoder:        {"encoder utilization", []string{"nvmlDeviceGetEncoderUtilization"}, noCall},
	callDecoder:        {"decoder utilization", []string{"nvmlDeviceGetDecoderUtilization"}, noCall},
	callLimit:          {"power limit of boards that have no field of it", []string{"nvmlDeviceGetEnforcedPowerLimit"}, noCall},
	callLimitDefault:   {"default power limit of boards that have no field of it", []string{"nvmlDeviceGetPowerManagementDefaultLimit"}, noCall},
	callReplays:        {"PCIe replays of boards that have no field of them", []string{"nvmlDeviceGetPcieReplayCounter"}, noCall},
	callWidth:          {"PCIe width", []string{"nvmlDeviceGetCurrPcieLinkWidth"}, noCall},
	callWidthMax:       {"greatest PCIe width", []string{"nvmlDeviceGetMaxPcieLinkWidth"}, noCall},
	callGeneration:     {"PCIe generation", []string{"nvmlDeviceGetCurrPcieLinkGeneration"}, noCall},
	callGenerationMax:  {"greatest PCIe generation", []string{"nvmlDeviceGetMaxPcieLinkGeneration"}, noCall},
	callSRAM:           {"threshold of errors in on-chip memory", []string{"nvmlDeviceGetSramEccErrorStatus"}, noCall},
	callMIGMode:        {"whether boards are divided", []string{"nvmlDeviceGetMigMode"}, noCall},
	callMIGCount:       {"number of instances", []string{"nvmlDeviceGetMaxMigDeviceCount"}, noCall},
	callMIGHandle:      {"instances", []string{"nvmlDeviceGetMigDeviceHandleByIndex"}, noCall},
	callMIGInstance:    {"ids of instances", []string{"nvmlDeviceGetGpuInstanceId"}, noCall},
	callMIGCompute:     {"ids of compute instances", []string{"nvmlDeviceGetComputeInstanceId"}, noCall},
	callMIGAttributes:  {"sizes of instances", []string{"nvmlDeviceGetAttributes_v2", "nvmlDeviceGetAttributes"}, noCall},
	callEventCreate:    {"XIDs", []string{"nvmlEventSetCreate"}, noCall},
	callEventWait:      {"XIDs", []string{"nvmlEventSetWait_v2", "nvmlEventSetWait"}, noCall},
	callEventFree:      {"XIDs", []string{"nvmlEventSetFree"}, noCall},
	callEventTypes:     {"XIDs", []string{"nvmlDeviceGetSupportedEventTypes"}, noCall},
	callEventRegister:  {"XIDs", []string{"nvmlDeviceRegisterEvents"}, noCall},
}

// needed are the calls without which nothing can be read.
var needed = []call{callCount, callHandle, callUUID}

// lookUp finds which calls the library has. The sentences name the others.
func lookUp(api nvidia.Interface) (have [calls]bool, lacks []string, err error) {
	for c := noCall + 1; c < calls; c++ {
		for _, name := range symbols[c].names {
			if api.Extensions().LookupSymbol(name) == nil {
				have[c] = true
				break
			}
		}
	}
	for _, c := range needed {
		if !have[c] {
			return have, nil, fmt.Errorf("the library lacks %s", symbols[c].names[0])
		}
	}
	for c, s := range symbols {
		if !have[c] && s.what != "" && !have[s.instead] {
			lacks = append(lacks, fmt.Sprintf("the driver's library lacks %s: no %s; a newer driver has it", s.names[0], s.what))
		}
	}
	return have, lacks, nil
}

// words are what a result means to who has to mend it. The library's own words
// are behind a symbol that it may lack.
func words(ret nvidia.Return) string {
	switch ret {
	case nvidia.SUCCESS:
		return "done"
	case nvidia.ERROR_UNINITIALIZED:
		return "the library is not initialized"
	case nvidia.ERROR_INVALID_ARGUMENT:
		return "the driver does not know what was asked for"
	case nvidia.ERROR_NOT_SUPPORTED:
		return "not supported"
	case nvidia.ERROR_NO_PERMISSION:
		return "permission denied: run as root"
	case nvidia.ERROR_NOT_FOUND:
		return "not found"
	case nvidia.ERROR_INSUFFICIENT_POWER:
		return "a power cable of the board is not attached"
	case nvidia.ERROR_DRIVER_NOT_LOADED:
		return "the driver is not loaded"
	case nvidia.ERROR_TIMEOUT:
		return "time ran out"
	case nvidia.ERROR_IRQ_ISSUE:
		return "the kernel sees a fault of the board's interrupts"
	case nvidia.ERROR_LIBRARY_NOT_FOUND:
		return "the library was not found"
	case nvidia.ERROR_CORRUPTED_INFOROM:
		return "the board's own store is corrupt"
	case nvidia.ERROR_GPU_IS_LOST:
		return "the board has fallen off the bus"
	case nvidia.ERROR_RESET_REQUIRED:
		return "the board wants a reset"
	case nvidia.ERROR_OPERATING_SYSTEM:
		return "the kernel has blocked the device"
	case nvidia.ERROR_LIB_RM_VERSION_MISMATCH:
		return "library and driver differ in version: the driver was replaced, load it anew or reboot"
	case nvidia.ERROR_MEMORY:
		return "out of memory"
	}
	return fmt.Sprintf("error %d of NVML", int32(ret))
}
