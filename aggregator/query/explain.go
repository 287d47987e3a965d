package query

import (
	"strconv"
	"time"
)

// An Explanation is what the figure of one line is the sum of.
type Explanation struct {
	Entries     []EnergyEntry `json:"entries"`
	From        int           `json:"from"`        // entries before the first one here
	Total       int           `json:"total"`       // entries there are
	Next        int           `json:"next"`        // to go on from; 0: these are the last
	Millijoules string        `json:"millijoules"` // of all there are: the figure
}

// An EnergyEntry is one addend of a figure.
type EnergyEntry struct {
	// Kind: hour, a row of a sealed hour; restatement, of what came after that;
	// open, of what is not sealed; correction, what corrected readings add; stated,
	// what the site file makes of it; outside, what is used outside of the data centre.
	Kind   string    `json:"kind"`
	Hour   time.Time `json:"hour"`
	Leaf   *int64    `json:"leaf,omitempty"`        // of the site's log
	File   string    `json:"file_sha256,omitempty"` // of the hour's file that the leaf is of
	Device string    `json:"device,omitempty"`
	Of     string    `json:"of,omitempty"` // what the device is
	Metric string    `json:"metric,omitempty"`
	Role   string    `json:"role,omitempty"` // of a meter, as it counts here
	Hall   string    `json:"hall,omitempty"`
	Rack   string    `json:"rack,omitempty"`
	Host   string    `json:"host,omitempty"`
	Job    string    `json:"job,omitempty"`
	Tenant string    `json:"tenant,omitempty"`

	Quality     string      `json:"quality"`
	Millijoules SignedExact `json:"millijoules"` // below zero where it takes away
	Why         string      `json:"why,omitempty"`
}

// SignedExact is [Exact] of what may be below zero.
type SignedExact int64

// MarshalText is the decimal string.
func (e SignedExact) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(e), 10), nil }

// UnmarshalText reads a decimal string.
func (e *SignedExact) UnmarshalText(b []byte) error {
	n, err := strconv.ParseInt(string(b), 10, 64)
	*e = SignedExact(n)
	return err
}
