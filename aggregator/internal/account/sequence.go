package account

import "github.com/gigawatch/gigawatch/collector/metric"

// A Verdict is what became of a batch.
type Verdict uint8

const (
	Accepted  Verdict = iota // it is the next of its agent, and is booked
	Duplicate                // it was booked before
	Hole                     // one before it is missing; the agent must go back
	Zombie                   // an earlier life of the agent sent it
	Invalid                  // it cannot be read; if it was the next, it is passed over
)

func (v Verdict) String() string {
	if int(v) < len(verdicts) {
		return verdicts[v]
	}
	return "unknown"
}

var verdicts = [...]string{"accepted", "duplicate", "hole", "zombie", "invalid"}

// AlarmKind says what a person should know of.
type AlarmKind string

// The alarms. Readings that are set aside are booked as soon as a later one
// shows what they were.
const (
	Quarantined AlarmKind = "quarantined" // a reading that physics does not allow is set aside
	Rebased     AlarmKind = "rebased"     // a register was set or replaced; the jump is not booked
	Glitch      AlarmKind = "glitch"      // a lifetime that seemed to end did not; its energy is booked once
	Conflict    AlarmKind = "conflict"    // two agents report one device at once; the first is believed
	Clock       AlarmKind = "clock"       // an agent's clocks disagree
	Frozen      AlarmKind = "frozen"      // a counter stands still while power flows
	Joined      AlarmKind = "joined"      // an agent is taken on from a record that is not its first
	Lost        AlarmKind = "lost"        // an agent no longer has the records that are missing
	Revenant    AlarmKind = "zombie"      // a record of an earlier life of an agent, or of its clone
	Overflow    AlarmKind = "overflow"    // a sum does not fit; the reading is not booked
	Full        AlarmKind = "full"        // more things are reported than are told apart
	Discarded   AlarmKind = "discarded"   // energy of hours that were sealed before the state was lost
	Overclaimed AlarmKind = "overclaimed" // jobs claim more of a board or host than there is
	Shortfall   AlarmKind = "shortfall"   // a host's counter shows less than its boards drew
)

// An Alarm names what it is about.
type Alarm struct {
	Kind   AlarmKind
	Device string // uuid, host or meter; "" if it is the agent
	Detail string
}

// An Outcome is what became of a batch, and why.
type Outcome struct {
	Verdict Verdict
	Reason  string // "" if accepted
	Alarms  []Alarm
}

func (o *Outcome) alarm(k AlarmKind, device, detail string) {
	o.Alarms = append(o.Alarms, Alarm{k, device, detail})
}

// An agent is the source of one ledger lane.
type agent struct {
	name string
	clock
	incarnation uint64
	sequence    uint64 // last accepted; 0: none
	stamp       int64  // wall clock of it, as sent
	waiting     uint64 // lowest sequence number that came beyond a hole, be it as given up; 0: none
	since       int64  // its first arrival
	beyond      int64  // newest arrival beyond the hole
	gap         bool   // records before the next were given up
	restarted   bool   // the next is of another life than the last that was read
	jobs        bool   // it tells who holds its boards
	dirty       bool   // its watermark has moved since it was last told
	plan        *plan  // of its newest layout; not kept
}

// How long an agent that sends nothing older is waited for: longer than it takes
// a lost record to be sent again. An agent unknown here may
// have had its older records acknowledged by a state that is lost.
const (
	patienceUnknown = 2 * minute
	patienceKnown   = 10 * minute
	patienceSilent  = 90_000     // ms; who was silent for so long may send what is missing first
	patienceProbe   = 5 * minute // an agent sends its oldest again at least so often

	young = 60 // records, of which an agent that is new here has sent no more before the first is missed
)

// admit applies the rules of sequence and, if b is accepted,
// moves the watermark.
func (a *agent) admit(b *metric.Batch, arrived int64) (o Outcome) {
	first := b.Sequence
	if b.Flags&metric.Gap != 0 {
		first = b.Sequence - b.Skipped + 1
	}
	next := first <= a.sequence+1 && b.Sequence > a.sequence
	early := a.sequence > 0 && a.overtaken(b)
	switch {
	case b.Incarnation > a.incarnation && b.Flags&metric.Fresh != 0:
	case b.Incarnation > a.incarnation && b.Flags&(metric.Began|metric.Oldest) != 0 && first <= a.sequence+1 && !early: // what has its number is another record
	case b.Incarnation > a.incarnation && (b.Sequence <= a.sequence || early):
		if !a.outwaited(first, arrived) {
			o.Verdict, o.Reason = Hole, "the first record of its life, or of one before, is missing"
			return o
		}
		a.gap = true
	case b.Sequence <= a.sequence:
		if b.Sequence == a.sequence && b.Incarnation == a.incarnation && b.Time != a.stamp {
			o.alarm(Revenant, "", "two records bear the same number")
		}
		o.Verdict, o.Reason = Duplicate, "known already"
		return o
	case b.Incarnation < a.incarnation:
		o.Verdict, o.Reason = Zombie, "an earlier life of the agent"
		o.alarm(Revenant, "", "a record of an earlier life of the agent")
		return o
	case next && a.sequence > 0, first == 1:
	case !a.outwaited(first, arrived):
		o.Verdict, o.Reason = Hole, "a record before it is missing"
		return o
	case a.sequence == 0:
		o.alarm(Joined, "", "taken on in the middle")
		a.gap = true
	default:
		o.alarm(Lost, "", "records are missing for good")
		a.gap = true
	}
	a.restarted = a.restarted || b.Incarnation != a.incarnation
	a.incarnation, a.sequence, a.stamp = b.Incarnation, b.Sequence, b.Time
	a.waiting, a.since, a.beyond = 0, 0, 0
	return o
}

// overtaken reports whether b, of a life later than the known one, came before what was to come
// before it: the first record of its life, or any of a life between. A spool that is lost, or a
// power cut, lets numbers begin below those of the lives before, so that they do not tell.
func (a *agent) overtaken(b *metric.Batch) bool {
	switch {
	case b.Incarnation <= a.incarnation || b.Flags&(metric.Fresh|metric.Oldest) != 0:
		return false
	case b.Flags&(metric.Began|metric.Gap) == metric.Began:
		return b.Skipped > 0 && b.Skipped < b.Incarnation && b.Incarnation-b.Skipped > a.incarnation
	}
	return b.Flags&metric.Began == 0
}

// outwaited reports whether what is missing before a record beyond a hole, which begins
// at first, was waited for long enough: the agent sends and sends, and nothing older came.
// An agent begins again with the oldest it has, so that this one comes again; what is newer
// waits for it, or, if it was lost meanwhile, begins to be waited for itself. Of an unknown
// agent that is not young the oldest may have been acknowledged by a state that is lost: it
// comes no more.
func (a *agent) outwaited(first uint64, arrived int64) bool {
	patience, again := patienceKnown, true
	if a.sequence == 0 && first > young && (a.waiting == 0 || a.waiting > young) {
		patience, again = patienceUnknown, false
	}
	silence, waited := arrived-a.beyond, arrived-a.since
	silent := silence > patienceSilent && (first != a.waiting || silence > patienceProbe)
	a.beyond = arrived
	switch {
	case a.waiting == 0 || first < a.waiting || silent:
		a.waiting, a.since = first, arrived
		return false
	case again && first > a.waiting && waited >= patience+patienceProbe: // it was lost meanwhile, or it would have come again
		a.waiting, a.since = first, arrived-patience+patienceProbe
		return false
	}
	return waited >= patience && (!again || first == a.waiting)
}
