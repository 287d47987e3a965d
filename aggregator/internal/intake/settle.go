package intake

import (
	"cmp"
	"fmt"
	"strings"
)

// settleKinds says what must be said of the file before its rows are read.
func (f *File) settleKinds() {
	if f.s.has(meterColumn) && f.o.Meter != "" && !strings.Contains(f.o.Meter, "=") && len(f.s.meters) > 1 {
		m, err := f.o.find(f.o.Meter)
		if err == nil && m != nil && f.s.meters[m.Name] == nil && f.s.meters[m.File] == nil {
			f.stop(f.s.name[meterColumn], "say -meter "+f.o.Meter+"=NAME, with one of these", "the file is of several meters, %s, and none is %s", f.some(), m.Name)
		}
	}
	if f.s.deaf != "" {
		f.note("column %q says nothing of what values are, counter, interval or power: it is passed over", f.s.deaf)
	}
	if f.s.meter != "" && f.o.Meter == "" {
		f.note("the lines above the table say that it is of meter %q", short(f.s.meter))
	}
	if f.s.supposed > 0 && f.s.mark != noMark {
		name, other := "decimal point", "comma"
		if f.s.mark == comma {
			name, other = "decimal comma", "point"
		}
		f.note("numbers such as that in line %d are read with a %s, as is usual with %q between fields: if not, say -decimal %s", f.s.supposed, name, f.s.by, other)
	}
	if f.o.Location == nil && !f.s.zoned {
		f.stop(f.s.name[timeColumn], "say -site-file, or -time-zone such as Europe/Brussels", "times are without an offset from UTC, and the site's time zone is not known")
	}
}

// some are names of meters in the file.
func (f *File) some() string {
	var list []string
	for name := range f.s.meters {
		if len(list) == 5 {
			return strings.Join(list, ", ") + ", …"
		}
		list = append(list, fmt.Sprintf("%q", short(name)))
	}
	return strings.Join(list, ", ")
}

// settle decides how the rows of a meter are understood.
func (f *File) settle(d *feed) {
	m, h := d.meter, f.s.meters[d.name]
	if h == nil { // it comes far down in the file: it is as the others are
		h = f.s.all()
	}
	d.step = f.o.Step
	if d.step.IsZero() {
		d.step = h.apart.best()
	}
	if d.step.IsZero() {
		d.step = f.s.apart.best()
	}
	if h.back > h.forward {
		d.starts.backward, d.ends.backward = true, true
	}
	d.labelled = cmp.Or(f.o.Labelled, m.Labelled)
	switch {
	case f.s.wide != nil && f.s.wide.clocks && f.o.Labelled == "": // its own columns say it
		if d.labelled = "start"; f.s.lateDay {
			d.labelled = "end"
		}
	case d.labelled != "":
	case f.s.endTag, f.s.lateDay && !f.s.has(endColumn):
		d.labelled = "end"
	default:
		d.labelled = "start"
	}
	f.settleKind(d, h)
	if d.kind != Counter && f.s.wide != nil {
		for _, o := range f.feeds {
			if o.meter != nil && o != d && o.kind != Counter && o.labelled != d.labelled {
				f.stop(f.s.name[timeColumn], "say -labelled start or -labelled end", "by the site file its times are of the %s of intervals for %s, and of the %s for %s, and they stand in one row", o.labelled, o.who(), d.labelled, d.who())
			}
		}
	}
	if d.kind == Counter || f.s.has(endColumn) || f.s.meters[d.name] == nil || f.o.Labelled != "" || m.Labelled != "" || f.s.ordinal {
		return
	}
	// The month of an operator who labels ends begins at 00:15 and ends at 00:00.
	if d.labelled == "start" && d.step.Seconds > 0 && !f.s.zoned && mod(h.first, 86_400) == d.step.Seconds && mod(h.last, 86_400) == 0 {
		f.note("%s begins at %s and ends at midnight: if its times are of the ends of intervals, say -labelled end", d.who(), hhmm(h.first))
	}
}

// settleKind decides what kind the values of a meter are.
func (f *File) settleKind(d *feed, h *habit) {
	trend := h.trend()
	d.kind = f.o.Kind
	if d.kind == Unsaid {
		d.kind = d.meter.Kind
	}
	if d.kind == Unsaid && f.s.has(kindColumn) {
		return // rows say it
	}
	if d.kind == Unsaid && f.s.kind != Power {
		d.kind = f.s.kind
	}
	switch {
	case d.kind == Unsaid && f.s.unit.of == ofPower:
		d.kind = Power
	case d.kind == Unsaid && (f.s.has(endColumn) || trend == Interval):
		d.kind = Interval
	case d.kind == Unsaid && trend == Counter:
		d.kind = Counter
		f.note("the values of %s only rise: they are taken for what a register showed; if not, say -kind interval", d.who())
	case d.kind == Unsaid:
		f.stop(f.s.name[valueColumn], "say -kind counter, interval or power", "too few values of %s to tell whether they are what a register showed, or what was counted in each interval", d.who())
	case f.o.Kind != Unsaid:
	case d.kind == Interval && trend == Counter && h.values >= 24:
		f.stop(f.s.name[valueColumn], "say -kind counter, or -kind interval if it is so", "the values of %s only rise, as a register's do, and not those of intervals", d.who())
	case d.kind == Counter && trend == Interval && h.values >= 8 && min(h.up, h.down)*4 > max(h.up, h.down):
		f.stop(f.s.name[valueColumn], "say -kind interval or power, or -kind counter if it is so", "the values of %s rise and fall, and a register only rises", d.who())
	}
}

// who is a meter as people know it.
func (d *feed) who() string {
	if d.meter != nil {
		return d.meter.Name
	}
	return short(d.name)
}

func hhmm(wall int64) string {
	s := mod(wall, 86_400)
	return fmt.Sprintf("%02d:%02d", s/3600, s%3600/60)
}

// mod is what is left of n over whole times of by, never below zero.
func mod(n, by int64) int64 { return ((n % by) + by) % by }

// notes says what people should look at in a file that was read.
func (f *File) notes() {
	f.says()
	if n := f.claimed[claimsEstimated]; n > 0 {
		as := "an estimate fills in where nothing was measured or put in by hand, and replaces neither"
		if f.o.Settlement {
			as += ", not in a settlement either"
		}
		f.note("%s estimated, as the file says: %s", areMany(n, "value is", "values are"), as)
	}
	if f.Missing > 0 {
		f.note("%s no value: a gap, and not zero", areMany(f.Missing, "row has", "rows have"))
	}
	if f.Other > 0 {
		f.note("%s not of what was asked for", areMany(f.Other, "row is", "rows are"))
	}
	if f.Rows == 0 {
		f.stop("", "look at the file and at -columns", "no row holds a reading")
	}
}

func areMany(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
