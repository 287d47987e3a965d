// Package rights says who may ask the aggregator what: principals with a role, of
// some sites and perhaps of some tenants only, who show a token or a certificate.
//
//	principals.yaml ─ changed? ─▶ Keeper ◀── token, certificate ── request
//	                                │ who
//	                                ▼
//	                            Principal ─▶ role: which routes
//	                                └──────▶ scope: which sites and tenants ─┬─▶ Enforce: each selector of an expression
//	                                                                         └─▶ Storage: each read of the store
//
// Invariants:
//   - Who is not named may nothing, and the zero Scope holds nothing. A read of the
//     store on nobody's behalf is refused.
//   - No token is kept, written or compared: a file has their hashes, which are
//     compared in a time that says nothing of them.
//   - Every read of time series has the matchers of its principal's scope, whatever
//     was asked and by which path.
//   - Who is struck from the file, or has less in it, is nobody from then on, and
//     what runs for them ends. A file that is not in order changes nothing.
//   - What a principal is refused does not tell whether it exists.
package rights
