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
	if err := os.WriteFile(f.out, h.File, 0o640); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	if h.Note == nil {
		fmt.Fprintf(stdout, "not signed: %s\n", h.Why)
		return nil
	}
	if err := os.WriteFile(f.out+".note", h.Note, 0o640); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	fmt.Fprintf(stdout, "%s of %s, %s: sha256 %s\nsigned by %s\n", f.kind, h.Claim.Site, h.Claim.Period, h.Claim.SHA256, h.Public)
	return nil
}
