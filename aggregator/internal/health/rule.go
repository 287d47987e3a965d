package health

import "github.com/gigawatch/gigawatch/collector/metric"

// A rule looks at values of one kind.
type rule uint8

const (
	ruleEnergy rule = iota // first, so that what a new life heals is not what the same tick raises

	// Conditions.
	ruleState
	ruleRecovery
	ruleRemapPending
	ruleRemapFailed
	rulePagesPending
	ruleSRAM
	ruleUnrepairable
	ruleUncorrected
	ruleWidth
	ruleWidthMax
	ruleExpected
	ruleStale
	ruleNVMeWarning
	ruleNVMeWear
	rulePortRate
	rulePortRateMax

	// Counters whose every move tells something.
	ruleXID
	ruleXIDTime
	ruleRemapped
	rulePagesSingle
	rulePagesDouble
	ruleLinkReplay
	ruleLinkRecovery
	ruleSwitchFatal
	ruleSwitchNonFatal
	ruleLinkDowns
	ruleMediaErrors

	// Rates, looked at once a minute.
	ruleCorrected
	rulePCIeReplays
	ruleLinkErrors
	ruleSlowSoftware
	ruleSlowThermal
	ruleSlowBrake

	noRule
)

func (r rule) isRate() bool      { return r >= ruleCorrected }
func (r rule) isCondition() bool { return r >= ruleState && r <= rulePortRateMax }

// forgets reports whether a value that is missing takes back what was said.
func (r rule) forgets() bool { return r == ruleState || r == ruleRecovery }

// ruleOf is the rule that looks at d at a point; noRule if none does.
func ruleOf(d *metric.Def, point uint32) rule {
	label := func(i int) string { return d.LabelValue(point, i) }
	switch d.Number {
	case metric.GPUEnergyJoules:
		return ruleEnergy
	case metric.GPUState:
		return ruleState
	case metric.GPURecoveryAction:
		return ruleRecovery
	case metric.GPURowRemapPending:
		return ruleRemapPending
	case metric.GPURowRemapFailed:
		return ruleRemapFailed
	case metric.GPUPagesPending:
		return rulePagesPending
	case metric.GPUSRAMThreshold:
		return ruleSRAM
	case metric.GPUMemoryUnrepairable:
		return ruleUnrepairable
	case metric.GPUXIDEvents:
		return ruleXID
	case metric.GPUXIDTime:
		return ruleXIDTime
	case metric.GPUPCIeReplays:
		return rulePCIeReplays
	case metric.AgentSourceStale:
		return ruleStale
	case metric.NVMeWarning:
		return ruleNVMeWarning
	case metric.NVMeWear:
		return ruleNVMeWear
	case metric.NVMeMediaErrors:
		return ruleMediaErrors
	case metric.FabricPortLinkDowns:
		return ruleLinkDowns
	case metric.FabricPortRate:
		return rulePortRate
	case metric.FabricPortRateMax:
		return rulePortRateMax
	case metric.GPUECCErrors:
		return either(label(0)+" "+label(1), map[string]rule{"uncorrected volatile": ruleUncorrected, "corrected volatile": ruleCorrected})
	case metric.GPURemappedRows:
		return either(label(0), map[string]rule{"uncorrectable": ruleRemapped})
	case metric.GPURetiredPages:
		return either(label(0), map[string]rule{"single_bit": rulePagesSingle, "double_bit": rulePagesDouble})
	case metric.GPUNVLinkErrors:
		return either(label(0), map[string]rule{
			"replay": ruleLinkReplay, "recovery": ruleLinkRecovery,
			"crc_flit": ruleLinkErrors, "crc_data": ruleLinkErrors, "receive": ruleLinkErrors, "effective": ruleLinkErrors, "ecc": ruleLinkErrors,
		})
	case metric.GPUPCIeWidth:
		return either(label(0), map[string]rule{"now": ruleWidth, "max": ruleWidthMax})
	case metric.GPUSlowdownSeconds:
		return either(label(0), map[string]rule{
			"software_thermal": ruleSlowSoftware, "hardware_thermal": ruleSlowThermal, "power_brake": ruleSlowBrake,
		})
	case metric.HostGPUs:
		return either(label(0), map[string]rule{"expected": ruleExpected})
	case metric.NVSwitchErrors:
		return either(label(0), map[string]rule{"fatal": ruleSwitchFatal, "non_fatal": ruleSwitchNonFatal})
	}
	return noRule
}

func either(label string, rules map[string]rule) rule {
	if r, ok := rules[label]; ok {
		return r
	}
	return noRule
}
