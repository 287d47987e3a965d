// Package odata gets the resources of a Redfish service over HTTP, and reads what
// stands in them as far as devices of all makers can be believed.
//
//	Get ─▶ one at a time ─▶ session ─▶ GET ─▶ at most 1 MiB ─▶ lenient JSON
//	                        │    ▲      │
//	                        │    └──────┘ 401: once
//	                        └ none to be had: basic
//
// Invariants:
//   - One request is under way at most: a service has few connections to give.
//   - A service holds one session of ours at most, until Close gives it back.
//   - Links and redirects are followed on the service itself only.
//   - Refused credentials are not tried again until they change or a quarter of an
//     hour has gone.
//   - No password or token is in an error.
//   - A number that is null, left out, or no number is none, never zero.
package odata
