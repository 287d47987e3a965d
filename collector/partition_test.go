//go:build cgo && linux

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/loopback"
)

const (
	insideNamespace = "GIGAWATCH_INSIDE_NAMESPACE"
	busAddress      = "10.213.0.1"
)

// Three hosts in network namespaces of their own speak TLS with credentials to a
// bus that they reach over links, which go down without a word: one for a while,
// all while the aggregator is killed, one again and again. Every millijoule is in
// the ledger once, and none is estimated.
func TestAPartitionOfTheNetworkHeals(t *testing.T) {
	if os.Getenv(insideNamespace) == "" {
		t.Parallel()
		if _, err := exec.LookPath("ip"); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip("iproute2 is needed:", err)
		}
		if out, err := exec.Command("unshare", "-n", "ip", "link", "add", "b0", "type", "bridge").CombinedOutput(); err != nil {
			t.Skipf("network namespaces cannot be made: %v: %s", err, out)
		}
		cmd := exec.Command("unshare", "-n", "--", os.Args[0], "-test.run=^TestAPartitionOfTheNetworkHeals$", "-test.v", "-test.count=1", "-test.timeout=12m")
		cmd.Env = append(os.Environ(), insideNamespace+"=yes")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("in a namespace: %v\n%s", err, out)
		}
		t.Logf("in a namespace:\n%s", out)
		return
	}
	s := newNetwork(t, "a", "b", "c")
	for _, h := range s.hosts {
		h.awaits(h.all("ok")...)
		for n := range h.boards {
			h.catches(n)
		}
	}
	for _, h := range s.hosts {
		h.draw(load)
	}
	bounded := s.watch()
	a, all := s.host("a"), s.hosts

	link(t, "a", "down")
	a.await(func() string { return "host a is silent" }, func() bool {
		hosts := s.ask(`site_hosts{site="s1"}`, "state")
		return hosts["reporting"] == 2
	})
	time.Sleep(15 * time.Second)
	link(t, "a", "up")
	a.awaits(a.all("ok")...)

	for _, h := range all {
		link(t, h.name, "down")
	}
	time.Sleep(3 * time.Second)
	s.aggregator.kill()
	s.start()
	time.Sleep(12 * time.Second)
	for _, h := range all {
		link(t, h.name, "up")
		h.awaits(h.all("ok")...)
	}

	for range 8 {
		link(t, "b", "down")
		time.Sleep(700 * time.Millisecond)
		link(t, "b", "up")
		time.Sleep(700 * time.Millisecond)
	}
	for _, h := range all {
		h.draw(0)
		for n, b := range h.boards {
			h.catches(n)
			if j, ok := h.ledger(n); !ok || j.total != j.counted {
				t.Errorf("%s: of %d mJ %d were counted", b.UUID(), j.total, j.counted)
			}
		}
	}
	bounded()
	t.Logf(`soak: {"row":7,"injected":%d}`, 1+len(all)+8)
	for _, h := range all {
		for _, seen := range h.seen {
			t.Logf("%s: %s", h.name, seen)
		}
	}
}

// newNetwork makes a site whose bus is on a bridge of this namespace, and hosts
// that reach it over a link each.
func newNetwork(t *testing.T, names ...string) *site {
	t.Helper()
	s := &site{t: t, programs: programs(t), dir: t.TempDir(), bus: busAddress + ":4222"}
	ip(t, "link set lo up")
	ip(t, "link add b0 type bridge")
	ip(t, "addr add "+busAddress+"/24 dev b0")
	ip(t, "link set b0 up")
	certificate(t, filepath.Join(s.dir, "bus.pem"), filepath.Join(s.dir, "bus.key"))
	keys := filepath.Join(s.dir, "authority")
	for _, args := range []string{"init -sites s1", "add -role aggregator -name aggregator", "add -site s1 -o " + filepath.Join(s.dir, "creds") + " -name " + strings.Join(names, ",")} {
		verb, rest, _ := strings.Cut(args, " ")
		cmd := exec.Command(filepath.Join(s.programs, "aggregator"), append([]string{"bus", verb, "-dir", keys}, strings.Fields(rest)...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", cmd.Args, err, out)
		}
	}
	listen := loopback.Free(t)
	s.url = "http://" + listen
	s.write("aggregator.yaml", "data: %[1]s/data\nlisten: %[2]s\nsites: [{name: s1}]\nbus:\n  embedded: {listen: %[3]q, users: %[1]s/authority/users.conf, tls: {cert: %[1]s/bus.pem, key: %[1]s/bus.key}}\n"+
		"  credentials: %[1]s/authority/creds/aggregator/aggregator.creds\n  ca: %[1]s/bus.pem\n", s.dir, listen, s.bus)
	s.start()
	for i, name := range names {
		h := s.newHost(name, 2)
		file := filepath.Join(s.dir, name, "collector.yaml")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		clear := fmt.Sprintf("bus: {urls: [%q]}", "nats://"+s.bus)
		if !strings.Contains(string(b), clear) {
			t.Fatalf("the settings of a host say nothing of %s:\n%s", clear, b)
		}
		s.write(name+"/collector.yaml", "%s", strings.Replace(string(b), clear,
			fmt.Sprintf("bus: {urls: [%q], credentials: %[2]s/creds/%[3]s.creds, ca: %[2]s/bus.pem}", "tls://"+s.bus, s.dir, name), 1))
		h.collector = launch(t, h.env(), "unshare", "-n", "--", filepath.Join(s.programs, "collector"), "-config", file)
		ip(t, "link add v"+name+" type veth peer name bus")
		ip(t, "link set v"+name+" master b0")
		link(t, name, "up")
		pid := strconv.Itoa(h.collector.pid())
		// The process is in another namespace once it is no longer unshare.
		await(t, patience, h.collector.output, func() bool {
			own, err := os.Readlink("/proc/self/ns/net")
			its, err2 := os.Readlink("/proc/" + pid + "/ns/net")
			return err == nil && err2 == nil && own != its
		})
		ip(t, "link set bus netns "+pid)
		for _, args := range []string{"link set lo up", fmt.Sprintf("addr add 10.213.0.%d/24 dev bus", 10+i), "link set bus up"} {
			if out, err := exec.Command("nsenter", append([]string{"-t", pid, "-n", "ip"}, strings.Fields(args)...)...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s\nthe collector said:\n%s", args, err, out, h.collector.output())
			}
		}
	}
	return s
}

// link sets the link of a host up or down; down loses what is sent, silently.
func link(t *testing.T, host, how string) {
	t.Helper()
	ip(t, "link set v"+host+" "+how)
}

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// certificate makes one of the bus that is its own authority.
func certificate(t *testing.T, cert, key string) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bus"}, IPAddresses: []net.IP{net.ParseIP(busAddress)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &pair.PublicKey, pair)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
