// Package intake takes in readings of meters from files that others wrote:
// settlements of grid operators, exports of building systems, registers that a
// person read. It says first what it would do, and then does exactly that.
//
//	file ─▶ text ─▶ survey ─▶ rows ─▶ sort ─▶ sequence ─▶ quarters ─▶ Plan ─▶ Apply
//	       BOM,     how it    time,   by time, doubles,    of an hour,  what    in the
//	       1252,    is        amount  on disk  gaps, what  as the books changes books
//	       quotes   written           if long  goes back   keep them
//
// Invariants:
//   - A file is read once, from front to end, in memory that does not grow with
//     it: what is long waits on disk.
//   - Energy is counted in millijoules and water in millilitres, by integers,
//     from the digits in the file.
//   - What a row means is never guessed where another meaning is as likely: the
//     file is refused, and the option named that says it.
//   - What a file itself calls estimated is an estimate in the books, in a
//     settlement, too.
//   - A row that is a day, or has a column for each meter, is read as the rows that
//     it stands for.
//   - A row that cannot be taken is said with its line, its column and what to do.
//     A file with such a row is applied only by one who asks for that.
//   - A plan changes nothing. What Apply takes is what the plan showed.
//   - The readings of a meter never overlap, and sum to what the file shows, less
//     what lies outside whole quarters of an hour, which is said.
//   - The same file is the same import: its id comes from its content.
package intake
