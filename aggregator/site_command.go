package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/site"
)

// siteCommand begins a site file, or says what one describes and what is wrong
// with it.
func siteCommand(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator site", flag.ContinueOnError)
	initialise := flags.Bool("init", false, "print a commented site file, and exit")
	files := flags.Bool("files", false, "with -init: of a site of whose meters there are files alone, for a report on the year before this one")
	check := flags.Bool("check", false, "say what the site file describes and what is wrong with it, and exit")
	path := flags.String("file", "", "site `file`")
	if err := program.Parse(flags, args, stderr); err != nil {
		switch name := flags.Arg(0); {
		case *initialise && name != "":
			return fmt.Errorf("%w: the file is printed: aggregator site -init > %s", program.ErrUsage, name)
		case *check && name != "" && *path == "":
			return fmt.Errorf("%w: want aggregator site -check -file %s", program.ErrUsage, name)
		}
		return err
	}
	switch {
	case *initialise && *files:
		_, err := stdout.Write(site.ExampleOfFiles(time.Now().Year() - 1))
		return err
	case *initialise:
		_, err := stdout.Write(site.Example)
		return err
	case !*check:
		return fmt.Errorf("%w: want -init or -check; aggregator site -init > site.yaml begins a file", program.ErrUsage)
	case *path == "":
		return fmt.Errorf("%w: -file is missing; aggregator site -init > site.yaml begins one", program.ErrUsage)
	}
	s, err := site.Load(*path)
	if s == nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	if err == nil {
		if _, _, err := stated(s); err != nil {
			return fmt.Errorf("%w: %s: %w", program.ErrUsage, *path, err)
		}
	}
	describeSite(stdout, *path, s, time.Now())
	return listProblems(stderr, *path, s.Check())
}

// listProblems lists problems, errors last: they are what is to be done next.
func listProblems(w io.Writer, path string, problems []site.Problem) error {
	errs := 0
	for _, severity := range []site.Severity{site.Warning, site.Error} {
		for _, p := range problems {
			if p.Severity != severity {
				continue
			}
			fix := p.Fix
			p.Fix = ""
			fmt.Fprintln(w, p)
			if fix != "" {
				fmt.Fprintf(w, "    > %s\n", fix)
			}
			if severity == site.Error {
				errs++
			}
		}
	}
	if errs > 0 {
		return fmt.Errorf("%w: %s is not in order, see above: %d to mend", program.ErrUsage, path, errs)
	}
	return nil
}

// describeSite says what a site is, for the people who run it.
func describeSite(w io.Writer, path string, s *site.Site, now time.Time) {
	problems := s.Check()
	switch {
	case slices.ContainsFunc(problems, func(p site.Problem) bool { return p.Severity == site.Error }):
		fmt.Fprintf(w, "%s describes, as far as it can be read:\n\n", path)
	case len(problems) == 1:
		fmt.Fprintf(w, "%s is in order, with a warning. It describes:\n\n", path)
	case len(problems) > 1:
		fmt.Fprintf(w, "%s is in order, with %d warnings. It describes:\n\n", path, len(problems))
	default:
		fmt.Fprintf(w, "%s is in order. It describes:\n\n", path)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(what, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", what, fmt.Sprintf(format, args...)) }
	line("site", "%s", joined(", ", s.Token, s.Name, s.Operator))
	line("place", "%s", cmp.Or(joined(", ", s.Country, zoneText(s), zoneOfTime(s)), "not said"))
	if s.Grid.Connection > 0 {
		line("connection", "%s", s.Grid.Connection)
	}
	n := s.Expected(now)
	line("halls", "%d", len(s.Halls))
	line("racks", "%d%s", len(s.Racks), inUse(n.Racks, len(s.Racks)))
	line("hosts", "%d expected today", n.Hosts)
	line("GPUs", "%d expected today", n.GPUs)
	line("meters", "%d", len(s.Meters))
	for _, role := range site.Roles() {
		if ms := s.MetersOf(role); len(ms) > 0 {
			line("  "+role, "%s", metersText(s, ms))
		}
	}
	line("PUE", "%s", s.ITCategory())
	_ = t.Flush() // w says so itself
	listOutlooks(w, "\nFigures that it can have:", s.Outlooks(), true)
	listOutlooks(w, "\nFigures that it cannot have, and why:", s.Outlooks(), false)
	fmt.Fprintln(w)
}

// listOutlooks lists the figures that there can be, or those that there cannot.
func listOutlooks(w io.Writer, title string, list []site.Outlook, have bool) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, o := range list {
		if o.Have != have {
			continue
		}
		if title != "" {
			fmt.Fprintln(w, title)
			title = ""
		}
		fmt.Fprintf(t, "  %s\t%s\n", o.Name, o.Text)
	}
	_ = t.Flush() // w says so itself
}

// metersText counts meters of a role and names some; those that nothing reads and
// those that stand by are said.
func metersText(s *site.Site, ms []*site.Meter) string {
	var names []string
	backups, silent := 0, 0
	for _, m := range ms {
		if len(names) < 4 {
			names = append(names, m.ID)
		}
		if i := s.PowerTree().Node(m.ID); i >= 0 {
			backups += len(s.PowerTree().Nodes[i].Backups)
		}
		if m.Read == nil {
			silent++
		}
	}
	if len(ms) > 4 {
		names = append(names[:3], "…")
	}
	t := fmt.Sprintf("%d: %s", len(ms), strings.Join(names, ", "))
	if backups > 0 {
		t += fmt.Sprintf("; and %d as backup", backups)
	}
	if silent > 0 {
		t += fmt.Sprintf("; nothing reads %d", silent)
	}
	return t
}

func zoneText(s *site.Site) string {
	if s.Zone.Name == "" {
		return ""
	}
	return fmt.Sprintf("bidding zone %s (%s)", s.Zone.Name, s.Zone.EIC)
}

func zoneOfTime(s *site.Site) string { return s.TimeZone.String() + " time" }

// inUse says how many are in use today, if not all are.
func inUse(n, of int) string {
	if n == of {
		return ""
	}
	return fmt.Sprintf(", %d in use today", n)
}

// joined is what is there of parts.
func joined(by string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), by)
}
