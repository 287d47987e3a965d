package host

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// page is a health log as a drive in use has it, with changes.
func page(t testing.TB, change ...func(*healthPage)) *healthPage {
	t.Helper()
	text, err := os.ReadFile("testdata/health.hex")
	if err != nil {
		t.Fatal(err)
	}
	var p healthPage
	if n, err := hex.Decode(p[:], []byte(strings.Join(strings.Fields(string(text)), ""))); err != nil || n != len(p) {
		t.Fatal(n, err)
	}
	for _, f := range change {
		f(&p)
	}
	return &p
}

func TestHealthLog(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*healthPage)
		want   string // wear, spare, media errors, warnings
	}{
		"in use":                     {func(*healthPage) {}, "0.03 1 7 0"},
		"worn out":                   {func(p *healthPage) { p[5], p[0] = 255, 5 }, "2.55 1 7 5"},
		"out of spare":               {func(p *healthPage) { p[3], p[0] = 0, 1 }, "0.03 0 7 1"},
		"spare of no meaning":        {func(p *healthPage) { p[3] = 101 }, "0.03 missing 7 0"},
		"spare is not kept count of": {func(p *healthPage) { p[3], p[4] = 0, 0 }, "0.03 missing 7 0"},
		"more errors than can be":    {func(p *healthPage) { p[168] = 1 }, "0.03 1 missing 0"},
		"all ones for errors": {func(p *healthPage) {
			for i := range 16 {
				p[160+i] = 0xff
			}
		}, "0.03 1 missing 0"},
		"blank":    {func(p *healthPage) { *p = healthPage{} }, "the health log is blank"},
		"all ones": {func(p *healthPage) { *p = healthPage([]byte(strings.Repeat("\xff", 512))) }, "the health log is blank"},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := page(t, x.change).parse()
			got := fmt.Sprint(value(metric.NVMeWear, h.wear), " ", value(metric.NVMeSpare, h.spare), " ", value(metric.NVMeMediaErrors, h.media), " ", value(metric.NVMeWarning, h.warned))
			if err != nil {
				got = err.Error()
			}
			if got != x.want {
				t.Errorf("%s, want %s", got, x.want)
			}
		})
	}
}

func value(n metric.Number, r metric.Raw) string {
	if r == metric.Missing {
		return "missing"
	}
	return fmt.Sprint(metric.Lookup(n).Value(r))
}

func FuzzHealthLog(f *testing.F) {
	f.Add(page(f)[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		var p healthPage
		copy(p[:], b)
		h, err := p.parse()
		if err != nil {
			return
		}
		if v := h.wear.Float(); !(v >= 0 && v <= 2.55) {
			t.Errorf("wear is %v", v)
		}
		if v := h.spare.Float(); h.spare != metric.Missing && !(v >= 0 && v <= 1) {
			t.Errorf("spare is %v", v)
		}
		if h.media < 0 && h.media != metric.Missing || h.warned < 0 || h.warned > 255 {
			t.Errorf("%d media errors, warnings %d", h.media, h.warned)
		}
	})
}

// A rack is drives that a test plays.
type rack struct {
	mu    sync.Mutex
	page  map[string]*healthPage // by the device's name
	err   map[string]error
	hung  map[string]chan struct{}
	reads map[string]int
}

