package main

import (
	"fmt"
	"io"
	"os"
	"os/user"

	"github.com/gigawatch/gigawatch/aggregator/internal/desk"
)

// hand writes the statement and the note on it, and keeps what it says. What has
// errors is not signed.
func (f *statementFlags) hand(d *described, x *desk.Stated, stdout, stderr io.Writer) error {
	for i := range x.Issues {
		fmt.Fprintln(stderr, x.Issues[i].String())
		fmt.Fprintf(stderr, "    > %s\n", x.Issues[i].Fix)
	}
	by := desk.Hander{Name: f.by}
	if u, err := user.Current(); err == nil {
		by.Account = u.Username
	}
	toOutput := f.out == "" || f.out == "-"
	h, err := d.desk.Hand(x, f.as, !toOutput, by)
	if err != nil {
		return err
	}
	if toOutput {
		if _, err = stdout.Write(h.File); err == nil {
			fmt.Fprintln(stderr, "not signed: with -o FILE a signature goes beside it")
		}
		return err
	}
	return f.keep(&handed{h.Claim.Site, h.Claim.Period, h.Claim.SHA256, h.File, h.Note, h.Why, h.Public}, stdout)
}

// handed is a statement as it leaves.
type handed struct {
	site, period, sha256 string
	file, note           []byte // no note: it is not signed
	why, key             string
}

// keep writes the file, and its signature beside it.
func (f *statementFlags) keep(h *handed, stdout io.Writer) error {
	if err := os.WriteFile(f.out, h.file, 0o640); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	if len(h.note) == 0 {
		fmt.Fprintf(stdout, "not signed: %s\n", h.why)
		return nil
	}
	if err := os.WriteFile(f.out+".note", h.note, 0o640); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	fmt.Fprintf(stdout, "%s of %s, %s: sha256 %s\nsigned by %s\n", f.kind, h.site, h.period, h.sha256, h.key)
	return nil
}
