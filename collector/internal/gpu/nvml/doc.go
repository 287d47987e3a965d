// Package nvml reads NVIDIA boards through the driver's own library, for hosts
// without a DCGM host engine.
//
//	              every reading                       every 30 s
//	board ─┬ DeviceGetFieldValues, all at once ─┬──────────────────────────┐
//	       │   energy, power, memory temperature│ aggregate errors, remaps,│
//	       │   slowdowns, errors, recovery      │ pages, limits, NVLink    │
//	       └ utilization, temperature, clocks,  └ PCIe link, encoder,      │
//	         reasons, memory                      instances                │
//	                                                                       ▼
//	EventSetWait ──▶ one goroutine ──▶ queue of XIDs ─────────────▶ gpu.Reading
//
// A call of C cannot be cancelled, and one whose symbol the library lacks ends
// the process. So this package is for a process of its own, and it looks every
// symbol up before it calls it: what the driver lacks is left out and said.
//
// Invariants:
//   - No function of the library is called whose symbol was not found first.
//   - A field is used only if the library says of it alone that it was read.
//   - A board that is lost is absent and keeps its identity; any other error
//     makes the one value missing that it is an error of.
//   - Energy and power are the whole board's, also when it is divided into
//     instances. Those are told by MIG device; that they are not known is not
//     that there are none.
//   - An XID is handed on once. The queue is bounded; what it could not take is
//     counted and said.
package nvml
