package agent

import (
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// inlineEvery is how many batches may refer to a layout before it is sent
// again: a reader that joins late waits no longer than that.
const inlineEvery = 60

// telemetryLane sends one agent's ticks. Owned by one goroutine.
type telemetryLane struct {
	site, agent string
	subject     string
	incarnation uint64
	sequence    uint64
	until       int // batches until the layout is due again
	back        mark
	layout      *metric.Layout
	compiled    *wire.Layout
	encoded     []byte
}

// mark is where a lane stood before its newest batch.
type mark struct {
	sequence uint64
	until    int
}

func newTelemetryLane(site, agent string, incarnation uint64) *telemetryLane {
	return &telemetryLane{
		site: site, agent: agent, incarnation: incarnation,
		subject: wire.Subject(metric.Telemetry, site, agent),
	}
}

// encode makes the next batch, valid until the next call. The first batch of an
// incarnation and of a layout, and every sixtieth, carry the layout.
func (l *telemetryLane) encode(now time.Time, boottime int64, flags metric.Flags, layout *metric.Layout, values []metric.Raw) ([]byte, error) {
	if layout != l.layout {
		compiled, err := wire.Compile(layout)
		if err != nil {
			return nil, fmt.Errorf("compile telemetry layout of %s: %w", l.agent, err)
		}
		l.layout, l.compiled, l.until = layout, compiled, 0
	}
	inline, until := l.until == 0, l.until
	if inline {
		// Spread by name, so that a fleet started at once does not repeat its
		// layouts at once.
		until = inlineEvery
		if l.sequence == 0 {
			until = 1 + int(phase(l.agent, inlineEvery, 1))
			flags |= metric.Fresh
		}
	}
	b := metric.Batch{
		Site: l.site, Agent: l.agent, Lane: metric.Telemetry, Flags: flags,
		Incarnation: l.incarnation, Sequence: l.sequence + 1,
		Time: now.UnixMilli(), Boottime: boottime, Ticks: 1, Values: values,
	}
	encoded, err := wire.Append(l.encoded[:0], &b, l.compiled, inline)
	if err != nil {
		return nil, fmt.Errorf("encode telemetry batch %d of %s: %w", b.Sequence, l.agent, err)
	}
	l.encoded, l.back = encoded, mark{l.sequence, l.until}
	l.sequence, l.until = b.Sequence, until-1
	return encoded, nil
}

// takeBack makes the newest batch as if it had not been.
func (l *telemetryLane) takeBack() { l.sequence, l.until = l.back.sequence, l.back.until }

// repeat makes the next batch carry the layout: those that did may have gone
// astray.
func (l *telemetryLane) repeat() { l.until = 0 }
