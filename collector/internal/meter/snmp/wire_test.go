package snmp

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

// A tape is a socket that gives what was recorded, and then nothing more.
type tape struct {
	net.Conn
	left [][]byte
}

func (p *tape) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b, p.left[0])
	p.left = p.left[1:]
	return n, nil
}

func (p *tape) Write(b []byte) (int, error) { return len(b), nil }
func (p *tape) SetDeadline(time.Time) error { return nil }
func (p *tape) Close() error                { return nil }
func answerOf(t testing.TB, id uint32) []byte {
	t.Helper()
	p := gosnmp.SnmpPacket{Version: gosnmp.Version2c, Community: community, PDUType: gosnmp.GetResponse, RequestID: id}
	for oid, v := range rpdu2(1) {
		f := fake{held: map[string]any{oid: v}}
		p.Variables = append(p.Variables, f.at(oid))
	}
	b, err := p.MarshalMsg()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever comes as an answer, a reading ends, and nothing that was not asked for
// is a value.
func FuzzAnswer(f *testing.F) {
	f.Add(answerOf(f, 0), false)
	f.Add(answerOf(f, 1), true)
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x03}, true)
	f.Add([]byte("\x30\x82\xff\xff"), false)
	f.Add([]byte{}, false)
	folder := f.TempDir()
	k := keyring{folder + "/c", folder + "/a", folder + "/p"}
	for path, text := range map[string]string{k.community: community, k.auth: authPassword, k.priv: privPassword} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	m, err := Profile("apc-rpdu2")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, three bool) {
		user := ""
		if three {
			user = "signed"
		}
		a := agent(t, k.as("127.0.0.1:9", user))
		r, err := a.Reader(m, "serial:ZA1")
		if err != nil {
			t.Fatal(err)
		}
		s, err := a.dial(within(t, time.Second))
		if err != nil {
			t.Fatal(err)
		}
		defer s.hangUp()
		s.wire.Conn.Close()
		s.g.Retries = 0
		s.wire.Conn = &tape{left: [][]byte{b, b, b}}
		list, err := r.read(s)
		if err != nil {
			secretless(t, err.Error())
		}
		if three && len(list) > 0 {
			t.Errorf("%+v without a signature", list)
		}
		if _, _, err := s.ask([]string{"1.3.6.1"}); err != nil {
			secretless(t, err.Error())
		}
		reportIn(b)
		s.hard(s.reported(reportIn(b)), true)
	})
}

// What a library says of a packet is not said on, if it is long or has a secret.
func TestWhatIsSaidOfErrors(t *testing.T) {
	k := keys(t)
	a := agent(t, k.as("127.0.0.1:9", "meter"))
	s, err := a.dial(within(t, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer s.hangUp()
	for said, want := range map[string]string{
		"recover: index out of range Stack:goroutine 7\nmain": "half an answer, or none of this protocol (it cannot be taken apart)",
		"bytes: " + strings.Repeat("ff ", 100):                "f…)",
		"parse " + authPassword + ": no":                      "parse [redacted]: no",
		"two\nlines":                                          "(two)",
		"not \xff text":                                       "(not ? text)",
		"incoming packet is not authentic, discarding":        "its answer is not signed by the password of user meter: that in " + k.auth,
	} {
		got := s.explain(errors.New(said)).Error()
		if !strings.Contains(got, want) || len(got) > 300 {
			t.Errorf("%q; want %q", got, want)
		}
		secretless(t, got)
	}
	for err, want := range map[error]string{
		gosnmp.ErrNotInTimeWindow:      "its own time",
		gosnmp.ErrUnknownEngineID:      "it has changed its name",
		gosnmp.ErrDecryption:           "it cannot decrypt what user meter sends: the password in " + k.priv,
		gosnmp.ErrWrongDigest:          "it does not accept the password of user meter",
		gosnmp.ErrUnknownUsername:      "it knows no user meter",
		gosnmp.ErrUnknownSecurityLevel: "it does not let user meter ask with encryption",
		gosnmp.ErrUnknownReportPDU:     "half an answer, or none of this protocol (unknown report pdu)",
		&net.OpError{Op: "write", Err: errors.New("no route to host")}: "write: no route to host",
	} {
		if got := s.explain(err).Error(); !strings.Contains(got, want) {
			t.Errorf("%v: %q; want %q", err, got, want)
		}
	}
}
