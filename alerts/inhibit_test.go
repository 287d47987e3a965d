package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/loopback"
)

// What Alertmanager holds back because of something greater, and what it does not:
// asked of Debian's.
func TestWhatTheExampleHoldsBack(t *testing.T) {
	base := alertmanager(t)
	at := func(name, rack, host string) map[string]string {
		out := map[string]string{"alertname": name, "site": "s1", "hall": "h1", "rack": rack}
		if host != "" {
			out["host"] = host
		}
		return out
	}
	var alerts []map[string]any
	post := func(labels map[string]string) {
		alerts = append(alerts, map[string]any{"labels": labels, "endsAt": time.Now().Add(time.Hour)})
	}
	for _, labels := range []map[string]string{
		at("RackDown", "r1", ""),
		at("HostSilent", "r1", "dead"),          // part of it
		at("GPULost", "r1", "alive"),            // of a rack that is down in part
		at("GPUMemoryUncontained", "r1", "two"), // likewise
		at("HostPowerMissing", "r1", "alive"),
		at("HostProbeHung", "r1", "alive"),
		at("HostSilent", "r2", "off"), // another rack
		at("GPULost", "r2", "off"),    // of a host that is silent
		at("RackHot", "r3", ""),
		at("GPUThermalSlowdown", "r3", "hot"), // part of it
		at("GPULost", "r3", "hot"),            // not its heat
		at("GPUMemoryHot", "r2", "warm"),      // another rack
	} {
		post(labels)
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(base+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	want := map[string]string{
		"RackDown ": "active", "HostSilent dead": "suppressed", "GPULost alive": "active", "GPUMemoryUncontained two": "active",
		"HostPowerMissing alive": "active", "HostProbeHung alive": "active", "HostSilent off": "active", "GPULost off": "suppressed",
		"RackHot ": "active", "GPUThermalSlowdown hot": "suppressed", "GPULost hot": "active", "GPUMemoryHot warm": "active",
	}
	got := map[string]string{}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		var list []struct {
			Labels map[string]string `json:"labels"`
			Status struct {
				State string `json:"state"`
			} `json:"status"`
		}
		res, err := http.Get(base + "/api/v2/alerts")
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(res.Body).Decode(&list)
		if res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		clear(got)
		for _, a := range list {
			got[a.Labels["alertname"]+" "+a.Labels["host"]] = a.Status.State
		}
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
	}
	t.Errorf("want %v\ngot  %v", want, got)
}

// alertmanager is the address of one with the example's configuration.
func alertmanager(t *testing.T) string {
	t.Helper()
	program := tool(t, "prometheus-alertmanager", "prometheus-alertmanager")
	address := loopback.Free(t)
	c := exec.CommandContext(t.Context(), program, "--config.file="+alertmanagerConfig, "--storage.path="+t.TempDir(),
		"--web.listen-address="+address, "--cluster.listen-address=", "--log.level=error")
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if res, err := http.Get("http://" + address + "/-/ready"); err == nil {
			if res.Body.Close(); res.StatusCode == http.StatusOK {
				return "http://" + address
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("Alertmanager is not ready: %s", said.String())
		}
	}
}
