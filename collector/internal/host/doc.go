// Package host reads the machine that an agent runs on: processors, memory,
// network, disks, file systems, temperatures, fabric ports, and the energy that
// the processors count themselves (RAPL).
//
//	         every 30 s                                  every reading
//	/sys ──▶ inventory: interfaces, disks, mounts, ──▶ layout ──▶ values, in the layout's order
//	         sensors, ports, RAPL zones                  ▲            │
//	            │                                        │            ├ at once: processors, RAPL,
//	            └ the same as before: the same layout ───┘            │          interfaces, disks
//	                                                                  ├ every 5 s: load, memory, file
//	                                                                  │ systems, temperatures, fabric ports
//	                                                                  └ every minute, in goroutines of
//	                                                                    their own: health of NVMe drives
//
// What counts as one of each, so that nothing is counted twice:
//   - An interface has a device behind it in sysfs. Loopback, veth, bridges,
//     tunnels and bonds have none; a bond's members are counted instead, and not the switch
//     ports of virtual functions, whose traffic passes the adapter's own.
//   - A disk is whole and has a device behind it. Partitions, loop, ram, zram,
//     device mapper, md and the paths of a multipath NVMe disk are left out.
//   - A file system is of a kind that keeps its data on a local disk; mounted
//     several times it counts once, at its shortest mount point. Under a root
//     other than / its size is read only if it is really mounted there.
//   - A sensor is a temperature of a hwmon chip. Of a processor's cores only the
//     package is shown, which is as hot as its hottest core. A chip's name is
//     its sensors' prefix; where several share it, their devices' names are.
//   - A drive's health is its controller's SMART log. Drives over a network are
//     another host's.
//   - A fabric port shows the errors of its own link layer. What RoCE's transport
//     repeats is no error of the port. The rate of a link that is down says nothing.
//   - A RAPL counter is the sum of the packages, or of their memories. Cores lie
//     inside the package, and intel-rapl-mmio repeats it.
//
// Invariants:
//   - A value that could not be read is missing, never zero and never old: what
//     is read every 5 s is repeated until its next reading and no longer; the
//     health of a drive that answers no more, for three minutes.
//   - A drive that does not answer holds up nobody.
//   - A drive's health is its controller's SMART log. Drives over a network are
//     another host's.
//   - A fabric port shows the errors of its own link layer. What RoCE's transport
//     repeats is no error of the port. The rate of a link that is down says nothing.
//   - A RAPL counter is the sum of all its zones or missing. It never falls
//     within an epoch; after a pause in which a zone may have wrapped twice, a
//     new epoch begins at zero.
//   - Everything is bounded: at most so many of each, and [Source.Describe] says
//     how many were left out.
//   - All files are found under Config.Root.
package host
