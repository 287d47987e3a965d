package carbon

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// A factorSet gives each way of generating its emissions. It has a name and a
// date, and is never edited: another set has another name.
type factorSet struct {
	Name    string             `json:"name"`
	Factor  string             `json:"factor"` // lifecycle or direct
	Dated   string             `json:"dated"`
	Source  string             `json:"source"`
	Grams   map[string]float64 `json:"grams_per_kwh"` // by ENTSO-E's type: B01 to B25
	Storage []string           `json:"storage"`       // types that give back what was generated earlier

	factor  [types]float64 // NaN: none
	storage [types]bool
}

//go:embed data/factors.json
var factorsJSON []byte

// types is the number of ENTSO-E's types of generation with room for new ones:
// B01 is number 1.
const types = 40

// typeOf is the number of a type of generation.
func typeOf(code string) (int, bool) {
	if len(code) != 3 || code[0] != 'B' || code[1] < '0' || code[1] > '9' || code[2] < '0' || code[2] > '9' {
		return 0, false
	}
	n := int(code[1]-'0')*10 + int(code[2]-'0')
	return n, n > 0 && n < types
}

func typeName(n int) string { return fmt.Sprintf("B%02d", n) }

func parseFactors(b []byte) ([]*factorSet, error) {
	var sets []*factorSet
	if err := json.Unmarshal(b, &sets); err != nil {
		return nil, fmt.Errorf("read factor sets: %w", err)
	}
	for _, f := range sets {
		if f == nil || !short(f.Name) || f.Factor != Lifecycle.String() && f.Factor != Direct.String() {
			return nil, errors.New("read factor sets: a set needs a name, and a factor that is lifecycle or direct")
		}
		for i := range f.factor {
			f.factor[i] = math.NaN()
		}
		for _, code := range slices.Sorted(maps.Keys(f.Grams)) {
			n, ok := typeOf(code)
			if !ok || !Lifecycle.sane(f.Grams[code]) {
				return nil, fmt.Errorf("read factor set %s: %s of %v g/kWh", f.Name, code, f.Grams[code])
			}
			f.factor[n] = f.Grams[code]
		}
		for _, code := range f.Storage {
			n, ok := typeOf(code)
			if !ok {
				return nil, fmt.Errorf("read factor set %s: storage %q", f.Name, code)
			}
			f.storage[n] = true
		}
	}
	return sets, nil
}

// factorSets are those that c names, of the built-in ones and those of its file.
func (c *Config) factorSets() (lifecycle, direct *factorSet, err error) {
	sets, err := parseFactors(factorsJSON)
	if err != nil {
		return nil, nil, err
	}
	if c.Factors != "" {
		b, err := readSmall(c.Factors, mostTable)
		if err != nil {
			return nil, nil, err
		}
		more, err := parseFactors(b)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", c.Factors, err)
		}
		sets = append(sets, more...)
	}
	find := func(name, unset string, q Quantity) (found *factorSet, err error) {
		if name == "" {
			name = unset
		}
		for _, f := range sets {
			switch {
			case f.Name != name:
			case found != nil:
				return nil, fmt.Errorf("factor set %s is there twice: a set that differs needs another name", name)
			case f.Factor != q.String():
				return nil, fmt.Errorf("factor set %s is %s, not %s", name, f.Factor, q)
			default:
				found = f
			}
		}
		if found == nil {
			return nil, fmt.Errorf("factor set %q is not known", name)
		}
		return found, nil
	}
	if lifecycle, err = find(c.Lifecycle, "ipcc-ar5-lc-1", Lifecycle); err != nil {
		return nil, nil, err
	}
	direct, err = find(c.Direct, "ipcc-ar5-direct-1", Direct)
	return lifecycle, direct, err
}

// A mix is generation in MW by type; NaN: not said.
type mix [types]float64

func emptyMix() *mix {
	var m mix
	for i := range m {
		m[i] = math.NaN()
	}
	return &m
}

// total is what the mix generates. Below zero a plant draws power for itself,
// and generates nothing.
func (m *mix) total() (sum float64) {
	for _, mw := range m {
		if mw > 0 {
			sum += mw
		}
	}
	return sum
}

var errNothing = errors.New("nothing is generated")

// intensity is that of what m generates, in g/kWh. What storage gives back was
// generated earlier, at the zone's mean intensity storage; NaN: as the rest.
func (f *factorSet) intensity(m *mix, storage float64) (float64, error) {
	var grams, sum, stored float64
	for n, mw := range m {
		switch {
		case !(mw > 0):
		case f.storage[n]:
			stored += mw
		case math.IsNaN(f.factor[n]):
			return 0, fmt.Errorf("factor set %s has no factor for %s", f.Name, typeName(n))
		default:
			grams += mw * f.factor[n]
			sum += mw
		}
	}
	if stored > 0 && !math.IsNaN(storage) {
		grams += stored * storage
		sum += stored
	}
	if sum == 0 {
		return 0, errNothing
	}
	return grams / sum, nil
}
