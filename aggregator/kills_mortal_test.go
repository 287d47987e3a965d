package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/program"
)

// Where an aggregator of these tests ends, and the file to which it writes what it
// passes.
const (
	killAt     = "GIGAWATCH_KILL_AT" // a point, and at which passing of it: "before rename hour#2"
	killPoints = "GIGAWATCH_KILL_POINTS"
)

// points are the places at which an aggregator can be killed: before and after
// each operation that changes its disk, and each acknowledgement.
type points struct {
	at     string
	nth    int
	passed *os.File

	mu    sync.Mutex
	known map[string]int
}

// pass notes a point, and ends the process there as a kill -9 does.
func (p *points) pass(point string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[point]++
	if p.passed != nil {
		fmt.Fprintln(p.passed, point)
	}
	if point == p.at && p.known[point] == p.nth {
		syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// mortal is a disk that is killed.
type mortal struct {
	ledger.Disk
	*points
}

func (m mortal) around(what, name string, do func() error) error {
	m.pass("before " + what + " " + kindOf(name))
	err := do()
	m.pass("after " + what + " " + kindOf(name))
	return err
}

func (m mortal) Write(name string, b []byte) error {
	return m.around("write", name, func() error { return m.Disk.Write(name, b) })
}

func (m mortal) Append(name string, size int64, b []byte) error {
	return m.around("append", name, func() error { return m.Disk.Append(name, size, b) })
}

func (m mortal) Sync(name string) error {
	return m.around("sync", name, func() error { return m.Disk.Sync(name) })
}

func (m mortal) Rename(from, to string) error {
	return m.around("rename", to, func() error { return m.Disk.Rename(from, to) })
}

func (m mortal) SyncDir(name string) error {
	return m.around("sync folder", name, func() error { return m.Disk.SyncDir(name) })
}

// kindOf is what a file is for, or the name of a folder.
func kindOf(name string) string {
	base := strings.TrimSuffix(filepath.Base(name), ".tmp")
	switch {
	case strings.HasPrefix(base, "state."):
		return "state"
	case strings.HasSuffix(base, ".hour"):
		return "hour"
	default:
		return base
	}
}

// serveMortal is aggregator serve with a disk and acknowledgements that are
// killed where the environment says.
func serveMortal() {
	program.Main("aggregator", func(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
		log, err := program.Logger("warn", stderr)
		if err != nil {
			return err
		}
		c, err := loadConfig(args[0])
		if err != nil {
			return err
		}
		p := &points{known: map[string]int{}}
		if name := os.Getenv(killPoints); name != "" {
			if p.passed, err = os.Create(name); err != nil {
				return err
			}
		}
		if point, nth, ok := strings.Cut(os.Getenv(killAt), "#"); ok {
			p.at = point
			if p.nth, err = strconv.Atoi(nth); err != nil {
				return err
			}
		}
		c.seams = seams{
			commits: 100 * time.Millisecond,
			disk: func(folder string) (ledger.Disk, error) {
				d, err := ledger.OpenFolder(folder)
				return mortal{d, p}, err
			},
			acknowledge: func(send publish) publish {
				return func(subject string, data []byte) error {
					p.pass("before acknowledge")
					err := send(subject, data)
					p.pass("after acknowledge")
					return err
				}
			},
		}
		return c.serve(ctx, log, stdout)
	})
}
