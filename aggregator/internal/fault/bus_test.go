package fault

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

var errAway = errors.New("no connection to the bus")

// A lane is what JetStream promises of a stream, and no more: what it stored it
// delivers in its order, from the number that is asked for; it may lose what it
// has, and begin anew under the same name. Messages come when deliver is called.
type lane struct {
	jetstream.JetStream // nil: what a reader must not need panics

	created time.Time
	stored  []stored
	last    uint64
	down    bool // no connection
	frozen  bool // its disk is full: what comes is gone, and nobody is told
	mu      sync.Mutex
	readers []*reader
}

type stored struct {
	subject  string
	bytes    []byte
	sequence uint64
	at       time.Time
}

func newLane() *lane { return &lane{created: time.Now()} }

// store takes a message.
func (l *lane) store(subject string, b []byte) {
	if l.down || l.frozen {
		return
	}
	l.last++
	l.stored = append(l.stored, stored{subject, append([]byte(nil), b...), l.last, time.Now()})
}

// wipe loses the stream; one of the same name is made.
func (l *lane) wipe() {
	l.created, l.stored, l.last = time.Now().Add(time.Nanosecond), nil, 0
	for _, r := range l.open() {
		r.deaf = true // it waits for numbers that do not come
	}
}

// hole loses n messages from the i-th on, as a flipped bit in a block does.
func (l *lane) hole(i, n int) {
	l.stored = append(l.stored[:i:i], l.stored[min(len(l.stored), i+n):]...)
}

func (l *lane) open() []*reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.readers
}

// deliver hands at most n messages to who reads, and returns how many.
func (l *lane) deliver(n int) (done int) {
	if l.down {
		return 0
	}
	for _, r := range l.open() {
		at, _ := slices.BinarySearchFunc(l.stored, r.next, func(m stored, next uint64) int { return cmp.Compare(m.sequence, next) })
		for _, m := range l.stored[at:] {
			if r.deaf || r.stopped() || done == n {
				break
			}
			r.next = m.sequence + 1
			r.handle(delivered{stored: m})
			done++
		}
	}
	return done
}

func (l *lane) Stream(context.Context, string) (jetstream.Stream, error) {
	if l.down {
		return nil, errAway
	}
	return found{info: jetstream.StreamInfo{Created: l.created, State: jetstream.StreamState{LastSeq: l.last}}}, nil
}

type found struct {
	jetstream.Stream
	info jetstream.StreamInfo
}

func (f found) CachedInfo() *jetstream.StreamInfo { return &f.info }

func (l *lane) OrderedConsumer(_ context.Context, _ string, c jetstream.OrderedConsumerConfig) (jetstream.Consumer, error) {
	if l.down {
		return nil, errAway
	}
	return &reader{l: l, next: max(1, c.OptStartSeq), closed: make(chan struct{})}, nil
}

// reader is an ordered consumer.
type reader struct {
	jetstream.Consumer
	l      *lane
	next   uint64
	deaf   bool
	handle jetstream.MessageHandler
	closed chan struct{}
	once   sync.Once
}

func (r *reader) Consume(h jetstream.MessageHandler, _ ...jetstream.PullConsumeOpt) (jetstream.ConsumeContext, error) {
	r.handle = h
	r.l.mu.Lock()
	defer r.l.mu.Unlock()
	r.l.readers = []*reader{r} // one at a time: the one before has ended
	return r, nil
}

func (r *reader) Stop()                   { r.once.Do(func() { close(r.closed) }) }
func (r *reader) Drain()                  { r.Stop() }
func (r *reader) Closed() <-chan struct{} { return r.closed }

func (r *reader) stopped() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}

// delivered is a message on its way.
type delivered struct {
	jetstream.Msg
	stored
}

func (m delivered) Subject() string { return m.subject }
func (m delivered) Data() []byte    { return m.bytes }
func (m delivered) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: m.sequence}, Timestamp: m.at}, nil
}
