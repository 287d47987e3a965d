package site

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// An Entry is a figure or a fact for the report that no meter tells: floor area,
// redundancy, refrigerants.
type Entry struct {
	Year     int    // that it is of; 0: every year without one of its own
	Value    Answer //
	Evidence string

	mark *mark
}

// An Answer is what was written: one text or several. Whether it is a number, a
// day or a word is for the report to say, by its key.
type Answer struct {
	Texts []string
	List  bool // several could be written
}

// Number is a as a decimal number.
func (a Answer) Number() (digits string, decimals int, ok bool) {
	if a.List || len(a.Texts) != 1 {
		return "", 0, false
	}
	digits, decimals, rest, ok := number(a.Texts[0])
	return digits, decimals, ok && rest == ""
}

func (a Answer) String() string { return strings.Join(a.Texts, ", ") }

// Answer is the entry of a key for a year.
func (s *Site) Answer(key string, year int) (Entry, bool) {
	var every *Entry
	for i := range s.Report[key] {
		switch e := &s.Report[key][i]; e.Year {
		case year:
			return *e, true
		case 0:
			every = e
		}
	}
	if every == nil {
		return Entry{}, false
	}
	return *every, true
}

// mostEntries bounds the report's.
const mostEntries = 2000

func (s *Site) readReport(r *reader, v value) {
	top := v.section()
	for n, key := range top.order {
		if n == mostEntries {
			r.wrong(top.at(key), "", "more than %d entries", mostEntries)
			return
		}
		if !metric.ValidName(key) {
			r.wrong(top.at(key), "use A-Z a-z 0-9 _ -", "%q is no name", short(key))
			continue
		}
		years := map[int]place{}
		for _, item := range top.get(key).items() {
			k := item.section()
			e := Entry{Year: k.get("year").whole(1990, 2100, 0), Value: k.get("value").answer(), Evidence: k.get("evidence").text(), mark: k.mark()}
			k.end()
			if len(e.Value.Texts) == 0 && !k.has("value") {
				r.wrong(k.at("value"), "write value:, and evidence: below it", "missing")
			}
			if first, twice := years[e.Year]; twice {
				r.wrong(k.at("year"), "write a year at each, and every year once", "this stands twice for one year, first in line %d", first.line)
				continue
			}
			years[e.Year] = k.place
			k.evidence(true, e.Evidence, key+", and a report has to be shown to be right for ten years")
			if s.Report == nil {
				s.Report = map[string][]Entry{}
			}
			s.Report[key] = append(s.Report[key], e)
		}
	}
}

// answer is v's text, or those of a list.
func (v value) answer() Answer {
	if !v.given() {
		return Answer{}
	}
	a := Answer{List: v.n.Kind == yaml.SequenceNode}
	for _, w := range v.words() {
		if t := w.text(); t != "" {
			a.Texts = append(a.Texts, t)
		}
	}
	return a
}
