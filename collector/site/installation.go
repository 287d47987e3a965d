package site

import (
	"math"
	"slices"
	"strings"
	"time"
)

// An Installation is one device at the point of a meter. When a device is
// changed, what the two displays show at that moment makes the change exact.
type Installation struct {
	Serial     string
	Model      string
	Accuracy   string // class, such as 0.5S
	Calibrated Date
	CT, VT     Ratio
	Apply      bool      // the device does not apply CT and VT: its reader has to
	From, To   time.Time // [From, To); zero: since ever, until now
	Initial    *Register // at From; nil: nobody wrote it down
	Final      *Register // at To
}

// A Ratio is a transformer's, such as 400/5; the zero Ratio is none.
type Ratio struct{ Primary, Secondary int64 } // thousandths of A or V

func (r Ratio) String() string {
	if r.Secondary == 0 {
		return "none"
	}
	return decimal(r.Primary, 1000) + "/" + decimal(r.Secondary, 1000)
}

func (r Ratio) times() float64 {
	if r.Secondary == 0 {
		return 1
	}
	return float64(r.Primary) / float64(r.Secondary)
}

// Factor is by how much readings of the device have to be multiplied.
func (i *Installation) Factor() float64 {
	if !i.Apply {
		return 1
	}
	return i.CT.times() * i.VT.times()
}

// At is the installation of m at t, nil if there was none.
func (m *Meter) At(t time.Time) *Installation {
	for i := range m.Installed {
		if n := &m.Installed[i]; (n.From.IsZero() || !t.Before(n.From)) && (n.To.IsZero() || t.Before(n.To)) {
			return n
		}
	}
	return nil
}

// transformer is v as a ratio; the zero Ratio if it was left out or is none.
func (v value) transformer() Ratio {
	t := v.text()
	if t == "" {
		return Ratio{}
	}
	a, b, cut := strings.Cut(t, "/")
	up, d1, rest1, ok1 := number(strings.TrimSpace(a))
	down, d2, rest2, ok2 := number(strings.TrimSpace(b))
	if cut && ok1 && ok2 && rest1 == "" && rest2 == "" {
		p, fits1 := scaled(up, d1, 1000, 1)
		s, fits2 := scaled(down, d2, 1000, 1)
		if fits1 && fits2 && p >= s && s > 0 && p <= 1e9 {
			return Ratio{p, s}
		}
	}
	v.wrong("write it as on its plate: 400/5, or 20000/100", "%q is no ratio of a transformer", short(t))
	return Ratio{}
}

// device reads the keys that describe a device; what they leave out is as in old.
func (s *section) device(old Installation) Installation {
	n := old
	if t := s.get("model").text(); t != "" {
		n.Model = t
	}
	if v := s.get("accuracy"); v.given() {
		n.Accuracy = v.text()
	}
	if d := s.get("calibrated").date(); d != (Date{}) {
		n.Calibrated = d
	}
	if r := s.get("ct").transformer(); r != (Ratio{}) {
		n.CT = r
	}
	if r := s.get("vt").transformer(); r != (Ratio{}) {
		n.VT = r
	}
	if v := s.get("apply_ratio"); v.given() {
		n.Apply = v.truth()
		if n.Apply && n.CT.Secondary == 0 && n.VT.Secondary == 0 {
			v.wrong("write ct: and vt: as on their plates", "there is no ratio to apply")
		}
	}
	return n
}

// installed reads the devices of the meters called ids, which are like one.
func (s *section) installed(ids []string, one *Meter) func(i int) []Installation {
	base := s.device(Installation{})
	serials := s.get("serial").forEach(len(ids))
	v := s.get("installations")
	if !v.given() {
		return func(i int) []Installation {
			n := base
			n.Serial = serials(i)
			return []Installation{n}
		}
	}
	if len(ids) > 1 {
		v.wrong("give the meter whose device was changed an entry of its own", "devices of %d meters in one entry", len(ids))
	}
	if s.has("serial") {
		s.get("serial").wrong("write it at the installation", "there are installations")
	}
	var list []Installation
	var marks []*mark
	for _, item := range v.items() {
		k := item.section()
		n := k.device(base)
		n.Serial = k.get("serial").text()
		n.From, n.To = k.get("from").instant(), k.get("to").instant()
		n.Initial, n.Final = k.get("initial").register(), k.get("final").register()
		k.end()
		list = append(list, n)
		marks = append(marks, k.mark())
	}
	s.r.judgeInstalled(ids[0], one, list, marks)
	if len(list) == 0 {
		list = []Installation{base}
	}
	return func(int) []Installation { return list }
}

