package snmp

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/loopback"
)

// What stands in files, and nowhere else.
const (
	community    = "s3cretC0mmunity"
	authPassword = "s3cretAuthPassword"
	privPassword = "s3cretPrivPassword"
)

// objects are what an agent has: a type and a value, by OID.
type objects map[string]string

const objectsFile = "GIGAWATCH_TEST_OBJECTS"

// The tests' own program is also what an snmpd asks for objects.
func TestMain(m *testing.M) {
	if path := os.Getenv(objectsFile); path != "" {
		passOn(path)
		return
	}
	os.Exit(m.Run())
}

// passOn answers an snmpd by what stands in a file: lines of OID, type and value.
func passOn(path string) {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		switch command := in.Text(); command {
		case "PING":
			fmt.Println("PONG")
		case "get", "getnext":
			if !in.Scan() {
				return
			}
			fmt.Println(lookUp(path, command, strings.TrimPrefix(in.Text(), ".")))
		default:
			fmt.Println("NONE")
		}
	}
}

func lookUp(path, command, oid string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "NONE"
	}
	found, line := "", ""
	for l := range strings.Lines(string(b)) {
		at, rest, _ := strings.Cut(strings.TrimSpace(l), " ")
		if command == "get" && at == oid || command == "getnext" && later(at, oid) && (found == "" || later(found, at)) {
			found, line = at, rest
		}
	}
	if found == "" {
		return "NONE"
	}
	kind, value, _ := strings.Cut(line, " ")
	return fmt.Sprintf(".%s\n%s\n%s", found, kind, value)
}

// A daemon is an snmpd in a process of its own.
type daemon struct {
	t      *testing.T
	addr   string
	folder string
	file   string
	state  string // folder of what outlasts a restart
	cmd    *exec.Cmd
}

var users = map[string]string{
	"plain": "", "signed": "SHA-256 " + authPassword,
	"meter": "SHA-256 " + authPassword + " AES " + privPassword, "md5": "MD5 " + authPassword + " DES " + privPassword,
	"sha1": "SHA " + authPassword + " AES " + privPassword, "sha224": "SHA-224 " + authPassword + " AES-192 " + privPassword,
	"sha256": "SHA-256 " + authPassword + " AES-256 " + privPassword, "sha384": "SHA-384 " + authPassword + " AES-256 " + privPassword,
	"reeder": "SHA " + authPassword + " AES-256-C " + privPassword, // whose digest is shorter than its key
	"sha512": "SHA-512 " + authPassword + " AES " + privPassword,
}

// serve starts an snmpd with objects. Those are below the OIDs of meters.
func serve(t *testing.T, held objects) *daemon {
	t.Helper()
	if _, err := exec.LookPath("snmpd"); err != nil {
		said := "no SNMP agent: install snmpd, or run make packages"
		if os.Getenv("CI") == "true" {
			t.Fatal(said)
		}
		t.Skip(said)
	}
	folder := t.TempDir()
	d := &daemon{t: t, addr: loopback.Free(t), folder: folder, file: filepath.Join(folder, "objects"), state: filepath.Join(folder, "state")}
	d.hold(held)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(folder, "objects.sh")
	write(t, script, fmt.Sprintf("#!/bin/sh\nexec env %s=%s %s\n", objectsFile, d.file, self))
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	var c strings.Builder
	fmt.Fprintf(&c, "agentAddress udp:%s\nrocommunity %s\ndontLogTCPWrappersConnects yes\n", d.addr, community)
	for _, name := range slices.Sorted(maps.Keys(users)) {
		level := map[int]string{0: "noauth", 1: "auth", 3: "authpriv"}[strings.Count(users[name], " ")]
		fmt.Fprintf(&c, "createUser %s %s\nrouser %s %s\n", name, users[name], name, level)
	}
	for _, base := range []string{"1.3.6.1.2.1.33", "1.3.6.1.2.1.47", "1.3.6.1.2.1.99", "1.3.6.1.4.1.318", "1.3.6.1.4.1.1718", "1.3.6.1.4.1.13742", "1.3.6.1.4.1.21239"} {
		fmt.Fprintf(&c, "pass_persist .%s %s\n", base, script)
	}
	write(t, filepath.Join(folder, "snmpd.conf"), c.String())
	d.start()
	t.Cleanup(d.stop)
	return d
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hold makes the agent have other objects.
func (d *daemon) hold(held objects) {
	d.t.Helper()
	var b strings.Builder
	for oid, v := range held {
		fmt.Fprintln(&b, oid, v)
	}
	write(d.t, d.file+".new", b.String())
	if err := os.Rename(d.file+".new", d.file); err != nil {
		d.t.Fatal(err)
	}
}

func (d *daemon) start() {
	d.t.Helper()
	d.cmd = exec.Command("snmpd", "-f", "-C", "-r", "-c", filepath.Join(d.folder, "snmpd.conf")+","+filepath.Join(d.state, "snmpd.conf"), "-Lo")
	d.cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+d.state, "MIBS=")
	out, err := d.cmd.StdoutPipe()
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	said := make(chan bool)
	go func() {
		ready := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if !ready && strings.HasPrefix(lines.Text(), "NET-SNMP version") {
				ready = true
				said <- true
			}
		}
		if !ready {
			said <- false
		}
	}()
	select {
	case ready := <-said:
		if !ready {
			d.t.Fatal("snmpd does not start")
		}
	case <-time.After(20 * time.Second):
		d.t.Fatal("snmpd does not start in 20 s")
	}
}

