package account

import (
	"fmt"
	"math"
)

// A ContractKind is how energy is bought, or shown to be renewable.
type ContractKind uint8

// The kinds.
const (
	PPA             ContractKind = iota // a power purchase agreement: what was delivered to the site
	GuaranteeOrigin                     // guarantees of origin that were retired for the site
	SupplierMix                         // what a supplier delivers besides
	OwnGeneration                       // guarantees of origin that the site's own generation made
	contractKinds   = iota
)

var contractKindNames = [contractKinds]string{"ppa", "guarantee_of_origin", "supplier_mix", "own_generation"}

func (k ContractKind) String() string {
	if k < contractKinds {
		return contractKindNames[k]
	}
	return "unknown"
}

// A Contract is a claim on how energy was made: of volumes, of a share, or of what
// a meter shows, each in From to To. A supplier's mix without volumes covers what
// nothing else does.
type Contract struct {
	Name       string
	Kind       ContractKind
	Milligrams uint32 // CO2e per kWh
	Renewable  bool
	CarbonFree bool
	From, To   int64
	Volumes    []Volume
	Share      uint32 // millionths: of what the grid gives; of a supplier's mix, of what no other contract covers, 0 being all
	Meter      string // that shows what is delivered; it adds to nothing else
	Evidence   string
}

// A Volume is what a contract delivered, or retired, in a time. Of less than an
// hour or of one it is matched with what was drawn in that hour; of a longer one
// only with what was drawn in all.
type Volume struct {
	From, To    int64
	Millijoules uint64
	Unretired   uint64 // mJ of it whose guarantees of origin are not retired for the site: they are another's
}

// A volume is one of a Basis.
type volume struct {
	*Volume
	contract *Contract
}

// claims is what of v the site may claim as made that way.
func (v *volume) claims() uint64 { return v.Millijoules - v.Unretired }

// hourly reports whether v can be matched by the hour.
func (v *volume) hourly() bool { return v.From/hour == (v.To-1)/hour }

// lay puts the volumes of b where they are found by time.
func (b *Basis) lay() {
	b.short = map[int64][]int32{}
	for i := range b.Contracts {
		c := &b.Contracts[i]
		for k := range c.Volumes {
			n := int32(len(b.volumes))
			v := volume{&c.Volumes[k], c}
			b.volumes = append(b.volumes, v)
			if v.hourly() {
				b.short[v.From/hour] = append(b.short[v.From/hour], n)
			} else {
				b.long = append(b.long, n)
			}
		}
	}
}

// at yields the volumes that may lie in [from, to), which lies in one hour.
func (b *Basis) at(from, to int64, yield func(n int32, v *volume, millis int64)) {
	for _, list := range [][]int32{b.short[from/hour], b.long} {
		for _, n := range list {
			v := &b.volumes[n]
			if ms := min(to, v.To) - max(from, v.From); ms > 0 {
				yield(n, v, ms)
			}
		}
	}
}

// holds reports whether c holds at a time.
func (c *Contract) holds(t int64) bool { return t >= c.From && (c.To == 0 || t < c.To) }

// mix is what covers what no contract does at a time, by suppliers' mixes: for
// which share of it, in millionths, and what they emit for a kWh of the whole, mg
// times millionths.
func (b *Basis) mix(t int64) (share, grams uint64) {
	for i := range b.Contracts {
		c := &b.Contracts[i]
		if c.Kind != SupplierMix || len(c.Volumes) > 0 || !c.holds(t) {
			continue
		}
		part := uint64(c.Share)
		if part == 0 {
			part = whole
		}
		part = min(part, whole-share)
		share, grams = share+part, grams+part*uint64(c.Milligrams)
	}
	return share, grams
}

// residual is the factor of a year; ok is false if it is not stated.
func (b *Basis) residual(year int) (mg uint32, ok bool) {
	for i := range b.Residuals {
		if b.Residuals[i].Year == year {
			return b.Residuals[i].Milligrams, true
		}
	}
	return 0, false
}

// maxVolumes bounds those of all contracts of a site: ten years of hours of a few.
const maxVolumes = 1 << 20

func (b *Basis) checkContracts() error {
	names, volumes := map[string]bool{}, 0
	for i := range b.Contracts {
		c := &b.Contracts[i]
		what := fmt.Sprintf("contract %q", c.Name)
		switch {
		case c.Name == "" || names[c.Name]:
			return fmt.Errorf("%s has no name, or stands twice", what)
		case c.Kind >= contractKinds:
			return fmt.Errorf("%s is of no kind", what)
		case c.Milligrams > maxGrams:
			return fmt.Errorf("%s emits %d mg/kWh", what, c.Milligrams)
		case c.CarbonFree && c.Milligrams > 100_000: // mg/kWh: by lifecycle nothing is at zero
			return fmt.Errorf("%s is free of carbon, and emits %d mg/kWh", what, c.Milligrams)
		case c.Kind != SupplierMix && len(c.Volumes) == 0 && c.Share == 0 && c.Meter == "":
			return fmt.Errorf("%s has no volumes, no share and no meter", what)
		case c.Share > whole || c.Kind == OwnGeneration && (c.Share > 0 || c.Meter != ""):
			return fmt.Errorf("%s has a share of %d millionths", what, c.Share)
		}
		names[c.Name] = true
		if err := span(what, c.From, c.To); err != nil {
			return err
		}
		for k := range c.Volumes {
			v := &c.Volumes[k]
			if err := span("a volume of "+what, v.From, v.To); err != nil {
				return err
			}
			if v.To == 0 || v.Unretired > v.Millijoules || v.Millijoules > math.MaxInt64 {
				return fmt.Errorf("a volume of %s is open, or is more than can be counted, or less than what is not retired of it", what)
			}
		}
		if volumes += len(c.Volumes); volumes > maxVolumes {
			return fmt.Errorf("contracts have more than %d volumes", maxVolumes)
		}
	}
	return nil
}
