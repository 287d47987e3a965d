package site

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Tariff is what energy costs in some time. An energy of E kWh in a quarter of
// an hour, taken at the spot price p, costs
//
//	E × ((1 − Spot) × Fixed + Spot × (p + Adder) + fee of the band + Tax)
//
// and on top of that each month's highest quarter of an hour, in kW, times
// Capacity, and the carbon of generators times Carbon.
type Tariff struct {
	Currency string
	Fixed    EnergyPrice
	Spot     Share // of the energy that is bought at the spot price
	Adder    EnergyPrice
	Bands    []Band // fee of the grid; the first that holds counts
	Capacity CapacityPrice
	Tax      EnergyPrice
	Carbon   CarbonPrice
	Span

	mark *mark
}

// A Band is a fee of the grid and the time in which it holds, by the site's clock.
type Band struct {
	Name   string
	Fee    EnergyPrice
	Months uint16 // bit 0: January; 0: all
	Days   uint8  // bit 0: Sunday; 0: all
	From   int    // minute of the day
	To     int    // minute of the day; not after From: through midnight

	mark *mark
}

// Holds reports whether the band holds at t, in the site's time zone.
func (b *Band) Holds(t time.Time) bool {
	minute := t.Hour()*60 + t.Minute()
	in := b.From <= minute && minute < b.To
	if b.To <= b.From {
		in = minute >= b.From || minute < b.To
	}
	return in && (b.Months == 0 || b.Months>>(t.Month()-1)&1 == 1) && (b.Days == 0 || b.Days>>t.Weekday()&1 == 1)
}

// TariffAt is the one that holds at t, nil if there is none.
func (s *Site) TariffAt(t time.Time) *Tariff {
	d := s.DateOf(t)
	for i := range s.Tariffs {
		if s.Tariffs[i].Contains(d) {
			return &s.Tariffs[i]
		}
	}
	return nil
}

// BandAt is the band of the grid's fee that holds at t, nil if there is none.
func (s *Site) BandAt(t time.Time) *Band {
	tariff := s.TariffAt(t)
	if tariff == nil {
		return nil
	}
	return tariff.band(t.In(s.TimeZone))
}

func (t *Tariff) band(at time.Time) *Band {
	for i := range t.Bands {
		if t.Bands[i].Holds(at) {
			return &t.Bands[i]
		}
	}
	return nil
}

const (
	mostTariffs = 200
	mostBands   = 48
)

func (s *Site) readTariffs(r *reader, v value) {
	for i, item := range v.items() {
		if i == mostTariffs {
			item.wrong("", "more than %d tariffs", mostTariffs)
			return
		}
		k := item.section()
		t := Tariff{Currency: k.get("currency").text(), Span: k.span(), Spot: k.get("spot_share").share(0)}
		if t.Currency == "" {
			t.Currency = "EUR"
		}
		if len(t.Currency) != 3 || strings.ToUpper(t.Currency) != t.Currency {
			k.get("currency").wrong("write three letters, such as EUR", "%q is no ISO 4217 code of a currency", short(t.Currency))
			t.Currency = "EUR"
		}
		fixed, hasFixed := k.get("fixed_price").price(t.Currency, perEnergy, false)
		t.Fixed = EnergyPrice(fixed)
		adder, _ := k.get("spot_adder").price(t.Currency, perEnergy, true)
		tax, _ := k.get("tax").price(t.Currency, perEnergy, false)
		capacity, _ := k.get("capacity").price(t.Currency, perCapacity, false)
		carbon, _ := k.get("carbon_price").price(t.Currency, perCarbon, false)
		t.Adder, t.Tax, t.Capacity, t.Carbon = EnergyPrice(adder), EnergyPrice(tax), CapacityPrice(capacity), CarbonPrice(carbon)
		t.Bands = k.get("grid_fee").bands(t.Currency)
		k.end()
		t.mark = k.mark()
		switch {
		case t.Spot == 1e6 && hasFixed:
			r.wrong(k.at("fixed_price"), "leave it out, or lower spot_share", "all energy is bought at the spot price, and there is a fixed one")
		case t.Spot < 1e6 && !hasFixed && !k.has("fixed_price"):
			r.wrong(k.at("fixed_price"), "write fixed_price: 80 EUR/MWh, or spot_share: 100 %", "missing, and %s of the energy is not bought at the spot price", 1e6-t.Spot)
		case t.Spot == 0 && k.has("spot_adder"):
			r.warn(k.at("spot_adder"), "write spot_share:", "no energy is bought at the spot price")
		}
		s.Tariffs = append(s.Tariffs, t)
	}
	slices.SortStableFunc(s.Tariffs, func(a, b Tariff) int { return a.First.Compare(b.First) })
}

