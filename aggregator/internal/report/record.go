package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
)

// Schema is that of records; readers refuse another.
const Schema = "gigawatch-report/1"

// A Record is what is reported of a site's year, neutral of any format. It is whole
// in itself: whoever has it needs neither the site file nor the ledger to read it.
type Record struct {
	Schema     string      `json:"schema"`
	RuleSet    RuleSetID   `json:"rule_set"`
	Site       string      `json:"site"`
	SiteName   string      `json:"site_name"`
	EntityRef  string      `json:"entity_ref,omitempty"` // as the coordinator of the Member State issued them
	DCRef      string      `json:"dc_ref,omitempty"`
	Country    string      `json:"country,omitempty"`
	Period     Period      `json:"period"`
	Due        string      `json:"due,omitempty"`
	Scope      Scope       `json:"scope"`
	About      []Entry     `json:"annex1"`
	Figures    []Figure    `json:"annex2"`
	Indicators []Figure    `json:"annex3"`
	Size       string      `json:"size_class,omitempty"` // Annex IV
	Previews   []Preview   `json:"previews,omitempty"`   // by rules that are not in force yet
	Inside     []Figure    `json:"internal"`             // not asked for: load, carbon, balance
	Months     []Month     `json:"months"`
	Meters     []Meter     `json:"meters"`
	Gaps       []Gap       `json:"gaps,omitempty"`
	Guarantees []Guarantee `json:"guarantees,omitempty"`
	Agreements []Agreement `json:"agreements,omitempty"`
	Evidence   []Evidence  `json:"evidence"`
	Issues     []Issue     `json:"issues"`
	Ledger     Books       `json:"ledger"`
	Program    string      `json:"program,omitempty"` // version that made it
}

// A RuleSetID names the rules of a record, and their text.
type RuleSetID struct {
	ID     string   `json:"id"`
	Status string   `json:"status"`
	SHA256 string   `json:"sha256"`
	Law    []string `json:"law"`
}

// A Period is the time that a record is of. To is the last day.
type Period struct {
	Year     int    `json:"year"`
	From     string `json:"from"`
	To       string `json:"to"`
	TimeZone string `json:"tz"`
	Hours    int64  `json:"hours"`
	Partial  bool   `json:"partial"`         // the site was not in operation for all of the year
	Open     bool   `json:"open,omitempty"`  // the year is not over: figures are of what is
	Until    string `json:"until,omitempty"` // of an open one: what figures reach to, UTC
	Says     string `json:"statement"`

	from, to int64 // ms since 1970, half-open; to at most when it was made
	end      int64 // of the year
}

// A Scope says whether the site must report.
type Scope struct {
	Must     bool   `json:"must_report"`
	Known    bool   `json:"known"`
	Because  string `json:"because"`
	Evidence string `json:"evidence,omitempty"`
}

// Qualities of a figure.
const (
	QualityMeasured   = "measured"
	QualityEstimated  = "estimated"  // in good part
	QualityCalculated = "calculated" // from others, or from what is stated
	QualityEntered    = "entered"    // by the operator
)

// A Figure is one of a record, or the reason why there is none.
type Figure struct {
	Key      string             `json:"key"`
	Point    string             `json:"point,omitempty"`
	Symbol   string             `json:"symbol,omitempty"`
	Title    string             `json:"title"`
	Unit     string             `json:"unit,omitempty"`
	Value    *Decimal           `json:"value,omitempty"`
	Is       *bool              `json:"is,omitempty"`   // of a question
	List     []string           `json:"list,omitempty"` // of kinds
	None     bool               `json:"none,omitempty"` // of a list: that there are none is stated
	Missing  string             `json:"missing,omitempty"`
	Quality  string             `json:"quality,omitempty"`
	Shares   map[string]Decimal `json:"shares,omitempty"` // of Value, by how it came to be known
	Coverage *Decimal           `json:"coverage_pct,omitempty"`
	At       string             `json:"measured_at,omitempty"`
	Meters   []string           `json:"meters,omitempty"`
	Method   string             `json:"method,omitempty"`
	Evidence string             `json:"evidence,omitempty"`
	Notes    []string           `json:"notes,omitempty"`
	Unknown  string             `json:"unknown,omitempty"` // of its rule

	exact *big.Rat // before it was rounded
}

// set gives f a value.
func (f *Figure) set(v *big.Rat, decimals int) {
	d, ok := decimalOf(v, decimals)
	if !ok {
		f.Missing = "it is more than can be written"
		return
	}
	f.Value, f.exact = &d, v
}

// known reports whether there is a number.
func (f *Figure) known() bool { return f != nil && f.Value != nil }

// rat is the value as it is reported: what follows from a record follows from what
// stands in it.
func (f *Figure) rat() *big.Rat { return f.Value.Rat() }

// An Entry is what an operator states about a site.
type Entry struct {
	Key      string `json:"key"`
	Point    string `json:"point,omitempty"`
	Title    string `json:"title"`
	Value    string `json:"value,omitempty"`
	Missing  string `json:"missing,omitempty"`
	Evidence string `json:"evidence,omitempty"`
}

