package snmp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/gosnmp/gosnmp"
)

// An AgentConfig says how an agent is reached, and as whom.
type AgentConfig struct {
	Address       string // host:port
	Version       string // v2c, v3
	CommunityFile string // of v2c
	User          string // of v3
	AuthProtocol  string // MD5, SHA, SHA-224, SHA-256, SHA-384, SHA-512; "": SHA-256
	AuthFile      string // "": nothing is authenticated
	PrivProtocol  string // DES, AES, AES-192, AES-256; "": AES
	PrivFile      string // "": nothing is encrypted
}

// An Agent is one device that answers SNMP, for all meters it has. It is asked by
// one request at a time.
type Agent struct {
	c    AgentConfig
	host string
	port uint16
	free chan struct{} // holds a token while nobody uses what is below

	engine *gosnmp.UsmSecurityParameters // of v3: whom it answered as, with the keys for it; nil: that is to be found out
	told   time.Time                     // when it said its time
	most   int                           // objects that it can answer at once; 0: it has not complained
}

var (
	authProtocols = map[string]gosnmp.SnmpV3AuthProtocol{
		"MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA-224": gosnmp.SHA224, "SHA-256": gosnmp.SHA256, "SHA-384": gosnmp.SHA384, "SHA-512": gosnmp.SHA512,
	}
	privProtocols = map[string]gosnmp.SnmpV3PrivProtocol{"DES": gosnmp.DES, "AES": gosnmp.AES, "AES-192": gosnmp.AES192C, "AES-256": gosnmp.AES256C}
)

// settled fills in what was left out.
func (c AgentConfig) settled() AgentConfig {
	if c.AuthFile != "" {
		c.AuthProtocol = cmp.Or(c.AuthProtocol, "SHA-256")
	}
	if c.PrivFile != "" {
		c.PrivProtocol = cmp.Or(c.PrivProtocol, "AES")
	}
	return c
}

func (c AgentConfig) line() string { return "snmp " + c.Address }

// newAgent checks c. It contacts nothing, and reads no file.
func newAgent(c AgentConfig) (*Agent, error) {
	c = c.settled()
	host, port, err := net.SplitHostPort(c.Address)
	number, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || bad != nil || number == 0 {
		return nil, fmt.Errorf("snmp agent %q: want host:port", c.Address)
	}
	said := ""
	switch {
	case c.Version == "v2c" && c.CommunityFile == "":
		said = "v2c needs the file of its community"
	case c.Version == "v2c":
	case c.Version != "v3":
		said = fmt.Sprintf("version %q is neither v2c nor v3", c.Version)
	case c.User == "" || len(c.User) > 32:
		said = "v3 needs the name of a user, of 32 bytes at most"
	case c.PrivFile != "" && c.AuthFile == "":
		said = "what is encrypted is authenticated too: it needs auth_file"
	case c.AuthFile != "" && authProtocols[c.AuthProtocol] == 0:
		said = fmt.Sprintf("no auth_protocol %q", c.AuthProtocol)
	case c.PrivFile != "" && privProtocols[c.PrivProtocol] == 0:
		said = fmt.Sprintf("no priv_protocol %q", c.PrivProtocol)
	}
	if said != "" {
		return nil, fmt.Errorf("snmp agent %s: %s", c.Address, said)
	}
	a := &Agent{c: c, host: host, port: uint16(number), free: make(chan struct{}, 1)}
	a.free <- struct{}{}
	return a, nil
}

// Line is what tells meters of a from others: they are asked by turns.
func (a *Agent) Line() string { return a.c.line() }

// Agents are those of a site, one an address. The zero Agents has none.
type Agents struct{ list map[string]*Agent }

// Open is the agent of c: the one of before where its address is.
func (s *Agents) Open(c AgentConfig) (*Agent, error) {
	if a := s.list[c.Address]; a != nil {
		if c.settled() != a.c {
			return nil, fmt.Errorf("snmp agent %s: its version, user, protocols and files are the same for all meters that it has", c.Address)
		}
		return a, nil
	}
	a, err := newAgent(c)
	if err != nil {
		return nil, err
	}
	if s.list == nil {
		s.list = map[string]*Agent{}
	}
	s.list[c.Address] = a
	return a, nil
}

// do lets f ask the agent, alone. Where the agent is another than was remembered,
// or has other keys, f is called a second time.
func (a *Agent) do(ctx context.Context, f func(*session) error) error {
	select {
	case <-a.free:
	case <-ctx.Done():
		return errors.New("it was busy all the time")
	}
	defer func() { a.free <- struct{}{} }()
	remembered := a.engine != nil
	err := a.try(ctx, f)
	var h hardship
	if remembered && errors.As(err, &h) && h.stale && ctx.Err() == nil {
		err = a.try(ctx, f)
	}
	return err
}

// try lets f ask the agent by a session of its own.
func (a *Agent) try(ctx context.Context, f func(*session) error) error {
	s, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer s.hangUp()
	err = f(s)
	var h hardship
	if errors.As(err, &h) {
		a.engine = nil
		return err
	}
	a.remember(s)
	return secret.Conceal(err, s.secrets...) // it may quote what the agent says
}

// remember keeps what the agent said of itself.
func (a *Agent) remember(s *session) {
	if sp, ok := s.g.SecurityParameters.(*gosnmp.UsmSecurityParameters); ok && sp.AuthoritativeEngineID != "" {
		a.engine, a.told = sp.Copy().(*gosnmp.UsmSecurityParameters), time.Now()
	}
}
