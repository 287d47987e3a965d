// Package bmc reads what the whole node draws, from whichever meter the machine
// has: its baseboard controller over Redfish or IPMI, the counters of a Cray
// blade, the power meters that ACPI shows.
//
//	Redfish ────────┐  each polled on a clock of its own,         ┌ power, energy, age,
//	pm_counters ────┤  in a goroutine of its own                  │ epoch, quality
//	IPMI DCMI ──────┼─▶ sample ─▶ tally ─▶ view ─▶ choice ─▶ Read ┤ of the source bmc,
//	ACPI meter ─────┘   W, mJ     register │  one of them serves  │ module and grace
//	Grace sockets ──┘             or W·s ──┘                      └
//
// Who serves as bmc, best first: pm_counters, Redfish, IPMI, ACPI. The others
// answer once, so that [Source.Describe] can say what they are, and stand by. One
// that is silent for two minutes is replaced by the next, and takes over again
// after answering for ten. Module and Grace power are other things than the
// node's and are never added to it; each is one level of sockets, summed.
//
// Energy is a register of the meter where it has one that can be believed: for a
// minute it has to move in small steps, and by what the power makes of the time.
// Energy is missing until then, since that minute must not be counted twice. What
// came of it is remembered across restarts. A register that is not believed, or
// that stops, is left for the power, integrated.
//
// Invariants:
//   - Read never waits for a meter.
//   - A value that was not read is missing, never zero: null, "N/A", 4294967295 W
//     and a sensor that says nothing are the same. A running host draws no 0 W.
//   - A reading older than three of its own periods, or than a minute, is missing.
//     Its age counts from when it was asked for.
//   - A sum is all of its parts or missing.
//   - A meter is asked by one request at a time, and less and less often while it
//     fails. Refused credentials are not tried again until they change or a
//     quarter of an hour has gone, since a controller locks accounts.
//   - What a controller says is bounded, and its links are followed on itself only.
//   - No password or token is in an error, a log line or a description.
//   - All files are found under Config.Root, save those that Config names.
package bmc
