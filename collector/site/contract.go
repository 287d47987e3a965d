package site

import (
	"fmt"
	"slices"
	"strings"
)

// Contracts are what stands behind the energy that is bought.
type Contracts struct {
	Supply     []Supply
	Residual   []Residual
	PPAs       []PPA
	Guarantees []Guarantee
	Own        []Guarantee // for what the site generates; those that are not retired for it are another's
}

// A Supply is a supplier's contract for the rest, by the mix that it discloses.
type Supply struct {
	Name      string
	Share     Share  // of what no PPA covers
	Factor    Factor // of its mix
	HasFactor bool
	Evidence  string
	Span

	mark *mark
}

// A Residual is the factor of the mix that nobody has claimed, of a year.
type Residual struct {
	Year     int
	Factor   Factor
	Source   string
	Evidence string

	mark *mark
}

// A PPA is a power purchase agreement: of a share of what is used, of a volume a
// year, or of what a meter or an imported profile says was delivered.
type PPA struct {
	Name       string
	Technology string
	Zone       Zone
	Share      Share  // of what the site takes from the grid
	Volume     Energy // a year
	Meter      string // of what is delivered
	Factor     Factor
	Retired    bool     // its guarantees of origin are retired for the site
	Unretired  Energy   // of Volume, a year: those of so much are another's
	Guarantees []string // numbers of the batches that it made
	Contract   Energy   // a year, of all sites together; 0: not said
	Evidence   string
	Span

	mark *mark
}

// A Guarantee is a batch of guarantees of origin.
type Guarantee struct {
	ID         string
	Volume     Energy
	Technology string
	Country    string
	Produced   Span
	Retired    Date // cancelled for the site; the zero Date: not yet
	Year       int  // for whose consumption
	Evidence   string

	mark *mark
}

// technologies are those that a contract may be of, and whether they are renewable.
var technologies = []struct {
	name      string
	renewable bool
}{
	{"wind_onshore", true}, {"wind_offshore", true}, {"solar", true}, {"hydro", true}, {"biomass", true}, {"geothermal", true}, {"marine", true},
	{"nuclear", false}, {"gas", false}, {"other", false},
}

// Renewable reports whether a technology of a contract is.
func Renewable(technology string) bool {
	for _, t := range technologies {
		if t.name == technology {
			return t.renewable
		}
	}
	return false
}

// CarbonFree reports whether a technology of a contract counts as free of carbon,
// as renewable ones and nuclear power do.
func CarbonFree(technology string) bool { return Renewable(technology) || technology == "nuclear" }

func technologyNames() (names []string) {
	for _, t := range technologies {
		names = append(names, t.name)
	}
	return names
}

// mostContracts bounds the contracts of a kind.
const mostContracts = 1000

func (s *Site) readContracts(r *reader, v value) {
	top := v.section()
	s.marks["contracts"] = top.mark()
	seen := map[string]place{}
	for _, list := range []struct {
		key  string
		read func(value)
	}{
		{"supply", s.readSupply}, {"residual", s.readResidual}, {"ppa", s.readPPA},
		{"guarantees", func(v value) { s.readGuarantee(r, v, seen) }}, {"own_generation", func(v value) { s.readOwn(r, v, seen) }},
	} {
		for i, item := range top.get(list.key).items() {
			if i == mostContracts {
				item.wrong("join what is alike", "more than %d under %s", mostContracts, list.key)
				break
			}
			list.read(item)
		}
	}
	top.end()
}

// named reads the key name, and calls the section after it.
func (s *section) named(list string) string {
	t := s.get("name").text()
	s.called(list, t)
	if t == "" {
		s.r.wrong(s.at("name"), "write what people call it", "missing")
	}
	return t
}

// share is v as a share of the whole.
func (v value) share(unset Share) Share {
	n, ok := shares.take(v)
	if !ok {
		return unset
	}
	if n > 1e6 {
		v.wrong("", "%s is more than all", Share(n))
		return unset
	}
	return Share(n)
}

func (s *Site) readSupply(v value) {
	k := v.section()
	c := Supply{Name: k.named("contracts.supply"), Share: k.get("share").share(1e6), Evidence: k.get("evidence").text(), Span: k.span()}
	f, ok := factors.take(k.get("factor"))
	c.Factor, c.HasFactor = Factor(f), ok
	k.end()
	c.mark = k.mark()
	k.evidence(ok, c.Evidence, "the factor of a supplier's mix")
	s.Contracts.Supply = append(s.Contracts.Supply, c)
}

// evidence warns of a figure that nothing stands behind.
func (s *section) evidence(claimed bool, evidence, what string) {
	if claimed && evidence == "" {
		s.r.warn(s.at("evidence"), "write evidence: and which letter, page or register says so", "nothing stands behind %s", what)
	}
}

