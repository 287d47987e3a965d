package gpu

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLinesOfTheKernel(t *testing.T) {
	for name, x := range map[string]struct {
		line string
		want string // address and code; "" if it tells of none
	}{
		"off the bus":        {"4,1234,56789012,-;NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.", "0000:3b:00 79"},
		"of an instance":     {"4,1,2,-;NVRM: Xid (PCI:0000:3b:00 GPU-I:05): 94, pid=7194, name=python3, Contained: SM (0x1)", "0000:3b:00 94"},
		"of a part of it":    {"4,1,2,-;NVRM: Xid (PCI:0000:3b:00 GPU-I:05 GPU-CI:00): 31, pid=1, name=a, Ch 0000001", "0000:3b:00 31"},
		"of an old driver":   {"4,1,2,-;NVRM: Xid (0000:03:00): 13, 0003 00000000", "0000:03:00 13"},
		"with the caller":    {"4,1,2,-,caller=T12;NVRM: Xid (PCI:0000:3b:00): 45, pid=1", "0000:3b:00 45"},
		"a wide domain":      {"3,1,2,-;NVRM: Xid (PCI:10000:01:00): 119, pid=0", "10000:01:00 119"},
		"nothing after":      {"4,1,2,-;NVRM: Xid (PCI:0000:3b:00): 8", "0000:3b:00 8"},
		"by another program": {"12,1,2,-;NVRM: Xid (PCI:0000:3b:00): 79, pid=1", ""},
		"quoted":             {"4,1,2,-;audit: NVRM: Xid (PCI:0000:3b:00): 79, pid=1", ""},
		"of a switch":        {"4,1,2,-;nvidia-nvswitch0: SXid (PCI:0000:c4:00.0): 22013, Non-fatal, Link 29", ""},
		"no code":            {"4,1,2,-;NVRM: Xid (PCI:0000:3b:00): x79, pid=1", ""},
		"too great a code":   {"4,1,2,-;NVRM: Xid (PCI:0000:3b:00): 4294967296, pid=1", ""},
		"cut":                {"4,1,2,-;NVRM: Xid (PCI:0000:3b:0", ""},
		"no address":         {"4,1,2,-;NVRM: Xid (PCI:): 79, pid=1", ""},
		"no head":            {"NVRM: Xid (PCI:0000:3b:00): 79, pid=1", ""},
		"a strange head":     {";NVRM: Xid (PCI:0000:3b:00): 79, pid=1", ""},
		"a dictionary":       {" SUBSYSTEM=pci", ""},
		"empty":              {"", ""},
	} {
		got := ""
		if text, ok := kernelText([]byte(x.line)); ok {
			if a, code, ok := parseXID(text); ok {
				got = fmt.Sprint(a, " ", code)
			}
		}
		if got != x.want {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
}

func FuzzKernelLog(f *testing.F) {
	f.Add([]byte("4,1,2,-;NVRM: Xid (PCI:0000:3b:00): 79, pid=1\n SUBSYSTEM=pci\n6,2,3,-;x\n"), uint16(7))
	f.Add([]byte("4,1,2,-;NVRM: Xid (PCI:0000:3b:00 GPU-I:05): 94\n4,1,2,-;NVRM: Xid (3b:00): 4294967295, "), uint16(1))
	f.Add(bytes.Repeat([]byte("x"), 20000), uint16(8192))
	f.Fuzz(func(t *testing.T, b []byte, size uint16) {
		// However the bytes are cut, the same is told.
		told := func(size int) (said []string) {
			var k kernelLog
			for rest := b; len(rest) > 0; {
				n := min(size, len(rest))
				k.take(rest[:n], func(a address, code uint32, _ bool) { said = append(said, fmt.Sprint(a, code)) })
				rest = rest[n:]
			}
			if len(k.rest) > maxLine {
				t.Errorf("keeps %d bytes", len(k.rest))
			}
			return said
		}
		for line := range bytes.SplitSeq(b, []byte("\n")) {
			if len(line) > maxLine { // cut anywhere
				return
			}
		}
		if whole, cut := told(len(b)+1), told(int(size)+1); strings.Join(whole, " ") != strings.Join(cut, " ") {
			t.Errorf("whole it tells of %v, in pieces of %v", whole, cut)
		}
	})
}

func TestKernelLogFromItsEndOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	line := func(code int) string { return fmt.Sprintf("4,1,2,-;NVRM: Xid (PCI:0000:3b:00): %d, pid=1\n", code) }
	add := func(s string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.WriteString(s)
	}
	k := kernelLog{path: path}
	defer k.close()
	at := time.Now()
	read := func() (said []string) {
		k.read(at, func(_ address, code uint32, old bool) {
			s := fmt.Sprint(code)
			if old {
				s = "old " + s
			}
			said = append(said, s)
		})
		return said
	}
	check := func(want ...string) {
		t.Helper()
		if got := read(); strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("%q, want %q", got, want)
		}
	}
	check()
	if k.refused() == "" {
		t.Error("there is no log, and nothing is said")
	}
	add(line(13) + line(119))
	check() // looked for again after a minute
	at = at.Add(time.Minute)
	check("old 13", "old 119")
	if k.refused() != "" {
		t.Error(k.refused())
	}
	check()
	add(line(79))
	check("79")
	add(line(45) + line(45)[:20])
	check("45")
	add(line(45)[20:] + line(31))
	check("45", "31")

	// More than is read at once, before and after.
	k.close()
	add(strings.Repeat("6,1,2,-;"+strings.Repeat("x", 1000)+"\n", 10))
	at = at.Add(time.Minute)
	if got := read(); len(got) != 6 {
		t.Errorf("opened again, %d old ones", len(got))
	}
	add(strings.Repeat(line(45), 11760))
	if got := read(); len(got) != 11760 {
		t.Errorf("%d events of 11760", len(got))
	}
}

func TestKernelLogRefused(t *testing.T) {
	for name, x := range map[string]struct {
		err  error
		want string
	}{
		"permission denied": {&fs.PathError{Op: "open", Path: "/dev/kmsg", Err: syscall.EPERM}, "permission denied on /dev/kmsg, so that XIDs come from the driver's library alone: run as root or give CAP_SYSLOG"},
		"no such file":      {&fs.PathError{Op: "open", Path: "/dev/kmsg", Err: syscall.ENOENT}, "in a container, mount it"},
		"another reason":    {errors.New("input/output error"), "kernel log: input/output error"},
	} {
		k := kernelLog{path: "/dev/kmsg", err: x.err}
		if got := k.refused(); !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
	k := kernelLog{path: t.TempDir()} // cannot be read, though it opens
	k.read(time.Now(), nil)
	if !strings.Contains(k.refused(), "is a directory") || k.open {
		t.Errorf("a directory: %q, open %v", k.refused(), k.open)
	}
}

func TestRealKernelLog(t *testing.T) {
	k := kernelLog{path: "/dev/kmsg"}
	defer k.close()
	for range 2 { // to its end, and on from there
		k.read(time.Now(), func(_ address, code uint32, old bool) { t.Logf("XID %d, old: %v", code, old) })
	}
	if k.refused() != "" {
		t.Skip(k.refused())
	}
	if !k.open || !k.now {
		t.Error("its end was not found")
	}
}
