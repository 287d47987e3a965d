package job

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Bounds of what is read of processes: of an environment, processes of a folder,
// readings that hang, and how long one may take. A process whose memory is locked
// lets nobody read its environment.
const (
	maxEnviron  = 8 << 20
	maxEnvirons = 256 // at once
	maxPids     = 16
	maxHung     = 4
	patience    = 200 * time.Millisecond
)

// words are what the environment of a job's process says.
type words struct {
	job      string // its number; "": not a process of a job yet
	jobGPUs  string
	stepGPUs string
	visible  string
	account  string
}

// devices are those that the process says its job holds, or its step. Slurm
// numbers MIG devices by themselves, so where it gives a uuid that is taken; the
// numbers in CUDA_VISIBLE_DEVICES count from zero inside a job.
func (w *words) devices(whole bool) []string {
	list := w.stepGPUs
	if whole {
		list = w.jobGPUs
	}
	if list != "" && (strings.Contains(w.visible, "MIG-") || strings.Contains(w.visible, "GPU-")) {
		list = w.visible
	}
	devices, _ := devicesOf(list)
	return devices
}

// environ reads environments.
type environ struct {
	path func(pid string) string
	open func(path string) (io.ReadCloser, error)
	left int // that may be read yet
	hung atomic.Int32
}

func openFile(path string) (io.ReadCloser, error) { return os.Open(path) }

// of is what processes in the control group dir say; nothing while none of them
// is a job's, or can be read. An error means that it is not permitted.
func (e *environ) of(dir string) (said []words, err error) {
	for _, pid := range pids(dir) {
		w, err := e.read(pid)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return nil, errors.New("permission denied: run as root or give CAP_SYS_PTRACE, or use a prolog")
		case errors.Is(err, errHung):
			return said, nil
		case err != nil || w.job == "": // it has just ended, or not begun
			continue
		}
		said = append(said, w)
		if strings.HasPrefix(filepath.Base(dir), "task_") { // others are its children
			break
		}
	}
	return said, nil
}

var errHung = errors.New("it cannot be read now")

// read is what a process says, if it can be read soon.
func (e *environ) read(pid string) (words, error) {
	if e.left--; e.left < 0 || e.hung.Load() >= maxHung {
		return words{}, errHung
	}
	type result struct {
		words
		err error
	}
	done := make(chan result, 1)
	e.hung.Add(1)
	go func() {
		defer e.hung.Add(-1)
		f, err := e.open(e.path(pid))
		if err != nil {
			done <- result{err: err}
			return
		}
		defer f.Close()
		w, err := parseEnviron(f)
		done <- result{w, err}
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case r := <-done:
		return r.words, r.err
	case <-late.C:
		e.left = 0 // others may hang as well
		return words{}, errHung
	}
}

// parseEnviron reads an environment, and keeps no more than it needs.
func parseEnviron(r io.Reader) (w words, err error) {
	b := bufio.NewReaderSize(io.LimitReader(r, maxEnviron), 16<<10)
	for {
		v, err := b.ReadSlice(0)
		if err == nil {
			v = v[:len(v)-1]
		}
		w.take(v)
		for errors.Is(err, bufio.ErrBufferFull) { // too long to be one of ours
			_, err = b.ReadSlice(0)
		}
		if errors.Is(err, io.EOF) {
			return w, nil
		}
		if err != nil {
			return w, fmt.Errorf("read an environment: %w", err)
		}
	}
}

// take takes a variable, if it is one of ours.
func (w *words) take(v []byte) {
	name, value, ok := bytes.Cut(v, []byte("="))
	if !ok || len(value) > 4096 {
		return
	}
	switch string(name) {
	case "SLURM_JOB_ID":
		w.job = string(value)
	case "SLURM_JOB_GPUS":
		w.jobGPUs = string(value)
	case "SLURM_STEP_GPUS":
		w.stepGPUs = string(value)
	case "CUDA_VISIBLE_DEVICES":
		w.visible = string(value)
	case "SLURM_JOB_ACCOUNT":
		w.account = string(value)
	}
}

// pids are processes in the control group dir, the first of them.
func pids(dir string) (list []string) {
	f, err := os.Open(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, 4096))
	for lines.Scan() && len(list) < maxPids {
		if n, err := strconv.Atoi(lines.Text()); err == nil && n > 0 { // 0: of another namespace
			list = append(list, strconv.Itoa(n))
		}
	}
	return list
}