func (s *Site) readResidual(v value) {
	k := v.section()
	c := Residual{Year: k.get("year").whole(1990, 2100, 0), Source: k.get("source").text(), Evidence: k.get("evidence").text()}
	f, ok := factors.take(k.get("factor"))
	c.Factor = Factor(f)
	k.end()
	if c.Year == 0 && !k.has("year") {
		k.r.wrong(k.at("year"), "write the year whose consumption it is for", "missing")
	}
	switch {
	case !ok && !k.has("factor"):
		k.r.wrong(k.at("factor"), "write factor: 450 g/kWh, as published", "missing")
	case ok && f == 0:
		k.r.wrong(k.at("factor"), "take the mix of the supplier, under supply; the zero that is published for Austria is not to be used", "a residual mix of 0 g/kWh")
	case f > 2_000_000:
		k.r.wrong(k.at("factor"), "check its unit", "%s is more than coal gives", c.Factor)
	}
	if c.Source == "" {
		k.r.warn(k.at("source"), "write source: and who published it where", "nothing stands behind the residual mix")
	}
	c.mark = k.mark()
	s.Contracts.Residual = append(s.Contracts.Residual, c)
}

func (s *Site) readPPA(v value) {
	k := v.section()
	c := PPA{Name: k.named("contracts.ppa"), Technology: k.get("technology").choice(technologyNames()...), Meter: k.get("meter").text(), Retired: k.get("guarantees_retired").truth(), Evidence: k.get("evidence").text(), Span: k.span()}
	c.Share = k.get("share").share(0)
	volume, _ := energies.take(k.get("volume"))
	factor, _ := factors.take(k.get("factor"))
	unretired, _ := energies.take(k.get("not_retired"))
	contract, _ := energies.take(k.get("contract_volume"))
	c.Volume, c.Factor, c.Unretired, c.Contract = Energy(volume), Factor(factor), Energy(unretired), Energy(contract)
	for _, w := range k.get("guarantees").words() {
		if t := w.text(); t != "" {
			c.Guarantees = append(c.Guarantees, t)
		}
	}
	if t := k.get("zone"); t.given() {
		z, ok := LookupZone(t.text())
		if !ok && !ValidEIC(t.text()) {
			t.wrong("", "%q is no bidding zone and no EIC", short(t.text()))
		}
		c.Zone = z
	}
	k.end()
	n := 0
	for _, key := range []string{"share", "volume", "meter"} {
		if k.has(key) {
			n++
		}
	}
	if n != 1 {
		k.r.wrong(k.place, "write one of share: 40 %, volume: 200 GWh, meter: id", "want one of share, volume and meter, to know how much it is of")
	}
	if c.Unretired > c.Volume {
		k.r.wrong(k.at("not_retired"), "write it beside volume:, and not more than that", "%s are not retired, of a volume of %s a year", c.Unretired, c.Volume)
	}
	if !c.Retired {
		k.r.warn(k.at("guarantees_retired"), "write guarantees_retired: true once they are", "the guarantees of origin of %s are not said to be retired for the site: its energy counts as renewable for nobody here", c.Name)
	}
	c.mark = k.mark()
	s.Contracts.PPAs = append(s.Contracts.PPAs, c)
}

func (s *Site) readGuarantee(r *reader, v value, seen map[string]place) {
	k := v.section()
	c := Guarantee{ID: k.get("id").text(), Technology: k.get("technology").choice(technologyNames()...), Country: k.get("country").text(), Evidence: k.get("evidence").text(), Year: k.get("year").whole(1990, 2100, 0)}
	k.called("contracts.guarantees", c.ID)
	volume, ok := energies.take(k.get("volume"))
	c.Volume = Energy(volume)
	if !ok && !k.has("volume") {
		r.wrong(k.at("volume"), "write volume: 400 GWh", "missing: how much they are of")
	}
	if p := k.get("produced"); p.given() {
		q := p.section()
		c.Produced = q.span()
		q.end()
	}
	c.Retired = k.get("retired").date()
	k.end()
	c.mark = k.mark()
	k.number(c.ID, seen)
	c.judge(r)
	s.Contracts.Guarantees = append(s.Contracts.Guarantees, c)
}

// Guarantees can be sold for twelve months after the production, and expire
// unless they are cancelled within eighteen (Directive (EU) 2018/2001, Art. 19).
const (
	monthsToSell   = 12
	monthsToCancel = 18
)

