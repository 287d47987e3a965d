package report

import (
	"math/big"
	"strconv"
)

// Significant is v with so many significant figures, rounded half up, as a number
// and a power of ten: 1.8 x 10^3.
func Significant(v *big.Rat, figures int) string {
	if v.Sign() == 0 {
		return "0"
	}
	ten, least := big.NewRat(10, 1), big.NewRat(1, 1)
	for range figures - 1 {
		least.Mul(least, ten)
	}
	most := new(big.Rat).Mul(least, ten)
	x, exponent := new(big.Rat).Abs(v), figures-1
	for x.Cmp(most) >= 0 {
		x.Quo(x, ten)
		exponent++
	}
	for x.Cmp(least) < 0 {
		x.Mul(x, ten)
		exponent--
	}
	x.Add(x, big.NewRat(1, 2))
	digits := new(big.Int).Quo(x.Num(), x.Denom()).String()
	if len(digits) > figures { // 9.96 is 10
		exponent++
	}
	t := digits[:1]
	if figures > 1 {
		t += "." + digits[1:figures]
	}
	if v.Sign() < 0 {
		t = "-" + t
	}
	if exponent == 0 {
		return t
	}
	return t + " x 10^" + strconv.Itoa(exponent)
}
