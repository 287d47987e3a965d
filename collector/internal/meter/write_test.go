package meter

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What of each library that speaks to meters may not be named here, as it writes, calls
// or commands.
var commands = map[string]*regexp.Regexp{
	"github.com/simonvetter/modbus":       regexp.MustCompile(`^Write`),
	"github.com/gosnmp/gosnmp":            regexp.MustCompile(`^(Set|SetRequest|SnmpTrap|.*Trap|InformRequest)$`),
	"github.com/gopcua/opcua":             regexp.MustCompile(`.`), // its client can all: only its parts are used
	"github.com/gopcua/opcua/ua":          regexp.MustCompile(`^(Write|Call|AddNodes|AddReferences|Delete(Nodes|References|RawModified)|HistoryUpdate|Cancel).*|^Set`),
	"github.com/eclipse/paho.mqtt.golang": regexp.MustCompile(`^Publish$|^SetWill|^SetBinaryWill`),
	"github.com/grid-x/modbus":            regexp.MustCompile(`.`),
}

// methods are those of the libraries by which something is written, whatever it is that
// has them.
var methods = regexp.MustCompile(`^(Write(Register|Coil|Uint|Float|Bytes|RawBytes|Single|Multiple)\w*|Publish|SetWithContext)$`)

// No source that reads a meter or a BMC names what would write to one.
func TestNothingThatReadsAMeterWrites(t *testing.T) {
	files, used := 0, map[string]bool{}
	for _, root := range []string{".", "../bmc", "../odata"} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			for _, x := range writing(t, path, nil, used) {
				t.Error(x)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 60 {
		t.Errorf("%d files were looked at", files)
	}
	for library := range commands {
		if strings.Contains(library, "simonvetter") || strings.Contains(library, "gosnmp") || strings.HasSuffix(library, "/ua") || strings.Contains(library, "paho") {
			if !used[library] {
				t.Errorf("%s is used nowhere: what is used instead is not looked at", library)
			}
		}
	}
	for _, text := range []string{
		`import "github.com/simonvetter/modbus"; func f(c *modbus.ModbusClient) { c.WriteRegister(1, 2) }`,
		`import snmp "github.com/gosnmp/gosnmp"; var x = snmp.SetRequest`,
		`import "github.com/gopcua/opcua/ua"; var x = &ua.WriteRequest{}`,
		`import "github.com/gopcua/opcua"; var x = opcua.NewClient`,
		`import "github.com/eclipse/paho.mqtt.golang"; func f(c mqtt.Client) { c.Publish("a", 0, false, "") }`,
		`import "net/http"; var x = http.MethodPatch`,
	} {
		if len(writing(t, "x.go", "package x\n"+text, used)) == 0 {
			t.Errorf("it is not seen that this writes: %s", text)
		}
	}
}

// writing is what of a file would write.
func writing(t *testing.T, path string, text any, used map[string]bool) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]*regexp.Regexp{}
	for _, x := range f.Imports {
		library := strings.Trim(x.Path.Value, `"`)
		used[library] = true
		name := filepath.Base(library)
		if library == "github.com/eclipse/paho.mqtt.golang" {
			name = "mqtt"
		}
		if x.Name != nil {
			name = x.Name.Name
		}
		if r := commands[library]; r != nil {
			names[name] = r
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of, _ := s.X.(*ast.Ident)
		switch name := s.Sel.Name; {
		case of != nil && names[of.Name] != nil:
			ok = names[of.Name].MatchString(name)
		case of != nil && of.Name == "http" && strings.HasPrefix(name, "Method"):
			// A session is made and ended; nothing else is sent to a service.
			ok = name != "MethodGet" && !((name == "MethodPost" || name == "MethodDelete") && strings.Contains(path, "odata"))
		default:
			ok = methods.MatchString(name)
		}
		if ok {
			found = append(found, fmt.Sprintf("%s: %s would write", set.Position(s.Pos()), s.Sel.Name))
		}
		return true
	})
	return found
}

// The services of BACnet, and the requests to a session of Redfish, are made by hand:
// they are those that stand here.
func TestRequestsMadeByHandRead(t *testing.T) {
	for file, x := range map[string]struct {
		find string
		want []string
	}{
		"bacnet/frame.go":     {`(?m)^\s+(read\w+|write\w+|\w+Service)\s+= \d+$`, []string{"readProperty         = 12", "readPropertyMultiple = 14"}},
		"bacnet/reader.go":    {`\brequest\(`, nil}, // frames are made in frame.go alone
		"../odata/client.go":  {`http\.Method\w+, [\w.]+`, []string{"http.MethodDelete, r.auth.session", "http.MethodGet, path"}},
		"../odata/session.go": {`http\.Method\w+, [\w.]+`, []string{"http.MethodPost, sessionsPath"}},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range regexp.MustCompile(x.find).FindAllString(string(text), -1) {
			got = append(got, strings.TrimSpace(m))
		}
		if !slices.Equal(got, x.want) {
			t.Errorf("%s has %q, want %q", file, got, x.want)
		}
	}
}
