package carbon

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// A yearlyTable has one figure a country and year: better than nothing.
type yearlyTable struct {
	Name     string             `json:"name"`
	Provider string             `json:"provider"`
	Factor   string             `json:"factor"`
	Year     int                `json:"year"`
	Source   string             `json:"source"`
	Grams    map[string]float64 `json:"grams_per_kwh"` // by country or zone
}

//go:embed data/yearly.json
var yearlyJSON []byte

// mostTable is how large a table of an operator may be.
const mostTable = 1 << 20

func parseYearly(b []byte) (*yearlyTable, error) {
	var t yearlyTable
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("read yearly table: %w", err)
	}
	switch {
	case !short(t.Name) || !short(t.Provider):
		return nil, errors.New("read yearly table: it needs a name and a provider")
	case t.Factor != Lifecycle.String() && t.Factor != Direct.String():
		return nil, fmt.Errorf("read yearly table: factor %q is not lifecycle or direct", t.Factor)
	case t.Year < 1990 || t.Year > 2200:
		return nil, fmt.Errorf("read yearly table: year %d", t.Year)
	}
	for zone, grams := range t.Grams {
		if !Lifecycle.sane(grams) {
			return nil, fmt.Errorf("read yearly table: %v g/kWh in %s", grams, zone)
		}
	}
	return &t, nil
}

// short reports whether a name can be a label.
func short(name string) bool { return len(name) > 0 && len(name) <= 63 }

func (s *Source) openYearly(p *Provider) error {
	b := yearlyJSON
	if p.File != "" {
		var err error
		if b, err = readSmall(p.File, mostTable); err != nil {
			return err
		}
	}
	t, err := parseYearly(b)
	if err != nil {
		return err
	}
	for _, name := range []string{p.Area, s.c.Zone, s.area.Country} {
		if _, ok := t.Grams[name]; ok && name != "" {
			s.area.Country = name
			s.yearly = t
			return nil
		}
	}
	return fmt.Errorf("table %s has no figure for %s", t.Name, s.c.Zone)
}

// readSmall reads a file of no more than most bytes.
func readSmall(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readMost(f, most)
}
