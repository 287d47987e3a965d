package mqtt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// A Reader gives what comes on the topic of one meter. Read is for one goroutine.
type Reader struct {
	broker        *Broker
	topic, status string
	time          string // path; "": one of clocks
	onChange      bool
	gives         []meter.Kind
	sent          chan struct{}
	first         chan struct{} // closed when something came first, or failed
	began         func()        // closes it
	waited        bool

	mu       sync.Mutex // guards the rest, and what fields have seen
	fields   []*field
	queue    []reading
	newest   map[meter.Kind]meter.Value // of the newest message that had it
	order    order
	offline  string    // why what was said before does not stand
	unclear  string    // what the status says, if nobody knows what it means
	from     time.Time // since when it does not
	wrong    string    // with the newest message
	said     bool      // a message counted since what was said before stands no longer
	retained bool      // of unknown age, all that came
	left     int       // out, since it was read, because there were too many
	late     int       // and because younger ones had come before
}

// A reading is what one message says.
type reading struct {
	at, came time.Time
	values   []meter.Value
}

// mostQueued is how many messages wait to be read. It is woken for the first.
const mostQueued = 256

// Gives is what its fields say.
func (r *Reader) Gives() []meter.Kind { return r.gives }

// Sent has something when a message came, or what was said before stands no longer.
func (r *Reader) Sent() <-chan struct{} { return r.sent }

func (r *Reader) wake() {
	r.began()
	select {
	case r.sent <- struct{}{}:
	default:
	}
}

// An absence is an error of what is not there; to look again costs nothing.
type absence string

func (a absence) Error() string             { return string(a) }
func (a absence) RetryAfter() time.Duration { return 0 }

// Read is what came since it was called last. The first call waits for something
// to have come, or to have failed.
func (r *Reader) Read(ctx context.Context) ([]meter.Value, error) {
	if !r.waited {
		r.waited = true
		select {
		case <-r.first:
		case <-ctx.Done():
		}
	}
	link := r.broker.link(r.topic, r.status)
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []meter.Value
	for _, q := range r.queue {
		list = append(list, q.values...)
	}
	if clear(r.queue); len(list) == 0 && link.down == "" {
		for _, k := range r.gives {
			if v, ok := r.newest[k]; ok {
				list = append(list, v)
			}
		}
	}
	r.queue = r.queue[:0]
	said := r.says(link)
	r.left, r.late = 0, 0
	if len(said) == 0 {
		return list, nil
	}
	return list, absence(strings.Join(said, "; "))
}

// says is what is wrong.
func (r *Reader) says(l link) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	theirs := func(said string) string { return secret.Hide(said, l.word) }
	if l.denied != "" {
		add("%s", l.denied)
	}
	switch {
	case l.down != "":
		add("%s", l.down)
	case r.offline != "":
		add("%s", theirs(r.offline))
	case r.wrong == "" && !r.said && l.denied == "":
		from := l.since
		if r.from.After(from) {
			from = r.from
		}
		add("broker %s is connected, and for %v nothing has come on topic %s: it may be another, or not for %s to read", r.broker.name, time.Since(from).Round(time.Second), r.topic, r.broker.c.who())
		if r.retained {
			add("a retained message came, which has no time: how old it is nobody knows")
		}
	}
	if r.wrong != "" {
		add("topic %s: %s", r.topic, theirs(r.wrong))
	}
	if r.unclear != "" {
		add("topic %s says %q, which is neither online nor offline", r.status, short(theirs(r.unclear)))
	}
	if r.left > 0 {
		add("topic %s: %d messages were left out: more than %d came before they were read", r.topic, r.left, mostQueued)
	}
	if r.late > 0 {
		add("topic %s: %d messages were left out: younger ones had come before them", r.topic, r.late)
	}
	return list
}

// arrive takes a message that was parsed.
func (r *Reader) arrive(m any, err error, retained bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.wake()
	if err != nil {
		r.wrong = err.Error()
		return
	}
	at, err := r.clock(m)
	switch {
	case errors.Is(err, errNoTime) && retained:
		r.retained = true
		return
	case errors.Is(err, errNoTime):
		at = now
	case err != nil:
		r.wrong = err.Error()
		return
	}
	if by := at.Sub(now); by > ahead {
		r.wrong = fmt.Sprintf("its time is %v ahead of here", by.Round(time.Second))
		return
	}
	values, wrong := r.values(m, at)
	r.wrong = strings.Join(wrong, "; ")
	if len(values) == 0 {
		return
	}
	if !retained {
		r.offline = ""
	}
	fit, late := r.order.next(reading{at, now, values}, retained)
	r.late += late
	for _, f := range fit {
		r.push(f)
	}
}

// patience is how many messages in a row may lack a field that others had: some
// devices send each quantity by itself.
const patience = 3

// values are those of a message, and what is wrong with it.
func (r *Reader) values(m any, at time.Time) (list []meter.Value, wrong []string) {
	for _, f := range r.fields {
		found, ok := find(m, f.names)
		if !ok {
			if f.absent++; !f.found || f.absent >= patience {
				wrong = append(wrong, fmt.Sprintf("path %s of %s is not there: %s", f.path, f.kind, lacks(m, f.names)))
			}
			continue
		}
		f.found, f.absent = true, 0
		v, err := f.value(found)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("path %s of %s: %s", f.path, f.kind, err))
		}
		v.At, v.Missing = at, err != nil
		list = append(list, v)
	}
	return list, wrong
}

// push puts a reading in the queue.
func (r *Reader) push(q reading) {
	for _, v := range q.values {
		k := meter.Kind{Quantity: v.Quantity, Point: v.Point}
		if v.Missing {
			delete(r.newest, k)
			continue
		}
		r.newest[k], r.said = v, true
	}
	if r.queue = append(r.queue, q); len(r.queue) > mostQueued {
		r.thin()
	}
}

// thin leaves out every second reading, the newest not.
func (r *Reader) thin() {
	last := len(r.queue) - 1
	kept := r.queue[:0]
	for i, q := range r.queue {
		if i%2 == 0 || i == last {
			kept = append(kept, q)
		}
	}
	r.left += len(r.queue) - len(kept)
	clear(r.queue[len(kept):])
	r.queue = kept
}

// gone says why what was said before does not stand.
func (r *Reader) gone(why string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.wake()
	r.offline, r.from, r.unclear, r.said, r.retained, r.wrong = why, now, "", false, false, ""
	q := reading{came: now}
	for _, k := range r.gives {
		if v, ok := r.newest[k]; ok {
			q.values = append(q.values, meter.Value{Quantity: k.Quantity, Point: k.Point, At: v.At, Missing: true})
		}
	}
	if len(q.values) > 0 {
		r.push(q)
	}
}

// present takes what the gateway's status says.
func (r *Reader) present(p presence, said string, now time.Time) {
	switch p {
	case offline:
		r.gone(fmt.Sprintf("its gateway is offline: topic %s says %q", r.status, short(said)), now)
	case online:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.offline, r.unclear = "", ""
		r.wake()
	case unsaid:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.unclear = said
		r.wake()
	}
}

// lost says that the connection was lost, or was not made.
func (r *Reader) lost(now time.Time) {
	if r.onChange {
		r.gone("", now)
	} else {
		r.wake()
	}
}
