package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/collector/program"
)

// witnessCommand signs a checkpoint of somebody else's log besides, if it follows
// from the last one that was signed, and prints it.
func witnessCommand(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator witness", flag.ContinueOnError)
	dir := flags.String("data", "", "`folder` of the witness: its key, and what it signed last")
	name := flags.String("name", "", "`name` of the witness, such as hub.example.org; its key is made under it")
	log := flags.String("key", "", "public `key` of the log, or file of it")
	file := flags.String("file", "-", "`file` that aggregator verify -checkpoint -since printed; -: standard input")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	if *dir == "" || *log == "" && *name == "" {
		return fmt.Errorf("%w: -data is missing, or both -key and -name are", program.ErrUsage)
	}
	w, err := checkpoint.NewWitness(*dir, *name)
	if err != nil {
		return err
	}
	if *log == "" {
		fmt.Fprintln(stdout, w.Verifier)
		return nil
	}
	key, err := readPublic(*log)
	if err != nil {
		return fmt.Errorf("%w: -key: %w", program.ErrUsage, err)
	}
	if *file != "-" {
		f, err := os.Open(*file)
		if err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		defer f.Close()
		stdin = f
	}
	b, err := io.ReadAll(io.LimitReader(stdin, 1<<20))
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	r, err := checkpoint.ParseRequest(b)
	if err != nil {
		return err
	}
	signed, err := w.Sign(key, r)
	if err != nil {
		return err
	}
	_, err = stdout.Write(signed)
	return err
}
