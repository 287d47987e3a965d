package snmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/gosnmp/gosnmp"
)

// A hardship is why an agent could not be asked. Its text is our own: what a
// library says of a packet may have in it what nobody should read.
type hardship struct {
	said  string
	stale bool // what was remembered of the agent may be why
}

func (h hardship) Error() string { return h.said }

// broken is a hardship with an answer.
func (s *session) broken(said string) error { return s.hard(said, s.g.Version == gosnmp.Version3) }

func (s *session) hard(said string, stale bool) error { return hardship{s.without(said), stale} }

// without is a text without secrets.
func (s *session) without(said string) string { return secret.Hide(said, s.secrets...) }

// A report is how an agent of v3 says that it does not take a request.
type report uint8

const (
	noReport report = iota
	unsupportedLevel
	notInTime
	unknownUser
	unknownEngine
	wrongDigest
	wrongDecryption
)

// reportIn finds the report in a datagram that is not believed. Whoever sent it,
// it serves to say what is worth a look, and for nothing else.
func reportIn(datagram []byte) report {
	stats := []byte{0x2b, 6, 1, 6, 3, 15, 1, 1} // usmStats, as it is sent
	i := bytes.Index(datagram, stats)
	if i < 0 || i+len(stats) >= len(datagram) {
		return noReport
	}
	if r := report(datagram[i+len(stats)]); r <= wrongDecryption {
		return r
	}
	return noReport
}

// explain says what an error of the library means, and what would help.
func (s *session) explain(err error) error {
	var named *net.DNSError
	switch {
	case errors.As(err, &named):
		return s.hard(fmt.Sprintf("no address is known of %s", s.a.host), false)
	case errors.Is(err, syscall.ECONNREFUSED):
		return s.hard("nothing listens there: the device is up, and its SNMP is off or at another port", false)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, gosnmp.ErrMaxRetriesExceeded), strings.Contains(err.Error(), "timeout"):
		return s.hard(s.silence(), false)
	}
	for _, x := range []struct {
		err error
		r   report
	}{
		{gosnmp.ErrUnknownSecurityLevel, unsupportedLevel}, {gosnmp.ErrNotInTimeWindow, notInTime}, {gosnmp.ErrUnknownUsername, unknownUser},
		{gosnmp.ErrUnknownEngineID, unknownEngine}, {gosnmp.ErrWrongDigest, wrongDigest}, {gosnmp.ErrDecryption, wrongDecryption},
	} {
		if errors.Is(err, x.err) {
			return s.hard(s.reported(x.r), true)
		}
	}
	if s.g.Version == gosnmp.Version3 && s.wire != nil && strings.Contains(err.Error(), "not authentic") {
		return s.hard(s.reported(reportIn(s.wire.last)), true)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return s.hard(fmt.Sprintf("%s: %v", op.Op, op.Err), false)
	}
	return s.broken("half an answer, or none of this protocol (" + brief(s.without(err.Error())) + ")")
}

// brief is the beginning of a text.
func brief(said string) string {
	said, _, _ = strings.Cut(said, "\n")
	if strings.HasPrefix(said, "recover:") {
		return "it cannot be taken apart"
	}
	const most = 80
	if len(said) > most {
		said = said[:most] + "…"
	}
	return strings.ToValidUTF8(said, "?")
}

// silence says what it may mean that no answer came.
func (s *session) silence() string {
	c := s.a.c
	sp, _ := s.g.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	switch {
	case c.Version == "v2c":
		return fmt.Sprintf("no answer: it is off, or a firewall is between, or it does not speak v2c, or its community is not the one in %s", c.CommunityFile)
	case s.discovered && sp != nil && sp.AuthoritativeEngineID != "" && c.PrivFile != "":
		return fmt.Sprintf("it says who it is, and does not answer user %s: the password in %s is not the one it encrypts with, or its priv_protocol is not %s", c.User, c.PrivFile, c.PrivProtocol)
	case s.discovered && sp != nil && sp.AuthoritativeEngineID != "":
		return fmt.Sprintf("it says who it is, and does not answer user %s", c.User)
	}
	return "no answer: it is off, or a firewall is between, or it does not speak v3"
}

// reported says what a report means.
func (s *session) reported(r report) string {
	c := s.a.c
	switch r {
	case unsupportedLevel:
		level := "without authentication"
		switch {
		case c.PrivFile != "":
			level = "with encryption"
		case c.AuthFile != "":
			level = "with authentication and no encryption"
		}
		return fmt.Sprintf("it does not let user %s ask %s", c.User, level)
	case notInTime:
		return "it does not take our word for its own time, although it was told anew: its clock may be running wildly"
	case unknownUser:
		return fmt.Sprintf("it knows no user %s", c.User)
	case unknownEngine:
		return "it has changed its name since it was asked for it"
	case wrongDigest:
		return fmt.Sprintf("it does not accept the password of user %s: that in %s is another, or its auth_protocol is not %s", c.User, c.AuthFile, c.AuthProtocol)
	case wrongDecryption:
		return fmt.Sprintf("it cannot decrypt what user %s sends: the password in %s is another, or its priv_protocol is not %s", c.User, c.PrivFile, c.PrivProtocol)
	}
	return fmt.Sprintf("its answer is not signed by the password of user %s: that in %s is another, or its auth_protocol is not %s, or somebody else answers", c.User, c.AuthFile, c.AuthProtocol)
}
