package modbus

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A strict server is of no library. It answers requests to read registers, in turn with
// them, with nothing, and with each exception, and takes whatever else for a command.
type strict struct {
	t        *testing.T
	listener net.Listener

	mu       sync.Mutex
	asked    map[byte]int // by function
	commands []byte
}

func newStrict(t *testing.T) *strict {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &strict{t: t, listener: l, asked: map[byte]int{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return s
}

func (s *strict) serve(conn net.Conn) {
	defer conn.Close()
	for {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		head := make([]byte, 8) // transaction, protocol, length, unit, function
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint16(head[4:])-2)
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		s.mu.Lock()
		n := 0
		for _, times := range s.asked {
			n += times
		}
		s.asked[head[7]]++
		if head[7] != 3 && head[7] != 4 {
			s.commands = append(s.commands, head[7])
		}
		s.mu.Unlock()
		answer := []byte{head[7] | 0x80, byte(n%11 + 1)}
		if n%3 == 0 && len(body) == 4 {
			words := 2 * binary.BigEndian.Uint16(body[2:])
			answer = append([]byte{head[7], byte(words)}, make([]byte, words)...)
		}
		binary.BigEndian.PutUint16(head[4:], uint16(len(answer)+1))
		if _, err := conn.Write(append(head[:7], answer...)); err != nil {
			return
		}
	}
}

// Whatever a device answers, and whichever profile it is read by, it is asked for
// registers and told nothing.
func TestADeviceIsNeverToldAnything(t *testing.T) {
	s := newStrict(t)
	g := dial(t, GatewayConfig{Address: s.listener.Addr().String()})
	files, err := profiles.ReadDir("profiles")
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		profile, err := Profile(strings.TrimSuffix(f.Name(), ".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		r := g.Reader(uint8(i+1), profile)
		for range 40 {
			_, _ = r.Read(t.Context()) // mostly refused
			for _, k := range r.Gives() {
				r.Otherwise(k)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Logf("asked by function: %v", s.asked)
	if len(s.commands) > 0 {
		t.Errorf("it was sent functions %d", s.commands)
	}
	if s.asked[3] < 100 || s.asked[4] < 10 {
		t.Errorf("it was hardly asked: %v", s.asked)
	}
}
