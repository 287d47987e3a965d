//go:build cgo && linux

package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/loopback"
	described "github.com/gigawatch/gigawatch/collector/site"
)

// secretName is how a field is called whose value, or whose file's, is nobody's.
var secretName = regexp.MustCompile(`(?i)(password|passphrase|secret|token|community|credential|seed|auth.?file|priv.?file|key(file|env)?$)`)

// public are fields that are only called so: the site's name on the bus, and a key of YAML.
var public = []string{"Site.Token", "Problem.Key"}

// A path, or the name of a variable, may be shown; what stands there not.
func names(f reflect.StructField) bool {
	return f.Type.Kind() == reflect.String && (strings.HasSuffix(f.Name, "File") || strings.HasSuffix(f.Name, "Env") ||
		slices.Contains([]string{"Credentials", "Key"}, f.Name)) // paths, as their comments say
}

// secretsOf are the fields of settings that are called as secrets are, by type and name,
// and whether one of them is set.
func secretsOf(t *testing.T, v reflect.Value, seen map[reflect.Type]bool, found map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			if v.Kind() == reflect.Pointer && !seen[v.Type()] {
				seen[v.Type()] = true
				secretsOf(t, reflect.New(v.Type().Elem()).Elem(), seen, found)
			}
			return
		}
		secretsOf(t, v.Elem(), seen, found)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			secretsOf(t, v.Index(i), seen, found)
		}
		if v.Kind() == reflect.Slice && v.Len() == 0 && !seen[v.Type()] {
			seen[v.Type()] = true
			secretsOf(t, reflect.Zero(v.Type().Elem()), seen, found)
		}
	case reflect.Struct:
		if !strings.HasPrefix(v.Type().PkgPath(), "github.com/gigawatch/") {
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() && secretName.MatchString(f.Name) && !slices.Contains(public, v.Type().Name()+"."+f.Name) {
				if !names(f) {
					t.Errorf("%s.%s may hold a secret: settings name the file it stands in", v.Type(), f.Name)
				}
				key := v.Type().String() + "." + f.Name
				found[key] = found[key] || !v.Field(i).IsZero()
			}
			secretsOf(t, v.Field(i), seen, found)
		}
	}
}

// echo answers whatever is asked with what was sent, as careless devices do.
type echo struct {
	mu    sync.Mutex
	heard strings.Builder
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	said := fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, body)
	e.mu.Lock()
	fmt.Fprintln(&e.heard, said)
	n := e.heard.Len()
	e.mu.Unlock()
	w.WriteHeader([]int{http.StatusUnauthorized, http.StatusInternalServerError, http.StatusOK}[n%3])
	fmt.Fprintf(w, "no: you said %s", said)
}

func (e *echo) text() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard.String()
}

// deaf is a bus that lets nobody in.
func deaf(t *testing.T, heard func(string)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			fmt.Fprint(c, `INFO {"server_id":"x","version":"2.15.2","nonce":"bm9uY2U","auth_required":true,"max_payload":1048576,"proto":1,"headers":true}`+"\r\n")
			line, _ := bufio.NewReader(c).ReadString('\n')
			heard(line)
			fmt.Fprintf(c, "-ERR 'Authorization Violation of %s'\r\n", strings.TrimSpace(line))
			c.Close()
		}
	}()
	return l.Addr().String()
}

