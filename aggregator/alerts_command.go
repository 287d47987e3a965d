package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/program"
)

// testAlert is the name of the alert that is a test.
const testAlert = "AlertTest"

// alertCommand is what is done about alerts by hand.
func alertCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	switch {
	case len(args) > 0 && args[0] == "test":
		return alertTest(ctx, args[1:], stdout, stderr)
	case len(args) > 0 && args[0] == "window":
		return alertWindow(ctx, args[1:], stdout, stderr)
	}
	return fmt.Errorf("%w: aggregator alert knows: test, window", program.ErrUsage)
}

// alertTest sends a test the way of all, and says what came of it.
func alertTest(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator alert test", flag.ContinueOnError)
	path := flags.String("config", "", "configuration `file` of the aggregator")
	severity := flags.String("severity", "critical", "critical, warning or notice")
	owner := flags.String("owner", "platform", "gpus, facility, energy or platform")
	site := flags.String("site", "", "of which site it is said to be; left out, the first of the configuration")
	wait := flags.Duration("wait", 10*time.Second, "for receivers to answer")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	if *path == "" {
		return fmt.Errorf("%w: -config is missing", program.ErrUsage)
	}
	c, err := loadConfig(*path)
	if err != nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	if len(c.Alerts.Alertmanagers) == 0 && c.Alerts.Direct.URL == "" {
		return fmt.Errorf("%w: %s names neither alerts.alertmanagers nor alerts.direct: nobody is told of anything", program.ErrUsage, *path)
	}
	if *site == "" && len(c.Sites) > 0 {
		*site = c.Sites[0].Name
	}
	d, err := rule.NewDelivery(rule.DeliveryConfig{
		Alertmanagers: c.Alerts.Alertmanagers, Direct: c.Alerts.Direct, External: c.Alerts.External, Page: c.Alerts.Page, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return fmt.Errorf("%w: alerts: %w", program.ErrUsage, err)
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(running) }()
	waiting, cancel := context.WithTimeout(ctx, *wait)
	answers := d.Test(waiting, testMessage(*severity, *owner, *site, time.Now()))
	cancel()
	stop()
	if err := <-ended; err != nil {
		return err
	}
	refused := 0
	for _, a := range answers {
		says := "took it"
		if !a.Taken {
			says, refused = "did not take it", refused+1
		}
		fmt.Fprintf(stdout, "%s %s: %s\n", a.Receiver, says, a.Says)
	}
	for _, x := range c.Alerts.Alertmanagers {
		fmt.Fprintf(stdout, "%s sends it to %s\n", x.URL, routed(ctx, x))
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d receivers did not take the test", refused, len(answers))
	}
	fmt.Fprintf(stdout, "%s ends by itself in five minutes. Whoever should have been told and was not, is missing from the routes.\n", testAlert)
	return nil
}

func testMessage(severity, owner, site string, now time.Time) rule.Message {
	labels := []metric.Pair{{Name: "alertname", Value: testAlert}, {Name: "owner", Value: owner}, {Name: "severity", Value: severity}}
	if site != "" {
		labels = append(labels, metric.Pair{Name: "site", Value: site})
	}
	return rule.Message{
		Labels: labels, StartsAt: now, EndsAt: now.Add(5 * time.Minute),
		Annotations: []metric.Pair{
			{Name: "do", Value: "Nothing. If you did not expect it, ask who runs Gigawatch."},
			{Name: "evidence", Value: "It was sent by hand at " + now.UTC().Format("2006-01-02 15:04:05Z") + "."},
			{Name: "summary", Value: "Test: this is no alert"},
		},
	}
}

// routed asks an Alertmanager to whom it sends the test.
func routed(ctx context.Context, x rule.Endpoint) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	client, err := x.Client()
	if err != nil {
		return err.Error()
	}
	ask := strings.TrimSuffix(x.URL, "/") + "/api/v2/alerts?filter=" + url.QueryEscape(`alertname="`+testAlert+`"`)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, ask, nil)
	if err != nil {
		return err.Error()
	}
	response, err := client.Do(request)
	if err != nil {
		return "nobody knows: " + err.Error()
	}
	defer response.Body.Close()
	var list []struct {
		Receivers []struct{ Name string }
		Status    struct{ SilencedBy, InhibitedBy []string }
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&list); err != nil || response.StatusCode != http.StatusOK {
		return "nobody knows: " + response.Status
	}
	var names []string
	for _, a := range list {
		for _, r := range a.Receivers {
			names = append(names, r.Name)
		}
		if len(a.Status.SilencedBy) > 0 {
			names = append(names, "nobody, as it is silenced")
		}
		if len(a.Status.InhibitedBy) > 0 {
			names = append(names, "nobody, as another alert inhibits it")
		}
	}
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}
