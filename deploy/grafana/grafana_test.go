package grafana_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	root  = "../.."
	built = root + "/plugin/dist" // by make plugin
)

// described is what is used here of plugin.json.
type described struct {
	ID       string
	Includes []struct{ Name, Path string }
}

func plugin(t *testing.T) (d described) {
	t.Helper()
	if err := json.Unmarshal(read(t, root+"/plugin/src/plugin.json"), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// variable finds $NAME and ${NAME}.
var variable = regexp.MustCompile(`\$\{?([A-Z][A-Z0-9_]+)`)

// expanded are the variables that Grafana fills into provisioning files.
func expanded(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	for _, kind := range []string{"datasources", "dashboards", "alerting"} {
		for _, text := range provisioned(t, kind) {
			for line := range strings.Lines(string(text)) {
				if line, _, _ = strings.Cut(line, " #"); strings.HasPrefix(strings.TrimSpace(line), "#") {
					continue
				}
				for _, m := range variable.FindAllStringSubmatch(line, -1) {
					names[m[1]] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func TestProvisioningHasTheShapesGrafanaKnows(t *testing.T) {
	id := plugin(t).ID
	sources := map[string]bool{"__expr__": true}
	for name, text := range provisioned(t, "datasources") {
		f := strict[dataSources](t, name, text)
		if f.APIVersion != 1 || len(f.DataSources) == 0 {
			t.Errorf("%s: version %d, %d data sources", name, f.APIVersion, len(f.DataSources))
		}
		for _, d := range f.DataSources {
			sources[d.UID] = true
			if d.Type != id || d.Access != "proxy" || d.UID == "" {
				t.Errorf("%s: %+v is no data source of %s, asked by Grafana's server, with a uid", name, d, id)
			}
		}
	}
	for name, text := range provisioned(t, "dashboards") {
		for _, p := range strict[dashboards](t, name, text).Providers {
			if p.Type != "file" || p.Options.Path == "" || p.Name == "" {
				t.Errorf("%s: %+v is no provider of files", name, p)
			}
		}
	}
	for name, text := range provisioned(t, "alerting") {
		if f := strict[alerting](t, name, text); f.APIVersion != 1 {
			t.Errorf("%s: version %d", name, f.APIVersion)
		}
		for _, m := range regexp.MustCompile(`datasourceUid: *"?([\w-]+)`).FindAllStringSubmatch(string(text), -1) {
			if !sources[m[1]] {
				t.Errorf("%s asks data source %s, which nothing provisions", name, m[1])
			}
		}
	}
	var example []byte
	if m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(read(t, root+"/plugin/src/README.md")); m != nil {
		example = m[1]
	}
	if d := strict[dataSources](t, "the plugin's page", example).DataSources; len(d) != 1 || d[0].Type != id {
		t.Errorf("the plugin's page provisions %+v", d)
	}
}

func TestComposeMountsWhatItsFilesName(t *testing.T) {
	p := plugin(t)
	service, ok := strict[compose](t, "compose.yaml", read(t, "compose.yaml")).Services["grafana"]
	if !ok {
		t.Fatal("compose.yaml has no service grafana")
	}
	mounts := map[string]string{} // by place in the container: here
	for _, v := range service.Volumes {
		parts := strings.Split(v, ":")
		if !strings.HasPrefix(parts[0], ".") {
			continue
		}
		if len(parts) != 3 || parts[2] != "ro" {
			t.Errorf("%s is not mounted to be read only", v)
		}
		mounts[parts[1]] = filepath.Clean(parts[0])
		if _, err := os.Stat(parts[0]); err != nil && mounts[parts[1]] != built {
			t.Errorf("%s: %v", v, err)
		}
	}
	for place, here := range map[string]string{
		"/var/lib/grafana/plugins/" + p.ID: built, "/etc/grafana/provisioning": "provisioning",
	} {
		if mounts[place] != here {
			t.Errorf("%s is %q, not %s", place, mounts[place], here)
		}
	}
	outside := func(inside string) string {
		for place, here := range mounts {
			if rest, ok := strings.CutPrefix(inside, place); ok && (rest == "" || rest[0] == '/') {
				return filepath.Join(here, rest)
			}
		}
		t.Errorf("%s is not mounted", inside)
		return ""
	}
	if home := outside(service.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]); home != "" {
		read(t, home)
	}
	for name, text := range provisioned(t, "dashboards") {
		for _, d := range strict[dashboards](t, name, text).Providers {
			if files, err := filepath.Glob(filepath.Join(outside(d.Options.Path), "*.json")); err != nil || len(files) == 0 {
				t.Errorf("%s: no dashboards in %s (%v)", name, d.Options.Path, err)
			}
		}
	}
	if got := service.Environment["GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS"]; got != p.ID {
		t.Errorf("Grafana may load %q, and the plugin is %s", got, p.ID)
	}
	for _, v := range expanded(t) {
		if _, ok := service.Environment[v]; !ok {
			t.Errorf("provisioning expands %s, which compose.yaml does not set", v)
		}
	}
	var packages struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(read(t, root+"/plugin/package.json"), &packages); err != nil {
		t.Fatal(err)
	}
	if v := packages.Dependencies["@grafana/data"]; !strings.HasSuffix(service.Image, ":${GRAFANA_VERSION:-"+v+"}") {
		t.Errorf("the image is %s, and the plugin is built with the packages of %s", service.Image, v)
	}
}

// section is the README's about Grafana.
func section(t *testing.T) string {
	t.Helper()
	_, after, ok := strings.Cut(string(read(t, root+"/README.md")), "\n### Five minutes to Grafana\n")
	if !ok {
		t.Fatal("the README has no five minutes to Grafana")
	}
	if i := strings.Index(after, "\n## "); i >= 0 {
		after = after[:i]
	}
	return after
}

func TestTheREADMENamesWhatExists(t *testing.T) {
	text, makefile, id := section(t), string(read(t, root+"/Makefile")), plugin(t).ID
	if !strings.Contains(makefile, "\nPLUGIN := "+id+"\n") {
		t.Errorf("the Makefile packs another plugin than %s", id)
	}
	for _, m := range regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			t.Errorf("make %s is no target", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`[\w.*/-]*/[\w.*/-]+`).FindAllString(strings.ReplaceAll(text, "http://", ""), -1) {
		switch {
		case strings.HasPrefix(m, "127.0.0.1"):
		case strings.HasPrefix(m, "/"): // a place in the container, or on the reader's machine
			if !mentioned(t, m) {
				t.Errorf("no file of deploy/grafana names %s", m)
			}
		case filepath.Join(root, m) == built, m == "out/"+id+".zip": // make makes it
		default:
			if files, err := filepath.Glob(filepath.Join(root, m)); err != nil || len(files) == 0 {
				t.Errorf("%s is not there (%v)", m, err)
			}
		}
	}
	vars := regexp.MustCompile(`GIGAWATCH_[A-Z_]+`).FindAllString(text, -1)
	for _, v := range expanded(t) {
		if !slices.Contains(vars, v) {
			t.Errorf("the README does not say that %s is expanded", v)
		}
	}
	for _, v := range vars {
		if !slices.Contains(expanded(t), v) {
			t.Errorf("nothing expands %s", v)
		}
	}
	if !strings.Contains(text, "allow_loading_unsigned_plugins = "+id) {
		t.Errorf("the README does not allow %s", id)
	}
}

// mentioned says whether a file of this folder names a place.
func mentioned(t *testing.T, place string) bool {
	t.Helper()
	texts := slices.Collect(maps.Values(provisioned(t, "dashboards")))
	for _, text := range append(texts, read(t, "compose.yaml")) {
		if strings.Contains(string(text), strings.TrimSuffix(place, "/")) {
			return true
		}
	}
	return false
}

func TestEveryDashboardIsInTheREADMEAndInThePlugin(t *testing.T) {
	files, err := filepath.Glob(root + "/dashboards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	want, named, included := map[string]bool{}, map[string]bool{}, map[string]string{}
	for _, f := range files {
		var d struct{ Title string }
		if err := json.Unmarshal(read(t, f), &d); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		want[d.Title] = true
		included["dashboards/"+filepath.Base(f)] = d.Title
	}
	for _, m := range regexp.MustCompile(`\*([A-Z][\w ]+)\*`).FindAllStringSubmatch(strings.ReplaceAll(section(t), "\n", " "), -1) {
		named[m[1]] = true
	}
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("dashboards and what the README names (-want +got):\n%s", diff)
	}
	got := map[string]string{}
	for _, i := range plugin(t).Includes {
		got[i.Path] = i.Name
	}
	if diff := cmp.Diff(included, got); diff != "" {
		t.Errorf("dashboards and what plugin.json includes (-want +got):\n%s", diff)
	}
}
