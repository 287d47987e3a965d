// Package names keeps who stands behind the keys by which jobs and tenants are
// called in what is kept for years.
//
//	name ──▶ Book.Key ──▶ tenant-4k2h…  ──▶ statements, their log
//	             │
//	        DIR/names/SITE     the only place in which key and name meet
//	             │
//	        Book.Forget ──▶ the key stands for nobody from then on
//
// Invariants:
//   - A key is drawn at random: nothing but the book leads from it to the name, nor
//     from the name to it.
//   - A key is in the book, durably, before anybody is told it, and stands for one
//     name.
//   - What is forgotten is out of the file, and no key is used again: the same name
//     gets another one. What was hashed or signed by key stays as it is.
//   - Several processes may have one book: each change is made to the file as it is,
//     under a lock.
package names
