// Package bacnet reads meters over BACnet/IP: the present value of objects of a
// building's controls, by ReadPropertyMultiple, or by ReadProperty where a device
// knows no better.
//
//	 Reader ─▶ objects × properties ─▶ request ─┐ UDP, 47808
//	   │                                        ▼
//	   │   several objects to a request      device, or router ─▶ device on another network
//	   │   └▶ one, if that is too much          │
//	   │      └▶ one property each              │ answer with our invoke id
//	   ▼                                        ▼
//	judge: fault, out of service, reliability, unit ◀── parse ─▶ meter.Value
//
// Of each object are read, with its present value, its status flags, reliability
// and units, and of those that count pulses their scale and highest value. Of a
// device that is known by its instance it is asked whether it is that one.
//
// A device is asked where it is: there is no Who-Is, so no broadcast, and no BBMD
// or registration as a foreign device is needed. A socket lives for one reading;
// devices answer to the port that asked.
//
// Invariants:
//   - One request is under way to a device, and it is asked again with the same
//     invoke id, which is harmless: nothing is ever written.
//   - What answers with another invoke id, service or network is not the answer.
//   - Parsing is pure, and takes any bytes; what is cut short is refused whole.
//   - An answer in segments is refused: it was said that none is understood.
//   - What is at fault, overridden, out of service, unreliable or in another unit
//     than was said is missing, and why is said; never is it zero.
package bacnet