// judgeInstalled holds the devices of a meter against each other.
func (r *reader) judgeInstalled(id string, of *Meter, list []Installation, marks []*mark) {
	for i := range list {
		n, at := &list[i], marks[i]
		if !n.From.IsZero() && !n.To.IsZero() && !n.To.After(n.From) {
			r.wrong(at.at("to"), "look at both again", "%s was taken out at %s, before it was put in", id, shown(n.To))
		}
		if n.Initial != nil && n.Final != nil && of.Rollover == nil && n.Final.amount().Cmp(n.Initial.amount()) < 0 {
			r.wrong(at.at("final"), "check both; of a register that begins again, write rollover: at the meter", "%s ended at %s, less than the %s it began with", id, n.Final, n.Initial)
		}
		r.judgeRegister(at, "initial", n.Initial, of)
		r.judgeRegister(at, "final", n.Final, of)
		if i == 0 {
			continue
		}
		before, old := &list[i-1], marks[i-1]
		switch {
		case before.To.IsZero():
			r.wrong(old.at("from"), "write to: and final: for the device that was taken out", "%s had this device for ever, and another after it", id)
			continue
		case n.From.IsZero():
			r.wrong(at.at("serial"), "write from: and initial:", "%s has had this device since ever, and another before it", id)
			continue
		case n.From.Before(before.To):
			r.wrong(at.at("from"), "write installations in the order of time, each ending before the next begins", "%s has two devices between %s and %s", id, shown(n.From), shown(before.To))
		case n.From.After(before.To):
			r.warn(at.at("from"), "if it was bridged, nothing is wrong; else what flowed in that time is not known", "%s had no device from %s to %s", id, shown(before.To), shown(n.From))
		}
		if before.Final == nil && !old.has("final") {
			r.warn(old.at("to"), "write final: and what its display showed", "of %s is not known what the device showed in the end: what it counted after its last reading is lost", id)
		}
		if n.Initial == nil && !at.has("initial") {
			r.warn(at.at("from"), "write initial: and what its display showed", "of %s is not known what the device showed at first: what it counted before its first reading is lost", id)
		}
		if n.Serial != "" && n.Serial == before.Serial && n.Factor() == before.Factor() {
			r.warn(at.at("serial"), "a device that stayed is one installation", "%s had %s before, too", id, short(n.Serial))
		}
	}
	if i := slices.IndexFunc(list, func(n Installation) bool { return n.Serial == "" }); i >= 0 && len(list) > 1 {
		r.wrong(marks[i].at("serial"), "write what its plate says", "missing: by its serial number a device is told from the one before")
	}
}

// judgeRegister holds the unit of a display against what the meter gives.
func (r *reader) judgeRegister(at *mark, key string, n *Register, of *Meter) {
	if n != nil && n.Water() != slices.Contains(of.Measures, MeasuresWater) {
		r.wrong(at.at(key), "", "%s is no register of a meter of role %s", n, of.Role)
	}
}

// shown is a time for people, by the site's clock.
func shown(t time.Time) string { return t.Format("2006-01-02 15:04 MST") }

// carries is the most that transformers let a three-phase meter see, in W; 0 if
// they are not known.
func (n *Installation) carries() float64 {
	if n.CT.Secondary == 0 || n.VT.Secondary == 0 {
		return 0
	}
	return math.Sqrt(3) * float64(n.CT.Primary) / 1000 * float64(n.VT.Primary) / 1000
}
