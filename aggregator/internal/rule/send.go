package rule

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/client_golang/prometheus"
	httpconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/notifier"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/outbound"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// An Endpoint takes alerts.
type Endpoint struct {
	URL       string
	TokenFile string // of a bearer token; empty: none is shown
	CAFile    string // of who signed its certificate; empty: whom the system trusts
}

// Check says what is wrong with x.
func (x Endpoint) Check() error {
	u, err := url.Parse(x.URL)
	switch {
	case err != nil:
		return errors.New("it is no URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("it is no URL of http or https")
	case u.User != nil:
		return errors.New("secrets do not belong into a URL: use token_file")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("it has more than a path")
	}
	return nil
}

// Client speaks to x, and to nobody that x sends it on to.
func (x Endpoint) Client() (*http.Client, error) {
	return httpconfig.NewClientFromConfig(x.http(), "alerts", httpconfig.WithDialContextFunc(outbound.Dial))
}

func (x Endpoint) http() httpconfig.HTTPClientConfig {
	c := httpconfig.HTTPClientConfig{EnableHTTP2: true, TLSConfig: httpconfig.TLSConfig{CAFile: x.CAFile, MinVersion: httpconfig.TLSVersion(tls.VersionTLS12)}}
	if x.TokenFile != "" {
		c.Authorization = &httpconfig.Authorization{Type: "Bearer", CredentialsFile: x.TokenFile}
	}
	return c
}

// DeliveryConfig says who takes alerts.
type DeliveryConfig struct {
	Alertmanagers []Endpoint    // each is sent everything
	Direct        Endpoint      // a webhook for what is direct; without URL: none
	DirectFile    string        // where it is kept what waits for it and what it was told; empty: nowhere
	External      []metric.Pair // labels of all alerts, where they have none of their own of the name
	Page          string        // address of this aggregator, for people
	Logger        *slog.Logger
	Metrics       *metrics.Set
	Transport     http.RoundTripper // nil: the network
}

// Names of delivery's metrics, by receiver.
const (
	metricDelivered = "gigawatch_alerts_deliveries_total"
	metricFailed    = "gigawatch_alerts_delivery_failures_total"
)

const (
	sendTimeout = 10 * time.Second
	sendQueue   = 20_000 // alerts that wait for an Alertmanager; more push out the oldest
)

// A Delivery sends alerts to every Alertmanager, and those that are direct past
// them as well.
//
//	Send ─┬─▶ for each Alertmanager Prometheus' notifier and its queue ─▶ POST /api/v2/alerts
//	      └─▶ direct ─▶ once a key in 15 minutes, until it is taken ────▶ POST
type Delivery struct {
	c             DeliveryConfig
	log           *slog.Logger
	alertmanagers []*alertmanager
	direct        *direct // nil: there is none

	mu        sync.Mutex // guards what is known of the receivers
	receivers []*receiver
}

// alertmanager is one, with a queue of its own.
type alertmanager struct {
	*receiver
	endpoint Endpoint
	client   *http.Client
	manager  *notifier.Manager
	targets  chan map[string][]*targetgroup.Group
}

// receiver is what is known of one who takes alerts.
type receiver struct {
	name      string        // its address
	since     int64         // it fails, ms since 1970; 0: it does not
	says      string        // the last answer
	attempts  int           // to send something
	ahead     time.Duration // its clock is, of ours
	delivered *metrics.Counter
	failures  *metrics.Counter
}

// NewDelivery makes one; Run sends.
func NewDelivery(c DeliveryConfig) (*Delivery, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = metrics.NewSet()
	}
	d := &Delivery{c: c, log: c.Logger}
	if c.Direct.URL != "" {
		var err error
		if d.direct, err = newDirect(c, d.receiver(c.Direct.URL), d.note); err != nil {
			return nil, err
		}
		d.direct.tried = func() {
			d.mu.Lock()
			d.direct.receiver.attempts++
			d.mu.Unlock()
		}
	}
	for _, x := range c.Alertmanagers {
		am, err := d.alertmanager(x)
		if err != nil {
			return nil, fmt.Errorf("alertmanager %q: %w", secret.Shown(x.URL), err)
		}
		d.alertmanagers = append(d.alertmanagers, am)
	}
	return d, nil
}

func (d *Delivery) alertmanager(x Endpoint) (*alertmanager, error) {
	u, err := url.Parse(x.URL)
	if err != nil {
		return nil, err
	}
	client, err := x.Client()
	if err != nil {
		return nil, err
	}
	am := &alertmanager{receiver: d.receiver(x.URL), endpoint: x, client: client, targets: make(chan map[string][]*targetgroup.Group, 1)}
	am.manager = notifier.NewManager(&notifier.Options{
		QueueCapacity: sendQueue, Registerer: prometheus.NewRegistry(),
		Do: func(ctx context.Context, _ *http.Client, request *http.Request) (*http.Response, error) {
			return d.do(ctx, am.receiver, client, request)
		},
	}, model.UTF8Validation, slog.New(slog.DiscardHandler)) // what it would log is noted by do
	var external []string
	for _, p := range d.c.External {
		external = append(external, p.Name, p.Value)
	}
	conf := promconfig.DefaultAlertmanagerConfig
	conf.Scheme, conf.PathPrefix, conf.Timeout, conf.APIVersion = u.Scheme, u.Path, model.Duration(sendTimeout), promconfig.AlertmanagerAPIVersionV2
	conf.HTTPClientConfig = x.http()
	all := promconfig.AlertmanagerConfigs{&conf}
	if err := am.manager.ApplyConfig(&promconfig.Config{
		GlobalConfig:   promconfig.GlobalConfig{ExternalLabels: labels.FromStrings(external...), MetricNameValidationScheme: model.UTF8Validation},
		AlertingConfig: promconfig.AlertingConfig{AlertmanagerConfigs: all},
	}); err != nil {
		return nil, err
	}
	for id := range all.ToMap() {
		am.targets <- map[string][]*targetgroup.Group{id: {{Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(u.Host)}}}}}
	}
	return am, nil
}

