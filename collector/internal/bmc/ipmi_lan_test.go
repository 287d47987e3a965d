package bmc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/loopback"
)

// A simulator is Debian's ipmi_sim: a real controller, with a real network.
type simulator struct {
	t      *testing.T
	answer string // file
	host   string
}

const simulated = "s3cr3t-of-bmc"

func newSimulator(t *testing.T) *simulator {
	t.Helper()
	for _, p := range []string{"ipmi_sim", "gcc", "/usr/include/OpenIPMI/mcserv.h"} {
		needs(t, p)
	}
	dir := t.TempDir()
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-o", filepath.Join(dir, "dcmi.so"), "testdata/dcmi.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	address := loopback.Free(t)
	_, port, _ := net.SplitHostPort(address)
	s := &simulator{t, filepath.Join(dir, "answer"), address}
	s.says(good)
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	lan := file("lan.conf", fmt.Sprintf(`name "gigawatch"
set_working_mc 0x20
startlan 1
  addr 127.0.0.1 %s
  priv_limit admin
  allowed_auths_user md5
  allowed_auths_operator md5
  allowed_auths_admin md5
  guid a123456789abcdefa123456789abcdef
endlan
user 2 true "root" "%s" admin 4
loadlib "%s" "%s"
`, port, simulated, filepath.Join(dir, "dcmi.so"), s.answer))
	commands := file("commands", "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n")
	c := exec.Command("ipmi_sim", "-n", "-c", lan, "-f", commands, "-s", dir)
	var said logged
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		if t.Failed() {
			t.Logf("ipmi_sim: %s", &said)
		}
	})
	return s
}

func (s *simulator) says(answer string) {
	s.t.Helper()
	if err := os.WriteFile(s.answer, []byte(answer), 0o666); err != nil {
		s.t.Fatal(err)
	}
}

// reads asks the simulator until it says what is wanted: it takes a while to start.
func reads(t *testing.T, i *ipmi, want string) {
	t.Helper()
	var got string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		s, err := i.read(t.Context())
		got = fmt.Sprint(s.watts, err)
		if strings.Contains(got, want) {
			return
		}
	}
	t.Errorf("read %s, want %s", got, want)
}

func TestController(t *testing.T) {
	s, r := newSimulator(t), newRig(t)
	r.write("password", simulated)
	open := func(password, user string) *ipmi {
		t.Helper()
		i, err := newIPMI(IPMI{Host: s.host, User: user, PasswordFile: r.path(password)}, rigTree(r), 8*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	i := open("password", "root")
	reads(t, i, "412 <nil>")
	s.says("00 dc 00 02" + good[11:])
	reads(t, i, "512 <nil>")
	s.says(good[:len(good)-2] + "00")
	reads(t, i, "0 read power by DCMI: power is not being measured")
	s.says("cb")
	reads(t, i, "the controller has no power meter")
	s.says(good)
	reads(t, i, "412 <nil>")

	// Its session is given back: of the four that it has none is held by those who left.
	i.close(t.Context())
	for range 6 {
		i := open("password", "root")
		reads(t, i, "412 <nil>")
		i.close(t.Context())
	}

	r.write("wrong", "hunter2")
	for _, i := range []*ipmi{open("wrong", "root"), open("password", "nobody")} {
		_, err := i.read(t.Context())
		var wait later
		if err == nil || !errors.As(err, &wait) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), simulated) || strings.Contains(err.Error(), "\n") {
			t.Errorf("credentials that are wrong: %v", err)
		}
		if _, again := i.read(t.Context()); again == nil || !strings.Contains(again.Error(), "tried again when") {
			t.Errorf("again: %v", again)
		}
		i.close(t.Context())
	}
}

func TestNoController(t *testing.T) {
	free, err := net.ListenPacket("udp", "127.0.0.1:0") // and nobody reads it
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	r := newRig(t)
	r.write("password", simulated)
	i, err := newIPMI(IPMI{Host: free.LocalAddr().String(), User: "root", PasswordFile: r.path("password")}, rigTree(r), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := i.read(ctx); err == nil || ctx.Err() != nil || strings.Contains(err.Error(), simulated) {
		t.Errorf("error %v", err)
	}
	i.close(ctx)
}
