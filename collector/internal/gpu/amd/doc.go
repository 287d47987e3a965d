// Package amd reads AMD accelerators from the files that the amdgpu driver shows
// under sys; it needs no library of the vendor's.
//
//	/sys/class/drm/cardN/device ─┬ hwmon/hwmonM    power, cap, clocks, temperatures by label
//	 (looked for every minute)   ├ gpu_metrics     energy accumulator, decoded by revision
//	                             ├ *_busy_percent, mem_info_vram_*
//	                             ├ ras/*           errors, bad pages           every 30 s
//	                             └ *_link_*        PCIe                        every 30 s
//
// A card is a board if its vendor is AMD, it sits on PCI and its class is that
// of a co-processor (a display adapter is left alone). The partitions of an
// accelerator are platform devices without sensors: they are named, all of one
// size, and the board is one. A die without a meter of its own, the second of an MI250X, is a
// board without power: the first die's power is that of both.
//
// Invariants:
//   - A value that could not be read, or that says it is not to be had (all
//     bits set), is missing, never zero.
//   - Energy is the accumulator itself in whole millijoules, so nothing is lost
//     to rounding however often it is read. A revision of gpu_metrics that is
//     not known here gives no energy.
//   - A board that is gone stays, absent, with its identity.
//   - All files are found under Config.Root.
package amd
