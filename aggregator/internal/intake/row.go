package intake

import (
	"bytes"
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// nothings are how files write that there is no value.
var nothings = [][]byte{[]byte("-"), []byte("--"), []byte("n/a"), []byte("na"), []byte("nan"), []byte("null"), []byte("none"), []byte("#n/a"), []byte("n.v."), []byte("?")}

func isNothing(b []byte) bool {
	return len(b) == 0 || len(b) <= 4 && slices.ContainsFunc(nothings, func(n []byte) bool { return bytes.EqualFold(n, b) })
}

// row takes in one row. An error ends the reading; what is wrong with the row is
// a problem of it.
func (f *File) row(line int, fields [][]byte) error {
	f.line = line
	day, value := f.s.cell(fields, timeColumn), f.s.cell(fields, valueColumn)
	if len(day) == 0 && len(value) == 0 || len(fields) == 1 && f.s.at[timeColumn]+f.s.at[valueColumn] > 0 && len(fields[0]) == 0 {
		f.Empty++
		return nil
	}
	start, timed := f.s.stamp(fields, timeColumn, clockColumn)
	if !timed && (isTotal(fields[0]) || isTotal(day) || isTotal(f.s.cell(fields, meterColumn))) {
		f.footer(fields)
		return nil
	}
	if !timed && f.remark(fields, day) {
		f.Empty++
		return nil
	}
	d, err := f.feed(f.s.owner(fields))
	if err != nil {
		return err
	}
	if d.meter == nil && d.problem == "" || !f.registered(d, f.s.cell(fields, registerColumn)) {
		f.Other++
		return nil
	}
	f.Rows++
	bad := func(c column, fix, format string, args ...any) error {
		f.bad.add(line, f.s.name[c], fix, format, args...)
		return nil
	}
	if d.stopped {
		f.bad.count++
		return nil
	}
	if d.meter == nil {
		return bad(meterColumn, d.fix, "%s", d.problem)
	}
	if !timed {
		return bad(timeColumn, "write it as 2026-01-31 14:15", "%q is no time of 1990 to 2100", short(day))
	}
	says, ok := f.claimOf(f.s.cell(fields, qualityColumn))
	if !ok {
		f.note("quality %q is not understood: its rows count as if nothing was said", short(f.s.cell(fields, qualityColumn)))
	}
	f.claimed[says]++
	if says == refused || isNothing(value) {
		f.Rows--
		f.Missing++
		return nil
	}
	kind := d.kind
	if kind == Unsaid {
		text := f.s.cell(fields, kindColumn)
		if kind, ok = f.kindOf(text); !ok && len(text) > 0 {
			return bad(kindColumn, "write counter, interval or power, or say -kind", "%q is no kind", short(text))
		}
	}
	u, problem := f.unitOf(fields, d)
	switch problem {
	case "":
	case unsaidUnit:
		f.bad.count++
		return nil
	default:
		return bad(unitColumn, "there are "+knownUnits+"; or say -unit", "%s", problem)
	}
	if kind, u, problem = reconcile(kind, u, f.o.Kind != Unsaid); problem != "" {
		return bad(valueColumn, "say -kind counter, interval or power", "%s", problem)
	}
	if want := cmp.Or(d.meter.Metric, d.metric); (u.of == ofWater) != (want == metric.MeterWater) && want != 0 {
		return bad(unitColumn, "look at -meter and -unit", "%s is no unit of what %s counts", u.name, d.meter.Name)
	}
	if d.metric == 0 {
		if d.metric = d.meter.Metric; d.metric == 0 && u.of == ofWater {
			d.metric = metric.MeterWater
		} else if d.metric == 0 {
			d.metric = metric.MeterEnergyJoules
		}
	}
	r := record{line: uint32(line), meter: d.index, counter: kind == Counter, quality: says.quality(f.o.Settlement)}
	if fix, problem := f.time(d, &r, start, fields, kind); problem != "" {
		if v, ok := parseDecimal(value, f.s.mark); ok && v.digits == 0 && f.s.wide != nil && f.s.wide.clocks {
			f.Rows--
			f.note("line %d has 0 in column %q, which is passed over: %s", line, f.s.name[valueColumn], problem)
			return nil
		}
		return bad(timeColumn, fix, "%s", problem)
	}
	if fix, problem := f.amount(d, &r, value, u, kind); problem != "" {
		return bad(valueColumn, fix, "%s", problem)
	}
	f.Taken++
	return f.pile.add(r)
}

// claimOf and kindOf are what a field says; most rows say what the one before
// did.
func (f *File) claimOf(b []byte) (claim, bool) {
	if c := &f.claim; c.text != string(b) || !c.ok {
		c.text = string(b)
		c.claim, c.ok = claimOf(b)
	}
	return f.claim.claim, f.claim.ok
}

func (f *File) kindOf(b []byte) (Kind, bool) {
	if c := &f.kind; c.text != string(b) || !c.ok {
		c.text = string(b)
		c.kind, c.ok = ParseKind(c.text)
	}
	return f.kind.kind, f.kind.ok
}

// remark reports whether a row is the names of columns again, as on each page of a
// print, or a line of text.
func (f *File) remark(fields [][]byte, day []byte) bool {
	if f.s.header > 0 && string(day) == f.s.name[timeColumn] {
		return true
	}
	said := 0
	for _, b := range fields {
		if len(b) > 0 {
			said++
		}
	}
	if said == 1 && digitsAt(fields[0]) == 0 && len(fields[0]) > 0 && len(f.s.cell(fields, valueColumn)) == 0 {
		f.note("line %d is passed over: %q", f.line, short(fields[0]))
		return true
	}
	return false
}

// footer takes in a row that sums others: what it says the sum is, is held
// against the rows.
func (f *File) footer(fields [][]byte) {
	f.Footers++
	v, ok := parseDecimal(f.s.cell(fields, valueColumn), f.s.mark)
	if len(f.feeds) != 1 || f.feeds[0].meter == nil || f.feeds[0].kind == Power || !ok || v.negative || !slices.ContainsFunc(fields, isSum) {
		return
	}
	if u, problem := f.unitOf(fields, f.feeds[0]); problem == "" && u.of != ofPower {
		if w, ok := v.times(u.per); ok {
			f.sums = append(f.sums, w)
		}
	}
}

// registered reports whether rows of a register of d are wanted.
func (f *File) registered(d *feed, name []byte) bool {
	if len(name) == 0 {
		return true
	}
	if len(f.o.Registers) > 0 {
		return slices.ContainsFunc(f.o.Registers, func(r string) bool { return strings.EqualFold(r, string(name)) })
	}
	if d.register == "" {
		d.register = string(name)
	} else if d.register != string(name) && d.meter != nil {
		f.stop(f.s.name[registerColumn], fmt.Sprintf("say -register %q, or which of them are added, with commas between", d.register),
			"%s has several registers: %q, %q", d.who(), short(d.register), short(name))
		return false
	}
	return true
}

// unsaidUnit means that the file must be said more of, and so is no matter of a row.
const unsaidUnit = "the unit is not said"

// unitOf is the unit of a row's value.
func (f *File) unitOf(fields [][]byte, d *feed) (u unit, problem string) {
	text := f.o.Unit
	if b := f.s.cell(fields, unitColumn); text == "" && len(b) > 0 {
		if f.unit.text == string(b) {
			return f.unit.unit, ""
		}
		text = string(b)
	}
	if text == "" && f.s.unit.of != ofNothing {
		return f.s.unit, ""
	}
	if text == "" {
		text = d.meter.Unit
	}
	if text == "" {
		f.stop(f.s.name[valueColumn], "say -unit, such as kWh", "the file does not say in which unit values are")
		return u, unsaidUnit
	}
	if f.unit.text == text {
		return f.unit.unit, ""
	}
	u, ok := unitOf(text)
	if !ok {
		return u, fmt.Sprintf("%q is no unit of energy, power or water", short(text))
	}
	f.unit.text, f.unit.unit = text, u
	return u, ""
}

// reconcile holds kind and unit against each other. One who says the kind means
// it: kWh that are averages are kW.
func reconcile(k Kind, u unit, said bool) (Kind, unit, string) {
	switch {
	case k == Power && u.of == ofEnergy && said && u.per%3_600_000 == 0:
		return k, unit{strings.TrimSuffix(u.name, "h"), ofPower, u.per / 3_600_000}, ""
	case k == Power && u.of == ofEnergy && !said:
		return Interval, u, ""
	case k == Interval && u.of == ofPower && said:
		return k, unit{u.name + "h", ofEnergy, u.per * 3_600_000}, ""
	case k == Unsaid && u.of == ofPower, k == Interval && u.of == ofPower:
		return Power, u, ""
	case k == Unsaid:
		return Interval, u, ""
	case k == Counter && u.of == ofPower:
		return k, u, fmt.Sprintf("%s is a unit of power, and what a register showed is energy", u.name)
	case k == Power && u.of != ofPower:
		return k, u, fmt.Sprintf("%s is no unit of power", u.name)
	}
	return k, u, ""
}

// longest is how long an interval may be, ms: a year and some.
const longest = 400 * 24 * 3600 * 1000

// time sets when r was.
func (f *File) time(d *feed, r *record, start stamp, fields [][]byte, kind Kind) (fix, problem string) {
	end, ended, ok := f.s.end(fields, start)
	if !ok {
		return "write it as 2026-01-31 14:15", "its end is no time"
	}
	step := d.step
	if said := f.o.Step.Seconds; said > 0 && said < 86_400 && !start.clock && !ended && kind != Counter {
		return "write the time of day, or say -interval day", fmt.Sprintf("it has no time of day, and intervals are said to be of %s", Step{Seconds: said})
	}
	switch {
	case start.whole:
		step = Step{Months: 1}
	case !start.clock && step.Seconds > 0:
		step = Step{Days: 1}
	}
	seconds := step.Seconds
	if kind == Counter {
		if ended {
			start, ended = end, false
		}
		if step.seconds() >= 86_400 && start.clock && start.second >= 86_340 { // 23:59 is meant for midnight
			start.second, start.milli = 86_400, 0
		}
		r.from, fix, problem = f.instant(start, false, seconds, &d.starts)
		r.to = r.from
		return fix, problem
	}
	if ended {
		if f.s.inclusive && !end.clock {
			end.second += 86_400
		}
		if r.from, fix, problem = f.instant(start, false, seconds, &d.starts); problem != "" {
			return fix, problem
		}
		r.to, fix, problem = f.instant(end, true, seconds, &d.ends)
		if left := (r.to - r.from) % 60_000; left == 59_000 || left == 59_999 { // 23:59:59 is meant for midnight
			r.to += 60_000 - left
		}
	} else {
		if step.IsZero() {
			return "say -interval, such as 15m", "how long its interval is cannot be told"
		}
		atEnd := d.labelled == "end" && start.clock && !start.whole && !f.s.ordinal
		at, fix, problem := f.instant(start, atEnd, seconds, &d.starts)
		if problem != "" {
			return fix, problem
		}
		if atEnd {
			r.from, r.to = f.step(step, start, at, -1), at
		} else {
			r.from, r.to = at, f.step(step, start, at, 1)
		}
	}
	switch {
	case problem != "":
	case r.to <= r.from:
		return "exchange the two", "its end is not after its start"
	case r.to-r.from > longest:
		return "give shorter intervals", "an interval of more than 400 days"
	}
	return fix, problem
}

// step is the other end of an interval that is s long.
func (f *File) step(s Step, from stamp, at, sign int64) int64 {
	if s.Seconds > 0 || from.absolute {
		return at + sign*s.seconds()*1000
	}
	// Days and months are those of the calendar: of 23 to 25 hours.
	if f.o.Location == nil { // from says its offset
		return at + (s.after(from.wall(), sign)-from.wall())*1000
	}
	where := f.zone()
	local := from.wall()
	if from.zoned {
		_, offset := time.UnixMilli(at).In(where.where).Zone()
		local = at/1000 + int64(offset)
	}
	wall := s.after(local, sign)
	t, _ := where.resolve(wall, true, 0, &course{})
	if t == 0 {
		t = wall - where.offset
	}
	return t*1000 + int64(from.milli)
}

// amount sets what r counted or showed.
func (f *File) amount(d *feed, r *record, value []byte, u unit, kind Kind) (fix, problem string) {
	v, ok := parseDecimal(value, f.s.mark)
	if !ok {
		if f.s.mark == noMark && bytes.ContainsAny(value, ".,") {
			return "say -decimal comma or -decimal point", fmt.Sprintf("%q has a mark, and the rows before it have none", short(value))
		}
		return "write digits, with a decimal " + map[mark]string{comma: "comma", point: "point", noMark: "point"}[f.s.mark], fmt.Sprintf("%q is no number", short(value))
	}
	backward := d.meter.Invert != (f.o.Negative == "only")
	if v.negative != backward && v.digits > 0 {
		if f.o.Negative == "" || f.o.Negative == "reject" {
			which := "below"
			if backward {
				which = "above"
			}
			return "a meter counts one way: -negative zero counts the other as nothing, for a meter of its own has it; -negative only takes that one in", fmt.Sprintf("%s is %s zero, and %s counts what is not", short(value), which, d.meter.Name)
		}
		v.digits = 0
	}
	per := u.per
	if kind == Power {
		hi, lo := bits.Mul64(per, uint64(r.to-r.from)) // W by ms is mJ
		if per = lo; hi != 0 {
			return "look at the unit", "more than can be counted"
		}
	}
	if r.amount, ok = v.times(per); !ok || kind != Counter && (r.amount.Hi != 0 || r.amount.Lo > 1<<62) {
		return "look at the unit", "more than can be counted"
	}
	return "", ""
}

// kWh is an amount as people read it.
func kWh(w account.Wide) string { return Amount(w, metric.MeterEnergyJoules) }
