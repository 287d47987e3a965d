package bmc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/odata"
)

// A redfish reads a baseboard controller over HTTPS.
type redfish struct {
	c      Redfish
	client *odata.Client
	watts  float64 // no host draws more

	plan   *plan
	failed int // readings in a row that the plan did not give
}

const replan = 10 // readings that failed

func newRedfish(c Redfish, timeout time.Duration, watts float64) (*redfish, error) {
	client, err := odata.New(odata.Config{
		URL: c.URL, User: c.User, PasswordFile: c.PasswordFile, TokenFile: c.TokenFile,
		CA: c.CA, ServerName: c.ServerName, InsecureSkipVerify: c.InsecureSkipVerify, Plain: c.InsecureSkipVerify,
		Timeout: timeout, Dial: c.dial,
	})
	if err != nil {
		return nil, err
	}
	return &redfish{c: c, client: client, watts: watts}, nil
}

func (r *redfish) name() string { return "redfish" }

// read takes one reading, and finds out first where it stands if that is not
// known.
func (r *redfish) read(ctx context.Context) (sample, error) {
	if r.plan == nil {
		p, err := r.find(ctx)
		if err != nil {
			return sample{}, fmt.Errorf("find node power at %s: %w", r.client.Host(), r.client.Conceal(err))
		}
		r.plan, r.failed = p, 0
	}
	s, err := r.plan.read(ctx, r)
	if err == nil {
		r.failed = 0
		s.about = r.client.Host() + ", " + r.client.Hide(s.about)
		return s, nil
	}
	if r.failed++; errors.Is(err, odata.ErrNotFound) || r.failed >= replan {
		r.plan = nil
	}
	return sample{}, fmt.Errorf("read %s: %w", r.client.Host(), r.client.Conceal(err))
}

// close ends the session: a controller has few.
func (r *redfish) close(ctx context.Context) { r.client.Close(ctx) }

// get reads the resource at path into to.
func (r *redfish) get(ctx context.Context, path string, to any) error {
	err := r.client.Get(ctx, path, to)
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return fmt.Errorf("%w: configure ca, or server_name", err)
	}
	return err
}
