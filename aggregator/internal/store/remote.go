package store

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/storage/remote"

	"github.com/gigawatch/gigawatch/collector/outbound"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// Remote is where samples are sent on to by Prometheus remote write:
// VictoriaMetrics, Mimir, Thanos. What is sent is read back from the write-ahead
// log, so a remote that is away costs disk and no memory, and gets what it missed
// while the log reaches back: between one block and one and a half. Each series
// sent on costs about half a kilobyte of memory.
type Remote struct {
	URL     secret.Address    // with its query, which is not shown
	Name    string            // of this remote in metrics and log; its host
	Metrics string            // regular expression that the name of a metric matches whole to be sent; "" all
	Headers map[string]string // added to each request
	Timeout time.Duration     // of a request; 30 s

	Username, PasswordFile string // basic authentication
	TokenFile              string // bearer token
	CAFile                 string // certificates to believe besides the system's
	CertFile, KeyFile      string // the client's own
}

// A forwarder sends on. Its queues are bounded; what they sent, failed and dropped
// is counted.
type forwarder struct{ *remote.WriteStorage }

// shards bounds the requests under way at once, and with them the memory of the
// queues: 12,000 samples each.
const shards = 8

// flushDeadline bounds how long Close waits for a remote that is away.
const flushDeadline = 5 * time.Second

func forward(c Config, registry prometheus.Registerer) (*forwarder, error) {
	var conf config.Config
	names := map[string]bool{}
	for i, r := range c.RemoteWrite {
		rc, err := r.config()
		if err != nil {
			return nil, fmt.Errorf("remote write %d: %w", i, err)
		}
		for base, n := rc.Name, 2; names[rc.Name]; n++ {
			rc.Name = fmt.Sprintf("%s-%d", base, n)
		}
		names[rc.Name] = true
		conf.RemoteWriteConfigs = append(conf.RemoteWriteConfigs, rc)
	}
	ws := remote.NewWriteStorage(conceal(&c), registry, c.Dir, flushDeadline, nil, false)
	if err := ws.ApplyConfig(&conf); err != nil {
		return nil, errors.Join(fmt.Errorf("remote write: %w", err), ws.Close())
	}
	return &forwarder{ws}, nil
}

// Check says what is wrong with the address of r; it quotes nothing of it but a host.
func (r Remote) Check() error {
	u, err := r.URL.Parse()
	switch {
	case err != nil:
		return errors.New("its url is none")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("its url is not an http or https address")
	case u.User != nil:
		return errors.New("secrets do not belong into a url: use token_file")
	case u.Fragment != "":
		return errors.New("its url has a # in it, and what follows is never sent: write %23 if it is meant")
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return errors.New("the query of its url cannot be read: write name=value, with & between, and %XX for other characters than letters and digits")
	}
	return outbound.Check(u.Hostname())
}

// query is that of the address as it is sent, which [concealing] looks for: in a form
// that no quoting changes.
func query(u *url.URL) string { return u.Query().Encode() }

// config is r as Prometheus has it.
func (r Remote) config() (*config.RemoteWriteConfig, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	u, err := r.URL.Parse()
	if err != nil {
		return nil, err
	}
	u.RawQuery = query(u)
	rc := config.DefaultRemoteWriteConfig
	rc.URL = &commonconfig.URL{URL: u}
	rc.Name = cmp.Or(r.Name, u.Host)
	rc.Headers = r.Headers
	rc.RemoteTimeout = model.Duration(cmp.Or(r.Timeout, time.Duration(rc.RemoteTimeout)))
	rc.MetadataConfig.Send = false // it is the scraper's, and nothing is scraped
	rc.QueueConfig.MaxShards = shards
	rc.QueueConfig.RetryOnRateLimit = true
	if r.Metrics != "" {
		if _, err := regexp.Compile(r.Metrics); err != nil {
			return nil, fmt.Errorf("metrics to send: %w", err)
		}
		keep := relabel.DefaultRelabelConfig
		keep.SourceLabels = model.LabelNames{model.MetricNameLabel}
		keep.Regex = relabel.MustNewRegexp(r.Metrics)
		keep.Action = relabel.Keep
		keep.NameValidationScheme = model.UTF8Validation
		rc.WriteRelabelConfigs = []*relabel.Config{&keep}
	}
	http := &rc.HTTPClientConfig
	http.FollowRedirects = false // they would carry tokens, passwords and headers to wherever they point
	http.TLSConfig = commonconfig.TLSConfig{CAFile: r.CAFile, CertFile: r.CertFile, KeyFile: r.KeyFile}
	if r.Username != "" {
		http.BasicAuth = &commonconfig.BasicAuth{Username: r.Username, PasswordFile: r.PasswordFile}
	}
	if r.TokenFile != "" {
		http.Authorization = &commonconfig.Authorization{Type: "Bearer", CredentialsFile: r.TokenFile}
	}
	if err := http.Validate(); err != nil {
		return nil, err
	}
	return &rc, nil
}
