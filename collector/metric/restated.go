package metric

import "time"

// Quarter is the interval of a [Restated] batch. Its ticks are quarters of an hour
// of UTC that are over, and its values are what the gauges of the grid should have
// shown in them, missing where nothing is restated. A word of one provider is an
// entity of kind [Zone] with these labels.
//
// Such a batch carries the flag [Gap] too, and skips the one number that is its
// own: to a reader of before it is a record that was given up, of which nothing is
// booked.
const Quarter = 15 * time.Minute

// Labels of a restated [Zone].
const (
	LabelProvider = "provider"
	LabelTier     = "tier"   // of evidence
	LabelSet      = "set"    // of emission factors, or how the provider came to its figure
	LabelReason   = "reason" // for people
	LabelFound    = "found"  // when, RFC 3339: what was found later counts
)
