package bacnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"
)

// A session is the requests of one reading.
type session struct {
	route
	conn net.Conn
	id   byte
	wait time.Duration // for an answer
	b    []byte
}

const (
	tries     = 2 // of a request
	longest   = 3 * time.Second
	datagrams = 100 // that are no answer, before one is given up on
)

// dial begins a reading at address.
func dial(ctx context.Context, address string, r route) (*session, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	s := &session{route: r, conn: conn, id: byte(rand.N(256)), wait: longest, b: make([]byte, 2048)}
	if end, ok := ctx.Deadline(); ok {
		s.wait = min(s.wait, time.Until(end)/(2*tries))
	}
	return s, nil
}

// errSilent says that nothing came.
var errSilent = errors.New("no answer")

// ask sends the request that make gives for an invoke id, again if need be, and
// takes the answer to it.
func (s *session) ask(ctx context.Context, service byte, make func(id byte) []byte) (answer, error) {
	s.id++
	request := s.frame(make(s.id))
	stop := context.AfterFunc(ctx, func() { s.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var heard error // that was no answer
	for range tries {
		if err := ctx.Err(); err != nil {
			break
		}
		if err := s.conn.SetDeadline(time.Now().Add(s.wait)); err != nil {
			return answer{}, err
		}
		_, err := s.conn.Write(request)
		for n := 0; err == nil && n < datagrams; n++ {
			var size int
			if size, err = s.conn.Read(s.b); err != nil {
				break
			}
			a, bad := s.parse(bytes.Clone(s.b[:size])) // answers outlast the buffer
			switch {
			case bad == nil && s.answers(a, service):
				return a, nil
			case bad != nil && !errors.Is(bad, errForeign):
				heard = bad
			}
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			return answer{}, errors.New("nothing at this address speaks BACnet/IP at this port")
		}
		var late net.Error
		if err != nil && !(errors.As(err, &late) && late.Timeout()) {
			return answer{}, err
		}
	}
	if heard != nil {
		return answer{}, heard
	}
	if ctx.Err() != nil {
		return answer{}, fmt.Errorf("%w in all its time", errSilent)
	}
	return answer{}, fmt.Errorf("%w to %d requests, each within %v", errSilent, tries, s.wait.Round(time.Millisecond))
}

// answers reports whether a is the answer to the request under way.
func (s *session) answers(a answer, service byte) bool {
	if a.id != s.id {
		return false
	}
	return a.service == service || a.kind == rejected || a.kind == aborted
}
