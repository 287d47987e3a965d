package account

import (
	"cmp"
	"slices"
)

// A piece is what falls to one slot of time when an amount is split.
type piece struct {
	slot      int64  // number of the slot since 1970
	millis    int64  // of the interval that lie in it
	amount    uint64 // its part
	remainder uint64
}

// split divides amount over the slots of width milliseconds that (from, to]
// touches, in proportion to time, by largest remainder: the pieces sum exactly
// to amount, and each is within one of its share. An interval without length
// lies in the slot that ends with it.
func split(dst []piece, amount uint64, from, to, width int64) []piece {
	first, last := from/width, (to-1)/width
	if first >= last || to <= from {
		return append(dst, piece{slot: last, millis: max(0, to-from), amount: amount})
	}
	start, left := len(dst), amount
	for s := first; s <= last; s++ {
		p := piece{slot: s, millis: min(to, (s+1)*width) - max(from, s*width)}
		p.amount, p.remainder = share(amount, uint64(p.millis), uint64(to-from))
		left -= p.amount
		dst = append(dst, p)
	}
	if left == 0 {
		return dst
	}
	pieces := dst[start:]
	order := make([]int, len(pieces))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(pieces[b].remainder, pieces[a].remainder) })
	for _, i := range order[:left] { // fewer are left than there are pieces
		pieces[i].amount++
	}
	return dst
}
