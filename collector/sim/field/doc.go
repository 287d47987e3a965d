// Package field shows the meters of a simulated world as they are found in the
// field: Modbus devices behind gateways, on loopback or wherever is asked for, each
// with the registers of its maker, and a site file that says so.
//
//	sim.World ─ Step ─▶ snapshot ─▶ device (unit 1, 2, 3 …) ─┐
//	                      │            registers of its model │
//	                      │ served                            ▼
//	                      ▼                     gateway, one a hall ─▶ Modbus TCP
//	                    Truth                   gateway of the plant
//
//	World's Blueprint ─▶ SiteFile ─▶ collectors and aggregators
//
// A display is as fine as that of the real device: watt-hours, tenths of litres, and
// floats with the digits that floats have. What it shows is never more than was
// counted.
//
// Invariants:
//   - A reading is of one moment of the world, unless it takes several requests.
//   - What the Truth says was observed of a meter is the difference of what its
//     display showed when it was read first and last.
//   - A meter that hangs does not answer: its gateway says so after a while, and
//     lets others behind it wait meanwhile, as real ones do.
//   - The site file is without fault.
package field
