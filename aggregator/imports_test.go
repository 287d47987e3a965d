package main

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/gigawatch/gigawatch/"

// order lists the module's packages from left to right: the way the readings
// go. A package may import only packages to its left.
var order = strings.Fields(`
	collector/loopback collector/outbound collector/metric alerts/rule alerts/scene collector/setting collector/secret collector/program/quiet collector/program collector/site collector/wire collector/sim collector/sim/field
	collector/internal/tree collector/internal/energy collector/internal/odata
	collector/internal/gpu collector/internal/gpu/guard collector/internal/gpu/dcgm
	collector/internal/gpu/dcgm/double collector/internal/gpu/dcgm/double/engine collector/internal/gpu/nvml collector/internal/gpu/amd collector/internal/gpu/gaudi
	collector/internal/host collector/internal/bmc collector/internal/meter collector/internal/meter/modbus collector/internal/meter/snmp collector/internal/meter/redfish collector/internal/meter/mqtt
	collector/internal/meter/bacnet collector/internal/meter/opcua collector/internal/carbon collector/internal/job
	collector/internal/spool collector/agent collector
	aggregator/internal/evidence aggregator/internal/changes aggregator/internal/durable aggregator/internal/names aggregator/internal/checkpoint aggregator/internal/bus aggregator/internal/authority aggregator/internal/stream aggregator/internal/live
	aggregator/internal/account aggregator/internal/terms aggregator/internal/ledger aggregator/internal/hub aggregator/internal/fault aggregator/internal/fault/soak aggregator/internal/intake aggregator/internal/health aggregator/internal/store
	aggregator/internal/rights aggregator/internal/rule aggregator/internal/report aggregator/internal/statement aggregator/internal/page
	aggregator/query aggregator/internal/desk aggregator/internal/web aggregator
	plugin/pkg plugin/handshake plugin/browser dashboards alerts deploy/grafana
`)

// only says which packages of the module a package may import, where the order
// allows more than its idea needs.
var only = map[string]string{
	"collector/loopback":            "",
	"collector/outbound":            "",
	"collector/wire":                "collector/metric",
	"alerts/rule":                   "collector/metric",
	"alerts/scene":                  "alerts/rule",
	"collector/sim":                 "collector/metric",
	"collector/sim/field":           "collector/metric collector/sim",
	"collector/program":             "collector/program/quiet",
	"collector/program/quiet":       "",
	"collector/site":                "collector/metric collector/setting collector/secret",
	"collector/internal/tree":       "",
	"collector/internal/energy":     "collector/metric",
	"collector/secret":              "",
	"collector/internal/odata":      "collector/outbound collector/secret",
	"collector/internal/gpu":        "collector/metric collector/internal/tree collector/internal/energy",
	"collector/internal/gpu/guard":  "collector/internal/gpu",
	"collector/internal/host":       "collector/metric collector/internal/tree collector/internal/energy",
	"collector/internal/job":        "collector/metric collector/secret collector/internal/tree collector/internal/gpu",
	"collector/internal/spool":      "",
	"aggregator/internal/changes":   "",
	"aggregator/internal/evidence":  "",
	"aggregator/internal/durable":   "",
	"aggregator/internal/bus":       "",
	"aggregator/internal/authority": "collector/metric aggregator/internal/durable aggregator/internal/bus",
	"aggregator/internal/stream":    "collector/metric collector/wire aggregator/internal/durable",
	"aggregator/internal/live":      "collector/metric",
	"aggregator/internal/account":   "collector/metric",
	"aggregator/internal/terms":     "collector/metric collector/site aggregator/internal/account",
	"aggregator/internal/ledger":    "collector/metric aggregator/internal/account aggregator/internal/names",
	"aggregator/internal/intake":    "collector/metric aggregator/internal/account",
	"aggregator/internal/store":     "collector/outbound collector/metric collector/secret",
	"aggregator/internal/report":    "collector/metric collector/site aggregator/internal/account", // it declares the ledger it needs
	"aggregator/internal/names":     "aggregator/internal/durable",
	"aggregator/internal/statement": "aggregator/internal/durable",
	"aggregator/internal/page":      "",
	"aggregator/internal/rule":      "collector/outbound collector/metric collector/secret alerts/rule aggregator/internal/durable",
	"aggregator/internal/health":    "collector/metric collector/setting aggregator/internal/durable",
	"aggregator/query":              "collector/metric collector/secret aggregator/internal/account",
	"aggregator/internal/web":       "collector/metric aggregator/internal/changes aggregator/internal/rule aggregator/internal/rights aggregator/internal/account aggregator/internal/health aggregator/internal/live aggregator/query",
	"aggregator/internal/desk":      "collector/metric collector/site aggregator/internal/account aggregator/internal/durable aggregator/internal/ledger aggregator/internal/names aggregator/internal/report aggregator/internal/statement aggregator/query",
	"plugin/pkg":                    "collector/outbound collector/metric collector/secret aggregator/query",

	"aggregator/internal/checkpoint": "aggregator/internal/durable",
	"aggregator/internal/hub":        "aggregator/internal/durable aggregator/internal/checkpoint aggregator/internal/account aggregator/internal/ledger",
}

