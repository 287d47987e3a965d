package live

import (
	"fmt"
	"runtime"
	"time"
)

// A Present is of which site and second an answer is.
type Present struct {
	Site      string
	Simulated bool
	Second    int64  // the newest that is closed, since 1970 UTC; 0: none
	Reason    string // why nothing is known; "": it is
}

// mostBehind is how far the stream may be behind the wall clock and still speak of
// the present.
const mostBehind = 30 // seconds

// present says what of s is known at now, the wall clock.
func (s *site) present(now time.Time) Present {
	p := Present{Site: s.name, Simulated: s.simulated, Second: s.last}
	switch behind := now.Unix() - s.last; {
	case s.last == 0:
		p.Reason = "no second of it is closed yet"
	case behind > mostBehind:
		p.Reason = fmt.Sprintf("what is known is %s old", time.Duration(behind)*time.Second)
	}
	return p
}

// stands reports whether the newest values of a are of the present: as long as its
// sums stand for the given second.
func (a *sender) stands(second int64) bool { return a.at(second) >= 0 }

// portion is how many senders are looked at before whoever waits has a turn: some
// 100 µs of work.
const portion = 128

// walk calls see for each sender of a site, in portions between which the lock is
// free: a question about a whole fleet must not hold up its readings. ok is false
// if nothing was heard of the site.
func (l *Live) walk(name string, now time.Time, see func(*sender, Present)) (p Present, ok bool) {
	l.mu.Lock()
	s := l.sites[name]
	if s == nil {
		l.mu.Unlock()
		return p, false
	}
	p = s.present(now)
	senders := append([]*sender(nil), s.senders...)
	l.mu.Unlock()
	for from := 0; from < len(senders); from += portion {
		l.look(senders[from:min(from+portion, len(senders))], p, see)
		runtime.Gosched() // else whoever runs takes the lock again before whoever waits has woken
	}
	return p, true
}

func (l *Live) look(senders []*sender, p Present, see func(*sender, Present)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range senders {
		if a.layout != nil {
			see(a, p)
		}
	}
}

// SiteNames are the sites that have spoken, sorted, with whether each is simulated.
func (l *Live) SiteNames() []Present {
	names := l.Sites()
	out := make([]Present, 0, len(names))
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range names {
		if s := l.sites[n]; s != nil {
			out = append(out, Present{Site: n, Simulated: s.simulated, Second: s.last})
		}
	}
	return out
}

// Closed is closed when the next second of any site is.
func (l *Live) Closed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed == nil {
		l.closed = make(chan struct{})
	}
	return l.closed
}

// tell wakes who waits for a second to close.
func (l *Live) tell() {
	if l.closed != nil {
		close(l.closed)
		l.closed = nil
	}
}
