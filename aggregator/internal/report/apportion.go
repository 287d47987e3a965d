package report

import (
	"cmp"
	"math/bits"
	"slices"
)

// apportion divides total by weights, by largest remainder: the parts sum to it
// exactly. Of equal remainders the first comes first. ok is false where nothing
// weighs anything. Total may be below zero; weights are not, and sum to less than
// 2^63.
func apportion(total int64, weights []int64) (parts []int64, ok bool) {
	parts = make([]int64, len(weights))
	var sum uint64
	for _, w := range weights {
		sum += uint64(w)
	}
	if sum == 0 {
		return parts, total == 0
	}
	n, sign := uint64(total), int64(1)
	if total < 0 {
		n, sign = -n, -1
	}
	left := n
	rest, order := make([]uint64, len(weights)), make([]int, len(weights))
	for i, w := range weights {
		hi, lo := bits.Mul64(n, uint64(w))
		q, r := bits.Div64(hi, lo, sum)
		parts[i], rest[i], order[i] = int64(q), r, i
		left -= q
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order[:left] { // fewer are left than there are parts
		parts[i]++
	}
	for i := range parts {
		parts[i] *= sign
	}
	return parts, true
}
