package account

import (
	"fmt"
	"time"
)

// A Tariff is what energy from the grid costs in a time. Prices are in
// millionths of the currency: for EUR and a kWh, a thousandth of EUR/MWh. There
// is no value added tax in it.
type Tariff struct {
	Name      string
	From, To  int64
	Currency  string // EUR, where the spot price counts
	Fixed     int64  // per kWh of the others
	SpotShare uint32 // millionths of the energy that are bought at the spot price
	SpotAdder int64  // per kWh of these
	Bands     []Band // of the grid fee; the first that holds counts
	GridFee   int64  // per kWh where none does
	Unpriced  bool   // where none does the grid fee is not known
	Tax       int64  // per kWh: levies and taxes
	Capacity  int64  // per kW of the highest quarter of an hour of a calendar month, and month
	CO2       int64  // per kg that was emitted on the site
}

// A Band is a time of day, in the site's time.
type Band struct {
	Name     string
	Days     uint8 // bits, Sunday is the lowest; 0: all
	From, To int   // minutes after midnight; To before From: over midnight
	Months   uint16
	Price    int64 // per kWh
}

// holds reports whether b holds at a local time. Months are bits, January is the
// lowest; 0: all.
func (b *Band) holds(t time.Time) bool {
	if b.Days != 0 && b.Days>>t.Weekday()&1 == 0 || b.Months != 0 && b.Months>>(t.Month()-1)&1 == 0 {
		return false
	}
	m := t.Hour()*60 + t.Minute()
	if b.From <= b.To {
		return m >= b.From && m < b.To
	}
	return m >= b.From || m < b.To
}

// gridFee is that of t at a local time, per kWh; known is false where none is
// stated.
func (t *Tariff) gridFee(at time.Time) (fee int64, known bool) {
	for i := range t.Bands {
		if t.Bands[i].holds(at) {
			return t.Bands[i].Price, true
		}
	}
	return t.GridFee, !t.Unpriced
}

// tariff is the one in force at a time; nil if none is.
func (b *Basis) tariff(t int64) *Tariff {
	for i := range b.Tariffs {
		if x := &b.Tariffs[i]; t >= x.From && (x.To == 0 || t < x.To) {
			return x
		}
	}
	return nil
}

// maxMoney bounds prices, in millionths of the currency: a thousand for a kWh.
const maxMoney = 1_000_000_000

func (b *Basis) checkTariffs() error {
	for i := range b.Tariffs {
		t := &b.Tariffs[i]
		what := fmt.Sprintf("tariff %q", t.Name)
		if err := span(what, t.From, t.To); err != nil {
			return err
		}
		switch {
		case t.Currency == "" || t.Currency != b.Tariffs[0].Currency:
			return fmt.Errorf("%s is in %q, and the first in %q; one site has one currency", what, t.Currency, b.Tariffs[0].Currency)
		case t.SpotShare > whole:
			return fmt.Errorf("%s has %d millionths at the spot price", what, t.SpotShare)
		case t.SpotShare > 0 && t.Currency != "EUR":
			return fmt.Errorf("%s is in %s, and the spot price in EUR", what, t.Currency)
		case t.From%quarter != 0 || t.To%quarter != 0:
			return fmt.Errorf("%s does not begin and end with a quarter of an hour", what)
		}
		for _, v := range []int64{t.Fixed, t.SpotAdder, t.GridFee, t.Tax, t.CO2, t.Capacity} {
			if v > maxMoney || v < -maxMoney {
				return fmt.Errorf("%s has a price of %d millionths", what, v)
			}
		}
		for k := range t.Bands {
			d := &t.Bands[k]
			if d.From < 0 || d.From%15 != 0 || d.To < 0 || d.To%15 != 0 || d.From > 1440 || d.To > 1440 || d.Price > maxMoney || d.Price < -maxMoney {
				return fmt.Errorf("band %q of %s is of minutes %d to %d, at %d millionths", d.Name, what, d.From, d.To, d.Price)
			}
		}
		for k := range i {
			if o := &b.Tariffs[k]; (o.To == 0 || t.From < o.To) && (t.To == 0 || o.From < t.To) {
				return fmt.Errorf("%s and %q hold at one time", what, o.Name)
			}
		}
	}
	return nil
}
