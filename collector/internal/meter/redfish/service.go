package redfish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/internal/odata"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A service is one that meters share.
type service struct {
	*odata.Client
	d site.Redfish // by which it was opened, without its resource
}

// leave is how long it may take to give back a session.
const leave = 2 * time.Second

// Run gives back the session when ctx ends: a service has few.
func (s *service) Run(ctx context.Context) error {
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leave)
	defer cancel()
	s.Close(ctx)
	return nil
}

// Line is what tells meters of s from others: they are asked by turns.
func (s *service) Line() string { return "redfish " + s.Host() }

// explain says what an error means, and what would help.
func (s *service) explain(err error) error {
	if err == nil {
		return nil
	}
	said := ""
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		said = ": its certificate is not trusted; write ca: with the file of those who signed it, and the url by a name that it is for"
	case errors.Is(err, http.ErrSchemeMismatch):
		said = ": it does not speak TLS there; its url may be http://"
	case errors.Is(err, context.DeadlineExceeded):
		said = ": no answer in time; a slow one needs a longer timeout:"
	}
	return fmt.Errorf("%s: %w%s", s.Host(), s.Conceal(err), said)
}

// Services are those of a site, one an address; their Feeds give back what they
// hold. The zero Services has none.
type Services struct{ list map[string]*service }

// open is the service of d: the one of before where its address is.
func (s *Services) open(d site.Redfish) (*service, error) {
	d.Resource = ""
	key := d.URL
	if u, err := url.Parse(d.URL); err == nil {
		key = strings.ToLower(u.Scheme + "://" + u.Host)
	}
	if o := s.list[key]; o != nil {
		was := o.d
		if was.URL = d.URL; was != d {
			return nil, fmt.Errorf("redfish service %s: its user, password_file and ca are the same for all that it meters", o.Host())
		}
		return o, nil
	}
	c, err := odata.New(odata.Config{URL: d.URL, User: d.User, PasswordFile: d.PasswordFile, CA: d.CA, Plain: true})
	if err != nil {
		return nil, fmt.Errorf("redfish service: %w", err)
	}
	o := &service{c, d}
	if s.list == nil {
		s.list = map[string]*service{}
	}
	s.list[key] = o
	return o, nil
}

// Feeds are the services as what readers share.
func (s *Services) Feeds() (list []meter.Feed) {
	for _, o := range s.list {
		list = append(list, o)
	}
	return list
}
