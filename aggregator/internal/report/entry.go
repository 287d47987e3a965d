package report

import (
	"math/big"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/site"
)

// text is what the operator states under key for the year; "" if nothing.
func (b *build) text(key string) string {
	e, ok := b.Site.Answer(key, b.Year)
	if !ok {
		return ""
	}
	return e.Value.String()
}

// stated is a number that the operator states under key; ok is false if there is
// none, and with it why the text that is there is no number.
func (b *build) stated(key string) (v *big.Rat, e site.Entry, why string, ok bool) {
	e, ok = b.Site.Answer(key, b.Year)
	if !ok {
		return nil, e, "", false
	}
	if strings.TrimSpace(e.Value.String()) == "" {
		return nil, e, notEntered(key), false
	}
	digits, decimals, ok := e.Value.Number()
	if !ok {
		return nil, e, "report." + key + " in the site file is " + quoted(e.Value.String()) + ", which is no single number: write an absolute one with a point, no range and no unit", false
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return nil, e, "report." + key + " in the site file is no number", false
	}
	d := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	return new(big.Rat).SetFrac(n, d), e, "", true
}

// truth is yes or no as an operator wrote it.
func truth(s string) (is, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "yes", "true":
		return true, true
	case "no", "false":
		return false, true
	}
	return false, false
}

// quoted is s in short, between quotation marks.
func quoted(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:57]) + "…"
	}
	return "\"" + s + "\""
}

// notEntered says what to write so that a figure is there.
func notEntered(key string) string {
	return "it is not entered: write it under report." + key + " of the site file, with evidence"
}

// entered makes a figure of what the operator states under its key.
func (b *build) entered(f *Figure, a *Asked) {
	e, ok := b.Site.Answer(a.Key, b.Year)
	if !ok {
		f.Missing = notEntered(a.Key)
		return
	}
	f.Quality, f.Evidence = QualityEntered, e.Evidence
	f.Method = "as the operator states"
	switch a.Kind {
	case "flag":
		is, ok := truth(e.Value.String())
		if !ok {
			f.Missing = "report." + a.Key + " is " + quoted(e.Value.String()) + ": write yes or no"
			return
		}
		f.Is = &is
		if t := b.text(a.Key + "_list"); t != "" {
			f.Notes = append(f.Notes, t)
		}
	case "list":
		f.List = slices.Clone(e.Value.Texts)
		if len(f.List) == 0 || len(f.List) == 1 && strings.EqualFold(f.List[0], "none") {
			f.List, f.None = nil, true
		}
	default:
		v, _, why, ok := b.stated(a.Key)
		if !ok {
			f.Missing = why
			return
		}
		f.set(v, a.Decimals)
	}
}

// capacity makes a figure of ICT capacity, which tells how much of the floor it
// covers.
func (b *build) capacity(f *Figure, a *Asked) {
	b.entered(f, a)
	v, _, why, ok := b.stated(a.Coverage)
	switch {
	case ok:
		d, _ := decimalOf(v, 3)
		f.Coverage = &d
	case why != "":
		f.Notes = append(f.Notes, why)
	}
	if t := b.text(a.Key + "_note"); t != "" {
		f.Notes = append(f.Notes, t)
	}
}

// about fills Annex I.
func (b *build) about() {
	for i := range b.Rules.About {
		a := &b.Rules.About[i]
		e := Entry{Key: a.Key, Point: a.Point, Title: a.Title}
		x, ok := b.Site.Answer(a.Key, b.Year)
		e.Value, e.Evidence = x.Value.String(), x.Evidence
		switch { // what the file says elsewhere
		case !ok && a.Key == "dc_name":
			e.Value, e.Evidence = b.Site.Name, "name of the site file"
		case !ok && a.Key == "operator":
			e.Value, e.Evidence = b.Site.Operator, "operator of the site file"
		}
		if e.Value == "" {
			e.Evidence = ""
			if e.Missing = notEntered(a.Key); a.Optional {
				e.Missing = "not stated"
			}
		}
		b.r.About = append(b.r.About, e)
	}
}

// entry is that of Annex I called key; nil if it is not asked for.
func (b *build) entry(key string) *Entry {
	for i := range b.r.About {
		if b.r.About[i].Key == key {
			return &b.r.About[i]
		}
	}
	return nil
}

var (
	redundancyForm = regexp.MustCompile(`^(N|N\+[1-9]|[2-9]N|2\(N\+1\))$`)
	lauForm        = regexp.MustCompile(`^[A-Z]{2}[ _-]?[0-9A-Za-z]{1,12}$|^[0-9A-Za-z]{2,13}$`)
	nuts3Form      = regexp.MustCompile(`^[A-Z]{2}[0-9A-Z]{3}$`)
)

// misshapen says why a text is not of a format; "" if it is. loose means that it
// may be meant so.
func misshapen(a *Field, text string) (why, fix string, loose bool) {
	switch a.Format {
	case "contact":
		i := strings.IndexFunc(text, func(r rune) bool { return r == '@' })
		if i < 0 {
			return "has no e-mail address", "write one after the name: Anna Berg <anna.berg@example.org>, +352 …", false
		}
		for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;<>()", r) }) {
			if strings.Contains(w, "@") {
				if _, err := mail.ParseAddress(w); err != nil || !strings.Contains(w[strings.Index(w, "@"):], ".") {
					return quoted(w) + " is no e-mail address", "write it as name@example.org", false
				}
			}
		}
	case "words":
		if !slices.Contains(a.Words, text) {
			return quoted(text) + " is none of " + strings.Join(a.Words, ", "), "write one of them", false
		}
	case "flag":
		if _, ok := truth(text); !ok {
			return quoted(text) + " is neither yes nor no", "write yes or no", false
		}
	case "month":
		if _, err := time.Parse("2006-01", text); err != nil {
			return quoted(text) + " is no month", "write it as 2025-03", false
		}
	case "redundancy":
		if !redundancyForm.MatchString(text) {
			return quoted(text) + " is not as redundancy is written", "write N, N+1, 2N or 2(N+1)", true
		}
	case "lau":
		if !lauForm.MatchString(text) {
			return quoted(text) + " has not the form of a code of a Local Administrative Unit", "copy it from Eurostat's table of the period", false
		}
	case "nuts3":
		if !nuts3Form.MatchString(text) {
			return quoted(text) + " has not the form of a NUTS 3 code", "write five signs, such as LU000", false
		}
	}
	return "", "", false
}

// evidence lists what stands behind what was entered.
func (b *build) evidence() {
	var keys []string
	for k := range b.Site.Report {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if e, ok := b.Site.Answer(k, b.Year); ok {
			b.r.Evidence = append(b.r.Evidence, Evidence{Key: k, Value: e.Value.String(), Text: e.Evidence})
		}
	}
	for i := range b.Site.ITPower {
		p := &b.Site.ITPower[i]
		if b.r.Period.within(p.Span) > 0 {
			b.r.Evidence = append(b.r.Evidence, Evidence{Key: "it_power", Value: p.Power.String() + ", " + p.Span.String(), Text: p.Evidence})
		}
	}
}