func (d *Delivery) receiver(address string) *receiver {
	address = secret.Shown(address)
	of := func(name string) *metrics.Counter {
		return d.c.Metrics.GetOrCreateCounter(fmt.Sprintf("%s{receiver=%q}", name, address))
	}
	r := &receiver{name: address, delivered: of(metricDelivered), failures: of(metricFailed)}
	d.receivers = append(d.receivers, r)
	d.c.Metrics.GetOrCreateGauge(fmt.Sprintf("%s{receiver=%q}", table.MetricUndelivered, address), func() float64 {
		d.mu.Lock()
		defer d.mu.Unlock()
		if r.since > 0 {
			return 1
		}
		return 0
	})
	return r
}

// do is how the notifier asks: what comes of it is noted.
func (d *Delivery) do(ctx context.Context, r *receiver, client *http.Client, request *http.Request) (*http.Response, error) {
	if d.c.Transport != nil {
		client = &http.Client{Transport: d.c.Transport}
	}
	response, err := client.Do(request.WithContext(ctx))
	d.note(r, response, err)
	if request.Method == http.MethodPost {
		d.mu.Lock()
		r.attempts++
		d.mu.Unlock()
	}
	return response, err
}

// greet asks an Alertmanager how it is, so that it is known from the start whether it
// is there and what its clock shows.
func (d *Delivery) greet(ctx context.Context, am *alertmanager) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(am.endpoint.URL, "/")+"/api/v2/status", nil)
	if err != nil {
		d.note(am.receiver, nil, err)
		return
	}
	if response, err := d.do(ctx, am.receiver, am.client, request); err == nil {
		_ = response.Body.Close()
	}
}

// skewed is from when on a clock is said to be wrong.
const skewed = 5 * time.Second

// note keeps what a receiver answered.
func (d *Delivery) note(r *receiver, response *http.Response, err error) {
	says, ok := "", false
	now := time.Now()
	var ahead time.Duration
	if err != nil {
		says = reason(err)
	} else {
		says, ok = fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode)), response.StatusCode/100 == 2
		if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
			if ahead = date.Sub(now.Truncate(time.Second)); ahead.Abs() < skewed {
				ahead = 0
			}
		}
	}
	d.mu.Lock()
	was, before := r.since, r.ahead
	if r.says = says; ok {
		r.since, r.ahead = 0, ahead
	} else if r.since == 0 {
		r.since = now.UnixMilli()
	}
	d.mu.Unlock()
	if ok {
		r.delivered.Inc()
	} else {
		r.failures.Inc()
	}
	switch {
	case !ok && was == 0:
		d.log.Warn("a receiver does not take alerts", "receiver", r.name, "says", says)
	case ok && was != 0:
		d.log.Info("a receiver takes alerts again", "receiver", r.name)
	}
	if ok && ahead != 0 && before == 0 {
		d.log.Warn("a receiver's clock is not ours", "receiver", r.name, "ahead_seconds", ahead.Seconds())
	}
}

// reason is why a request failed, without the address.
func reason(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}

// Run sends until ctx ends.
func (d *Delivery) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, am := range d.alertmanagers {
		all.Go(func() { d.greet(ctx, am) })
		all.Go(func() { am.manager.Run(am.targets) })
		context.AfterFunc(ctx, am.manager.Stop)
	}
	if d.direct != nil {
		all.Go(func() { d.direct.run(ctx) })
	}
	<-ctx.Done()
	all.Wait()
	return nil
}

// Send hands on what is to be sent, and waits for nothing.
func (d *Delivery) Send(list []Message) {
	if d.direct != nil {
		for i := range list {
			if list[i].Direct {
				d.direct.take(&list[i])
			}
		}
	}
	for _, am := range d.alertmanagers {
		d.mu.Lock()
		ahead := am.ahead
		d.mu.Unlock()
		out := make([]*notifier.Alert, len(list))
		for i := range list {
			m := &list[i]
			// Times are by the receiver's clock: by ours an alert might be over before it began.
			out[i] = &notifier.Alert{Labels: promLabels(m.Labels), Annotations: promLabels(m.Annotations), StartsAt: m.StartsAt.Add(ahead), EndsAt: m.EndsAt.Add(ahead), GeneratorURL: d.c.Page}
		}
		am.manager.Send(out...)
	}
}

func promLabels(list []metric.Pair) labels.Labels {
	b := labels.NewScratchBuilder(len(list))
	for _, p := range list {
		b.Add(p.Name, p.Value)
	}
	b.Sort()
	return b.Labels()
}

// Faults are the receivers that do not take what they are sent.
func (d *Delivery) Faults() (list []Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.receivers {
		if r.since > 0 {
			list = append(list, Fault{r.name, r.since, r.says})
		}
	}
	return list
}

// Failing reports whether there are any.
func (d *Delivery) Failing() bool { return len(d.Faults()) > 0 }
