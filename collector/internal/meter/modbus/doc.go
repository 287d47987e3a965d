// Package modbus reads meters over Modbus: TCP, TCP with TLS, and RTU frames over
// TCP. What the registers of a device mean is written in a register map, which is
// the same for all devices; those of some makers are built in.
//
//	map (YAML) ─▶ plan: adjacent registers in one request
//	                │
//	Reader ◀────────┴──▶ Gateway ─▶ device 1, 2, 3 …   one connection, one request
//	  │ words                        (unit ids)          at a time
//	  ▼
//	decode: order, type, not available, scale ─▶ meter.Value
//
// A map:
//
//	name: some-meter
//	function: 3               # 3 holding registers, 4 input registers
//	word_order: high_first    # of values that take several registers; or low_first
//	byte_order: high_first    # in a register; or low_first
//	max_gap: 8                # registers in between that are read along; 0: none
//	max_registers: 125        # in one request
//	channel_step: 100         # registers from one circuit to the next, of a device that meters several
//	values:
//	- measures: power         # power energy energy_export water heat flow temperature,
//	                          # or frequency, voltage, serial
//	  offset: 3059            # as sent, counted from 0; or number: 3060, counted from 1
//	  type: f32               # u16 s16 u32 s32 u64 s64 f32 f64 mod10k bcd
//	  unit: kW
//	  scale: 0.1              # of the unit, that one stands for
//	  invert: true            # it counts the other way
//	  plus: [3061]            # further registers, counted in the same way, whose sum is meant
//	  exponent: 3070          # register with the power of ten
//	  registers: 3            # of mod10k, bcd and serial: how many
//	  not_available: [0x8000] # what it shows where it knows nothing; [] for none
//	  rolls_over_at: 1000000  # after one less it shows zero
//	  min: 0                  # what is outside is not believed
//	  max: 100
//	  point: supply           # of a temperature
//	  unverified: true        # nobody has compared it with a display yet
//	  # function, word_order, byte_order: where they differ from the map's
//
// frequency and voltage are read to see that registers are read rightly: where
// they are out of bounds nothing of that reading is believed. A serial number that
// changes says that the device is another one.
//
// Invariants:
//   - A value is read in one request: it is never of two moments.
//   - What is not available, no number, or next to nothing is missing, never zero.
//   - An answer of another unit, or half of one, is none; the connection is given up.
//   - At most one request is under way on a connection.
package modbus
