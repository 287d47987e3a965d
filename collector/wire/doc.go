// Package wire is the codec between a [metric.Batch] and the bytes that travel
// on the bus and wait in the spools.
//
// A message says by itself which metrics and entities it carries, or names the
// layout that does: the first message of an agent holds its [Layout] inline,
// later ones only its ID. Values are exact; those of a host of eight GPUs cost
// little more than a byte each. Where messages go and how the aggregator
// acknowledges them is here too: [Subject], [Ack]. Several of the ledger lane may
// travel one after the other as one message of the bus: [Messages].
//
//	 0       1       2       3       4       5       6       7
//	├───────┴───────┴───────┼───────┼───────┴───────┴───────┴───────┤
//	│  magic  "GWB"         │version│  length of the whole message  │
//	├───────┬───────┬───────┴───────┴───────┴───────────────────────┤
//	│  layout ID: first 8 bytes of SHA-256 of the layout as encoded │
//	├───────┼───────┼───────────────────────────────────────────────┘
//	│i│ lane│ flags │   i: bit 7, layout inline; lane: bits 0…6
//	├───────┴───────┴──────────────────────────────────────┐
//	│ u incarnation · u sequence · u skipped               │
//	│ s time ms · s boottime ns · u interval ms · u ticks  │
//	│ u,bytes site · u,bytes agent                         │
//	├──────────────────────────────────────────────────────┤
//	│ u,bytes layout                           (if inline) │
//	├──────────────────────────────────────────────────────┤
//	│ blocks of values                                     │
//	├──────────────────────────────┬───────────────────────┘
//	│ CRC32C of all bytes before   │
//	└──────────────────────────────┘
//
// Fixed integers are little-endian. u is an unsigned varint, s a zigzag one
// (both as in encoding/binary, in the fewest bytes).
//
// The layout:
//
//	u flags (bit 0 simulated) · u entities · u columns
//	entity   kind (1 byte) · u index−parent−1 · name · u labels · (text name · text value)…
//	column   s metric−metric before · form (1 byte) · u point · u first · u count
//	name     u,bytes; or u 0 and the 16 bytes of a UUID: GPU- and that UUID in lower case
//	text     u 0, u,bytes: a new text; u k: the k-th text again, from 1
//
// A column of many values is cut into blocks of at most 512: of all ticks of
// max(1, 512/ticks) entities. A block, tick-major, is one of
//
//	 7   6   5   4   3   2   1   0
//	┌───┬───────────────────────────┐
//	│ 1 │  0 … 111                  │  every value is this number
//	│ 1 │  112 … 127                │  this and the next blocks, 2 to 17 in all, are zero
//	├───┼───┬───────────────┬───────┤
//	│ 0 │ m │ scale         │ shape │  m: a bitmap of the missing values follows
//	└───┴───┴───────────────┴───────┘
//	scale    form int:   0…10: × 1, 10, 100, 10³, 10⁶, 10⁹, 2⁹, 2¹⁰, 2¹², 2²⁰, 2³⁰
//	         form float: 0…6: ÷ 10⁰ … 10⁶;  7: the bits;  8: the bits, × 2²⁹ (was a float32)
//	         15 with m and shape 0, and nothing after: every value is missing
//	shape    0: s, the one value of all
//	         1: section of all values
//	         2: section of the first tick, section of each later value less that of the tick before
//	section  base and width (1 byte) · u base · values less base, packed from the lowest bit up
//	         bits 0…5: width in bits, 57 means 64; bits 6, 7: 0 base is zero, 1 base, 2 base is −1−u
//
// Invariants:
//   - The same batch under the same layout gives the same bytes.
//   - What [Message.Values] returns is bit for bit what was appended; a float
//     that is not finite has become [metric.Missing], as [metric.Of] has it.
//   - Header, layout, varints, bitmaps and padding have one form, and others are
//     refused. Blocks may be packed otherwise than Append would; they are read.
//   - Metric numbers, points and entity kinds that the catalogue does not know
//     are carried and returned like any others: a column's form suffices. Flag
//     bits that have no name yet are kept. All else that is not as drawn is
//     refused: a later form of it has a higher version.
//   - No count is believed before it is held against its limit; a hostile message
//     costs no more than [MaxValues] values and 64 bytes of layout for each byte.
//   - Parse, Values and Append allocate nothing when given the capacity.
package wire
