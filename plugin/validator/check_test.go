package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/plugin-validator/pkg/analysis/passes"
)

const id = "acme-meter-datasource"

// described is a plugin.json with nothing wrong in it.
func described() map[string]any {
	return map[string]any{
		"type": "datasource", "name": "Meter", "id": id,
		"info": map[string]any{
			"description": "Meters.", "version": "1.2.3", "updated": "2026-01-02", "keywords": []string{"meter"},
			"logos":       map[string]string{"small": "img/logo.svg", "large": "img/logo.svg"},
			"screenshots": []map[string]string{{"name": "Meters", "path": "img/meters.png"}},
			"links":       []map[string]string{{"name": "sponsor", "url": "https://meter.example.org/"}},
		},
		"dependencies": map[string]any{"grafanaDependency": ">=12.3.0", "plugins": []string{}},
	}
}

// archive writes a plugin's archive, with fault in its plugin.json, and without
// the files named.
func archive(t *testing.T, fault func(described map[string]any), without ...string) plugin {
	t.Helper()
	d := described()
	fault(d)
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	licence, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"plugin.json": text, "LICENSE": licence, "CHANGELOG.md": []byte("# 1.2.3"), "README.md": []byte("# Meter\n\nReads meters."),
		"module.js": []byte(`define(["react"],()=>({}));`), "img/logo.svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
		"img/meters.png": []byte("\x89PNG\r\n\x1a\n and no more"),
	}
	for _, name := range without {
		delete(files, name)
	}
	p := plugin{archive: filepath.Join(t.TempDir(), id+".zip")}
	f, err := os.Create(p.archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(path.Join(id, name))
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

// unsigned is what the archives of this test may be.
var unsigned = []acceptance{{"manifest", "unsigned-plugin", "unsigned plugin", "a test"}}

func TestPlantedFaultsAreFound(t *testing.T) {
	info := func(d map[string]any) map[string]any { return d["info"].(map[string]any) }
	tests := map[string]struct {
		fault   func(map[string]any)
		without []string
		want    []string // a line that begins so, for each
	}{
		"nothing is wrong":         {fault: func(map[string]any) {}},
		"no dependencies":          {fault: func(d map[string]any) { delete(d, "dependencies") }, want: []string{"FOUND       metadatavalid: error: plugin.json: (root): dependencies is required", "FOUND       grafanadependency: error"}},
		"an id that is none":       {fault: func(d map[string]any) { d["id"] = "Meter" }, want: []string{"FOUND       metadatavalid: error: plugin.json: id", "FOUND       pluginname: warning", "FOUND       typesuffix: error", "FOUND       archivename: error"}},
		"a version that is none":   {fault: func(d map[string]any) { info(d)["version"] = "%VERSION%" }, want: []string{"FOUND       version: error: Plugin version \"%VERSION%\" is invalid."}},
		"a key that nobody knows":  {fault: func(d map[string]any) { d["alertings"] = true }, want: []string{"FOUND       metadatavalid: error: plugin.json: (root): Additional property alertings"}},
		"no screenshots":           {fault: func(d map[string]any) { delete(info(d), "screenshots") }, want: []string{"FOUND       screenshots: warning"}},
		"a screenshot is missing":  {fault: func(map[string]any) {}, without: []string{"img/meters.png"}, want: []string{"FOUND       screenshots: error"}},
		"no module":                {fault: func(map[string]any) {}, without: []string{"module.js"}, want: []string{"FOUND       modulejs: error"}},
		"no back end, but alerts":  {fault: func(d map[string]any) { d["alerting"] = true }, want: []string{"FOUND       backendbinary: error"}},
		"no sponsor, which may be": {fault: func(d map[string]any) { info(d)["links"] = []any{} }, want: []string{"recommends  sponsorshiplink"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			ok, err := check(&out, archive(t, test.fault, test.without...), unsigned)
			if err != nil {
				t.Fatal(err)
			}
			found := strings.Contains(strings.Join(test.want, ""), "FOUND")
			if ok == found {
				t.Errorf("ok = %v, and %d faults planted", ok, len(test.want))
			}
			if strings.Contains(out.String(), "FOUND") != found {
				t.Errorf("something is found and nothing planted, or the other way round")
			}
			for _, w := range test.want {
				if !strings.Contains("\n"+out.String(), "\n"+w) {
					t.Errorf("no line %q", w)
				}
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}

func TestEveryAnalyzerSpeaksThoughTheNetworkIsRefused(t *testing.T) {
	verdicts, err := judge(archive(t, func(map[string]any) {}), unsigned)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, v := range verdicts {
		said[v.analyzer] = v.gap
	}
	for _, a := range passes.Analyzers {
		if _, ok := said[a.Name]; !ok {
			t.Errorf("%s said nothing", a.Name)
		}
	}
	for name := range gaps {
		if _, ok := said[name]; !ok {
			t.Errorf("gaps names %s, which is no analyzer", name)
		}
	}
	for _, name := range []string{"legacyplatform", "org", "published-plugin", "brokenlinks", "version"} {
		if said[name] == "" {
			t.Errorf("%s asks the network, and has passed", name)
		}
	}
}

func TestWhatIsAcceptedAndNotFoundFails(t *testing.T) {
	var out bytes.Buffer
	stale := append(slices.Clone(unsigned), acceptance{"license", "license-not-valid", "Valid license not found", "a test"})
	ok, err := check(&out, archive(t, func(map[string]any) {}), stale)
	if err != nil {
		t.Fatal(err)
	}
	if want := "accepted.go: license does not say"; ok || !strings.Contains(out.String(), want) {
		t.Errorf("ok = %v, and %q is not in\n%s", ok, want, &out)
	}
}

func TestWhatAnAnalyzerBuildsOnFailed(t *testing.T) {
	p := archive(t, func(map[string]any) {})
	if err := os.WriteFile(p.archive, fmt.Append(nil, "no zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := judge(p, nil); err == nil {
		t.Error("an archive that is none is judged")
	}
	p = archive(t, func(map[string]any) {}, "plugin.json")
	verdicts, err := judge(p, unsigned)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.analyzer == "discoverability" && v.gap == "" {
			t.Error("without plugin.json its description passes")
		}
	}
}
