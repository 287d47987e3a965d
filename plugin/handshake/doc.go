// Package handshake starts the data source's program as Grafana does, so that tests
// and benchmarks can be the other end. No program links it.
//
//	Start ──runs──▶ gpx_gigawatch…      with Grafana's cookie, and no environment but PATH
//	  │                  │
//	  ◀──── gRPC ────────┘              diagnostics, data, resources, streams
//
// Invariant: whoever starts a program ends it with Kill; one whose starter died goes on.
package handshake
