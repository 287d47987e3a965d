package odata

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/outbound"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// Config says how a service is reached.
type Config struct {
	URL                string // https://10.0.0.17
	User, PasswordFile string
	TokenFile          string        // instead of these two
	CA                 string        // file of certificates to trust; default: the system's
	ServerName         string        // that the certificate is for, if not the URL's host
	InsecureSkipVerify bool          // no certificate is checked
	Plain              bool          // http will do
	Timeout            time.Duration // of a request; default 30 s

	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: [outbound.Dial]
}

// A Client asks one service.
type Client struct {
	c    Config
	base *url.URL
	http *http.Client
	free chan struct{} // holds a token while nobody uses what is below

	auth auth
	gate secret.Gate
	over bool // no more requests

	mu    sync.Mutex
	shown []secret.Text // what the service was told in confidence, and may say back
}

const (
	largest  = 1 << 20          // bytes of a resource
	farthest = 1024             // bytes of a link
	busy     = 30 * time.Second // where the service does not say how long it is
	longest  = time.Hour        // that it may say

	// ServicePath is where a service begins.
	ServicePath = "/redfish/v1/"
)

// ErrNotFound says that there is no such resource.
var ErrNotFound = errors.New("404 Not Found")

// New checks c. It contacts nothing.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return nil, errors.New("its url cannot be parsed") // the error would show it whole
	case base.User != nil:
		return nil, errors.New("a password has no place in its url: use user and password_file")
	case base.Scheme != "https" && !(base.Scheme == "http" && c.Plain), base.Host == "":
		return nil, fmt.Errorf("its url %q is not https://host", secret.Shown(c.URL))
	case (c.User == "") != (c.PasswordFile == ""):
		return nil, errors.New("user and password_file go together")
	case c.User != "" && c.TokenFile != "":
		return nil, errors.New("it takes a user or a token, not both")
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName, InsecureSkipVerify: c.InsecureSkipVerify}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("read its certificates: %w", err)
		}
		if t.RootCAs = x509.NewCertPool(); !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read its certificates: there is none in %s", c.CA)
		}
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Dial == nil {
		c.Dial = outbound.Dial
	}
	r := &Client{c: c, base: base, free: make(chan struct{}, 1)}
	r.free <- struct{}{}
	r.http = &http.Client{
		// No proxy: what is asked stands on a network of its own.
		Transport: &http.Transport{DialContext: c.Dial, TLSClientConfig: t, MaxConnsPerHost: 1, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(q *http.Request, via []*http.Request) error {
			if len(via) > 3 || q.URL.Host != base.Host || q.URL.Scheme != base.Scheme {
				return fmt.Errorf("it redirects to %s", q.URL.Host)
			}
			return nil
		},
	}
	return r, nil
}

// Host is where the service is.
func (r *Client) Host() string { return r.base.Host }

// Close gives back the session: a service has few. Nothing is asked afterwards.
func (r *Client) Close(ctx context.Context) {
	select {
	case <-r.free:
	case <-ctx.Done():
		return
	}
	defer func() { r.free <- struct{}{} }()
	r.over = true
	if r.auth.session != "" {
		if resp, err := r.send(ctx, http.MethodDelete, r.auth.session, nil); err == nil {
			resp.Body.Close()
		}
	}
	r.auth = auth{}
	r.http.CloseIdleConnections()
}

// Get reads the resource at a path, or at a link, into to. Members of another
// type than they should have are left out.
func (r *Client) Get(ctx context.Context, link string, to any) error {
	return r.Conceal(r.get(ctx, link, to))
}

func (r *Client) get(ctx context.Context, link string, to any) error {
	path, err := r.Local(link)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.c.Timeout)
	defer cancel()
	select {
	case <-r.free:
	case <-ctx.Done():
		return fmt.Errorf("get %s: the service was busy with others: %w", path, ctx.Err())
	}
	defer func() { r.free <- struct{}{} }()
	if r.over {
		return net.ErrClosed
	}
	resp, err := r.ask(ctx, path)
	if err != nil {
		return err
	}
	defer discard(resp)
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return fmt.Errorf("get %s: %w", path, ErrNotFound)
	case http.StatusUnauthorized:
		return r.refused(path)
	default:
		return refusal(resp, "get "+path)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, largest+1))
	if err != nil {
		return fmt.Errorf("get %s: %w", path, err)
	}
	if len(b) > largest {
		return fmt.Errorf("get %s: more than %d bytes", path, largest)
	}
	if err := Lenient(json.Unmarshal(b, to)); err != nil {
		return fmt.Errorf("get %s: %w", path, err)
	}
	return nil
}

// ask asks for a path, and once more in another session if that has expired.
func (r *Client) ask(ctx context.Context, path string) (*http.Response, error) {
	for {
		if err := r.login(ctx); err != nil {
			return nil, err
		}
		resp, err := r.send(ctx, http.MethodGet, path, nil)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || r.auth.token.IsZero() || r.c.TokenFile != "" || r.auth.fresh {
			r.auth.fresh = false
			return resp, err
		}
		discard(resp)
		r.auth = auth{}
	}
}

// Local is the path of a link, with its query; it has to lead to this service.
func (r *Client) Local(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || len(link) > farthest || u.Host != "" && u.Host != r.base.Host || !strings.HasPrefix(path.Clean(u.Path)+"/", "/redfish/") {
		said := r.Hide(link)
		return "", fmt.Errorf("%q leads elsewhere", said[:min(len(said), 200)])
	}
	if u.RawQuery != "" {
		return u.EscapedPath() + "?" + u.RawQuery, nil
	}
	return u.EscapedPath(), nil
}

// Hide is what the service said without what it was told in confidence.
func (r *Client) Hide(said string) string { return secret.Hide(said, r.told()...) }

// Conceal is err likewise.
func (r *Client) Conceal(err error) error { return secret.Conceal(err, r.told()...) }

func (r *Client) told() []secret.Text {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shown
}

// tells remembers what the service is told in confidence.
func (r *Client) tells(list ...secret.Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown = list
}

// send sends one request.
func (r *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, method, r.base.Scheme+"://"+r.base.Host+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Accept", "application/json")
	q.Header.Set("OData-Version", "4.0")
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	} else if !r.auth.token.IsZero() {
		q.Header.Set("X-Auth-Token", r.auth.token.Reveal())
	} else if r.auth.user != "" {
		q.SetBasicAuth(r.auth.user, r.auth.secret.Reveal())
	}
	return r.http.Do(q)
}

// refusal is the error of an answer that is none of those expected, with the
// time that the service asks for.
func refusal(resp *http.Response, what string) error {
	err := fmt.Errorf("%s: %s", what, resp.Status)
	if resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusTooManyRequests {
		return err
	}
	in := busy
	after := resp.Header.Get("Retry-After")
	if s, bad := strconv.Atoi(after); bad == nil && s > 0 {
		in = time.Duration(min(s, int(longest/time.Second))) * time.Second
	} else if at, bad := http.ParseTime(after); bad == nil {
		if now, bad := http.ParseTime(resp.Header.Get("Date")); bad == nil && at.After(now) { // by its own clock
			in = min(at.Sub(now), longest)
		}
	}
	return Later(err, in)
}

// discard reads the little that is left of an answer, so that its connection
// serves again.
func discard(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
}

// Later is err, which says when it makes sense to ask again.
func Later(err error, in time.Duration) error { return later{err, in} }

type later struct {
	error
	in time.Duration
}

func (l later) Unwrap() error             { return l.error }
func (l later) RetryAfter() time.Duration { return l.in }