// Every secret that a collector and a site's file can name has a value that is found
// anywhere. It is shown to those it is for, who refuse it and say it back, and stands in
// no line of the log, no metric, no error and no dump.
func TestNoSecretIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	canaries := map[string]string{}
	hide := func(name, text string) string {
		canaries[name] = text
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	canary := func(name string) string {
		return hide(name, "canary-of-"+strings.ReplaceAll(name, ".", "-")+"-7f3a91d2")
	}
	// The site's example names a file for most; each gets one, and addresses where nobody is.
	text := string(described.Example)
	for _, x := range [][2]string{
		{"version: v3\n        user: gigawatch\n        auth_protocol: SHA-256\n        auth_file: /etc/gigawatch/snmp.auth\n        priv_protocol: AES\n        priv_file: /etc/gigawatch/snmp.priv", "version: v2c\n        community_file: /etc/gigawatch/snmp.community"},
		{"address: 10.20.0.11 ", "transport: tls\n        cert: /etc/gigawatch/modbus-cert.pem\n        key: /etc/gigawatch/modbus-key.pem\n        ca: /etc/gigawatch/modbus-ca.pem\n        address: 10.20.0.11 "},
	} {
		if !strings.Contains(text, x[0]) {
			t.Fatalf("the example has no %s", x[0])
		}
		text = strings.Replace(text, x[0], x[1], 1)
	}
	text = regexp.MustCompile(`/etc/gigawatch/([\w.-]+)`).ReplaceAllStringFunc(text, func(path string) string { return canary(filepath.Base(path)) })
	text = regexp.MustCompile(`\b10\.20\.\d+\.`).ReplaceAllString(text, "127.0.7.")
	hide("site.yaml", text)

	said := &echo{}
	clear, secure := httptest.NewServer(said), httptest.NewTLSServer(said)
	// And once more, with devices that hear their secret, refuse it and say it back.
	told := gossip(t)
	for _, x := range [][2]string{
		{`address: 127\.0\.7\.\[11-12\]`, "address: 127.0.0.[1-2]:" + told.snmp},
		{`address: 127\.0\.7\.\[1-2\]`, "address: 127.0.0.[1-2]:" + told.snmp3},
		{`profile: ups-mib`, "profile: apc-rpdu2"},
		{`(?s)url: https://127\.0\.7\.\[1-2\]\s+resource: (\S+)/1(.*?)\n +ca: \S+`, "url: " + clear.URL + "\n        resource: ${1}/[1-2]$2"},
		{`(?s)broker: tls://127\.0\.7\.\d+:8883(.*?)\n +ca: \S+`, "broker: tcp://" + told.mqtt + "$1"},
		{`(?s)opcua:\n( +endpoint: opc\.tcp://)127\.0\.7\.\d+:4840\n.*?( +user: gigawatch)`, "every: 1s\n      opcua:\n${1}" + told.opcua + "\n        security_policy: None\n$2"},
	} {
		whole := regexp.MustCompile(x[0])
		if !whole.MatchString(text) {
			t.Fatalf("the site has no %s", x[0])
		}
		text = whole.ReplaceAllString(text, x[1])
	}
	text = strings.NewReplacer("read:\n      snmp:", "read:\n      every: 1s\n      snmp:", "every: 30s", "every: 1s").Replace(text) // each is read while the test looks
	hide("site-2.yaml", text)
	delete(canaries, "site.yaml")
	delete(canaries, "site-2.yaml")
	secure.Config.ErrorLog = nil
	t.Cleanup(clear.Close)
	t.Cleanup(secure.Close)
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds := hide("collector.creds", "-----BEGIN NATS USER JWT-----\ncanary.of.a.jwt\n------END NATS USER JWT------\n-----BEGIN USER NKEY SEED-----\n"+string(seed)+"\n------END USER NKEY SEED------")
	canaries["collector.creds"] = string(seed)
	var met sync.Map
	bus := deaf(t, func(line string) { met.Store("bus", line) })
	own := loopback.Free(t)
	config := fmt.Sprintf(`agent: all
site_file: %[1]s/site.yaml
place: {hall: h1, rack: r1, host: n1}
bus: {urls: ["nats://%[2]s"], credentials: %[3]s}
spool: {dir: %[1]s/spool}
listen: %[4]s
sources:
  host: {enabled: false, root: %[1]s}
  gpu: {driver: none}
  node_power:
    period: 1s
    timeout: 2s
    redfish: {url: "%[5]s", user: root, password_file: %[6]s, insecure: true}
    ipmi: {enabled: true, host: 127.0.7.9, user: root, password_file: %[7]s}
  jobs: {drop_dir: %[1]s, job_names: hash, tenant_names: hash, key_file: %[8]s}
  meters: {all: all}
  grid:
    timeout: 2s
    providers:
      - {name: entsoe, url: "%[9]s", key_file: %[10]s}
      - {name: electricitymaps, url: "%[9]s", key_env: CANARY}
    weather: {url: "%[9]s/now", value: t, time: at, key_file: %[11]s, key_query: appid}
`, dir, bus, creds, own, secure.URL, canary("bmc.password"), canary("ipmi.password"), canary("site.key"), clear.URL, canary("entsoe.key"), canary("weather.key"))
	canaries["variable"] = "canary-of-the-variable-7f3a91d2"
	file := hide("collector.yaml", config)
	// The controller takes a token instead of a password, and the weather a variable.
	token := strings.Replace(config, "user: root, password_file: "+filepath.Join(dir, "bmc.password")+", insecure", "token_file: "+canary("bmc.token")+", insecure", 1)
	token = strings.Replace(token, "key_file: "+filepath.Join(dir, "weather.key"), "key_env: CANARY", 1)
	other := hide("token.yaml", strings.NewReplacer(own, loopback.Free(t), "/spool", "/spool-2", "/site.yaml", "/site-2.yaml", "127.0.7.9", told.ipmi).Replace(token))
	delete(canaries, "collector.yaml")
	delete(canaries, "token.yaml")

	found := map[string]bool{}
	for _, f := range []string{file, other} {
		c, err := agent.Load(f)
		if err != nil {
			t.Fatal(err)
		}
		secretsOf(t, reflect.ValueOf(c), map[reflect.Type]bool{}, found)
	}
	delete(found, "agent.BusConfig.Key") // of a certificate: any other file there keeps an agent from starting
	for _, key := range slices.Sorted(maps.Keys(found)) {
		if !found[key] {
			t.Errorf("no canary is in %s", key)
		}
	}

	var out strings.Builder
	for _, f := range []string{file, other} {
		p := launch(t, []string{"CANARY=" + canaries["variable"]}, "collector", "-config", f, "-log", "debug")
		time.Sleep(6 * time.Second) // in which each source is tried, and refused
		if r, err := http.Get("http://" + own + "/metrics"); err == nil {
			io.Copy(&out, r.Body)
			r.Body.Close()
		}
		p.cmd.Process.Signal(syscall.SIGQUIT)
		<-p.ended
		if dump := p.output(); !strings.Contains(dump, "goroutine ") {
			t.Errorf("it left no dump:\n%s", dump)
		} else {
			out.WriteString(dump)
		}
		check, _ := exec.Command("timeout", "6", "collector", "-config", f, "-check", "-log", "debug").CombinedOutput()
		out.Write(check)
	}
	// What is wrong with a file is told without what stands in it.
	for name, bad := range map[string]string{
		"a password in the bus's address": strings.Replace(config, "nats://", "nats://u:canary-of-an-address-7f3a91d2@", 1),
		"a password in a url":             strings.Replace(config, secure.URL, "https://u:canary-of-an-address-7f3a91d2@127.0.0.1", 1),
		"a key in a url":                  strings.ReplaceAll(config, clear.URL, clear.URL+"?key=canary-of-an-address-7f3a91d2"),
		"a key for its file":              strings.Replace(config, "key_file: "+filepath.Join(dir, "entsoe.key"), "key: canary-of-an-address-7f3a91d2", 1),
	} {
		f := hide("bad.yaml", bad)
		ctx := exec.Command("timeout", "3", "collector", "-config", f, "-log", "debug")
		said, _ := ctx.CombinedOutput()
		fmt.Fprintf(&out, "-- %s --\n%s", name, said)
	}
	delete(canaries, "bad.yaml")
	canaries["address"] = "canary-of-an-address-7f3a91d2"

	for _, name := range []string{"bmc.password", "bmc.token", "entsoe.key", "weather.key", "variable", "pdu.password"} {
		if heard := said.text(); !strings.Contains(heard, canaries[name]) && !strings.Contains(heard, basic("root", canaries[name])) {
			t.Errorf("%s was shown to nobody: it was not tried\n%s", name, heard)
		}
	}
	for _, name := range []string{"snmp.community", "mqtt.password", "opcua.password"} {
		if !strings.Contains(told.text(), canaries[name]) {
			t.Errorf("%s was shown to nobody: it was not tried\n%s", name, told.text())
		}
	}
	// What they say back is told, without it.
	for _, says := range []string{"reads \\\"[redacted]\\\", which is no decimal number", "bytes that are no JSON", "it offers you said [redacted], [redacted], ", "log in as gigawatch"} {
		if !strings.Contains(out.String(), says) {
			t.Errorf("nobody says %s in\n%s", says, out.String())
		}
	}
	if line, _ := met.Load("bus"); !strings.Contains(fmt.Sprint(line), `"sig":`) {
		t.Errorf("the bus was told %v, signed by no seed", line)
	}
	for name, secret := range canaries {
		for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), basic("root", secret), basic("gigawatch", secret), fmt.Sprintf("%x", secret)} {
			for line := range strings.Lines(out.String()) {
				if strings.Contains(line, form) {
					t.Errorf("%s is in %s", name, line)
				}
			}
		}
	}
	t.Logf("%d secrets, %d bytes of log, metrics and errors", len(canaries), out.Len())
}

// basic is what a client shows of a user and a password.
func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
