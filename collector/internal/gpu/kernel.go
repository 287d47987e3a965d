package gpu

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"syscall"
	"time"
)

// A kernelLog tells of the faults that NVIDIA's driver writes there: a second
// witness beside what the driver's library tells, and the only one of some.
//
// Lines older than the log's opening are no events of now, for an agent that
// restarts would count them again; of them only XID 119 is told, which goes on
// being true.
type kernelLog struct {
	path   string
	fd     int
	open   bool
	err    error // why it is not read
	tried  time.Time
	now    bool   // past what was there at the opening
	rest   []byte // of a line that is not whole yet
	buffer [8192]byte
	lost   int64 // times that the kernel overwrote what was not read yet
}

// Bounds of one reading.
const (
	maxRecords = 20_000
	maxLine    = 8192
	retryLog   = time.Minute
)

// read calls each with the XIDs that were logged since the last reading. old
// marks those from before the log was opened.
func (k *kernelLog) read(at time.Time, each func(a address, code uint32, old bool)) {
	if !k.open {
		if !k.tried.IsZero() && at.Sub(k.tried) < retryLog {
			return
		}
		k.tried = at
		fd, err := syscall.Open(k.path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		if err != nil {
			k.err = &fs.PathError{Op: "open", Path: k.path, Err: err}
			return
		}
		k.fd, k.open, k.now, k.rest, k.err = fd, true, false, nil, nil
	}
	for range maxRecords {
		n, err := syscall.Read(k.fd, k.buffer[:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EPIPE: // the next record is no longer there
			k.lost++
			continue
		case err == syscall.EAGAIN || err == nil && n == 0: // that is all
			k.now = true
			return
		case err != nil:
			k.err = &fs.PathError{Op: "read", Path: k.path, Err: err}
			k.close()
			return
		}
		k.take(k.buffer[:n], each)
	}
	if !k.now { // what is still there is old as well
		k.now = true
		syscall.Seek(k.fd, 0, 2)
		k.rest = nil
	}
}

// take splits b into lines.
func (k *kernelLog) take(b []byte, each func(a address, code uint32, old bool)) {
	for {
		line, after, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			if len(k.rest)+len(b) <= maxLine {
				k.rest = append(k.rest, b...)
			}
			return
		}
		if len(k.rest) > 0 {
			line = append(k.rest, line...)
			k.rest = k.rest[:0]
		}
		if text, ok := kernelText(line); ok {
			if a, code, ok := parseXID(text); ok {
				each(a, code, !k.now)
			}
		}
		b = after
	}
}

func (k *kernelLog) close() {
	if k.open {
		syscall.Close(k.fd)
		k.open = false
	}
}

// refused says why the log is not read and what would change that; "" if it is.
func (k *kernelLog) refused() string {
	switch {
	case k.err == nil:
		return ""
	case errors.Is(k.err, fs.ErrPermission):
		return fmt.Sprintf("kernel log: permission denied on %s, so that XIDs come from the driver's library alone: run as root or give CAP_SYSLOG", k.path)
	case errors.Is(k.err, fs.ErrNotExist):
		return fmt.Sprintf("kernel log: there is no %s, so that XIDs come from the driver's library alone: in a container, mount it", k.path)
	}
	return fmt.Sprintf("kernel log: %v", k.err)
}

// kernelText is the text of a record of /dev/kmsg that the kernel itself wrote:
//
//	4,1234,56789012,-;NVRM: Xid (PCI:0000:3b:00): 79, pid=…
//
// The first number holds the writer in the bits above the lowest three; zero is
// the kernel, and nobody else can write as it.
func kernelText(line []byte) (text []byte, ok bool) {
	head, text, ok := bytes.Cut(line, []byte(";"))
	if !ok {
		return nil, false
	}
	priority, _, ok := bytes.Cut(head, []byte(","))
	if n, err := strconv.ParseUint(string(priority), 10, 32); !ok || err != nil || n > 7 {
		return nil, false
	}
	return text, true
}

// parseXID reads where and what from the driver's line about a fault:
//
//	NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.
//	NVRM: Xid (PCI:0000:3b:00 GPU-I:05): 94, pid=7194, name=python, Contained: …
//	NVRM: Xid (0000:03:00): 13, …
func parseXID(text []byte) (a address, code uint32, ok bool) {
	text, ok = bytes.CutPrefix(text, []byte("NVRM: Xid ("))
	if !ok {
		return a, 0, false
	}
	where, what, ok := bytes.Cut(text, []byte("): "))
	if !ok || len(where) > 64 {
		return a, 0, false
	}
	where, _, _ = bytes.Cut(where, []byte(" ")) // without the instance
	if a, ok = parseAddress(string(where)); !ok {
		return a, 0, false
	}
	digits := 0
	for digits < len(what) && what[digits] >= '0' && what[digits] <= '9' {
		digits++
	}
	n, err := strconv.ParseUint(string(what[:min(digits, 11)]), 10, 32)
	return a, uint32(n), err == nil
}
