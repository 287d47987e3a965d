package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/changes"
	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
	"github.com/gigawatch/gigawatch/collector/program"
)

// audit is what verify is asked to do.
type audit struct {
	data, site string
	checkpoint bool   // print the newest
	since      int64  // as a witness takes it, that has signed so many leaves; below zero: not
	hour       string // print the proofs of it
	proof      string // file to check, without data
	in         string // file of the checkpoint that proofs are of; "": the newest, or the proof's own
	keys       string // public keys, or files of them
	file       string // of the hour that is proved
}

// verify checks the ledger: exit 0 and one line, or exit 1 naming the first bad
// entry. It hands out what others check it by, and checks that.
func verify(args []string, stdout, stderr io.Writer) error {
	var a audit
	flags := flag.NewFlagSet("aggregator verify", flag.ContinueOnError)
	flags.StringVar(&a.data, "data", "", "`folder` of the aggregator")
	flags.StringVar(&a.site, "site", "", "`name` of the site; needed where there are several")
	flags.BoolVar(&a.checkpoint, "checkpoint", false, "if all is in order, print the newest signed checkpoint of the site's log, and nothing else")
	flags.Int64Var(&a.since, "since", -1, "with -checkpoint: print it as a witness takes it that has signed so many `leaves`")
	flags.StringVar(&a.hour, "hour", "", "print the proof that the files of an `hour`, such as 2026-11-22T17Z, stand in the signed log")
	flags.StringVar(&a.proof, "proof", "", "check the proofs in a `file`, by -key alone")
	flags.StringVar(&a.in, "in", "", "`file` of the checkpoint that proofs are to be of; without, the newest")
	flags.StringVar(&a.keys, "key", "", "public `keys` of the log and, after commas, of witnesses, or files of them")
	flags.StringVar(&a.file, "file", "", "with -proof: the `file` of the hour")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	switch {
	case a.proof != "":
		return a.checkProofs(stdout)
	case a.data == "":
		return fmt.Errorf("%w: -data is missing", program.ErrUsage)
	case a.checkpoint && a.hour != "" || a.since >= 0 && !a.checkpoint || a.file != "" || a.keys != "" || a.in != "" && a.hour == "":
		return fmt.Errorf("%w: -hour takes -in, -checkpoint takes -since, and -proof takes -key, -in and -file", program.ErrUsage)
	case a.hour != "":
		return a.prove(stdout)
	}
	line, err := verifyAll(a.data)
	if err != nil {
		return fmt.Errorf("verify %s: %w", a.data, err)
	}
	if a.checkpoint {
		return a.export(stdout)
	}
	fmt.Fprintln(stdout, line)
	return nil
}

// verifyAll checks everything that was sealed or signed, and says it in one line.
func verifyAll(dir string) (line string, err error) {
	// What was signed is looked at first: the ledger may grow meanwhile.
	heads, says, err := signedHeads(dir)
	if err != nil {
		return "", err
	}
	summary, err := ledger.Check(dir)
	if err != nil {
		return "", err
	}
	says = append([]string{summary.String()}, says...)
	switch lines, last, err := changes.Check(dir); {
	case err == nil:
		says = append(says, fmt.Sprintf("changes: %d lines, the last %.16s", lines, last))
	case !errors.Is(err, os.ErrNotExist): // of an aggregator that nobody asked for any
		return "", err
	}
	if len(heads) == 0 {
		return strings.Join(says, "; "), nil
	}
	l, err := viewLedger(dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for _, h := range heads {
		if err := l.Extends(h.head); err != nil {
			return "", fmt.Errorf("%s: %w", h.by, err)
		}
	}
	return strings.Join(says, "; "), nil
}

// A signedHead is how far a log reached when something was signed.
type signedHead struct {
	by   string
	head ledger.Head
}

// signedHeads are all of them, each by the signature or the chain that it is in.
func signedHeads(dir string) (heads []signedHead, says []string, err error) {
	points := checkpoint.NewFolder(dir)
	sites, err := points.Sites()
	if err != nil {
		return nil, nil, err
	}
	for _, site := range sites {
		for _, read := range []func(string) ([]byte, checkpoint.Checkpoint, error){points.Newest, points.Witnessed} {
			switch _, c, err := read(site); {
			case errors.Is(err, os.ErrNotExist):
			case err != nil:
				return nil, nil, fmt.Errorf("checkpoints of %s: %w", site, err)
			default:
				heads = append(heads, signedHead{fmt.Sprintf("checkpoint of %s, %d leaves", site, c.Size), headOf(site, c)})
			}
		}
	}
	if n := len(heads); n > 0 {
		says = append(says, fmt.Sprintf("checkpoints of %d sites hold", len(sites)))
	}
	folder := statement.NewFolder(dir)
	if sites, err = folder.Sites(); err != nil {
		return nil, nil, err
	}
	for _, site := range sites {
		lines, files, err := folder.Check(site)
		if err != nil {
			return nil, nil, err
		}
		says = append(says, fmt.Sprintf("statements of %s: %d lines, %d files kept", site, lines, files))
		all, err := folder.Log(site)
		if err != nil {
			return nil, nil, err
		}
		for i := range all {
			if all[i].Root != "" {
				heads = append(heads, signedHead{fmt.Sprintf("statements of %s, line %d", site, i+1), ledger.Head{Site: site, Leaves: all[i].Leaves, Root: all[i].Root}})
			}
		}
	}
	return heads, says, nil
}

func viewLedger(dir string) (*ledger.Ledger, error) {
	return ledger.View(dir, ledger.Config{Logger: slog.New(slog.DiscardHandler)})
}

// only is the site that is asked about, or the only one there is.
func (a *audit) only(sites []string) (string, error) {
	switch {
	case a.site != "" && !slices.Contains(sites, a.site):
		return "", fmt.Errorf("verify %s: no log of %s is signed there", a.data, a.site)
	case a.site != "":
		return a.site, nil
	case len(sites) == 1:
		return sites[0], nil
	case len(sites) == 0:
		return "", fmt.Errorf("verify %s: no log is signed there; aggregator serve signs when it seals", a.data)
	}
	return "", fmt.Errorf("%w: -site is missing: there are %s", program.ErrUsage, strings.Join(sites, ", "))
}
