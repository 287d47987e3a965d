package carbon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/outbound"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// A client asks one provider, one thing at a time and no faster than its pace.
// It is used by one goroutine.
type client struct {
	http    *http.Client
	base    *url.URL
	timeout time.Duration
	pace    time.Duration
	most    int64         // bytes of an answer
	ban     time.Duration // for which it is left alone after 429, where it does not say
	key     Key
	quiet   []secret.Text                          // of the address, which the provider may say back
	keyed   func(r *http.Request, key secret.Text) // puts the key where it belongs
	gate    secret.Gate
	asked   time.Time
	known   map[string]validators // by URL without key
}

// validators tell an answer that is known.
type validators struct{ etag, modified string }

// Bounds of what is asked.
const (
	mostAnswer     = 32 << 20
	mostValidators = 64
	mostRetryAfter = 6 * time.Hour
	userAgent      = "gigawatch-collector"
)

// errSame says that the answer is the one that was taken already.
var errSame = errors.New("nothing new")

func (s *Source) client(p *Provider, unset string) (*client, error) {
	text := p.URL
	if text == "" {
		text = unset
	}
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("url: want https://host and perhaps a path, without credentials or a query")
	}
	if base.Scheme != "https" && !(base.Scheme == "http" && loopback(base.Hostname())) {
		return nil, fmt.Errorf("url: %s://%s is not https", base.Scheme, base.Host)
	}
	round := s.c.transport
	if round == nil {
		round = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: outbound.Dial, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: s.c.Timeout, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return &client{
		http: &http.Client{
			Transport: round,
			// A redirect would carry a key to wherever it points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		base: base, timeout: s.c.Timeout, pace: s.c.pace, most: mostAnswer, key: p.Key, known: map[string]validators{},
	}, nil
}

// inQuery puts a key into the query under a name.
func inQuery(name string) func(*http.Request, secret.Text) {
	return func(r *http.Request, key secret.Text) {
		q := r.URL.Query()
		q.Set(name, key.Reveal())
		r.URL.RawQuery = q.Encode()
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ask gets what path and query name and hands it to take. Its error is [errSame]
// where the answer was taken before. No error shows the key.
func (c *client) ask(ctx context.Context, path string, query url.Values, take func([]byte) error) error {
	key, err := c.key.read()
	if err == nil && key.IsZero() && c.keyed != nil {
		err = errors.New("read key: none is configured")
	}
	if err != nil {
		return pause{err, time.Minute}
	}
	if err := c.gate.Check("", key, c.key.String()); err != nil {
		return pause{err, time.Minute}
	}
	if err := c.wait(ctx); err != nil {
		return err
	}
	err = c.once(ctx, key, path, query, take)
	c.asked = time.Now()
	return conceal(err, append(c.quiet[:len(c.quiet):len(c.quiet)], key)...)
}

// wait keeps the pace.
func (c *client) wait(ctx context.Context) error {
	timer := time.NewTimer(time.Until(c.asked.Add(c.pace)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (c *client) once(ctx context.Context, key secret.Text, path string, query url.Values, take func([]byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("ask %s: no request can be made", c.base.Host)
	}
	r.Header.Set("User-Agent", userAgent)
	name := u.String()
	if v, ok := c.known[name]; ok {
		set := func(header, value string) {
			if value != "" {
				r.Header.Set(header, value)
			}
		}
		set("If-None-Match", v.etag)
		set("If-Modified-Since", v.modified)
	}
	if c.keyed != nil {
		c.keyed(r, key)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		var u *url.Error // it has the whole URL in it
		if errors.As(err, &u) {
			err = u.Err
		}
		return fmt.Errorf("ask %s: %w", c.base.Host, err)
	}
	defer resp.Body.Close()
	if err := c.judge(resp, key); err != nil {
		return err
	}
	body, err := readMost(resp.Body, c.most)
	if err != nil {
		return fmt.Errorf("hear %s: %w", c.base.Host, err)
	}
	if err := take(body); err != nil {
		return fmt.Errorf("answer of %s: %w", c.base.Host, err)
	}
	if v := (validators{resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")}); v != (validators{}) {
		if len(c.known) >= mostValidators {
			clear(c.known)
		}
		c.known[name] = v
	}
	return nil
}

// judge is what the status of an answer means.
func (c *client) judge(resp *http.Response, key secret.Text) error {
	status := resp.StatusCode
	if status == http.StatusOK {
		return nil
	}
	err := fmt.Errorf("%s answers %d %s", c.base.Host, status, http.StatusText(status))
	switch {
	case status == http.StatusNotModified:
		return errSame
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		if c.keyed == nil {
			return pause{err, secret.Pardon}
		}
		err = fmt.Errorf("%w: the key from %s is refused", err, c.key)
		c.gate.Shut("", key, err)
		return pause{err, time.Minute}
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		wait, ok := retryAfter(resp.Header.Get("Retry-After"), time.Now())
		if !ok && status == http.StatusTooManyRequests {
			wait, ok = c.ban, c.ban > 0
		}
		if ok {
			return pause{fmt.Errorf("%w; left alone for %v", err, wait.Round(time.Second)), wait}
		}
	case status >= 300 && status < 400:
		to, bad := resp.Location()
		if bad == nil {
			err = fmt.Errorf("%w to %s://%s, where nobody follows", err, to.Scheme, to.Host)
		}
	}
	return err
}

// retryAfter is how long to wait by the header of that name: seconds, or a date.
func retryAfter(text string, now time.Time) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(max(time.Duration(n)*time.Second, time.Second), mostRetryAfter), true
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), time.Second), mostRetryAfter), true
	}
	return 0, false
}

// readMost reads all of r, which must not be more than most bytes.
func readMost(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("more than %d bytes", most)
	}
	return b, nil
}
