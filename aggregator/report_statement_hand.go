package main

import (
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
)

// hand writes the statement and the note on it, and keeps what it says. What has
// errors is not signed.
func (x *stating) hand(stdout io.Writer) error {
	for i := range x.issues {
		fmt.Fprintln(x.stderr, x.issues[i].String())
		fmt.Fprintf(x.stderr, "    > %s\n", x.issues[i].Fix)
	}
	b, err := report.Write(x.out, x.as)
	if err != nil {
		return err
	}
	if x.toOutput() {
		if _, err = stdout.Write(b); err == nil {
			fmt.Fprintln(x.stderr, "not signed: with -o FILE a signature goes beside it")
		}
		return err
	}
	if i := slices.IndexFunc(x.issues, func(i report.Issue) bool { return i.Severity == report.Error }); i >= 0 {
		if err := os.WriteFile(x.reportFlags.out, b, 0o640); err != nil {
			return fmt.Errorf("write statement: %w", err)
		}
		fmt.Fprintf(stdout, "not signed: %s\n", x.issues[i].String())
		return nil
	}
	folder, name := statement.NewFolder(x.described.data), x.described.site.Token
	signer, err := folder.Key(name)
	if err != nil {
		return err
	}
	c := x.claim
	c.Format = x.as
	c = c.Of(b)
	signed, err := signer.Sign(c)
	if err != nil {
		return err
	}
	kept, err := x.kept.JSON()
	if err != nil {
		return err
	}
	line := statement.Line{At: time.Now().UTC().Format(time.RFC3339), Action: statement.ActSign, By: x.by, Kind: c.Kind, Period: c.Period, Whose: c.Whose, Format: c.Format,
		SHA256: c.SHA256, Leaves: c.Leaves, Root: c.Root}
	if x.names {
		line.Action = statement.ActJoin
	}
	if u, err := user.Current(); err == nil {
		line.Account = u.Username
	}
	if err := folder.Add(name, line, kept); err != nil { // what is handed out is in the log
		return err
	}
	for _, file := range []struct {
		path string
		b    []byte
	}{{x.reportFlags.out, b}, {x.reportFlags.out + ".note", signed}} {
		if err := os.WriteFile(file.path, file.b, 0o640); err != nil {
			return fmt.Errorf("write statement: %w", err)
		}
	}
	fmt.Fprintf(stdout, "%s of %s, %s: sha256 %s\nsigned by %s\n", x.kind, c.Site, c.Period, c.SHA256, signer.Public)
	return nil
}

// toOutput reports whether the statement goes to standard output.
func (x *stating) toOutput() bool { return x.reportFlags.out == "" || x.reportFlags.out == "-" }
