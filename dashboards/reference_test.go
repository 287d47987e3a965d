package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"go.yaml.in/yaml/v3"
)

var variableForm = regexp.MustCompile(`\$\{?([a-z]+)(?::[a-z]+)?\}?`)

// variables that a text names, macros and Grafana's own left out.
func variablesIn(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range variableForm.FindAllStringSubmatch(text, -1) {
		out[m[1]] = true
	}
	return out
}

func TestVariablesAreThereAndLive(t *testing.T) {
	for uid, d := range boards(t) {
		asked, err := json.Marshal(d.Panels)
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		named := variablesIn(string(asked))
		for i, v := range d.Templating.List {
			if i == 0 && (v.Name != "ds" || v.Type != dashboard.VariableTypeDatasource || *v.Query.String != plugin) {
				t.Errorf("%s: its first variable is not the data source", uid)
			}
			if v.Label == nil || v.Description == nil {
				t.Errorf("%s: variable %s says nothing of itself", uid, v.Name)
			}
			if v.Query != nil && v.Query.Map != nil {
				q, err := json.Marshal(v.Query.Map)
				if err != nil {
					t.Fatal(err)
				}
				for n := range variablesIn(string(q)) {
					if !known[n] {
						t.Errorf("%s: variable %s needs %s, which is not before it", uid, v.Name, n)
					}
					named[n] = true
				}
				if *v.Datasource.Uid != "${ds}" {
					t.Errorf("%s: variable %s asks another data source", uid, v.Name)
				}
			}
			known[v.Name] = true
		}
		for n := range known {
			if !named[n] {
				t.Errorf("%s: nobody needs variable %s", uid, n)
			}
		}
		for n := range named {
			if !known[n] {
				t.Errorf("%s: there is no variable %s", uid, n)
			}
		}
	}
}

var linkForm = regexp.MustCompile(`"url":"(/d/[^"]*)"`)

func TestLinksLeadSomewhere(t *testing.T) {
	all := boards(t)
	reached := map[string]bool{prefix + "fleet": true}
	for uid, d := range all {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		plain := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(string(text))
		found := linkForm.FindAllStringSubmatch(plain, -1)
		if len(found) == 0 {
			t.Errorf("%s leads nowhere", uid)
		}
		for _, m := range found {
			path, query, _ := strings.Cut(strings.TrimPrefix(m[1], "/d/"), "?")
			to := all[path]
			if to == nil {
				t.Errorf("%s: a link leads to %s, which is not there", uid, path)
				continue
			}
			if path != uid {
				reached[path] = true
			}
			for pair := range strings.SplitSeq(query, "&") {
				name, ok := strings.CutPrefix(pair, "var-")
				if name, _, _ = strings.Cut(name, "="); !ok {
					continue
				}
				has := false
				for _, v := range to.Templating.List {
					has = has || v.Name == name
				}
				if !has {
					t.Errorf("%s: a link tells %s its %s, which it does not have", uid, path, name)
				}
			}
		}
	}
	for uid := range all {
		if !reached[uid] {
			t.Errorf("no link leads to %s", uid)
		}
	}
}

// What Grafana is provisioned with names this data source, and the folder that the
// dashboards are mounted at.
func TestProvisioningNamesWhatIsThere(t *testing.T) {
	read := func(file string, into any) {
		t.Helper()
		text, err := os.ReadFile("../deploy/grafana/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, into); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	var sources struct {
		Datasources []struct {
			UID, Type, URL string
			SecureJSONData map[string]string `yaml:"secureJsonData"`
		}
	}
	read("provisioning/datasources/gigawatch.yaml", &sources)
	var providers struct {
		Providers []struct{ Options struct{ Path string } }
	}
	read("provisioning/dashboards/gigawatch.yaml", &providers)
	var compose struct {
		Services map[string]struct {
			Environment map[string]string
			Volumes     []string
		}
	}
	read("compose.yaml", &compose)
	if len(sources.Datasources) != 1 || sources.Datasources[0].Type != plugin || sources.Datasources[0].UID == "" {
		t.Fatalf("data sources: %+v", sources.Datasources)
	}
	if len(providers.Providers) != 1 {
		t.Fatalf("providers: %+v", providers.Providers)
	}
	grafana := compose.Services["grafana"]
	named := regexp.MustCompile(`\$\{?(GIGAWATCH_[A-Z]+)\b`).FindAllStringSubmatch(sources.Datasources[0].URL+sources.Datasources[0].SecureJSONData["token"], -1)
	if len(named) != 2 {
		t.Errorf("address and token come from no environment: %v", named)
	}
	for _, m := range named {
		if _, ok := grafana.Environment[m[1]]; !ok {
			t.Errorf("compose.yaml does not set %s", m[1])
		}
	}
	if grafana.Environment["GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS"] != plugin {
		t.Error("compose.yaml does not let the plugin load")
	}
	path, home := providers.Providers[0].Options.Path, grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if _, err := os.Stat(strings.TrimPrefix(home, path+"/")); err != nil {
		t.Errorf("home: %v", err)
	}
	mounted := map[string]string{}
	for _, v := range grafana.Volumes {
		from, to, _ := strings.Cut(v, ":")
		to, _, _ = strings.Cut(to, ":")
		mounted[to] = from
	}
	for to, from := range map[string]string{path: "../../dashboards", "/etc/grafana/provisioning": "./provisioning", "/var/lib/grafana/plugins/" + plugin: "../../plugin/dist"} {
		if mounted[to] != from {
			t.Errorf("%s is mounted from %q, not from %s", to, mounted[to], from)
		}
	}
}
