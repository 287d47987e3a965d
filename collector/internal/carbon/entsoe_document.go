package carbon

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A document is an answer of ENTSO-E: generation and load (GL_MarketDocument),
// prices and flows (Publication_MarketDocument), or an acknowledgement, which
// says why there is none and may come with status 200. Names are matched
// without their namespaces, whose versions change.
type document struct {
	XMLName xml.Name
	Type    string   `xml:"type"`
	Created string   `xml:"createdDateTime"`
	Reasons []reason `xml:"Reason"`
	Series  []series `xml:"TimeSeries"`
}

type reason struct {
	Code string `xml:"code"`
	Text string `xml:"text"`
}

// A series is one curve. Generation names the zone that it is fed into,
// consumption the one that it is taken from, flows and prices both.
type series struct {
	Into     string   `xml:"inBiddingZone_Domain.mRID"`
	OutOf    string   `xml:"outBiddingZone_Domain.mRID"`
	To       string   `xml:"in_Domain.mRID"`
	From     string   `xml:"out_Domain.mRID"`
	Unit     string   `xml:"quantity_Measure_Unit.name"`
	Currency string   `xml:"currency_Unit.name"`
	Per      string   `xml:"price_Measure_Unit.name"`
	Contract string   `xml:"contract_MarketAgreement.type"`
	Sequence string   `xml:"classificationSequence_AttributeInstanceComponent.position"`
	Curve    string   `xml:"curveType"`
	Plant    string   `xml:"MktPSRType>psrType"`
	Periods  []period `xml:"Period"`
}

type period struct {
	Start      string  `xml:"timeInterval>start"`
	End        string  `xml:"timeInterval>end"`
	Resolution string  `xml:"resolution"`
	Points     []point `xml:"Point"`
}

type point struct {
	Position string `xml:"position"`
	Quantity string `xml:"quantity"`
	Price    string `xml:"price.amount"`
}

// errNoData says that ENTSO-E has nothing for what was asked.
var errNoData = errors.New("no data")

// noMatch is the code of an acknowledgement that only says so.
const noMatch = "999"

// parseDocument is the document of that kind and type in b.
func parseDocument(b []byte, root, kind string) (*document, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "us-ascii") || strings.EqualFold(charset, "iso-8859-1") {
			return r, nil // what is read of it is ASCII
		}
		return nil, fmt.Errorf("charset %q", charset)
	}
	var doc document
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	switch doc.XMLName.Local {
	case "Acknowledgement_MarketDocument":
		var texts []string
		for _, r := range doc.Reasons[:min(len(doc.Reasons), 3)] {
			texts = append(texts, strings.TrimSpace(r.Code+" "+r.Text))
		}
		text := strings.Join(texts, "; ")
		if text == "" {
			text = "no reason given"
		}
		if len(doc.Reasons) > 0 && doc.Reasons[0].Code == noMatch && strings.Contains(doc.Reasons[0].Text, "No matching data") {
			return nil, fmt.Errorf("%w: %s", errNoData, text)
		}
		return nil, fmt.Errorf("acknowledgement: %s", text)
	case root:
	default:
		return nil, fmt.Errorf("document %q where %s is wanted", doc.XMLName.Local, root)
	}
	if doc.Type != kind {
		return nil, fmt.Errorf("document of type %q where %s is wanted", doc.Type, kind)
	}
	return &doc, nil
}

// published is when the document was made, 0 if it does not say.
func (d *document) published() int64 {
	t, err := parseTime(d.Created)
	if err != nil {
		return 0
	}
	return t.Unix()
}

// parseTime reads a time, which may lack its seconds.
func parseTime(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse("2006-01-02T15:04Z", text); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("time %q", text)
	}
	return t.UTC(), nil
}

// A step is one value of a curve.
type step struct {
	from, to int64
	value    float64
}

// mostSteps bounds what a document may unfold to: a year of quarters of an hour
// for each type of generation.
const mostSteps = 1 << 20

// steps are the values of a series, in the order of time. In curve A03 a value
// that is left out is that of the position before, up to the end of its period;
// in A01 it is missing. Room is how many there may be, and is used up.
func (s *series) steps(room *int) ([]step, error) {
	repeat := false
	switch s.Curve {
	case "A01", "":
	case "A03":
		repeat = true
	default:
		return nil, fmt.Errorf("curve type %q is not known", s.Curve)
	}
	var list []step
	for i := range s.Periods {
		var err error
		if list, err = s.Periods[i].steps(list, repeat, room); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(list, func(a, b step) int { return int(min(max(a.from-b.from, -1), 1)) })
	return list, nil
}

func (p *period) steps(list []step, repeat bool, room *int) ([]step, error) {
	start, err := parseTime(p.Start)
	if err != nil {
		return nil, fmt.Errorf("period: %w", err)
	}
	end, err := parseTime(p.End)
	if err != nil {
		return nil, fmt.Errorf("period: %w", err)
	}
	var width int64
	switch p.Resolution {
	case "PT15M":
		width = 900
	case "PT30M":
		width = 1800
	case "PT60M", "PT1H":
		width = 3600
	default:
		return nil, fmt.Errorf("resolution %q is not known", p.Resolution)
	}
	from, length := start.Unix(), end.Unix()-start.Unix()
	if from < 0 || length <= 0 || length%width != 0 || from%quarter != 0 {
		return nil, fmt.Errorf("period from %s to %s is no whole number of %s", p.Start, p.End, p.Resolution)
	}
	n := length / width
	if n > int64(*room) {
		return nil, fmt.Errorf("more than %d values", mostSteps)
	}
	*room -= int(n)
	values := make([]float64, n)
	for i := range values {
		values[i] = math.NaN()
	}
	for _, q := range p.Points {
		at, err := strconv.ParseInt(strings.TrimSpace(q.Position), 10, 64)
		if err != nil || at < 1 || at > n {
			return nil, fmt.Errorf("position %q of %d", q.Position, n)
		}
		text := strings.TrimSpace(q.Quantity + q.Price)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || q.Quantity != "" && q.Price != "" {
			return nil, fmt.Errorf("value %q at position %d", text, at)
		}
		if old := values[at-1]; !math.IsNaN(old) && old != v {
			return nil, fmt.Errorf("two values at position %d", at)
		}
		values[at-1] = v
	}
	last := math.NaN()
	for i, v := range values {
		if math.IsNaN(v) && repeat {
			v = last
		}
		if last = v; !math.IsNaN(v) {
			list = append(list, step{from + int64(i)*width, from + int64(i+1)*width, v})
		}
	}
	return list, nil
}
