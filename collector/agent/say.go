package agent

import "time"

// Cadence of what is said of sources.
const (
	lookEvery = 5 * time.Second
	sayEvery  = time.Minute // the same source at most so often, save at first
)

// said is what was said of a source.
type said struct {
	text string
	at   time.Time
}

// say logs a line a source: what it found, what was refused and why; and again
// when that has changed.
func (a *agent) say(now time.Time) {
	if since := now.Sub(a.looked); 0 <= since && since < lookEvery {
		return
	}
	a.looked = now
	for _, r := range a.runners {
		text := describe(r.Source)
		if text == r.said.text || !r.said.at.IsZero() && now.Sub(r.said.at).Abs() < sayEvery {
			continue
		}
		r.said = said{text, now}
		a.log.Info("source", "name", r.Name(), "found", text)
	}
}
