package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed rules/*.yaml
var ruleFiles embed.FS

// Statuses of a set.
const (
	InForce        = "in_force"
	AdoptedPending = "adopted_pending" // its text may still change, or is not known whole
)

// A Set is the rules of one act, as data: what is asked, of which periods.
type Set struct {
	ID        string         `yaml:"id"`
	Amends    string         `yaml:"amends"` // what it leaves out is as there
	Title     string         `yaml:"title"`
	Status    string         `yaml:"status"`
	Since     string         `yaml:"since"`
	First     int            `yaml:"first_period"` // years that it is for; Last 0: until further notice
	Last      int            `yaml:"last_period"`
	Country   string         `yaml:"country"` // "": the Union
	Law       []string       `yaml:"law"`
	Deadline  MonthDay       `yaml:"deadline"`  // of the year after
	Deadlines map[int]string `yaml:"deadlines"` // of periods that have another
	Channel   string         `yaml:"channel"`
	Threshold Threshold      `yaml:"threshold"`
	Retention int            `yaml:"retention_years"`

	Removed    []string    `yaml:"removed"`
	About      []Field     `yaml:"about"`
	Figures    []Asked     `yaml:"figures"`
	Indicators []Indicator `yaml:"indicators"`
	Sizes      []Size      `yaml:"sizes"`
	Averages   Averages    `yaml:"averages"`
	Label      *Label      `yaml:"label"`
	Limits     []Limit     `yaml:"limits"`
	Unknown    []string    `yaml:"unknown"`

	Hash string `yaml:"-"` // SHA-256 of its file, and of those that it amends
}

// A MonthDay is a day of any year.
type MonthDay struct {
	Month int `yaml:"month"`
	Day   int `yaml:"day"`
}

// A Threshold is from which size on a site must report.
type Threshold struct {
	Kilowatts int64  `yaml:"kilowatts"`
	Near      int64  `yaml:"near"` // kW by which a decision is so close that it needs evidence
	Of        string `yaml:"of"`
}

// A Field is what is asked about a site besides figures.
type Field struct {
	Key      string   `yaml:"key"`
	Point    string   `yaml:"point"` // of its annex
	Title    string   `yaml:"title"`
	Format   string   `yaml:"format"`
	Words    []string `yaml:"words"`
	Optional bool     `yaml:"optional"`
	Unknown  string   `yaml:"unknown"`
}

// An Asked is a figure that is.
type Asked struct {
	Key      string `yaml:"key"`
	Point    string `yaml:"point"`
	Symbol   string `yaml:"symbol"` // as printed; symbols of different figures can be alike
	Unit     string `yaml:"unit"`
	Kind     string `yaml:"kind"` // number, flag, list
	Decimals int    `yaml:"decimals"`
	Title    string `yaml:"title"`
	At       string `yaml:"at"`       // measuring point
	Coverage string `yaml:"coverage"` // key of the share of the floor that it covers
	Unknown  string `yaml:"unknown"`
}

// An Indicator is a quotient of figures.
type Indicator struct {
	Key      string `yaml:"key"`
	Title    string `yaml:"title"`
	Unit     string `yaml:"unit"`
	Over     string `yaml:"over"`
	By       string `yaml:"by"`
	Times    int64  `yaml:"times"`
	Decimals int    `yaml:"decimals"`
	Least    string `yaml:"least"`
	Most     string `yaml:"most"`
	Unknown  string `yaml:"unknown"`
}

// A Size is a class by installed power of IT.
type Size struct {
	Name  string `yaml:"name"`
	From  int64  `yaml:"from_kw"`  // included
	Above int64  `yaml:"above_kw"` // not included
}

// Averages say how those of several sites are made.
type Averages struct {
	Weight     string `yaml:"weight"`
	LeastSites int    `yaml:"least_sites"`
}

// A Label is what classes there are.
type Label struct {
	First      string              `yaml:"first"`
	YearlyFrom MonthDay            `yaml:"yearly_from"`
	Classes    map[string][]string `yaml:"classes"`
}

// A Limit is one that sites must keep to.
type Limit struct {
	Of            string `yaml:"of"`
	Least         string `yaml:"least"`
	Most          string `yaml:"most"`
	From          string `yaml:"from"`
	StartedFrom   string `yaml:"started_from"`
	StartedBefore string `yaml:"started_before"`
	AfterYears    int    `yaml:"after_years"`
	Without       string `yaml:"without"` // energy that this PUE leaves out, as the operator states it
}

// Sets are those that are known, by their names.
func Sets() ([]*Set, error) {
	names, err := fs.Glob(ruleFiles, "rules/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list rules: %w", err)
	}
	var sets []*Set
	for _, name := range names {
		b, err := ruleFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		s, err := parseSet(b)
		if err != nil {
			return nil, fmt.Errorf("read rules %s: %w", path.Base(name), err)
		}
		sets = append(sets, s)
	}
	for _, s := range sets {
		if s.Amends == "" {
			continue
		}
		i := slices.IndexFunc(sets, func(o *Set) bool { return o.ID == s.Amends && o.Amends == "" })
		if i < 0 {
			return nil, fmt.Errorf("rules %s amend %s, which is not known", s.ID, s.Amends)
		}
		s.amend(sets[i])
	}
	slices.SortFunc(sets, func(a, b *Set) int { return strings.Compare(a.ID, b.ID) })
	return sets, nil
}

func parseSet(b []byte) (*Set, error) {
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	s := &Set{}
	if err := d.Decode(s); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	s.Hash = hex.EncodeToString(sum[:])
	switch {
	case s.ID == "" || s.Title == "" || s.First == 0:
		return nil, errors.New("id, title or first_period is missing")
	case s.Status != InForce && s.Status != AdoptedPending:
		return nil, fmt.Errorf("status %q is none", s.Status)
	}
	return s, nil
}

// amend fills in what s leaves as it is in base.
func (s *Set) amend(base *Set) {
	sum := sha256.Sum256([]byte(base.Hash + s.Hash))
	s.Hash = hex.EncodeToString(sum[:])
	if s.Deadline == (MonthDay{}) {
		s.Deadline = base.Deadline
	}
	if s.Threshold == (Threshold{}) {
		s.Threshold = base.Threshold
	}
	if s.Averages == (Averages{}) {
		s.Averages = base.Averages
	}
	if s.Retention == 0 {
		s.Retention = base.Retention
	}
	if s.Channel == "" {
		s.Channel = base.Channel
	}
	if s.Sizes == nil {
		s.Sizes = base.Sizes
	}
	s.Law = slices.Concat(base.Law, s.Law)
	s.About = amended(base.About, s.About, s.Removed, func(f *Field) string { return f.Key })
	for i := range s.Figures { // what is redefined is measured where it was, as far as is known
		if k := slices.IndexFunc(base.Figures, func(a Asked) bool { return a.Key == s.Figures[i].Key }); k >= 0 && s.Figures[i].At == "" {
			s.Figures[i].At = base.Figures[k].At
		}
	}
	s.Figures = amended(base.Figures, s.Figures, s.Removed, func(a *Asked) string { return a.Key })
	s.Indicators = amended(base.Indicators, s.Indicators, s.Removed, func(i *Indicator) string { return i.Key })
}

// amended is base with those of own in the place of what has their key, what is
// removed left out, and the others of own after it, where their point says.
func amended[T any](base, own []T, removed []string, key func(*T) string) (out []T) {
	used := map[string]bool{}
	for i := range base {
		k := key(&base[i])
		at := slices.IndexFunc(own, func(o T) bool { return key(&o) == k })
		switch {
		case slices.Contains(removed, k):
		case at >= 0:
			out = append(out, own[at])
			used[k] = true
		default:
			out = append(out, base[i])
		}
	}
	for i := range own {
		if !used[key(&own[i])] {
			out = append(out, own[i])
		}
	}
	return out
}

// Find is the set called id, nil if there is none.
func Find(sets []*Set, id string) *Set {
	for _, s := range sets {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// For is the set in force for a year's period in the Union, and those that stand
// beside it: of the site's country, and not in force yet.
func For(sets []*Set, year int, country string) (main *Set, beside []*Set) {
	for _, s := range sets {
		switch holds := year >= s.First && (s.Last == 0 || year <= s.Last); {
		case !holds || s.Country != "" && s.Country != country:
		case s.Country != "" || s.Status != InForce:
			beside = append(beside, s)
		case main == nil || s.First > main.First || s.First == main.First && s.Amends != "":
			main = s
		}
	}
	return main, beside
}

// Due is the day by which the report of a year is to be made.
func (s *Set) Due(year int) string {
	if d, ok := s.Deadlines[year]; ok {
		return d
	}
	if s.Deadline == (MonthDay{}) {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", year+1, s.Deadline.Month, s.Deadline.Day)
}

// SizeOf is the class of a site of so much installed IT power, kW; "" below the
// smallest.
func (s *Set) SizeOf(kw *big.Rat) (name string) {
	for _, c := range s.Sizes {
		if c.Above > 0 && kw.Cmp(big.NewRat(c.Above, 1)) > 0 || c.Above == 0 && kw.Cmp(big.NewRat(c.From, 1)) >= 0 {
			name = c.Name
		}
	}
	return name
}

// Class is that of v on the scale of an indicator: A to G; "" where there is no
// such scale.
func (s *Set) Class(indicator string, v *big.Rat) string {
	if s.Label == nil || s.Label.Classes[indicator] == nil {
		return ""
	}
	for i, limit := range s.Label.Classes[indicator] {
		if l, ok := new(big.Rat).SetString(limit); ok && v.Cmp(l) <= 0 {
			return string(rune('A' + i))
		}
	}
	return string(rune('A' + len(s.Label.Classes[indicator])))
}

// asked is the figure called key, nil if the set does not ask for it.
func (s *Set) asked(key string) *Asked {
	for i := range s.Figures {
		if s.Figures[i].Key == key {
			return &s.Figures[i]
		}
	}
	return nil
}
