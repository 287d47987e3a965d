package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/program"
)

// matchFlag is a matcher, many of them: an expression may have commas in it.
type matchFlag struct{ list *[]string }

func (m matchFlag) String() string { return "" }

func (m matchFlag) Set(s string) error {
	*m.list = append(*m.list, s)
	return nil
}

// alertWindow opens, lists and closes windows of maintenance of an aggregator that
// runs.
func alertWindow(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var to importFlags // of them, who is asked
	var q query.WindowQuestion
	flags := flag.NewFlagSet("aggregator alert window", flag.ContinueOnError)
	flags.StringVar(&to.url, "url", "", "`address` of the aggregator, such as http://127.0.0.1:8600")
	flags.StringVar(&to.tokenFile, "token-file", "", "`file` with the token of -url")
	flags.StringVar(&to.ca, "ca", "", "`file` with the certificate that -url is signed by")
	flags.StringVar(&q.Site, "site", "", "`name` of the site")
	flags.Var(matchFlag{&q.Match}, "match", "`LABEL=VALUE` or LABEL=~EXPRESSION that alerts must have; may stand many times, and all of them hold")
	from := flags.String("from", "", "`time` when it begins, as 2026-11-23T08:00:00Z; left out, now")
	length := flags.Duration("for", 0, "how long it is: seven days at most")
	flags.StringVar(&q.Owner, "owner", "", "who answers for it")
	flags.StringVar(&q.Reason, "reason", "", "why")
	list := flags.Bool("list", false, "list what is open, coming, and over of the last month")
	closing := flags.String("close", "", "`id` of the one to be closed")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	if to.url == "" {
		return fmt.Errorf("%w: -url is missing", program.ErrUsage)
	}
	client, err := to.client()
	if err != nil {
		return err
	}
	switch {
	case *list:
		a, err := client.Windows(ctx, q.Site, true)
		if err != nil {
			return err
		}
		for i := range a.Windows {
			fmt.Fprintln(stdout, windowLine(&a.Windows[i]))
		}
		return nil
	case *closing != "":
		w, err := client.CloseWindow(ctx, q.Site, *closing)
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, windowLine(w))
		return nil
	}
	q.From = time.Now()
	if *from != "" {
		if q.From, err = time.Parse(time.RFC3339, *from); err != nil {
			return fmt.Errorf("%w: -from %q is not of the form 2026-11-23T08:00:00Z", program.ErrUsage, *from)
		}
	}
	if *length <= 0 {
		return fmt.Errorf("%w: -for is missing: how long it is", program.ErrUsage)
	}
	q.To = q.From.Add(*length)
	w, err := client.OpenWindow(ctx, q)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, windowLine(w))
	return nil
}

// windowLine is a window as people read it.
func windowLine(w *query.Window) string {
	const form = "2006-01-02 15:04Z"
	until := w.To.UTC().Format(form)
	if w.Closed != nil {
		until = w.Closed.UTC().Format(form) + ", closed"
		if w.ClosedBy != "" {
			until += " by " + w.ClosedBy
		}
	}
	s := fmt.Sprintf("%s %s: %s, %s to %s, of %s: %s", w.ID, w.State, strings.Join(w.Match, " "), w.From.UTC().Format(form), until, w.Owner, w.Reason)
	if w.State == "open" {
		s += fmt.Sprintf("; holds back %d", w.Held)
	}
	return s
}
