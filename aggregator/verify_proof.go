package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/program"
)

// export prints the newest checkpoint, or asks a witness to sign it.
func (a *audit) export(stdout io.Writer) (err error) {
	folder := checkpoint.NewFolder(a.data)
	sites, err := folder.Sites()
	if err != nil {
		return err
	}
	site, err := a.only(sites)
	if err != nil {
		return err
	}
	signed, c, err := folder.Newest(site)
	if err != nil {
		return fmt.Errorf("verify %s: %w", a.data, err)
	}
	if a.since < 0 {
		_, err := stdout.Write(signed)
		return err
	}
	l, err := viewLedger(a.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	r := checkpoint.Request{Old: a.since, Signed: signed}
	if r.Proof, err = l.Grown(site, a.since, c.Size); err != nil {
		return fmt.Errorf("verify %s: %w", a.data, err)
	}
	_, err = stdout.Write(r.Text())
	return err
}

// prove prints the proofs of an hour's files.
func (a *audit) prove(stdout io.Writer) (err error) {
	at, err := time.Parse("2006-01-02T15Z", a.hour)
	if err != nil {
		return fmt.Errorf("%w: -hour %q is none, such as 2026-11-22T17Z", program.ErrUsage, a.hour)
	}
	folder := checkpoint.NewFolder(a.data)
	sites, err := folder.Sites()
	if err != nil {
		return err
	}
	site, err := a.only(sites)
	if err != nil {
		return err
	}
	signed, c, err := a.pointOf(folder, site)
	if err != nil {
		return fmt.Errorf("prove %s of %s: %w", a.hour, site, err)
	}
	l, err := viewLedger(a.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	ps, err := provedHour(l, site, at, c, signed)
	if err != nil {
		return fmt.Errorf("prove %s of %s: %w", a.hour, site, err)
	}
	for i := range ps {
		if _, err := stdout.Write(ps[i].Text()); err != nil {
			return err
		}
	}
	return nil
}

// pointOf is the checkpoint that proofs are to be of.
func (a *audit) pointOf(f checkpoint.Folder, site string) (signed []byte, c checkpoint.Checkpoint, err error) {
	if a.in == "" {
		return f.Newest(site)
	}
	if signed, err = os.ReadFile(a.in); err != nil {
		return nil, c, fmt.Errorf("read checkpoint: %w", err)
	}
	key, err := f.Key(site)
	if err == nil {
		c, _, err = checkpoint.Open(signed, key)
	}
	return signed, c, err
}

// provedHour are the proofs of the files of an hour in a log as it was signed.
func provedHour(l *ledger.Ledger, site string, at time.Time, c checkpoint.Checkpoint, signed []byte) (out []checkpoint.Proof, err error) {
	h := headOf(site, c)
	if err := l.Extends(h); err != nil {
		return nil, err
	}
	ps, err := l.Prove(h, at.Unix()/3600)
	if err != nil {
		return nil, err
	}
	if len(ps) == 0 {
		return nil, fmt.Errorf("nothing of it is in the log as of %d leaves", c.Size)
	}
	for _, p := range ps {
		x := checkpoint.Proof{Line: p.Line, Index: p.Leaf, Signed: signed}
		for _, s := range p.Hashes {
			hash, err := tlog.ParseHash(s)
			if err != nil {
				return nil, err
			}
			x.Hashes = append(x.Hashes, hash)
		}
		out = append(out, x)
	}
	return out, nil
}

// checkProofs checks proofs with nothing but them, a checkpoint and public keys.
func (a *audit) checkProofs(stdout io.Writer) error {
	if a.keys == "" || a.data != "" || a.hour != "" || a.checkpoint {
		return fmt.Errorf("%w: -proof takes -key, -in and -file, and nothing else", program.ErrUsage)
	}
	var keys []checkpoint.Verifier
	for s := range strings.SplitSeq(a.keys, ",") {
		k, err := readPublic(s)
		if err != nil {
			return fmt.Errorf("%w: -key: %w", program.ErrUsage, err)
		}
		keys = append(keys, k)
	}
	b, err := os.ReadFile(a.proof)
	if err != nil {
		return fmt.Errorf("read proof: %w", err)
	}
	ps, err := checkpoint.ParseProofs(b)
	if err != nil {
		return fmt.Errorf("%s: %w", a.proof, err)
	}
	var given []byte
	if a.in != "" {
		if given, err = os.ReadFile(a.in); err != nil {
			return fmt.Errorf("read checkpoint: %w", err)
		}
	}
	var hour string
	if a.file != "" {
		b, err := os.ReadFile(a.file)
		if err != nil {
			return fmt.Errorf("read hour: %w", err)
		}
		sum := sha256.Sum256(b)
		hour = hex.EncodeToString(sum[:])
	}
	found := hour == ""
	for i := range ps {
		signed := given
		if signed == nil {
			signed = ps[i].Signed
		}
		c, seen, err := ps[i].Check(signed, keys[0], keys[1:]...)
		if err != nil {
			return fmt.Errorf("%s: proof %d: %w", a.proof, i+1, err)
		}
		found = found || strings.Contains(ps[i].Line+" ", " "+hour+" ")
		fmt.Fprintf(stdout, "leaf %d of %s, %d leaves%s: %s\n", ps[i].Index, c.Origin, c.Size, witnessedBy(seen), ps[i].Line)
	}
	if !found {
		return fmt.Errorf("%s is none of the files that %s is of: its SHA-256 is %s", a.file, a.proof, hour)
	}
	return nil
}

func witnessedBy(seen []checkpoint.Seen) (s string) {
	for _, x := range seen {
		s += fmt.Sprintf(", witnessed by %s at %s", x.Name, time.Unix(x.At, 0).UTC().Format(time.RFC3339))
	}
	return s
}

// readPublic is a public key, or what the file of that name holds.
func readPublic(s string) (checkpoint.Verifier, error) {
	if b, err := os.ReadFile(s); err == nil && len(b) < 1<<10 {
		s = string(b)
	}
	return checkpoint.ParseKey(s)
}
