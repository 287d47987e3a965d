// Package authority says who may speak on the bus and what each may say and hear
// there, and makes the credentials by which a NATS server tells them apart.
//
//	roles ──▶ scoped signing keys ──▶ account ──▶ users.conf ──▶ NATS server, embedded or not
//	                   │                 ▲
//	                   ▼                 └── revoked
//	            NAME.creds (one a user)
//
// What a user may is not written in its credentials but in the key that signed
// them, with the user's name put in, so that nobody has a list of hosts to keep
// but the authority itself, and a key of a site's hosts makes hosts of that site
// and nothing else.
//
// Invariants:
//   - Deny by default: every role says what it publishes and what it subscribes to,
//     and no list of these is empty, which NATS would take for everything.
//   - A name is put into a subject only if it is one token of it, without wildcards.
//   - Nobody hears another's answers: each inbox has its role's and user's name.
//   - Seeds are in files that their owner alone may read: the authority's own, and
//     one a user. What the server reads holds none.
package authority
