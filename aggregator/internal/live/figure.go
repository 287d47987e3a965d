package live

import (
	"fmt"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Figure is a power with what is known of it. Watts is nil where there is a
// Reason.
type Figure struct {
	Watts    *float64 `json:"watts"`
	Coverage float64  `json:"coverage"`           // share of the expected readings that came
	Category int      `json:"category,omitempty"` // of IT: 1 UPS output, 2 PDU output, 3 IT input
	Reason   string   `json:"reason"`
	Note     string   `json:"note,omitempty"` // what to know of it
}

// power is the site's power inside a boundary at the second last closed.
func (s *site) power(b metric.Boundary) Figure {
	switch b {
	case metric.Facility:
		supplies := int32(0)
		for _, q := range []quantity{gridWatts, generatorWatts, onsiteWatts} {
			all, _, _ := s.meterCounts(q)
			supplies += all
		}
		if supplies == 0 {
			return Figure{Reason: "no facility meter"}
		}
		return s.metered("facility", gridWatts, generatorWatts, onsiteWatts, exportWatts, outsideWatts)
	case metric.IT:
		return s.it()
	case metric.Hosts:
		return figure(s.now[hostWatts], awaited(s.counts[hostWatts], s.known.Hosts, s.recalled.Hosts, s.expected.Hosts), "no node power")
	}
	return figure(s.now[gpuWatts], awaited(s.counts[gpuWatts], s.known.GPUs, s.recalled.GPUs, s.expected.GPUs), "no GPU reports power")
}

// awaited is of how many things their power is: of those that said it, of those known
// only from before the start if all others say it, of those that are stated.
func awaited(said int32, known, recalled, stated int) int {
	if int(said) >= known-recalled {
		return max(int(said), known, stated)
	}
	return max(int(said), stated)
}

// it is the power of IT: where the plan says that it is metered, else at the
// outermost point that is.
func (s *site) it() Figure {
	at := [...]quantity{upsWatts, pduWatts, itWatts}
	if s.category > 0 {
		if all, _, _ := s.meterCounts(at[s.category-1]); all > 0 {
			f := s.metered("IT", at[s.category-1])
			f.Category = s.category
			return f
		}
	}
	for i, q := range at {
		if all, _, _ := s.meterCounts(q); all > 0 {
			f := s.metered("IT", q)
			f.Category = i + 1
			return f
		}
	}
	return Figure{Reason: "no IT meter"}
}

// metered is what all meters of some quantities come to. A sum without one of
// them would look whole, so that it takes every one.
func (s *site) metered(boundary string, of ...quantity) Figure {
	var watts float64
	var came, all int32
	var lacks []string
	for _, q := range of {
		t := s.now[q]
		n, saying, odd := s.meterCounts(q)
		came, all = came+t.n, all+n
		if l := lack(q, t.n, saying, n, odd); l != "" {
			lacks = append(lacks, l)
		}
		if q == exportWatts || q == outsideWatts {
			watts -= t.sum
		} else {
			watts += t.sum
		}
	}
	f := Figure{Coverage: float64(came) / float64(all), Reason: strings.Join(lacks, ", "), Note: s.stoodIn(of...)}
	switch {
	case came == 0 && !strings.Contains(f.Reason, beyond):
		f.Reason = boundary + " meters are silent"
	case len(lacks) == 0:
		f.Watts = &watts
	}
	return f
}

// beyond is what meters say that is not believed.
const beyond = "more than the rating allows"

// lack says how many meters of quantity q are missing, of all there are, of
// which some say their power and some what cannot be; "" if none is.
func lack(q quantity, came, saying, all, odd int32) string {
	var missing int32
	one, many := "is silent", "are silent"
	switch {
	case saying < all:
		missing, one, many = all-saying, "does not say its power", "do not say their power"
	case odd > 0:
		missing, one, many = odd, "says "+beyond, "say "+beyond
	case came < all:
		missing = all - came
	default:
		return ""
	}
	switch {
	case all == 1:
		return fmt.Sprintf("the %s meter %s", roleOf[q], one)
	case missing == 1:
		return fmt.Sprintf("1 of %d %s meters %s", all, roleOf[q], one)
	}
	return fmt.Sprintf("%d of %d %s meters %s", missing, all, roleOf[q], many)
}

// figure is a sum of what came, with its share of what is expected: one host
// more or less does not blank a site.
func figure(t total, expected int, none string) Figure {
	if t.n == 0 {
		return Figure{Reason: none}
	}
	w := t.sum
	return Figure{Watts: &w, Coverage: min(1, float64(t.n)/float64(expected))}
}
