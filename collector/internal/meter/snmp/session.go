package snmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/gosnmp/gosnmp"
)

// A session is one socket to an agent, for one reading. Between readings nothing
// is held open: an answer that comes late finds nobody who takes it for another,
// and thousands of agents cost no buffers.
type session struct {
	a          *Agent
	g          *gosnmp.GoSNMP
	wire       *wire
	secrets    []secret.Text
	discovered bool // it is this session that asks the agent for its name
	bound      int  // objects in a request, by the map; 0: there is none
	done       func() bool
}

// Bounds of waiting. An answer may be lost, so each request is sent three times.
const (
	retries   = 2
	longest   = 2 * time.Second
	shortest  = 50 * time.Millisecond
	unbounded = 10 * time.Second
)

// dial opens a session that ends with ctx at the latest.
func (a *Agent) dial(ctx context.Context) (*session, error) {
	s := &session{a: a}
	left := unbounded
	if end, ok := ctx.Deadline(); ok {
		left = time.Until(end)
	}
	s.g = &gosnmp.GoSNMP{
		Target: a.host, Port: a.port, Transport: "udp", Context: ctx,
		Timeout: max(shortest, min(longest, left/(retries+1))), Retries: retries, MaxOids: mostObjects,
	}
	if err := s.identify(); err != nil {
		return nil, err
	}
	if err := s.g.Connect(); err != nil {
		return nil, s.explain(err)
	}
	s.wire = &wire{Conn: s.g.Conn}
	s.g.Conn = s.wire
	s.done = context.AfterFunc(ctx, s.wire.end)
	return s, nil
}

// identify says as whom the agent is asked. Files are read where what they hold is
// not known yet, or was refused.
func (s *session) identify() error {
	a := s.a
	if a.c.Version == "v2c" {
		community, err := s.secret("community", a.c.CommunityFile)
		s.g.Version, s.g.Community = gosnmp.Version2c, community.Reveal()
		return err
	}
	s.g.Version, s.g.SecurityModel = gosnmp.Version3, gosnmp.UserSecurityModel
	switch {
	case a.c.PrivFile != "":
		s.g.MsgFlags = gosnmp.AuthPriv
	case a.c.AuthFile != "":
		s.g.MsgFlags = gosnmp.AuthNoPriv
	}
	if a.engine != nil {
		sp := a.engine.Copy().(*gosnmp.UsmSecurityParameters)
		sp.AuthoritativeEngineTime += uint32(time.Since(a.told) / time.Second)
		s.g.SecurityParameters, s.g.ContextEngineID = sp, sp.AuthoritativeEngineID
		s.secrets = []secret.Text{secret.Of(sp.AuthenticationPassphrase), secret.Of(sp.PrivacyPassphrase)}
		return nil
	}
	s.discovered = true
	sp := &gosnmp.UsmSecurityParameters{UserName: a.c.User, AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv}
	s.g.SecurityParameters = sp
	if a.c.AuthFile != "" {
		sp.AuthenticationProtocol = authProtocols[a.c.AuthProtocol]
		word, err := s.secret("auth password", a.c.AuthFile)
		if err != nil {
			return err
		}
		sp.AuthenticationPassphrase = word.Reveal()
	}
	if a.c.PrivFile != "" {
		sp.PrivacyProtocol = privacy(a.c.AuthProtocol, a.c.PrivProtocol)
		word, err := s.secret("priv password", a.c.PrivFile)
		if err != nil {
			return err
		}
		sp.PrivacyPassphrase = word.Reveal()
	}
	return nil
}

// privacy is the library's protocol. Where the digest is as long as the key nothing
// has to be made longer, and it does not matter by which of two ways; the one is
// a hundred times faster.
func privacy(auth, priv string) gosnmp.SnmpV3PrivProtocol {
	long := auth == "SHA-256" || auth == "SHA-384" || auth == "SHA-512"
	switch {
	case priv == "AES-192" && (long || auth == "SHA-224"):
		return gosnmp.AES192
	case priv == "AES-256" && long:
		return gosnmp.AES256
	}
	return privProtocols[priv]
}

// What a protocol allows.
const (
	shortestPassword = 8 // of v3
	longestSecret    = 127
)

// secret is what stands in a file.
func (s *session) secret(what, file string) (secret.Text, error) {
	t, err := secret.Read(file)
	switch {
	case err != nil:
		return secret.Text{}, fmt.Errorf("%s: %w", what, err)
	case t.Len() > longestSecret:
		return secret.Text{}, fmt.Errorf("%s: in %s are %d bytes, and %d are allowed", what, file, t.Len(), longestSecret)
	case s.a.c.Version == "v3" && t.Len() < shortestPassword:
		return secret.Text{}, fmt.Errorf("%s: in %s are %d bytes, and the protocol asks for %d", what, file, t.Len(), shortestPassword)
	}
	s.secrets = append(s.secrets, t)
	return t, nil
}

func (s *session) hangUp() {
	s.done()
	s.g.Close()
}

// get asks for objects by one request.
func (s *session) get(oids []string) ([]gosnmp.SnmpPDU, error) {
	p, err := s.g.Get(oids)
	if err := s.taken(p, err); err != nil {
		return nil, err
	}
	if len(p.Variables) < len(oids) {
		return nil, s.broken(fmt.Sprintf("half an answer: %d of %d objects", len(p.Variables), len(oids)))
	}
	for i := range p.Variables {
		v := &p.Variables[i]
		if v.Name = strings.TrimPrefix(v.Name, "."); i >= len(oids) || v.Name != oids[i] {
			return nil, s.broken("an answer to another question")
		}
	}
	return p.Variables, nil
}

// bulk asks for the objects that follow an OID.
func (s *session) bulk(after string, most uint32) ([]gosnmp.SnmpPDU, error) {
	p, err := s.g.GetBulk([]string{after}, 0, most)
	if err := s.taken(p, err); err != nil {
		return nil, err
	}
	for i := range p.Variables {
		p.Variables[i].Name = strings.TrimPrefix(p.Variables[i].Name, ".")
	}
	return p.Variables, nil
}

// errTooBig says that the answer did not fit into one.
var errTooBig = errors.New("the answer would be too big")

// A refusal is about one object, counted from 1; 0: it is about the whole request.
type refusal struct {
	code gosnmp.SNMPError
	at   int
}

func (r refusal) Error() string {
	if r.code == gosnmp.AuthorizationError {
		return "the agent does not let us read it as whom we ask, or asks for encryption (AuthorizationError)"
	}
	return fmt.Sprintf("the agent refuses it: %s", r.code)
}

// taken says what is wrong with an answer.
func (s *session) taken(p *gosnmp.SnmpPacket, err error) error {
	switch {
	case err != nil:
		return s.explain(err)
	case p == nil || p.PDUType != gosnmp.GetResponse || p.Version != s.g.Version:
		return s.broken("a message that is no answer")
	case p.Error == gosnmp.TooBig:
		return errTooBig
	case p.Error != gosnmp.NoError:
		return refusal{p.Error, int(p.ErrorIndex)}
	}
	return nil
}

// A wire is the socket of a session. It can be ended at any time, and keeps the
// newest datagram, so that more can be said of one that is not believed.
type wire struct {
	net.Conn

	mu    sync.Mutex
	ended bool
	last  []byte
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err == nil {
		w.last = append(w.last[:0], b[:n]...)
	}
	return n, err
}

func (w *wire) SetDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		t = time.Unix(1, 0)
	}
	return w.Conn.SetDeadline(t)
}

func (w *wire) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.SetDeadline(time.Unix(1, 0))
}
