package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// run writes every dashboard into a folder.
func run(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("write dashboards: %w", err)
	}
	defer root.Close()
	for _, b := range all() {
		text, err := b.text()
		if err != nil {
			return fmt.Errorf("write dashboard %s: %w", b.uid, err)
		}
		if err := root.WriteFile(b.file(), text, 0o644); err != nil {
			return fmt.Errorf("write dashboard %s: %w", b.uid, err)
		}
	}
	return nil
}

func (b *board) file() string { return b.uid + ".json" }

// text is the dashboard as Grafana reads it.
func (b *board) text() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(b.dashboard()); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	// Encoders of the SDK's own escape what this one would not.
	return unescaped(out.Bytes()), nil
}

// unescaped puts back what JSON in HTML would not bear, so that people can read it.
func unescaped(b []byte) []byte {
	for from, to := range map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"} {
		b = bytes.ReplaceAll(b, []byte(from), []byte(to))
	}
	return b
}

// titles of the boards, by uid; a link says where it leads before that is made.
var titles = map[string]string{
	"fleet": "Fleet", "site": "Site now", "energy": "Energy and carbon", "hall": "Hall and rack", "host": "Host", "gpu": "GPU",
	"gpu-health": "GPU health", "jobs": "Jobs and tenants", "power-quality": "Power quality", "report": "Report readiness",
	"alerts": "Alerts", "self": "Gigawatch itself",
}

func titleOf(uid string) string { return titles[uid] }

// all are the dashboards, in the order in which one goes down.
func all() []*board {
	list := []*board{
		fleet(), siteNow(), energyAndCarbon(), hallAndRack(), host(), gpu(), gpuHealth(), jobsAndTenants(), powerQuality(), reportReadiness(), alertsNow(), itself(),
	}
	for _, b := range list {
		b.title = titleOf(b.uid)
	}
	return list
}
