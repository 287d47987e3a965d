package bmc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// A redfish reads a baseboard controller over HTTPS. It holds one session, and
// asks one thing at a time.
type redfish struct {
	c       Redfish
	base    *url.URL
	client  *http.Client
	timeout time.Duration // of a request
	watts   float64       // no host draws more

	auth   auth
	gate   gate
	plan   *plan
	failed int // readings in a row that the plan did not give
}

// auth is what a request carries.
type auth struct {
	token   string // of the session, or from the file
	session string // path, to give it back
	user    string // with secret instead of a token, where the controller has no sessions
	secret  string // from the file
}

const (
	largest      = 1 << 20          // bytes of a resource
	busy         = 30 * time.Second // where the controller does not say how long it is
	replan       = 10               // readings that failed
	sessionsPath = "/redfish/v1/SessionService/Sessions"
)

var errNotFound = errors.New("404 Not Found")

func newRedfish(c Redfish, timeout time.Duration, watts float64) (*redfish, error) {
	base, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return nil, errors.New("its url cannot be parsed") // the error would show it whole
	case base.User != nil:
		return nil, errors.New("a password has no place in its url: use user and password_file")
	case base.Scheme != "https" && !(base.Scheme == "http" && c.InsecureSkipVerify), base.Host == "":
		return nil, fmt.Errorf("its url %q is not https://host", c.URL)
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
	r := &redfish{c: c, base: base, timeout: timeout, watts: watts}
	r.client = &http.Client{
		// No proxy: a controller stands on a network of its own.
		Transport: &http.Transport{DialContext: c.dial, TLSClientConfig: t, MaxConnsPerHost: 1, IdleConnTimeout: time.Minute},
		CheckRedirect: func(q *http.Request, via []*http.Request) error {
			if len(via) > 3 || q.URL.Host != base.Host || q.URL.Scheme != base.Scheme {
				return fmt.Errorf("it redirects to %s", q.URL.Host)
			}
			return nil
		},
	}
	return r, nil
}

func (r *redfish) name() string { return "redfish" }

// read takes one reading, and finds out first where it stands if that is not
// known.
func (r *redfish) read(ctx context.Context) (sample, error) {
	if r.plan == nil {
		p, err := r.find(ctx)
		if err != nil {
			return sample{}, fmt.Errorf("find node power at %s: %w", r.base.Host, err)
		}
		r.plan, r.failed = p, 0
	}
	s, err := r.plan.read(ctx, r)
	if err == nil {
		r.failed = 0
		s.about = r.base.Host + ", " + s.about
		return s, nil
	}
	if r.failed++; errors.Is(err, errNotFound) || r.failed >= replan {
		r.plan = nil
	}
	return sample{}, fmt.Errorf("read %s: %w", r.base.Host, err)
}

// close ends the session: a controller has few.
func (r *redfish) close(ctx context.Context) {
	if r.auth.session != "" {
		if resp, err := r.send(ctx, http.MethodDelete, r.auth.session, nil); err == nil {
			resp.Body.Close()
		}
	}
	r.auth = auth{}
	r.client.CloseIdleConnections()
}

