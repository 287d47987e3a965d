package bmc

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const good = "00 dc 9c 01 01 00 00 10 02 02 00 00 00 00 e8 03 00 00 40" // 412 W

func TestPowerReading(t *testing.T) {
	for name, x := range map[string]struct {
		answer, says string
		watts        uint16
	}{
		"a reading":           {good, "", 412},
		"more than asked for": {good + " 00", "", 412},
		"the most":            {"00 dc fe ff" + good[11:], "", 65534},
		"not measured":        {good[:len(good)-2] + "00", "power is not being measured", 0},
		"zero":                {"00 dc 00 00" + good[11:], "0 W is no reading", 0},
		"all ones":            {"00 dc ff ff" + good[11:], "65535 W is no reading", 0},
		"too short":           {good[:len(good)-3], "18 bytes are no power reading", 0},
		"of another group":    {"00 dd" + good[5:], "are no power reading", 0},
		"no DCMI":             {"c1", "the controller knows no DCMI (completion code 0xc1)", 0},
		"no privilege":        {"d4", "privilege is too low", 0},
		"something else":      {"80", "completion code 0x80", 0},
		"nothing":             {"", "is empty", 0},
	} {
		t.Run(name, func(t *testing.T) {
			watts, err := parsePower(unhex(t, x.answer))
			if watts != x.watts || (err == nil) != (x.says == "") || err != nil && !strings.Contains(err.Error(), x.says) {
				t.Errorf("%d W, %v; want %d, %q", watts, err, x.watts, x.says)
			}
		})
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzPowerReading(f *testing.F) {
	f.Add(unhex(f, good))
	f.Add([]byte{0xc1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if watts, err := parsePower(b); (watts == 0) != (err != nil) {
			t.Errorf("%x is %d W, %v", b, watts, err)
		}
	})
}

// A kernel plays the driver behind a device.
type kernel struct {
	t       *testing.T
	answers []string      // to each request; "" is none at all
	delay   time.Duration // until the first answer is there
	err     error         // of the next call

	asked   int
	pending []reply
}

type reply struct {
	id      int
	command byte
	kind    int32
	bytes   []byte
	at      time.Time
}

func (k *kernel) ioctl(_ uintptr, request uint, arg unsafe.Pointer) error {
	if err := k.err; err != nil {
		k.err = nil
		return err
	}
	switch request {
	case sendCommand:
		r := (*ipmiRequest)(arg)
		a, m := (*ipmiAddress)(r.address), r.message
		if got := unsafe.Slice((*byte)(m.bytes), m.length); a.kind != 0x0c || a.channel != 0xf || r.addressLength != 8 || m.function != 0x2c || m.command != 2 || string(got) != "\xdc\x01\x00\x00" {
			k.t.Errorf("asked %+v, %x at %+v", m, got, a)
		}
		answer := k.answers[min(k.asked, len(k.answers)-1)]
		k.asked++
		if answer != "" {
			k.pending = append(k.pending, reply{r.id, m.command, isResponse, unhex(k.t, answer), time.Now().Add(k.delay)})
			k.delay = 0
		}
	case receiveMessage:
		if len(k.pending) == 0 {
			return unix.EAGAIN
		}
		r, p := (*ipmiAnswer)(arg), k.pending[0]
		k.pending = k.pending[1:]
		r.kind, r.id, r.message.command = p.kind, p.id, p.command
		r.message.length = uint16(copy(unsafe.Slice((*byte)(r.message.bytes), r.message.length), p.bytes))
	default:
		return unix.ENOTTY
	}
	return nil
}

func (k *kernel) ready(_ uintptr, within time.Duration) (bool, error) {
	if len(k.pending) > 0 && time.Until(k.pending[0].at) <= within {
		time.Sleep(time.Until(k.pending[0].at))
		return true, nil
	}
	time.Sleep(within)
	return false, nil
}

// behind puts k behind the source's device.
func behind(k *kernel) func(*Source) {
	return func(s *Source) {
		for _, p := range s.channels[0].pollers {
			if i, ok := p.instrument.(*ipmi); ok {
				d := i.bus.(*device)
				d.ioctl, d.ready = k.ioctl, k.ready
			}
		}
	}
}

func TestDevice(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*rig, *kernel)
		watts  float64
		says   string
	}{
		"it answers":         {func(*rig, *kernel) {}, 412, "dev/ipmi0 every 10s, energy integrated from its power"},
		"slowly":             {func(_ *rig, k *kernel) { k.delay = 4 * time.Second }, 412, "ipmi by DCMI"},
		"never":              {func(_ *rig, k *kernel) { k.answers = []string{""} }, 0, "no answer in 30s"},
		"what it cannot":     {func(_ *rig, k *kernel) { k.answers = []string{"c1"} }, 0, "the controller knows no DCMI"},
		"there is no device": {func(r *rig, _ *kernel) { os.Remove(r.path("dev/ipmi0")) }, 0, "no meter of the node's power"},
		"the driver says no": {func(_ *rig, k *kernel) { k.err = unix.EINVAL }, 0, "send: invalid argument"},
		"others' answers come": {func(_ *rig, k *kernel) {
			k.pending = []reply{{id: 5, command: 2, kind: isResponse}, {id: 6, command: 1, kind: 2}}
		}, 412, "ipmi by DCMI"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, k := newRig(t), &kernel{t: t, answers: []string{good}}
				r.write("dev/ipmi0", "")
				x.change(r, k)
				r.start(Config{}, behind(k))
				r.s.Settle(t.Context())
				want := map[string]float64{}
				if x.watts > 0 {
					want["bmc"] = x.watts
				}
				diff(t, "shown", r.watts(), want)
				r.says(x.says)
				r.stop()
			})
		})
	}
}

