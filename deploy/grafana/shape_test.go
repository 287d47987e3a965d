package grafana_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The shapes of Grafana's provisioning files, as its documentation of version 13 has
// them, and of the part of a compose file that is used here.
type (
	dataSources struct {
		APIVersion  int          `yaml:"apiVersion"`
		Prune       bool         `yaml:"prune"`
		Delete      []struct{}   `yaml:"deleteDatasources"`
		DataSources []dataSource `yaml:"datasources"`
	}
	dataSource struct {
		Name           string            `yaml:"name"`
		UID            string            `yaml:"uid"`
		Type           string            `yaml:"type"`
		Access         string            `yaml:"access"`
		OrgID          int               `yaml:"orgId"`
		URL            string            `yaml:"url"`
		IsDefault      bool              `yaml:"isDefault"`
		Editable       bool              `yaml:"editable"`
		Version        int               `yaml:"version"`
		JSONData       map[string]any    `yaml:"jsonData"`
		SecureJSONData map[string]string `yaml:"secureJsonData"`
	}
	dashboards struct {
		APIVersion int        `yaml:"apiVersion"`
		Providers  []provider `yaml:"providers"`
	}
	provider struct {
		Name            string `yaml:"name"`
		OrgID           int    `yaml:"orgId"`
		Folder          string `yaml:"folder"`
		FolderUID       string `yaml:"folderUid"`
		Type            string `yaml:"type"`
		DisableDeletion bool   `yaml:"disableDeletion"`
		AllowUIUpdates  bool   `yaml:"allowUiUpdates"`
		UpdateInterval  int    `yaml:"updateIntervalSeconds"`
		Options         struct {
			Path             string `yaml:"path"`
			FoldersFromFiles bool   `yaml:"foldersFromFilesStructure"`
		} `yaml:"options"`
	}
	// What is within the lists is whoever's that writes them.
	alerting struct {
		APIVersion    int         `yaml:"apiVersion"`
		Groups        []yaml.Node `yaml:"groups"`
		ContactPoints []yaml.Node `yaml:"contactPoints"`
		Policies      []yaml.Node `yaml:"policies"`
		MuteTimes     []yaml.Node `yaml:"muteTimes"`
		Templates     []yaml.Node `yaml:"templates"`
	}
	compose struct {
		Services map[string]struct {
			Image       string            `yaml:"image"`
			NetworkMode string            `yaml:"network_mode"`
			Environment map[string]string `yaml:"environment"`
			Volumes     []string          `yaml:"volumes"`
		} `yaml:"services"`
		Volumes map[string]any `yaml:"volumes"`
	}
)

// strict reads text as T; a key that T lacks fails.
func strict[T any](t *testing.T, name string, text []byte) (out T) {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// provisioned are the files of one kind, by name.
func provisioned(t *testing.T, kind string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("provisioning", kind, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, n := range names {
		out[n] = read(t, n)
	}
	return out
}