func (r *rack) read(path string, to *healthPage) error {
	name := filepath.Base(path)
	r.mu.Lock()
	hung := r.hung[name]
	r.reads[name]++
	r.mu.Unlock()
	if hung != nil {
		<-hung
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.err[name]; err != nil {
		return err
	}
	*to = *r.page[name]
	return nil
}

func (r *rack) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func TestDrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := unpack(t, "intel")
		for name, transport := range map[string]string{"nvme0": "pcie", "nvme1": "pcie", "nvme2": "tcp"} {
			c.write("sys/class/nvme/"+name+"/transport", transport+"\n")
		}
		hang := make(chan struct{})
		r := &rack{
			page: map[string]*healthPage{"nvme0": page(t), "nvme1": page(t, func(p *healthPage) { p[5] = 50 })},
			err:  map[string]error{"nvme1": explain(syscall.EACCES)}, hung: map[string]chan struct{}{}, reads: map[string]int{},
		}
		c.open(func(*Config) {})
		c.s.health.read = r.read
		second := func() map[string]string {
			t.Helper()
			began := time.Now()
			_, got := c.read()
			if time.Since(began) > 0 {
				t.Fatalf("a reading waited %v", time.Since(began))
			}
			synctest.Wait()
			time.Sleep(time.Second)
			return got
		}
		second()
		got := second()
		for name, want := range map[string]string{
			"nvme_wear_ratio nvme0": "0.03", "nvme_available_spare_ratio nvme0": "1", "nvme_media_errors_total nvme0": "7", "nvme_critical_warning nvme0": "0",
			"nvme_wear_ratio nvme1": "", "nvme_wear_ratio nvme2": "", "nvme_temperature_celsius nvme0": "36.85",
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %q", name, got[name], want)
			}
		}
		if said := c.s.Describe(); !strings.Contains(said, "drive health logs 1, ") || !strings.Contains(said, "health of nvme1: permission denied: run as root or give CAP_SYS_ADMIN") {
			t.Errorf("says %q", said)
		}

		// The other may be read from now on, and this one hangs.
		r.set(func() { r.err["nvme1"], r.hung["nvme0"] = nil, hang })
		for range 120 {
			got = second()
		}
		if got["nvme_wear_ratio nvme1"] != "0.5" || got["nvme_wear_ratio nvme0"] != "0.03" {
			t.Errorf("after two minutes: %s and %s", got["nvme_wear_ratio nvme0"], got["nvme_wear_ratio nvme1"])
		}
		for range 120 {
			got = second()
		}
		if got["nvme_wear_ratio nvme1"] != "0.5" || got["nvme_wear_ratio nvme0"] != "missing" || got["nvme_temperature_celsius nvme0"] != "36.85" {
			t.Errorf("after four minutes: %s and %s", got["nvme_wear_ratio nvme0"], got["nvme_wear_ratio nvme1"])
		}
		if said := c.s.Describe(); !strings.Contains(said, "health of nvme0: no answer") || strings.Contains(said, "nvme1") {
			t.Errorf("says %q", said)
		}
		if r.reads["nvme0"] != 2 || r.reads["nvme1"] < 4 || r.reads["nvme1"] > 5 {
			t.Errorf("asked %v times in four minutes", r.reads)
		}
		r.set(func() { r.hung["nvme0"] = nil })
		close(hang)
		second()
		for range 30 {
			got = second()
		}
		if got["nvme_wear_ratio nvme0"] != "0.03" || strings.Contains(c.s.Describe(), "nvme0") {
			t.Errorf("answering again: %s; %s", got["nvme_wear_ratio nvme0"], c.s.Describe())
		}

		// One that is taken out is gone.
		os.RemoveAll(c.path("sys/class/nvme/nvme1"))
		for range 31 {
			got = second()
		}
		if _, ok := got["nvme_wear_ratio nvme1"]; ok {
			t.Error("a drive that was taken out is shown")
		}
	})
}

func TestWhyADriveIsRefused(t *testing.T) {
	var p healthPage
	if err := readHealth(filepath.Join(t.TempDir(), "nvme0"), &p); err == nil || !strings.Contains(err.Error(), "no device: pass it in") {
		t.Errorf("no device: %v", err)
	}
	file := filepath.Join(t.TempDir(), "nvme0")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := readHealth(file, &p); !errors.Is(err, syscall.ENOTTY) {
		t.Errorf("no drive: %v", err)
	}
}

// What the driver is given must be laid out as C's compiler lays it out.
func TestDriversStructure(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	const program = `#include <stdio.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <linux/nvme_ioctl.h>
int main() {
	printf("%lu %zu %zu %zu %zu %zu %zu", (unsigned long)NVME_IOCTL_ADMIN_CMD, offsetof(struct nvme_admin_cmd, nsid), offsetof(struct nvme_admin_cmd, addr),
		offsetof(struct nvme_admin_cmd, data_len), offsetof(struct nvme_admin_cmd, cdw10), offsetof(struct nvme_admin_cmd, timeout_ms), offsetof(struct nvme_admin_cmd, result));
}`
	var c adminCommand
	want := fmt.Sprint(uint(adminIoctl), unsafe.Offsetof(c.namespace), unsafe.Offsetof(c.address), unsafe.Offsetof(c.length), unsafe.Offsetof(c.cdw10), unsafe.Offsetof(c.timeout), unsafe.Offsetof(c.result))
	file := filepath.Join(t.TempDir(), "a.c")
	if err := os.WriteFile(file, []byte(program), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-o", file+".out", file).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	if got, err := exec.Command(file + ".out").Output(); err != nil || string(got) != want {
		t.Errorf("C says %s, %v; Go %s", got, err, want)
	}
}