// get reads the resource at path into to.
func (r *redfish) get(ctx context.Context, path string, to any) error {
	path, err := r.local(path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if err := r.login(ctx); err != nil {
		return err
	}
	resp, err := r.send(ctx, http.MethodGet, path, nil)
	if err == nil && resp.StatusCode == http.StatusUnauthorized && r.auth.token != "" && r.c.TokenFile == "" { // it has expired
		discard(resp)
		r.auth = auth{}
		if err = r.login(ctx); err != nil {
			return err
		}
		resp, err = r.send(ctx, http.MethodGet, path, nil)
	}
	if err != nil {
		return err
	}
	defer discard(resp)
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return fmt.Errorf("get %s: %w", path, errNotFound)
	case http.StatusUnauthorized:
		if r.c.User == "" && r.c.TokenFile == "" {
			return fmt.Errorf("get %s: 401 Unauthorized: it asks for credentials", path)
		}
		secret := r.auth.secret
		r.auth = auth{}
		return r.gate.shut(r.c.User, secret, fmt.Errorf("get %s: 401 Unauthorized", path))
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
	if err := lenient(json.Unmarshal(b, to)); err != nil {
		return fmt.Errorf("get %s: %w", path, err)
	}
	return nil
}

// local is the path of a link, which has to lead to this controller.
func (r *redfish) local(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || (u.Host != "" && u.Host != r.base.Host) || !strings.HasPrefix(u.Path, "/redfish/") {
		return "", fmt.Errorf("%q leads elsewhere", link[:min(len(link), 200)])
	}
	return u.EscapedPath(), nil
}

// send sends one request.
func (r *redfish) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, method, r.base.Scheme+"://"+r.base.Host+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Accept", "application/json")
	q.Header.Set("OData-Version", "4.0")
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	} else if r.auth.token != "" {
		q.Header.Set("X-Auth-Token", r.auth.token)
	} else if r.auth.user != "" {
		q.SetBasicAuth(r.auth.user, r.auth.secret)
	}
	resp, err := r.client.Do(q)
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return nil, fmt.Errorf("%w: configure ca, or server_name", err)
	}
	return resp, err
}

// login makes r.auth what the next request may carry.
func (r *redfish) login(ctx context.Context) error {
	if r.auth != (auth{}) || r.c.User == "" && r.c.TokenFile == "" {
		return nil
	}
	file := r.c.PasswordFile + r.c.TokenFile // one of them is empty
	secret, err := readSecret(file)
	if err != nil {
		return err
	}
	if err := r.gate.check(r.c.User, secret, file); err != nil {
		return err
	}
	if r.c.TokenFile != "" {
		r.auth = auth{token: secret, secret: secret}
		return nil
	}
	b, err := json.Marshal(map[string]string{"UserName": r.c.User, "Password": secret})
	if err != nil {
		return errors.New("password cannot be sent")
	}
	resp, err := r.send(ctx, http.MethodPost, sessionsPath, b)
	if err != nil {
		return err
	}
	defer discard(resp)
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated:
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest:
		return r.gate.shut(r.c.User, secret, fmt.Errorf("log in as %s: %s", r.c.User, resp.Status))
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		r.auth = auth{user: r.c.User, secret: secret}
		return nil
	default:
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10))
		if bytes.Contains(said, []byte("SessionLimitExceeded")) { // by others: ask without one
			r.auth = auth{user: r.c.User, secret: secret}
			return nil
		}
		return refusal(resp, "log in as "+r.c.User)
	}
	r.auth = auth{token: resp.Header.Get("X-Auth-Token"), secret: secret}
	if r.auth.token == "" {
		r.auth = auth{}
		return fmt.Errorf("log in as %s: no X-Auth-Token", r.c.User)
	}
	if r.auth.session, err = r.local(resp.Header.Get("Location")); err != nil {
		var made struct {
			ID string `json:"@odata.id"`
		}
		if json.NewDecoder(io.LimitReader(resp.Body, largest)).Decode(&made) == nil {
			r.auth.session, _ = r.local(made.ID)
		}
	}
	r.gate = gate{}
	return nil
}

// refusal is the error of an answer that is none of those expected, with the
// time the controller asks for.
func refusal(resp *http.Response, what string) error {
	err := fmt.Errorf("%s: %s", what, resp.Status)
	if resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusTooManyRequests {
		return err
	}
	in := busy
	if s, bad := strconv.Atoi(resp.Header.Get("Retry-After")); bad == nil && s > 0 {
		in = time.Duration(min(s, 3600)) * time.Second
	}
	return later{err, in}
}

// discard reads the little that is left of an answer, so that its connection
// serves again.
func discard(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
}
