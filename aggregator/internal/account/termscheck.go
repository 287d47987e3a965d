package account

import (
	"fmt"
	"math"
)

// check says what is wrong with the Terms of b, nil if nothing.
func (b *Basis) check() error {
	for _, f := range []func() error{b.checkMeters, b.checkTree, b.checkParts, b.checkFuels, b.checkCarriers, b.checkContracts, b.checkTariffs} {
		if err := f(); err != nil {
			return fmt.Errorf("terms: %w", err)
		}
	}
	switch {
	case b.Factor != Lifecycle && b.Factor != Direct:
		return fmt.Errorf("terms: %v is no kind of factor", b.Factor)
	case b.Category < 0 || b.Category > len(categories):
		return fmt.Errorf("terms: %d is no category of IT energy", b.Category)
	case b.WaterCategory < 0 || b.WaterCategory > 3:
		return fmt.Errorf("terms: water category %d is not 1 to 3", b.WaterCategory)
	case b.HeatSelfUse > whole:
		return fmt.Errorf("terms: %d millionths of the heat are more than all", b.HeatSelfUse)
	}
	for _, c := range []float64{b.Coverage.Period, b.Coverage.Year} {
		if !(c > 0 && c <= 1) {
			return fmt.Errorf("terms: a coverage of %v is not between 0 and 1", c)
		}
	}
	return nil
}

// span says what is wrong with an interval.
func span(what string, from, to int64) error {
	if from < 0 || from > 1<<45 || to < 0 || to > 1<<45 || to != 0 && to <= from {
		return fmt.Errorf("%s is of %d to %d ms since 1970", what, from, to)
	}
	return nil
}

func (b *Basis) checkMeters() error {
	if len(b.meters) != len(b.Meters) {
		seen := map[string]bool{}
		for i := range b.Meters {
			if n := b.Meters[i].Name; seen[n] {
				return fmt.Errorf("meter %q stands twice", n)
			}
			seen[b.Meters[i].Name] = true
		}
	}
	for i := range b.Meters {
		m := &b.Meters[i]
		what := fmt.Sprintf("meter %q", m.Name)
		switch {
		case m.Name == "":
			return fmt.Errorf("meter %d has no name", i+1)
		case m.Quantity > WaterPotable:
			return fmt.Errorf("%s has no role of a meter", what)
		case m.Fuel != "" && b.fuels[m.Fuel] == nil:
			return fmt.Errorf("%s burns %q, which is not stated", what, m.Fuel)
		case m.Less && m.Quantity != Other && m.Quantity != HeatReuse:
			return fmt.Errorf("%s cannot be taken off %v", what, m.Quantity)
		case m.Less && m.Backup != "":
			return fmt.Errorf("%s stands in for another, and is taken off", what)
		case m.Scope > Reused:
			return fmt.Errorf("%s is of no sort of water", what)
		case !(m.Low >= -1 && m.Low <= m.High && m.High <= 1):
			return fmt.Errorf("%s may lack %v to %v of what it shows", what, m.Low, m.High)
		}
		if err := span(what, m.From, m.To); err != nil {
			return err
		}
	}
	return nil
}

func (b *Basis) checkTree() error {
	for i := range b.Meters {
		m := &b.Meters[i]
		for _, name := range m.Parents {
			switch up := b.meters[name]; {
			case up == nil:
				return fmt.Errorf("meter %q stands below %q, which is not stated", m.Name, name)
			case up.Backup != "":
				return fmt.Errorf("meter %q stands below %q, which only stands in for another", m.Name, name)
			case up.Quantity.IsWater() != m.Quantity.IsWater() || (up.Quantity == HeatReuse) != (m.Quantity == HeatReuse):
				return fmt.Errorf("meter %q stands below %q, which counts something else", m.Name, name)
			}
		}
		if m.Backup == "" {
			continue
		}
		switch o := b.meters[m.Backup]; {
		case o == nil:
			return fmt.Errorf("meter %q stands in for %q, which is not stated", m.Name, m.Backup)
		case o.Backup != "" || o == m:
			return fmt.Errorf("meter %q stands in for %q, which stands in for another", m.Name, m.Backup)
		case o.Quantity != m.Quantity:
			return fmt.Errorf("meter %q stands in for %q, which has another role", m.Name, m.Backup)
		}
	}
	return b.checkLoops()
}

// checkLoops says which meter stands below itself.
func (b *Basis) checkLoops() error {
	state := map[*Meter]int{} // 1: being looked at; 2: in order
	var look func(m *Meter) error
	look = func(m *Meter) error {
		switch state[m] {
		case 1:
			return fmt.Errorf("meter %q stands below itself", m.Name)
		case 2:
			return nil
		}
		state[m] = 1
		for _, up := range m.Parents {
			if err := look(b.meters[up]); err != nil {
				return err
			}
		}
		state[m] = 2
		return nil
	}
	for i := range b.Meters {
		if err := look(&b.Meters[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *Basis) checkParts() error {
	seen := map[string]bool{}
	for i := range b.Parts {
		p := &b.Parts[i]
		if p.Name == "" || seen[p.Name] || len(p.Supply) == 0 || len(p.IT) == 0 {
			return fmt.Errorf("part %q has no name, stands twice, or lacks meters of supply or of IT", p.Name)
		}
		seen[p.Name] = true
		for _, list := range [][]string{p.Supply, p.IT} {
			for _, n := range list {
				if b.meters[n] == nil {
					return fmt.Errorf("part %q has meter %q, which is not stated", p.Name, n)
				}
			}
		}
	}
	return nil
}

func (b *Basis) checkFuels() error {
	if len(b.fuels) != len(b.Fuels) {
		return fmt.Errorf("of %d fuels some have the same name", len(b.Fuels))
	}
	for i := range b.Fuels {
		if f := &b.Fuels[i]; f.Name == "" || f.Milligrams > maxGrams {
			return fmt.Errorf("fuel %q has no name, or emits %d mg/kWh", f.Name, f.Milligrams)
		}
	}
	years := map[int]bool{}
	for i := range b.Residuals {
		r := &b.Residuals[i]
		if r.Milligrams == 0 || r.Milligrams > maxGrams || years[r.Year] {
			return fmt.Errorf("residual factor of %d is %d mg/kWh, or stands twice; where a table says 0, the supplier's mix must be stated instead", r.Year, r.Milligrams)
		}
		years[r.Year] = true
	}
	return nil
}

func (b *Basis) checkCarriers() error {
	for i := range b.Carriers {
		c := &b.Carriers[i]
		what := fmt.Sprintf("carrier %q", c.Name)
		if err := span(what, c.From, c.To); err != nil {
			return err
		}
		if c.Name == "" || c.To == 0 || c.Millijoules > math.MaxInt64 || c.Micrograms > math.MaxInt64 {
			return fmt.Errorf("%s has no name or no end, or is more than can be counted", what)
		}
	}
	return nil
}
