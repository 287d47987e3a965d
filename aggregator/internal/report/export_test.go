package report

import "math/big"

// Exact is a figure before it was rounded, in its unit; nil if it was not calculated.
func (f *Figure) Exact() *big.Rat { return f.exact }
