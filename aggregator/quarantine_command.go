package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/program"
)

// quarantineCommand lists the agents that an aggregator which runs does not listen to,
// and has one of them heard again.
func quarantineCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator quarantine", flag.ContinueOnError)
	url := flags.String("url", "", "`address` of the aggregator, such as http://127.0.0.1:8600")
	token := flags.String("token-file", "", "`file` with the token of -url")
	ca := flags.String("ca", "", "`file` with the certificate that -url is signed by")
	site := flags.String("site", "", "`name` of the site")
	list := flags.Bool("list", false, "list who is in quarantine, and who was within a day")
	release := flags.String("release", "", "`agent` that is to be heard again from now on")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	switch {
	case *url == "":
		return fmt.Errorf("%w: -url is missing", program.ErrUsage)
	case *list == (*release != ""):
		return fmt.Errorf("%w: want one of -list and -release", program.ErrUsage)
	case *release != "" && *site == "":
		return fmt.Errorf("%w: -site is missing", program.ErrUsage)
	case *release != "" && !metric.ValidName(*release):
		return fmt.Errorf("%w: -release %q is no agent's name; -list tells it", program.ErrUsage, *release)
	}
	client, err := clientOf(*url, *token, *ca)
	if err != nil {
		return err
	}
	if *release != "" {
		a, err := client.Release(ctx, *site, *release)
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, quarantineLine(a))
		return nil
	}
	q, err := client.Quarantine(ctx, *site)
	if err != nil {
		return err
	}
	for i := range q.Agents {
		fmt.Fprintln(stdout, quarantineLine(&q.Agents[i]))
	}
	if len(q.Agents) == 0 {
		fmt.Fprintln(stdout, "Nobody is in quarantine, nor was within a day.")
	}
	return nil
}

// quarantineLine is an agent as people read it.
func quarantineLine(a *query.Quarantined) string {
	const form = "2006-01-02 15:04:05Z"
	line := fmt.Sprintf("%s %s %s: since %s, until %s", a.Site, a.Agent, a.State, a.Since.Format(form), a.Until.Format(form))
	if a.By != "" {
		line += " by " + a.By
	}
	return line + fmt.Sprintf(", for %d batches in a minute, the last: %s; times: %d", a.Refused, a.Why, a.Times)
}
