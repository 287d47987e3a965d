// Package double is a double of libdcgm.so.4, for tests and for running the
// collector by hand where there is no GPU. No program links it.
//
//	test or command ──▶ World, a mapped file ──▶ libdcgm/*.c, built with cc ◀── go-dcgm ◀── dcgm.Driver
//	  writes what there is, and what breaks      watches, samples, answers         as in production
//
// The C half is written against go-dcgm's own headers, so that the compiler
// checks the layout of what is exchanged, and exports every symbol that go-dcgm
// refers to: a missing one would end the process. It answers as a DCGM 4.6 was
// seen to answer:
//
//   - What is not watched has status -16, what was not read yet -14. A blank has
//     status 0.
//   - A field that the engine does not know fails the whole call; a profiling
//     field without its module fails the whole watch.
//   - A lost GPU, and every GPU after XID 119, is blank with fresh times, also in
//     its identity and its XID.
//   - The newest XID stays for ever; of two in one second it is one.
//   - An instance answers with the power and energy of the whole board, and with
//     the UUID of its MIG device. How many slices there are is known while MIG is
//     on, and to an engine that runs as root.
//   - After its engine is gone, a connection answers -21 for ever.
//   - What an earlier connection watched is answered from the cache.
//   - A connection whose log-in failed is reported as made.
//   - Names of groups are shared by all clients of an engine.
//
// Time is the host's, or the test's own: a reading's time is the last at which
// the engine would have read it, and the energy counter is the exact integral
// of the power at that time.
package double
