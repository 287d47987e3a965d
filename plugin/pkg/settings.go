package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// settings are what a data source is configured with.
type settings struct {
	Version     int                 `json:"version"`     // 1
	Aggregators []aggregatorSetting `json:"aggregators"` // none: the data source's own URL
	Timeout     float64             `json:"timeoutSeconds"`
	DefaultSite string              `json:"defaultSite"`
	ServerName  string              `json:"tlsServerName"` // that certificates are of, where it is not the URL's
	Limits      limits              `json:"limits"`

	uid     string
	timeout time.Duration
	tls     *tls.Config
}

type aggregatorSetting struct {
	Name string `json:"name"`
	URL  string `json:"url"`

	token query.Secret
}

// limits bound an answer. What is cut, a notice says.
type limits struct {
	Series  int   `json:"series"`
	Points  int   `json:"points"` // of a series
	Rows    int   `json:"rows"`
	Bytes   int64 `json:"bytes"`   // of one answer of an aggregator
	Streams int   `json:"streams"` // at once
}

// most is the most that a data source can be given, usual what it has else.
var (
	most  = limits{Series: 10_000, Points: 11_000, Rows: 100_000, Bytes: 256 << 20, Streams: 100}
	usual = limits{Series: 1000, Points: 11_000, Rows: 5000, Bytes: 64 << 20, Streams: 20}
)

const (
	usualTimeout   = 30 * time.Second
	maxAggregators = 32
)

// misplaced are keys that only secureJsonData may have.
var misplaced = []string{"token", "tokens", "password", "apiKey", "bearerToken", "tlsClientKey"}

// readSettings reads what Grafana keeps of a data source, or says what to write.
func readSettings(s backend.DataSourceInstanceSettings) (*settings, error) {
	out := settings{Version: 1, uid: s.UID}
	if len(s.JSONData) > 0 {
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(s.JSONData, &keys); err != nil {
			return nil, fmt.Errorf("jsonData is not a JSON object: %w", err)
		}
		for _, k := range misplaced {
			if _, ok := keys[k]; ok {
				return nil, fmt.Errorf("jsonData.%s: secrets belong in secureJsonData, where Grafana encrypts them; write secureJsonData: {token: …} and change the token, as it may have been read", k)
			}
		}
		if err := json.Unmarshal(s.JSONData, &out); err != nil {
			return nil, fmt.Errorf("jsonData: %w", err)
		}
	}
	if out.Version != 1 {
		return nil, fmt.Errorf("jsonData.version is %d; this plugin knows 1", out.Version)
	}
	if len(out.Aggregators) == 0 && s.URL != "" {
		out.Aggregators = []aggregatorSetting{{URL: s.URL}}
	}
	if err := out.places(s.DecryptedSecureJSONData); err != nil {
		return nil, err
	}
	if err := out.bounds(); err != nil {
		return nil, err
	}
	if d := out.DefaultSite; d != "" && !metric.ValidName(d) {
		return nil, fmt.Errorf("default site %q is not a site's name: letters, digits, - and _, at most 63", d)
	}
	return &out, out.secure(s.DecryptedSecureJSONData)
}

// places checks the aggregators and gives each its token: token, or
// token.NAME where each has its own.
func (s *settings) places(secure map[string]string) error {
	if len(s.Aggregators) == 0 {
		return errors.New("no aggregator: write its URL, such as http://127.0.0.1:8600")
	}
	if len(s.Aggregators) > maxAggregators {
		return fmt.Errorf("%d aggregators; a data source takes %d at most: let a hub bring them together", len(s.Aggregators), maxAggregators)
	}
	names := map[string]bool{}
	for i := range s.Aggregators {
		a := &s.Aggregators[i]
		u, err := url.Parse(strings.TrimSpace(a.URL))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("aggregator %d: %q is not an address; write one such as https://gigawatch.example:8600", i+1, secret.Shown(a.URL))
		}
		if u.User != nil {
			return fmt.Errorf("aggregator %d: the address holds a password; write the token into the field for it", i+1)
		}
		if u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("aggregator %d: %q has more than scheme, host, port and path; leave out what follows ? or #", i+1, secret.Shown(a.URL))
		}
		a.URL = strings.TrimRight(u.String(), "/")
		if a.Name == "" {
			a.Name = u.Host
		}
		if names[a.Name] {
			return fmt.Errorf("two aggregators are named %q; give each a name of its own", a.Name)
		}
		names[a.Name] = true
		token := secure["token"]
		if t, ok := secure["token."+a.Name]; ok {
			token = t
		}
		token = strings.TrimSpace(token)
		if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return fmt.Errorf("the token of aggregator %q holds a space or a character that is not printable ASCII; copy it again", a.Name)
		}
		a.token = query.NewSecret(token)
	}
	return nil
}

func (s *settings) bounds() error {
	for _, f := range []struct {
		name           string
		v              *int
		usually, least int
		most           int
	}{
		{"series", &s.Limits.Series, usual.Series, 1, most.Series},
		{"points", &s.Limits.Points, usual.Points, 2, most.Points},
		{"rows", &s.Limits.Rows, usual.Rows, 1, most.Rows},
		{"streams", &s.Limits.Streams, usual.Streams, 1, most.Streams},
	} {
		if *f.v == 0 {
			*f.v = f.usually
		}
		if *f.v < f.least || *f.v > f.most {
			return fmt.Errorf("limit of %s is %d; write a number from %d to %d", f.name, *f.v, f.least, f.most)
		}
	}
	if s.Limits.Bytes == 0 {
		s.Limits.Bytes = usual.Bytes
	}
	if s.Limits.Bytes < 1<<16 || s.Limits.Bytes > most.Bytes {
		return fmt.Errorf("limit of bytes is %d; write a number from %d to %d", s.Limits.Bytes, 1<<16, most.Bytes)
	}
	switch t := s.Timeout; {
	case t == 0:
		s.timeout = usualTimeout
	case t >= 1 && t <= 300:
		s.timeout = time.Duration(t * float64(time.Second))
	default:
		return fmt.Errorf("timeout is %g s; write a number from 1 to 300", t)
	}
	return nil
}

// secure makes the TLS configuration of all aggregators.
func (s *settings) secure(secure map[string]string) error {
	ca, cert, key := secure["tlsCACert"], secure["tlsClientCert"], secure["tlsClientKey"]
	if (cert == "") != (key == "") {
		return errors.New("a client certificate needs its key and the key its certificate; write both or neither")
	}
	if ca == "" && cert == "" && s.ServerName == "" {
		return nil
	}
	if !slices.ContainsFunc(s.Aggregators, func(a aggregatorSetting) bool { return strings.HasPrefix(a.URL, "https:") }) {
		return errors.New("certificates are given, and no aggregator's address begins with https: write https")
	}
	s.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.ServerName}
	if ca != "" {
		s.tls.RootCAs = x509.NewCertPool()
		if !s.tls.RootCAs.AppendCertsFromPEM([]byte(ca)) {
			return errors.New("the CA certificate is not PEM; it begins with -----BEGIN CERTIFICATE-----")
		}
	}
	if cert != "" {
		pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
		if err != nil {
			return errors.New("the client certificate and its key are not a pair in PEM; copy both again, whole")
		}
		s.tls.Certificates = []tls.Certificate{pair}
	}
	return nil
}