// A Preview is what rules that are not in force would make of the figures.
type Preview struct {
	RuleSet  RuleSetID `json:"rule_set"`
	Official bool      `json:"official"` // never
	Says     string    `json:"statement"`
	Figures  []Figure  `json:"figures"`
	Classes  []Class   `json:"classes,omitempty"`
	Limits   []Finding `json:"limits,omitempty"` // of a country
	Unknown  []string  `json:"unknown,omitempty"`
}

// A Class is where an indicator stands on a scale.
type Class struct {
	Of      string `json:"of"`
	Class   string `json:"class,omitempty"`
	Missing string `json:"missing,omitempty"`
}

// A Month is one of the period.
type Month struct {
	Month    string   `json:"month"`
	Facility *Decimal `json:"e_dc_kwh,omitempty"`
	IT       *Decimal `json:"e_it_kwh,omitempty"`
	Water    *Decimal `json:"w_in_m3,omitempty"`
	Reuse    *Decimal `json:"e_reuse_kwh,omitempty"`
	PUE      *Decimal `json:"pue,omitempty"`
	Load     *Decimal `json:"mean_it_kw,omitempty"`
	Coverage *Decimal `json:"coverage_pct,omitempty"` // of what facility and IT rest on
}

// A Meter is what one showed, and what stands behind that.
type Meter struct {
	ID         string       `json:"id"`
	Role       string       `json:"role"`
	Point      string       `json:"point,omitempty"`
	Unit       string       `json:"unit"`
	Amount     Decimal      `json:"amount"`              // read
	Estimated  *Decimal     `json:"estimated,omitempty"` // besides, for what was not
	Coverage   *Decimal     `json:"coverage_pct,omitempty"`
	LongestGap int64        `json:"longest_gap_minutes,omitempty"`
	TakenOff   bool         `json:"taken_off,omitempty"`
	Devices    []MeterPlate `json:"devices,omitempty"`
}

// A MeterPlate is a device that stood at the point of a meter in the period.
type MeterPlate struct {
	Serial     string `json:"serial,omitempty"`
	Model      string `json:"model,omitempty"`
	Accuracy   string `json:"accuracy_class,omitempty"`
	Calibrated string `json:"calibrated,omitempty"`
	From       string `json:"from,omitempty"`
	To         string `json:"to,omitempty"`
	Initial    string `json:"initial_register,omitempty"`
	Final      string `json:"final_register,omitempty"`
}

// A Gap is a time in which a meter was not read, of more than a quarter of an hour.
type Gap struct {
	Meter     string   `json:"meter"`
	From      string   `json:"from"`
	Minutes   int64    `json:"minutes"`
	Estimated *Decimal `json:"estimated,omitempty"` // kWh or m³; nil: nothing is known to estimate it by
	Unit      string   `json:"unit"`
	Method    string   `json:"method"`
}

// A Guarantee is a batch of guarantees of origin and what counts of it.
type Guarantee struct {
	ID       string  `json:"id"`
	Of       string  `json:"of"` // purchase, agreement, own_generation
	KWh      Decimal `json:"kwh"`
	Counts   Decimal `json:"counts_kwh"`
	Year     int     `json:"year,omitempty"`
	Produced string  `json:"produced,omitempty"`
	Retired  string  `json:"retired,omitempty"`
	Why      string  `json:"why,omitempty"` // it does not count, or not whole
	Evidence string  `json:"evidence,omitempty"`
}

// An Agreement is a power purchase agreement and what counts of it.
type Agreement struct {
	Name      string   `json:"name"`
	Delivered *Decimal `json:"delivered_kwh,omitempty"`
	Unretired Decimal  `json:"not_retired_kwh"`
	Counts    Decimal  `json:"counts_kwh"`
	Contract  *Decimal `json:"contract_kwh,omitempty"`
	How       string   `json:"how"`
	Why       string   `json:"why,omitempty"`
	Evidence  string   `json:"evidence,omitempty"`
}

// Evidence is what proves what was entered.
type Evidence struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Text  string `json:"evidence"`
}

// Books are the ledger that a record rests on.
type Books struct {
	Leaves    int64  `json:"log_leaves"`
	Root      string `json:"log_root,omitempty"`
	Terms     string `json:"terms"` // version of what the operator states
	Files     int    `json:"hour_files"`
	Unsealed  int64  `json:"unsealed_hours,omitempty"`
	Simulated bool   `json:"simulated,omitempty"`
}

// Figure is the one called key of all lists; nil if there is none.
func (r *Record) Figure(key string) *Figure {
	for _, list := range [][]Figure{r.Figures, r.Indicators, r.Inside} {
		for i := range list {
			if list[i].Key == key {
				return &list[i]
			}
		}
	}
	return nil
}

// Blocked reports whether an issue forbids to lock the record.
func (r *Record) Blocked() bool {
	for i := range r.Issues {
		if r.Issues[i].Severity == Error {
			return true
		}
	}
	return false
}

// JSON is the record as it is kept: the same bytes for the same record.
func (r *Record) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("write record of %s: %w", r.Site, err)
	}
	return b.Bytes(), nil
}

// Hash is the SHA-256 of the record's JSON, hexadecimal.
func Hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// ParseRecord reads a record from its JSON.
func ParseRecord(b []byte) (*Record, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	r := &Record{}
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("read record: schema %q is not %q", r.Schema, Schema)
	}
	return r, nil
}