// never lists what a program must not link: the collector is light.
var never = map[string][]string{
	"collector":  {"github.com/nats-io/nats-server", "github.com/prometheus/prometheus", "github.com/grafana/", "google.golang.org/grpc"},
	"aggregator": {"github.com/grafana/grafana-plugin-sdk-go"}, // its time-series library links testing
	// Whoever asks an aggregator is none.
	"aggregator/query": {"github.com/prometheus", "github.com/nats-io", "github.com/VictoriaMetrics", "google.golang.org", "testing"},
	"plugin/pkg":       {"github.com/prometheus/prometheus", "github.com/nats-io", "github.com/VictoriaMetrics"},
}

func list(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestImportsPointLeft(t *testing.T) {
	rank := map[string]int{}
	for i, p := range order {
		rank[p] = i + 1
	}
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...") {
		path, imports, _ := strings.Cut(line, " ")
		pkg := strings.TrimPrefix(path, module)
		if rank[pkg] == 0 {
			t.Errorf("%s has no place in the order", pkg)
			continue
		}
		allowed, limited := only[pkg]
		for imp := range strings.FieldsSeq(imports) {
			imp, ours := strings.CutPrefix(imp, module)
			switch {
			case !ours:
			case rank[imp] >= rank[pkg]:
				t.Errorf("%s imports %s, which is to its right", pkg, imp)
			case limited && !strings.Contains(" "+allowed+" ", " "+imp+" "):
				t.Errorf("%s imports %s; it may import %q", pkg, imp, allowed)
			}
		}
	}
}

func TestProgramsLinkNothingTheyMustNot(t *testing.T) {
	for program, banned := range never {
		for _, dep := range list(t, "-deps", module+program) {
			for _, b := range banned {
				if dep == b || strings.HasPrefix(dep, strings.TrimSuffix(b, "/")+"/") {
					t.Errorf("%s links %s", program, dep)
				}
			}
		}
	}
}

// The collector carries no test code, save what go-dcgm brings: it has helpers
// for tests outside its tests.
func TestCollectorLinksNoTestCode(t *testing.T) {
	for _, line := range list(t, "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"collector") {
		path, imports, _ := strings.Cut(line, " ")
		if strings.HasPrefix(path, "github.com/NVIDIA/go-dcgm/") || strings.HasPrefix(path, "github.com/stretchr/testify/") || path == "net/http/httptest" {
			continue
		}
		for imp := range strings.FieldsSeq(imports) {
			if imp == "testing" || strings.HasPrefix(imp, "github.com/stretchr/") {
				t.Errorf("%s imports %s", path, imp)
			}
		}
	}
}
