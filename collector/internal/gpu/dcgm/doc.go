// Package dcgm reads NVIDIA's GPUs through DCGM: from the host engine of the
// machine, which reads the GPUs once for all who ask, or else from one inside
// this process.
//
//	GPUs ──▶ host engine ──▶ watch: fast 1 s, slow 30 s, profiling,     ──▶ board ──▶ gpu.Reading
//	          keeps 300 s     XIDs, NVSwitches, processors                   ▲
//	             │                                                           │ identity, for ever
//	             └─▶ session: what one connection was told to read ──────────┘
//
// A session ends when the engine is gone (-21, for ever), when its answers make
// no sense three times in a row, or when a host engine turns up while one of
// our own runs. The next is begun in a goroutine, with a growing pause between
// attempts, while readings fail at once; boards, the XIDs told, and the counts of
// NVSwitch errors outlive it.
//
// What is believed of a value: its status is good, it is no sentinel and lies
// where such an instrument can be, and it is at most three periods older than
// the board's newest. A board's time is the engine's, also of a blank, so that
// the reader can tell stale from blank.
//
//	lost GPU            blank and fresh; Absent from the engine's word on it, asked every 5 s
//	engine after XID 119 every GPU blank and fresh, none Absent; no error
//	poller behind       values stand, their time does not
//	engine stopped      Read does not return: its caller has to watch for that
//	engine killed       Read fails at once
//
// Invariants:
//   - The engine's shared state is left alone: no policy, no health watches, no
//     live readings, and what another client watches goes on.
//   - A field that the engine does not know costs that field alone. It is found
//     by halving, and named.
//   - An XID is told once, with the driver's time, however often connections
//     are made, and also if another came in the same second.
//   - Power and energy are of the whole GPU, and of it alone: an instance would
//     repeat them.
//   - What a GPU is divided into is told by MIG device, each with its own UUID
//     and slices; that it is not known is not that there is none.
//   - A UUID keeps its index while the process lasts.
//   - Only one goroutine calls DCGM at a time: the library has one connection for
//     the whole process, and frees it while others use it.
//
// Without cgo, or off Linux, Open says that there is none.
package dcgm
