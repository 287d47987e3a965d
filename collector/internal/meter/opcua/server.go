package opcua

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// A Server is one session with a server, over which one request is under way at
// most. It is begun when it is needed, and after an error anew.
type Server struct {
	c    ServerConfig
	keys keys
	free chan struct{} // holds a token while nobody uses what is below

	channel *channel    // nil: there is no session
	word    secret.Text // that it was told, and may say back
	used    bool        // something was answered since it began
	over    bool        // no more requests
	rest    resting     // after a session that could not be begun
}

// Bounds of the pace at which a session is tried.
const (
	soonest = time.Second
	rarest  = time.Minute
)

// A resting says why a server is not asked now.
type resting struct {
	why   error
	until time.Time
	wait  time.Duration
}

func (r *resting) Error() string { return r.why.Error() }
func (r *resting) Unwrap() error { return r.why }

// RetryAfter is when it makes sense to ask again.
func (r *resting) RetryAfter() time.Duration { return max(0, time.Until(r.until)) }

// Run ends the session when ctx ends.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	<-s.free // a request ends with its reader's time
	s.over = true
	s.close()
	s.free <- struct{}{}
	return nil
}

func (s *Server) close() {
	if s.channel != nil {
		s.channel.end()
		s.channel = nil
	}
}

// read reads nodes. It returns when ctx ends.
func (s *Server) read(ctx context.Context, nodes []*ua.ReadValueID) ([]*ua.DataValue, error) {
	select {
	case <-s.free:
	case <-ctx.Done():
		return nil, errors.New("the session was busy all the time")
	}
	defer func() { s.free <- struct{}{} }()
	for {
		if s.over {
			return nil, net.ErrClosed
		}
		if err := s.begin(ctx); err != nil {
			return nil, err
		}
		answer, err := ask[*ua.ReadResponse](ctx, s.channel, &ua.ReadRequest{TimestampsToReturn: ua.TimestampsToReturnBoth, NodesToRead: nodes})
		switch {
		case err == nil && len(answer.Results) != len(nodes):
			s.close()
			return nil, errors.New("it answers for another number of nodes")
		case err == nil:
			s.used = true
			return answer.Results, nil
		case errors.Is(err, ua.StatusBadTooManyOperations):
			s.used = true
			return nil, err
		}
		// What is late would be of no use, and the session may be gone.
		again := s.used && ctx.Err() == nil
		s.close()
		if !again {
			return nil, explain(ctx, secret.Conceal(err, s.word))
		}
	}
}

// begin begins a session if there is none.
func (s *Server) begin(ctx context.Context) error {
	if s.channel != nil {
		return nil
	}
	if time.Now().Before(s.rest.until) {
		return &s.rest
	}
	c, err := s.connect(ctx)
	if err != nil {
		wait := min(max(2*s.rest.wait, soonest), rarest)
		s.rest = resting{explain(ctx, secret.Conceal(err, s.word)), time.Now().Add(wait), wait}
		rest := s.rest
		return &rest
	}
	s.channel, s.used, s.rest = c, false, resting{}
	return nil
}

// explain says what an error of the library means.
func explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded): // the library's own clock may be the first to notice
		return errors.New("no answer in all its time")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection")
	case errors.Is(err, ua.StatusBadUserAccessDenied), errors.Is(err, ua.StatusBadIdentityTokenRejected), errors.Is(err, ua.StatusBadIdentityTokenInvalid):
		return fmt.Errorf("the server does not let the user in: look at user: and password_file: (%w)", err)
	case errors.Is(err, ua.StatusBadSecurityChecksFailed), errors.Is(err, ua.StatusBadCertificateUntrusted), errors.Is(err, ua.StatusBadCertificateInvalid):
		return fmt.Errorf("the server does not trust us: its administrator has to accept the certificate in cert: (%w)", err)
	case errors.Is(err, ua.StatusBadTooManySessions):
		return fmt.Errorf("the server has too many sessions: others hold them, or there are some that were not ended (%w)", err)
	}
	return err
}

// settled fills in what was left out.
func (c ServerConfig) settled() ServerConfig {
	c.Policy = cmp.Or(c.Policy, "None")
	return c
}

// Servers are those of a site, one an endpoint. The zero Servers has none.
type Servers struct{ list map[string]*Server }

// Open is the server of c: the one of before where its endpoint is.
func (l *Servers) Open(c ServerConfig) (*Server, error) {
	c = c.settled()
	if s := l.list[c.Endpoint]; s != nil {
		if c != s.c {
			return nil, fmt.Errorf("OPC UA server %s: its security, certificates and user are the same for all meters of it", c.Endpoint)
		}
		return s, nil
	}
	k, err := c.load()
	if err != nil {
		return nil, fmt.Errorf("OPC UA server %s: %w", c.Endpoint, err)
	}
	s := &Server{c: c, keys: k, free: make(chan struct{}, 1)}
	s.free <- struct{}{}
	if l.list == nil {
		l.list = map[string]*Server{}
	}
	l.list[c.Endpoint] = s
	return s, nil
}

// Feeds are the servers as what readers share.
func (l *Servers) Feeds() (list []meter.Feed) {
	for _, s := range l.list {
		list = append(list, s)
	}
	return list
}