func (d *daemon) stop() {
	if d.cmd == nil {
		return
	}
	d.cmd.Process.Signal(os.Interrupt) // so that what outlasts it is written down
	late := time.AfterFunc(10*time.Second, func() { d.cmd.Process.Kill() })
	d.cmd.Wait()
	late.Stop()
	d.cmd = nil
}

// A keyring is the files that secrets stand in.
type keyring struct{ community, auth, priv string }

func keys(t *testing.T) keyring {
	t.Helper()
	folder := t.TempDir()
	k := keyring{filepath.Join(folder, "community"), filepath.Join(folder, "auth"), filepath.Join(folder, "priv")}
	write(t, k.community, community+"\n")
	write(t, k.auth, authPassword+"\n")
	write(t, k.priv, privPassword+"\n")
	return k
}

// as is how an agent is asked as one of its users; "": by the community.
func (k keyring) as(addr, user string) AgentConfig {
	c := AgentConfig{Address: addr, Version: "v3", User: user}
	words := strings.Fields(users[user])
	switch {
	case user == "":
		return AgentConfig{Address: addr, Version: "v2c", CommunityFile: k.community}
	case len(words) > 2:
		c.PrivProtocol, c.PrivFile = strings.TrimSuffix(words[2], "-C"), k.priv
		fallthrough
	case len(words) > 0:
		c.AuthProtocol, c.AuthFile = words[0], k.auth
	}
	return c
}

// agent is one of its own.
func agent(t *testing.T, c AgentConfig) *Agent {
	t.Helper()
	a, err := newAgent(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// reader reads a row by a built-in map.
func reader(t *testing.T, a *Agent, profile, row string) *Reader {
	t.Helper()
	m, err := Profile(profile)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Reader(m, row)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// within is the context of a reading.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// secretless checks that nothing that was said has a secret in it.
func secretless(t *testing.T, said string) {
	t.Helper()
	for _, s := range []string{community, authPassword, privPassword} {
		if strings.Contains(said, s) || strings.Contains(said, s[:8]) {
			t.Errorf("a secret is said: %s", said)
		}
	}
}

// A relay stands between us and an agent, and spoils what passes.
type relay struct {
	addr   string
	mu     sync.Mutex
	spoils func(answer []byte) [][]byte // nil: as it is
	asked  int
}

// relayTo starts a relay in front of an agent.
func relayTo(t *testing.T, agent string) *relay {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: c.LocalAddr().String()}
	var working sync.WaitGroup
	t.Cleanup(func() {
		c.Close()
		working.Wait()
	})
	working.Go(func() {
		b := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			r.mu.Lock()
			r.asked++
			r.mu.Unlock()
			request := slices.Clone(b[:n])
			working.Go(func() { r.pass(c, from, agent, request) })
		}
	})
	return r
}

func (r *relay) pass(c net.PacketConn, from net.Addr, agent string, request []byte) {
	a, err := net.Dial("udp", agent)
	if err != nil {
		return
	}
	defer a.Close()
	a.SetDeadline(time.Now().Add(time.Second))
	a.Write(request)
	b := make([]byte, 1<<16)
	n, err := a.Read(b)
	if err != nil {
		return
	}
	r.mu.Lock()
	spoils := r.spoils
	r.mu.Unlock()
	answers := [][]byte{b[:n]}
	if spoils != nil {
		answers = spoils(slices.Clone(b[:n]))
	}
	for _, answer := range answers {
		c.WriteTo(answer, from)
	}
}

func (r *relay) spoil(f func([]byte) [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spoils = f
}

// with is held and more.
func (held objects) with(more objects) objects {
	all := maps.Clone(held)
	maps.Copy(all, more)
	return all
}
