package account

import (
	"math"
	"strconv"
	"strings"
)

// Number is v as a text says it: the whole number, or four digits that count of one
// below a thousand.
func Number(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "no number of"
	case a >= 1000:
		return Grouped(strconv.FormatFloat(v, 'f', 0, 64))
	case a == 0:
		return "0"
	}
	places := min(12, max(0, 3-int(math.Floor(math.Log10(a)))))
	t := strconv.FormatFloat(v, 'f', places, 64)
	if strings.Contains(t, ".") {
		t = strings.TrimRight(strings.TrimRight(t, "0"), ".")
	}
	return Grouped(t) // 999.97 may have become a thousand
}

// thin is the space between three digits and three.
const thin = "\u202f"

// Grouped puts a narrow space before every three digits of the whole part of a
// number, of those with more than four.
func Grouped(digits string) string {
	whole, fraction, has := strings.Cut(digits, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	if len(whole) > 4 {
		var out strings.Builder
		for i, r := range whole {
			if i > 0 && (len(whole)-i)%3 == 0 {
				out.WriteString(thin)
			}
			out.WriteRune(r)
		}
		whole = out.String()
	}
	if has {
		whole += "." + fraction
	}
	return sign + whole
}
