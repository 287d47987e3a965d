// Package snmp reads meters over SNMP: v3, and v2c of devices that have no better.
// What the objects of a device mean is written in an object map, which is the same
// for all devices; those of some makers are built in.
//
//	map (YAML) ─▶ objects of a row ─▶ as few requests as the agent can answer
//	                                      │
//	Reader ◀──────────────────────────────┴──▶ Agent ─▶ device
//	  │ numbers                   (one an address, one request at a time)
//	  ▼
//	value: status, signed or not, digits, type, not available, scale ─▶ meter.Value
//
// A map:
//
//	name: some-pdu
//	row_is: pdu.inlet         # what the numbers of a row stand for
//	row: "1.1"                # that is meant where none is said; left out: the only one, or all
//	max_objects: 24           # in one request
//	values:
//	- measures: power         # power energy energy_export water heat flow temperature
//	  oid: 1.3.6.1.4.1.9.5.{row}  # {row.1} is the first number of the row
//	  unit: kW
//	  scale: "0.01"           # of the unit, that one stands for
//	  type: integer           # or text, a number that is written out, or float; left out: any
//	  invert: true            # it counts the other way
//	  sum: true               # where no row is said, all of them together
//	  exponent: 1.3.…         # object with the power of ten
//	  digits: 1.3.…           # object with the number of decimal digits in it
//	  si_scale: 1.3.…         # object with the SI scale of RFC 3433
//	  signed: 1.3.…           # object where the value is, if signed_minimum is below zero
//	  signed_minimum: 1.3.…
//	  status: 1.3.…           # object that says whether there is a value
//	  status_ok: [1]
//	  not_available: ["-1"]   # what it shows where it knows nothing; [] for none
//	  rolls_over_at: 1000000  # after one less it shows zero; left out: where a Counter32 does
//	  point: supply           # of a temperature
//	  unverified: true        # nobody has compared it with a display yet
//	- {measures: serial, oid: 1.3.…}      # another one is another device
//	- {measures: started, oid: 1.3.…}     # when the registers began; another time is another life of them
//	- {measures: name, oid: "1.3.….{row}"}  # by which a row can be called
//	- {measures: kind, oid: "1.3.….{row}", is: 6} # rows that are meant have this number
//	- {measures: rows, oid: 1.3.…}        # how many rows there are to sum
//
// A row is written as its numbers, 1.2; or as serial:ABC123, or serial:ABC123/2
// where a device has several rows, the numbers behind the first after the slash; or
// as name:rack 7. What was looked for is looked for again when the agent has been
// started anew or shows something else in that place.
//
// A UPS on battery takes nothing in and gives out as before. Its input is thus no
// measure of what a site draws: that is measured upstream. Profile ups-mib is the
// output, and ups-mib-input serves to see losses. Of the roles in a site's file
// none but ups_output and distribution are those of a UPS. UPS have no register of
// energy there: it is worked out of their power, and so is that of a sensor.
//
// Keys of AES-192 and AES-256 that are longer than the digest are made as in
// draft-reeder-snmpv3-usm-3dese, as many makers do.
//
// Invariants:
//   - What is not there, not available, of a status that is not good or out of
//     reach is missing, never zero; and so is a sum that lacks a part.
//   - An answer counts if it has all objects that were asked for, in their order.
//   - No power of ten, row or sign is guessed: what the agent does not say is missing.
//   - No secret is in an error, and files are read when what they hold is needed.
//   - One request at a time is under way to an agent, and none outlasts its context.
package snmp
