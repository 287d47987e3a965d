// Package gaudi reads Intel Gaudi accelerators from the files that the
// habanalabs driver shows under sys; it needs no library of the vendor's.
//
//	/sys/class/habanalabs/hlN, or            device_type, status, pci_addr, fuse_ver,
//	/sys/class/accel/accelN/device           clk_cur_freq_mhz, max_power
//	     │ pci_addr
//	     ▼
//	/sys/bus/pci/devices/.../hwmon/hwmonM    power1_input, tempN_input
//
// The cards have no energy counter: whoever wants energy integrates the power.
//
// Invariants:
//   - A value that could not be read is missing, never zero. The card's firmware
//     is asked for nothing while the driver says that it is not operational.
//   - A board's identity is its fuses', which is what the vendor's own tool
//     calls its uuid.
//   - A board that is gone stays, absent, with its identity.
//   - All files are found under Config.Root.
package gaudi
