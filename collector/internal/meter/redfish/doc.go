// Package redfish reads meters that answer Redfish: what rack and floor PDUs,
// buses, power shelves, switchgear and transfer switches distribute, a circuit or
// an outlet of theirs; what coolant distribution units draw and carry.
//
//	/redfish/v1/PowerEquipment/RackPDUs/1 ──▶ Metrics ─────────────┐
//	                            …/Mains/A1, …/Outlets/7 ───────────┼▶ W, kWh
//	/redfish/v1/ThermalEquipment/CDUs/1 ───▶ EnvironmentMetrics ───┘
//	                                   ├───▶ SecondaryCoolantConnectors/… ─▶ kW of heat, flow,
//	                                   └───▶ PrimaryCoolantConnectors/…      supply, return
//	└────────── found once ──────────┘ └────────── read each time ──────────┘
//
// Resources may be of any path, such as a chassis' that has EnvironmentMetrics.
// Without one, what the service has is taken if it is one thing; else an error
// lists what there is to be written.
//
// What a whole CDU shows is the loop that it cools, on its secondary side, and the
// temperatures at facility_supply and facility_return on the other. A meter of heat
// that is reused reads the primary side, and the connectors of one side, or one of
// them, can be written as a resource too. Where a side has several connectors,
// flow and heat are summed, and temperatures are the mean by flow, so that they
// still make the same heat.
//
// Energy is EnergykWh.LifetimeReading where there is one: Reading can be reset by
// anybody. When it was is part of the register's life, as are the path and the
// serial number of the device.
//
// Invariants:
//   - Energy is the decimal number as it was written, in whole millijoules,
//     rounded down; no float is between.
//   - What is null or left out is missing, never zero; so is all of what is
//     absent, disabled, offline or starting.
//   - A sum is all of its parts or missing.
//   - After a reading that failed, energy is not shown until the serial number was
//     read again: it may be another device.
//   - A better register is never left for one that is worse, nor one added to
//     another.
//   - Meters of one service share one session and one connection, and are asked by
//     turns.
package redfish