func (c *Guarantee) judge(r *reader) {
	last := c.Produced.Last
	switch at := c.mark.at("retired"); {
	case last == (Date{}):
		r.warn(c.mark.at("produced"), "write produced: with first_day: and last_day:", "when the energy was produced is not known, nor whether the guarantees had expired")
	case c.Retired == (Date{}):
		r.warn(at, fmt.Sprintf("write retired: and the day; they expire on %s", last.AddMonths(monthsToCancel)), "not retired yet: they count for nothing")
	case c.Retired.Compare(c.Produced.First) < 0:
		r.wrong(at, "check both", "retired on %s, before the energy was produced", c.Retired)
	case c.Retired.Compare(last.AddMonths(monthsToCancel)) > 0:
		r.wrong(at, "they cannot be used: take them out", "retired on %s, more than %d months after the production ended on %s: they had expired", c.Retired, monthsToCancel, last)
	case c.Retired.Compare(last.AddMonths(monthsToSell)) > 0:
		r.warn(at, "keep the proof that they were yours by "+last.AddMonths(monthsToSell).String(), "retired on %s, more than %d months after the production ended on %s: by then they could no longer be bought", c.Retired, monthsToSell, last)
	}
	if c.Year != 0 && last != (Date{}) && (Date{c.Year, 1, 1}).Compare(last.AddMonths(monthsToSell)) > 0 {
		r.warn(c.mark.at("year"), "use them for a year closer to the production", "they are for %d, and were produced until %s, more than %d months before", c.Year, last, monthsToSell)
	}
	if c.Technology != "" && !Renewable(c.Technology) {
		r.warn(c.mark.at("technology"), "nothing is wrong, if that is meant: it is carbon that they count for, if they do", "%s is not renewable: these count for no renewable energy", c.Technology)
	}
}

// judgeContracts holds contracts against each other and the site.
func (s *Site) judgeContracts(r *reader) {
	c := &s.Contracts
	var spans []Span
	var part []Share
	for i := range c.PPAs {
		p := &c.PPAs[i]
		spans, part = append(spans, p.Span), append(part, p.Share)
		if p.Meter != "" {
			s.judgeMeters(r, p.mark, []string{p.Meter})
		}
		if s.Zone.Name != "" && p.Zone.Name != "" && p.Zone.Name != s.Zone.Name {
			r.warn(p.mark.at("zone"), "nothing is wrong today; rules to come ask for one zone", "%s delivers in %s, and the site is in %s", p.Name, p.Zone.Name, s.Zone.Name)
		}
	}
	if i, day, sum := overfull(spans, part); i >= 0 {
		r.wrong(c.PPAs[i].mark.at("share"), "lower the shares, or end one before the next begins", "%s, the PPAs %s cover %s of what the site takes", since(day), together(c.PPAs, day), sum)
	}
	spans, part = nil, nil
	for i := range c.Supply {
		spans, part = append(spans, c.Supply[i].Span), append(part, c.Supply[i].Share)
	}
	if i, day, sum := overfull(spans, part); i >= 0 {
		r.wrong(c.Supply[i].mark.at("share"), "write share: for each of several suppliers, or end one before the next begins", "%s, suppliers cover %s of the rest", since(day), sum)
	}
	s.judgeOwn(r)
	years := map[int]*Residual{}
	for i := range c.Residual {
		n := &c.Residual[i]
		if first, ok := years[n.Year]; ok && n.Year != 0 {
			r.wrong(n.mark.at("year"), "keep the one that holds for the site", "the residual mix of %d stands twice, first in line %d", n.Year, first.mark.line)
			continue
		}
		years[n.Year] = n
	}
	contracted := len(c.PPAs)+len(c.Guarantees)+len(c.Supply) > 0
	covered := slices.ContainsFunc(c.Supply, func(p Supply) bool { return p.HasFactor })
	if contracted && len(c.Residual) == 0 && !covered {
		r.warn(s.marks["contracts"].place, "write residual: with year, factor and source, or the factor of the supplier's mix", "what no contract covers has no factor: market-based carbon is not known")
	}
}

// overfull is the contract with which several come to more than all, the first
// day of that, and how much it is; -1 if they never do.
func overfull(spans []Span, part []Share) (int, Date, Share) {
	for i, p := range spans {
		var sum Share
		for j, q := range spans {
			if q.holds(p.First) {
				sum += part[j]
			}
		}
		if sum > 1e6 {
			return i, p.First, sum
		}
	}
	return -1, Date{}, 0
}

// holds reports whether a contract holds on a day; the zero Date is before all
// days.
func (s Span) holds(d Date) bool {
	if d == (Date{}) {
		return s.First == Date{}
	}
	return s.Contains(d)
}

// since is from a day on, for people.
func since(d Date) string {
	if d == (Date{}) {
		return "from the beginning"
	}
	return "from " + d.String() + " on"
}

// together names the agreements that hold on a day.
func together(ppas []PPA, day Date) string {
	var names []string
	for i := range ppas {
		if p := &ppas[i]; p.Share > 0 && p.holds(day) {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, " and ")
}
