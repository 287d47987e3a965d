package odata

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Link is the path of another resource.
type Link struct {
	ID string `json:"@odata.id"`
}

// A Collection is a list of links.
type Collection struct{ Members []Link }

// A Number is a member of a resource that should hold one. Services leave it out,
// make it null, or write text there; none of that spoils the rest of the
// resource.
type Number struct{ text string }

// Longest text that is read as a number, or shown of what is none.
const longestNumber = 64

// Why there is no number.
var (
	ErrAbsent = errors.New("not reported")
	ErrNull   = errors.New("null")
)

// UnmarshalJSON keeps what stands there; nothing is wrong yet.
func (n *Number) UnmarshalJSON(b []byte) error {
	n.text = string(b[:min(len(b), longestNumber+1)])
	return nil
}

// Text is the number as it was written; the error says why there is none.
func (n Number) Text() (string, error) {
	text := n.text
	switch {
	case text == "":
		return "", ErrAbsent
	case text == "null":
		return "", ErrNull
	case len(text) > longestNumber:
		return "", fmt.Errorf("%q… is too long for a number", text[:longestNumber])
	case text[0] == '"': // some write numbers as text
		text = strings.TrimSpace(strings.Trim(text, `"`))
	}
	return text, nil
}

// Value is the number; the error says why there is none.
func (n Number) Value() (float64, error) {
	text, err := n.Text()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q", text)
	}
	return v, nil
}

// An Excerpt is what a resource shows of a sensor: an object with the reading in
// it, or of late only the reading.
type Excerpt struct {
	Reading, LifetimeReading Number
	SensorResetTime          string
}

// UnmarshalJSON takes both forms.
func (e *Excerpt) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return e.Reading.UnmarshalJSON(b)
	}
	type object Excerpt
	return Lenient(json.Unmarshal(b, (*object)(e)))
}

// Lenient passes over members of another type than the schema's: the decoder
// leaves them out and goes on.
func Lenient(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return nil
	}
	return err
}
