package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/desk"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/names"
	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
	"github.com/gigawatch/gigawatch/collector/program"
)

// verifyStatement holds a file against the note beside it: offline, by a public key;
// with a data folder against the ledger, too.
func verifyStatement(args []string, stdout, stderr io.Writer) error {
	var file, noteFile, key, data string
	flags := flag.NewFlagSet("aggregator report verify", flag.ContinueOnError)
	flags.StringVar(&file, "file", "", "the `file` that was handed out")
	flags.StringVar(&noteFile, "note", "", "`file` of its signature; without it FILE.note")
	flags.StringVar(&key, "key", "", "public `key` of the site, or a file of it")
	flags.StringVar(&data, "data", "", "`folder` of the aggregator, to hold the ledger against it, too")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	if file == "" || key == "" {
		return fmt.Errorf("%w: -file or -key is missing", program.ErrUsage)
	}
	if noteFile == "" {
		noteFile = file + ".note"
	}
	var texts [2][]byte
	for i, path := range []string{file, noteFile} {
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("verify statement: %w", err)
		}
		texts[i] = b
	}
	switch b, err := os.ReadFile(key); {
	case err == nil:
		key = string(b)
	case !strings.Contains(key, "+"): // it is no key itself
		return fmt.Errorf("verify statement: key: %w", err)
	}
	c, err := statement.Verify(texts[0], texts[1], key)
	if err != nil {
		return err
	}
	whose := c.Whose
	if whose == "" {
		whose = "all"
	}
	fmt.Fprintf(stdout, "%s is as it was signed: %s statement of %s, %s, of %s; sha256 %s; ledger of %d leaves, root %s\n", filepath.Base(file), c.Kind, c.Site, c.Period, whose, c.SHA256, c.Leaves, c.Root)
	if data == "" {
		return nil
	}
	l, err := ledger.View(data, ledger.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	err = l.Extends(ledger.Head{Site: c.Site, Leaves: c.Leaves, Root: c.Root})
	if err := errors.Join(err, l.Close()); err != nil {
		return fmt.Errorf("the ledger is not the one that the statement rests on: %w", err)
	}
	fmt.Fprintln(stdout, "the ledger begins with the leaves that it rests on")
	return nil
}

// forgetNames has names forgotten: whoever asks for it, or all that nobody used for
// long. Keys, hashes and signatures stay as they are.
func forgetNames(args []string, stdout, stderr io.Writer) (err error) {
	var f reportFlags
	var who, unused string
	flags := flag.NewFlagSet("aggregator report forget", flag.ContinueOnError)
	flags.StringVar(&f.config, "config", "", "configuration `file` of the aggregator, instead of -data and -site-file")
	flags.StringVar(&f.data, "data", "", "`folder` of the aggregator, which may run")
	flags.Var(listFlag{&f.siteFiles}, "site-file", "site `file`")
	flags.StringVar(&f.site, "site", "", "`name` of the site")
	flags.StringVar(&who, "name", "", "the `name` of a job or a tenant, or the key of one")
	flags.StringVar(&unused, "unused-since", "", "all that stand in no statement made since this `day`")
	flags.StringVar(&f.by, "by", "", "`name` of who does it, as under people of the site file")
	flags.StringVar(&f.text, "text", "", "`reason`, without the name")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	day, bad := time.Parse(time.DateOnly, unused)
	switch {
	case oneOf(f.config, f.data) != 1:
		return fmt.Errorf("%w: want one of -config and -data", program.ErrUsage)
	case oneOf(who, unused) != 1:
		return fmt.Errorf("%w: want one of -name and -unused-since", program.ErrUsage)
	case unused != "" && bad != nil:
		return fmt.Errorf("%w: -unused-since %q is no day such as 2026-11-02", program.ErrUsage, unused)
	case f.by == "" || f.text == "":
		return fmt.Errorf("%w: -by or -text is missing: who does it, and why", program.ErrUsage)
	case who != "" && strings.Contains(f.text, who):
		return fmt.Errorf("%w: -text must not say the name: it is kept", program.ErrUsage)
	}
	d, err := f.describe()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.desk.Close()) }()
	if err := desk.MayName(d.site, f.by); err != nil {
		return err
	}
	book, err := names.Open(d.data, d.site.Token, time.Now)
	if err != nil {
		return err
	}
	is := func(n names.Name) bool { return n.Name == who || n.Key == who }
	if unused != "" {
		is = func(n names.Name) bool { return n.Used < day.Format(time.DateOnly) }
	}
	keys, err := book.Forget(is)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		fmt.Fprintln(stdout, "nothing is known by it")
		return nil
	}
	line := statement.Line{At: time.Now().UTC().Format(time.RFC3339), Action: statement.ActForget, By: f.by, Keys: keys, Text: f.text}
	if err := statement.NewFolder(d.data).Add(d.site.Token, line, nil); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d names are forgotten: %s\n", len(keys), strings.Join(keys, ", "))
	return nil
}