func (v value) bands(currency string) (bands []Band) {
	for i, item := range v.items() {
		if i == mostBands {
			item.wrong("", "more than %d bands", mostBands)
			break
		}
		k := item.section()
		b := Band{Name: k.get("band").text(), To: 24 * 60}
		fee, ok := k.get("fee").price(currency, perEnergy, false)
		if b.Fee = EnergyPrice(fee); !ok && !k.has("fee") {
			k.r.wrong(k.at("fee"), "write fee: 12.50 "+currency+"/MWh", "missing")
		}
		b.Months = uint16(k.get("months").ring(months))
		b.Days = uint8(k.get("days").ring(weekdays))
		b.From, b.To = k.get("hours").hours()
		k.end()
		b.mark = k.mark()
		bands = append(bands, b)
	}
	return bands
}

var (
	months   = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// ring is v as a set of names that come round, such as mon-fri or nov-feb, dec;
// bit i stands for names[i].
func (v value) ring(names []string) (set uint32) {
	for _, w := range v.words() {
		for item := range strings.SplitSeq(w.text(), ",") {
			from, to, isRange := strings.Cut(strings.ToLower(strings.TrimSpace(item)), "-")
			if !isRange {
				to = from
			}
			i, j := slices.Index(names, from), slices.Index(names, to)
			if i < 0 || j < 0 {
				w.wrong("", "%q is none of %s, and no range of them", short(item), strings.Join(names, ", "))
				return 0
			}
			for {
				set |= 1 << i
				if i == j {
					break
				}
				i = (i + 1) % len(names)
			}
		}
	}
	return set
}

// hours is v as minutes of the day, such as 06:00-22:00; the whole day if it was
// left out.
func (v value) hours() (from, to int) {
	t := v.text()
	if t == "" {
		return 0, 24 * 60
	}
	a, b, _ := strings.Cut(t, "-")
	from, ok1 := minute(strings.TrimSpace(a))
	to, ok2 := minute(strings.TrimSpace(b))
	if !ok1 || !ok2 || from == 24*60 || from == to {
		v.wrong("write it as 06:00-22:00, or 22:00-06:00, in quarters of an hour", "%q is no part of a day", short(t))
		return 0, 24 * 60
	}
	return from, to
}

func minute(t string) (int, bool) {
	hh, mm, ok := strings.Cut(t, ":")
	if !ok || len(hh) != 2 || len(mm) != 2 || !digits(hh) || !digits(mm) {
		return 0, false
	}
	h, _ := strconv.Atoi(hh) // digits
	m, _ := strconv.Atoi(mm)
	return h*60 + m, h*60+m <= 24*60 && m < 60 && m%15 == 0
}

// judgeTariffs holds tariffs against each other and against the clock.
func (s *Site) judgeTariffs(r *reader) {
	for i := range s.Tariffs {
		t := &s.Tariffs[i]
		t.judgeBands(r)
		if t.Currency != s.Tariffs[0].Currency {
			r.wrong(t.mark.at("currency"), "write all tariffs in one", "in %s, and the first tariff in %s: what a year costs could not be said", t.Currency, s.Tariffs[0].Currency)
		}
		if t.Spot > 0 && !s.zoneSaid {
			r.wrong(t.mark.at("spot_share"), "write zone: at the top", "energy is bought at the spot price, and of which bidding zone is not known")
		}
		if t.Spot > 0 && t.Currency != "EUR" {
			r.warn(t.mark.at("currency"), "write the tariff in EUR", "spot prices come in EUR, and are not converted to %s", t.Currency)
		}
		if i == 0 {
			continue
		}
		before := &s.Tariffs[i-1]
		next := before.Last.Next()
		switch {
		case t.overlaps(before.Span):
			r.wrong(t.mark.at("first_day"), "end one before the other begins", "two tariffs hold at once: this one %s, and that of line %d %s", t.Span, before.mark.line, before.Span)
		case next.Compare(t.First) < 0:
			r.warn(t.mark.at("first_day"), "write the tariff of that time", "from %s to %s no tariff holds: cost is not known then", next, t.First.plus(-1))
		}
	}
}

// judgeBands complains of times without a fee, and of bands that never hold.
func (t *Tariff) judgeBands(r *reader) {
	if len(t.Bands) == 0 {
		return
	}
	used := make([]bool, len(t.Bands))
	var bare time.Time
	for month := time.January; month <= time.December; month++ {
		for day := 1; day <= 7; day++ {
			for quarter := range 96 {
				at := time.Date(2026, month, day, 0, quarter*15, 0, 0, time.UTC)
				if b := t.band(at); b == nil {
					if bare.IsZero() {
						bare = at
					}
				} else {
					used[slices.IndexFunc(t.Bands, func(o Band) bool { return o.mark == b.mark })] = true
				}
			}
		}
	}
	if !bare.IsZero() {
		r.warn(t.mark.at("grid_fee"), "write a last band with a fee alone, for all other times", "no band holds on %ss in %s at %s: the fee is not known then", bare.Weekday(), bare.Month(), bare.Format("15:04"))
	}
	for i := range t.Bands {
		if !used[i] {
			r.warn(t.Bands[i].mark.at("fee"), "put it before those that hold in its time: the first that holds counts", "this band never holds")
		}
	}
}
