package site

import "strings"

// Prices are kept in millionths of their currency.
type (
	EnergyPrice   int64 // a kWh
	CapacityPrice int64 // a kW and month
	CarbonPrice   int64 // a kg of CO2 equivalent
)

// A per is what a price is of: mul/div of what it is kept for.
type per struct {
	name     string
	mul, div int64
}

var (
	perEnergy   = []per{{"MWh", 1, 1000}, {"kWh", 1, 1}}
	perCapacity = []per{{"kW/month", 1, 1}, {"kW/year", 1, 12}, {"MW/month", 1, 1000}, {"MW/year", 1, 12000}}
	perCarbon   = []per{{"t", 1, 1000}, {"kg", 1, 1}}
)

// price is v in millionths of the currency; ok is false if it was left out or is
// none.
func (v value) price(currency string, of []per, signed bool) (amount int64, ok bool) {
	t := v.text()
	if t == "" {
		return 0, false
	}
	var names []string
	for _, p := range of {
		names = append(names, currency+"/"+p.name)
	}
	all, decimals, rest, ok := number(t)
	money, what, cut := strings.Cut(rest, "/")
	if strings.HasPrefix(rest, ",") {
		v.wrong("write a point, and nothing between thousands: 82.50 "+names[0], "%q has something in its number", short(t))
		return 0, false
	}
	if sign := map[string]string{"€": "EUR", "$": "USD", "£": "GBP"}[money]; sign == currency {
		money = currency
	}
	if !ok || !cut {
		v.wrong("write all of it, such as 80 "+names[0], "%q is no price in %s", short(t), strings.Join(names, ", "))
		return 0, false
	}
	mul := int64(1e6)
	if money == "ct" { // of whatever the currency is
		mul, money = 1e4, currency
	}
	if money != currency {
		v.wrong("write all of a tariff in one currency", "%q is not in %s, the currency of this tariff", short(t), currency)
		return 0, false
	}
	for _, p := range of {
		if p.name != what {
			continue
		}
		n, ok := scaled(all, decimals, mul*p.mul, p.div)
		if !ok || n < 0 && !signed {
			v.wrong("", "%q is below zero, or more than there can be", short(t))
			return 0, false
		}
		return n, true
	}
	v.wrong("write all of it, such as 80 "+names[0], "%q is no price in %s", short(t), strings.Join(names, ", "))
	return 0, false
}
