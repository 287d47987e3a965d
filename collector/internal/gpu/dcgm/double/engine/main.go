// Engine plays a host with GPUs for a collector that is run by hand. It builds
// the double of libdcgm.so.4, drives the world that it shows, and takes faults
// from standard input, one a line; help lists them.
//
//	go run ./collector/internal/gpu/dcgm/double/engine -dir DIR -gpus 8
//
// It prints what the collector is to be started with.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
)

func main() {
	dir := flag.String("dir", "", "where the library, the world and the socket are put; default: a new one")
	gpus := flag.Int("gpus", 8, "number of GPUs, at most 32")
	seed := flag.Uint64("seed", 1, "of the load")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := play(ctx, *dir, *gpus, *seed, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

func play(ctx context.Context, dir string, gpus int, seed uint64, in io.Reader, out io.Writer) error {
	if gpus < 0 || gpus > 32 {
		return fmt.Errorf("%d GPUs: want at most 32", gpus)
	}
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "dcgm"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if _, err := double.Build(dir); err != nil {
		return err
	}
	file := filepath.Join(dir, "world")
	w, err := double.Create(file)
	if err != nil {
		return err
	}
	defer w.Close()
	for range gpus {
		w.AddGPU(time.Now())
	}
	w.Module = 1
	e := &engine{World: w, socket: filepath.Join(dir, "dcgm.sock"), load: newLoad(seed, gpus)}
	if err := e.listen(); err != nil {
		return err
	}
	defer e.close()
	fmt.Fprintf(out, "LD_LIBRARY_PATH=%s DCGM_DOUBLE=%s\nengine at unix://%s\n", dir, file, e.socket)

	lines := make(chan string)
	go func() {
		for s := bufio.NewScanner(in); s.Scan(); {
			lines <- s.Text()
		}
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			e.load.move(w, now)
		case line := <-lines:
			switch err := e.do(line, time.Now()); {
			case errors.Is(err, errQuit):
				return nil
			case err != nil:
				fmt.Fprintln(out, err)
			}
		}
	}
}

// An engine is a world and a socket at which it is heard.
type engine struct {
	*double.World
	socket   string
	listener net.Listener
	load     *load
}

func (e *engine) listen() error {
	_ = os.Remove(e.socket)
	l, err := net.Listen("unix", e.socket)
	if err != nil {
		return err
	}
	e.listener = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return nil
}

func (e *engine) close() {
	if e.listener != nil {
		e.listener.Close()
		e.listener = nil
	}
}
