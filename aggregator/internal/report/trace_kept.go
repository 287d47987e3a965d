package report

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// TraceSchema is that of traces that are kept; readers refuse another.
const TraceSchema = "gigawatch-trace/1"

// mostTrace bounds what a kept trace unpacks to.
const mostTrace = 128 << 20

// A keptTrace is a Trace beside the record that was locked.
type keptTrace struct {
	Schema string            `json:"schema"`
	From   int64             `json:"from"`
	To     int64             `json:"to"`
	Zone   string            `json:"tz"`
	Terms  map[string][]term `json:"terms"`
	Tracks []keptTrack       `json:"tracks"`
}

// A keptTrack is a track. Of an hour there are its covered and expected time, flags,
// the estimate, and what was read by quality; zeros at the end are left out.
type keptTrack struct {
	Name  string     `json:"name"`
	Of    []member   `json:"of,omitempty"`
	Hours [][]uint64 `json:"hours"`
}

const beforeRead = 4 // numbers of an hour before what was read

// Bytes is t as it is kept: the same bytes for the same trace.
func (t *Trace) Bytes() ([]byte, error) {
	k := keptTrace{Schema: TraceSchema, From: t.from, To: t.to, Zone: t.zone.String(), Terms: t.terms}
	for _, name := range slices.Sorted(maps.Keys(t.tracks)) {
		x := keptTrack{Name: name, Of: t.tracks[name].of, Hours: make([][]uint64, len(t.tracks[name].hours))}
		for i := range x.Hours {
			x.Hours[i] = t.tracks[name].hours[i].row()
		}
		k.Tracks = append(k.Tracks, x)
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if err := errors.Join(json.NewEncoder(z).Encode(k), z.Close()); err != nil {
		return nil, fmt.Errorf("keep hours: %w", err)
	}
	return out.Bytes(), nil
}

func (h *tracked) row() []uint64 {
	flags := uint64(0)
	for i, is := range []bool{h.backup, h.completed, h.corrected, h.estimated} {
		if is {
			flags |= 1 << i
		}
	}
	row := append([]uint64{uint64(h.covered), uint64(h.met), flags, h.guess}, h.read[:]...)
	for len(row) > 0 && row[len(row)-1] == 0 {
		row = row[:len(row)-1]
	}
	return row
}

// ParseTrace reads a trace as it was kept.
func ParseTrace(b []byte) (*Trace, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("read hours: %w", err)
	}
	var k keptTrace
	d := json.NewDecoder(io.LimitReader(z, mostTrace))
	d.DisallowUnknownFields()
	if err := d.Decode(&k); err != nil {
		return nil, fmt.Errorf("read hours: %w", err)
	}
	zone, err := time.LoadLocation(k.Zone)
	switch first := k.From / hourMillis; {
	case k.Schema != TraceSchema:
		return nil, fmt.Errorf("read hours: schema %q is not %q", k.Schema, TraceSchema)
	case err != nil:
		return nil, fmt.Errorf("read hours: %w", err)
	case k.From < 0 || k.To < k.From || k.To-k.From > 367*24*hourMillis:
		return nil, errors.New("read hours: they are not of a year")
	default:
		t := &Trace{from: k.From, to: k.To, zone: zone, terms: k.Terms, tracks: map[string]*track{}}
		for i := range k.Tracks {
			if err := t.take(&k.Tracks[i], first, (k.To+hourMillis-1)/hourMillis-first); err != nil {
				return nil, err
			}
		}
		return t, t.check()
	}
}

func (t *Trace) take(k *keptTrack, first, hours int64) error {
	if int64(len(k.Hours)) != hours || t.tracks[k.Name] != nil {
		return fmt.Errorf("read hours: %q has %d of %d, or stands twice", k.Name, len(k.Hours), hours)
	}
	x := &track{first: first, of: k.Of, hours: make([]tracked, hours)}
	for i, row := range k.Hours {
		if len(row) > beforeRead+int(metric.Qualities) {
			return fmt.Errorf("read hours: %q has an hour of %d numbers", k.Name, len(row))
		}
		var all [beforeRead + metric.Qualities]uint64
		copy(all[:], row)
		if all[0] > uint64(hourMillis) || all[1] > uint64(hourMillis) || all[2] > 15 {
			return fmt.Errorf("read hours: %q has an hour that is none", k.Name)
		}
		h := &x.hours[i]
		h.covered, h.met, h.guess = int64(all[0]), int64(all[1]), all[3]
		h.backup, h.completed, h.corrected, h.estimated = all[2]&1 > 0, all[2]&2 > 0, all[2]&4 > 0, all[2]&8 > 0
		copy(h.read[:], all[beforeRead:])
	}
	t.tracks[k.Name] = x
	return nil
}

// check says what of the terms cannot be.
func (t *Trace) check() error {
	for key, of := range t.terms {
		r, ok := recipes[key]
		if !ok || r.known != "" && t.tracks[r.known] == nil {
			return fmt.Errorf("read hours: %q is made of none", key)
		}
		for i := range of {
			x := &of[i]
			if x.Track == "" && x.Spread == nil || x.Track != "" && t.tracks[x.Track] == nil || x.Share < 0 || x.Share > perM || x.Spread != nil && x.Spread.Sign() < 0 {
				return fmt.Errorf("read hours: a term of %s is none", key)
			}
		}
	}
	return nil
}