func TestAnAnswerThatComesTooLateIsNotTheNextOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, k := newRig(t), &kernel{t: t, answers: []string{good, "00 dc 00 02" + good[11:]}, delay: 31 * time.Second}
		r.write("dev/ipmi0", "")
		r.start(Config{}, behind(k))
		r.s.Settle(t.Context())
		r.says("no answer in 30s")
		time.Sleep(time.Minute)
		r.stop()
		diff(t, "shown", r.watts(), map[string]float64{"bmc": 512})
	})
}

func TestDeviceThatIsRefused(t *testing.T) {
	d := newDevice("/dev/ipmi0", time.Second)
	d.open = func(string) (*os.File, error) {
		return nil, &fs.PathError{Op: "open", Path: "/dev/ipmi0", Err: unix.EACCES}
	}
	if _, err := d.send(t.Context(), groupExtension, getPowerReading, powerRequest); err == nil || !strings.Contains(err.Error(), "/dev/ipmi0: permission denied: run as root") || isAbsent(err) {
		t.Errorf("error %v", err)
	}
}

// What the driver is given must be laid out as C's compiler lays it out.
func TestDriversStructures(t *testing.T) {
	const program = `#include <stdio.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <linux/ipmi.h>
int main() {
	printf("%lu %lu %zu %zu %zu %zu %zu %zu %zu %d %d %d\n", (unsigned long)IPMICTL_SEND_COMMAND, (unsigned long)IPMICTL_RECEIVE_MSG_TRUNC,
		offsetof(struct ipmi_req, msgid), offsetof(struct ipmi_req, msg), offsetof(struct ipmi_recv, addr), offsetof(struct ipmi_recv, msgid),
		offsetof(struct ipmi_recv, msg), offsetof(struct ipmi_msg, data), sizeof(struct ipmi_system_interface_addr),
		IPMI_SYSTEM_INTERFACE_ADDR_TYPE, IPMI_BMC_CHANNEL, IPMI_RESPONSE_RECV_TYPE);
}`
	var q ipmiRequest
	var a ipmiAnswer
	want := fmt.Sprintln(uint(sendCommand), uint(receiveMessage), unsafe.Offsetof(q.id), unsafe.Offsetof(q.message), unsafe.Offsetof(a.address), unsafe.Offsetof(a.id),
		unsafe.Offsetof(a.message), unsafe.Offsetof(q.message.bytes), systemAddress, systemInterface, bmcChannel, isResponse)
	if got := compileAndRun(t, program); got != want {
		t.Errorf("C says %sGo %s", got, want)
	}
}

func compileAndRun(t *testing.T, program string) string {
	t.Helper()
	needs(t, "gcc")
	dir := t.TempDir()
	file := filepath.Join(dir, "a.c")
	if err := os.WriteFile(file, []byte(program), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-o", filepath.Join(dir, "a"), file).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(dir, "a")).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// needs skips a test for want of a program or a file; make packages installs it.
func needs(t *testing.T, name string) {
	t.Helper()
	_, err := os.Stat(name)
	if !filepath.IsAbs(name) {
		_, err = exec.LookPath(name)
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}
