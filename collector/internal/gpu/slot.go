package gpu

import "github.com/gigawatch/gigawatch/collector/metric"

// A Slot is one value that a driver may know of a board.
type Slot int

// The slots. A driver fills those it knows; the others stay missing.
const (
	Power Slot = iota
	PowerInstant
	Energy
	Temperature
	MemoryTemperature
	TemperatureMargin
	Utilization
	MemoryUtilization
	EncoderUtilization
	DecoderUtilization
	MemoryUsed
	MemoryTotal
	SMClock
	MemoryClock
	PerformanceState
	ClockReasons
	PowerLimit
	PowerLimitDefault
	CorrectedVolatile
	CorrectedAggregate
	UncorrectedVolatile
	UncorrectedAggregate
	RemappedCorrectable
	RemappedUncorrectable
	RemapPending
	RemapFailed
	PagesSingleBit
	PagesDoubleBit
	PagesPending
	SRAMThreshold
	MemoryUnrepairable
	SlowPower
	SlowThermal
	SlowBoard
	SlowReliability
	SlowSoftwareThermal
	SlowHardwareThermal
	SlowPowerBrake
	PCIeReplays
	PCIeWidth
	PCIeWidthMax
	PCIeGeneration
	PCIeGenerationMax
	NVLinkFlit
	NVLinkData
	NVLinkReplay
	NVLinkRecovery
	NVLinkReceive
	NVLinkEffective
	NVLinkECC
	RecoveryAction
	Partitions
	EngineActive
	SMActive
	TensorActive
	MemoryActive
	PCIeReceive
	PCIeTransmit
	NVLinkThroughputReceive
	NVLinkThroughputTransmit
	Slots
)

// slots say where each stands in the catalogue.
var slots = [Slots]struct {
	metric metric.Number
	point  uint32
}{
	Power:                    {metric.GPUPowerWatts, 0},
	PowerInstant:             {metric.GPUPowerInstant, 0},
	Energy:                   {metric.GPUEnergyJoules, 0},
	Temperature:              {metric.GPUTemperature, 0},
	MemoryTemperature:        {metric.GPUMemoryTemperature, 0},
	TemperatureMargin:        {metric.GPUTemperatureMargin, 0},
	Utilization:              {metric.GPUUtilization, 0},
	MemoryUtilization:        {metric.GPUMemoryUtilization, 0},
	EncoderUtilization:       {metric.GPUEncoderUtilization, 0},
	DecoderUtilization:       {metric.GPUDecoderUtilization, 0},
	MemoryUsed:               {metric.GPUMemoryUsed, 0},
	MemoryTotal:              {metric.GPUMemoryTotal, 0},
	SMClock:                  {metric.GPUSMClock, 0},
	MemoryClock:              {metric.GPUMemoryClock, 0},
	PerformanceState:         {metric.GPUPerformanceState, 0},
	ClockReasons:             {metric.GPUClockReasons, 0},
	PowerLimit:               {metric.GPUPowerLimit, 0},
	PowerLimitDefault:        {metric.GPUPowerLimitDefault, 0},
	CorrectedVolatile:        {metric.GPUECCErrors, 0},
	CorrectedAggregate:       {metric.GPUECCErrors, 1},
	UncorrectedVolatile:      {metric.GPUECCErrors, 2},
	UncorrectedAggregate:     {metric.GPUECCErrors, 3},
	RemappedCorrectable:      {metric.GPURemappedRows, 0},
	RemappedUncorrectable:    {metric.GPURemappedRows, 1},
	RemapPending:             {metric.GPURowRemapPending, 0},
	RemapFailed:              {metric.GPURowRemapFailed, 0},
	PagesSingleBit:           {metric.GPURetiredPages, 0},
	PagesDoubleBit:           {metric.GPURetiredPages, 1},
	PagesPending:             {metric.GPUPagesPending, 0},
	SRAMThreshold:            {metric.GPUSRAMThreshold, 0},
	MemoryUnrepairable:       {metric.GPUMemoryUnrepairable, 0},
	SlowPower:                {metric.GPUSlowdownSeconds, 0},
	SlowThermal:              {metric.GPUSlowdownSeconds, 1},
	SlowBoard:                {metric.GPUSlowdownSeconds, 2},
	SlowReliability:          {metric.GPUSlowdownSeconds, 3},
	SlowSoftwareThermal:      {metric.GPUSlowdownSeconds, 4},
	SlowHardwareThermal:      {metric.GPUSlowdownSeconds, 5},
	SlowPowerBrake:           {metric.GPUSlowdownSeconds, 6},
	PCIeReplays:              {metric.GPUPCIeReplays, 0},
	PCIeWidth:                {metric.GPUPCIeWidth, 0},
	PCIeWidthMax:             {metric.GPUPCIeWidth, 1},
	PCIeGeneration:           {metric.GPUPCIeGeneration, 0},
	PCIeGenerationMax:        {metric.GPUPCIeGeneration, 1},
	NVLinkFlit:               {metric.GPUNVLinkErrors, 0},
	NVLinkData:               {metric.GPUNVLinkErrors, 1},
	NVLinkReplay:             {metric.GPUNVLinkErrors, 2},
	NVLinkRecovery:           {metric.GPUNVLinkErrors, 3},
	NVLinkReceive:            {metric.GPUNVLinkErrors, 4},
	NVLinkEffective:          {metric.GPUNVLinkErrors, 5},
	NVLinkECC:                {metric.GPUNVLinkErrors, 6},
	RecoveryAction:           {metric.GPURecoveryAction, 0},
	Partitions:               {metric.GPUPartitions, 0},
	EngineActive:             {metric.GPUEngineActive, 0},
	SMActive:                 {metric.GPUSMActive, 0},
	TensorActive:             {metric.GPUTensorActive, 0},
	MemoryActive:             {metric.GPUMemoryActive, 0},
	PCIeReceive:              {metric.GPUPCIeThroughput, 0},
	PCIeTransmit:             {metric.GPUPCIeThroughput, 1},
	NVLinkThroughputReceive:  {metric.GPUNVLinkThroughput, 0},
	NVLinkThroughputTransmit: {metric.GPUNVLinkThroughput, 1},
}

// Def is the definition of the metric that s is a value of.
func (s Slot) Def() *metric.Def { return metric.Lookup(slots[s].metric) }

// Raw is v, in the base unit of s's metric, as it is carried.
func (s Slot) Raw(v float64) metric.Raw { return s.Def().Raw(v) }
