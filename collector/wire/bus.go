package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Subject is where agent of site publishes in a lane.
func Subject(lane metric.Lane, site, agent string) string {
	return laneName(lane) + "." + site + "." + agent
}

func laneName(lane metric.Lane) string {
	if lane == metric.Ledger {
		return "ledger"
	}
	return "telemetry"
}

// SplitSubject is the inverse of [Subject].
func SplitSubject(subject string) (lane metric.Lane, site, agent string, err error) {
	head, rest, _ := strings.Cut(subject, ".")
	switch head {
	case "telemetry":
		lane = metric.Telemetry
	case "ledger":
		lane = metric.Ledger
	}
	site, agent, ok := strings.Cut(rest, ".")
	if lane == 0 || !ok || !metric.ValidName(site) || !metric.ValidName(agent) {
		return 0, "", "", fmt.Errorf("subject %q is no lane.site.agent", subject)
	}
	return lane, site, agent, nil
}

// AckSubject is where the aggregator tells agent of site what is durable; "*"
// for the agent listens to all of the site's.
func AckSubject(site, agent string) string { return "ctl." + site + "." + agent + ".ack" }

// An Ack says that everything in an agent's ledger lane up to Sequence is
// durable at the aggregator. Its form is
//
//	| "GWA1" 4 | incarnation u64 | sequence u64 |   big endian, 20 bytes
type Ack struct {
	Incarnation uint64 // of the batch numbered Sequence
	Sequence    uint64
}

const ackMagic = "GWA1"

// AppendAck appends the wire form of a.
func AppendAck(dst []byte, a Ack) []byte {
	dst = append(dst, ackMagic...)
	dst = binary.BigEndian.AppendUint64(dst, a.Incarnation)
	return binary.BigEndian.AppendUint64(dst, a.Sequence)
}

// ErrAck is returned for bytes that are no [Ack].
var ErrAck = errors.New("not an acknowledgement")

// ParseAck reads what [AppendAck] wrote.
func ParseAck(b []byte) (Ack, error) {
	if len(b) != len(ackMagic)+16 || string(b[:len(ackMagic)]) != ackMagic {
		return Ack{}, fmt.Errorf("%w: %d bytes", ErrAck, len(b))
	}
	return Ack{binary.BigEndian.Uint64(b[4:]), binary.BigEndian.Uint64(b[12:])}, nil
}
