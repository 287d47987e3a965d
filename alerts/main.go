package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/gigawatch/gigawatch/alerts/rule"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "alerts:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("want one argument: the root of the repository")
	}
	root := args[0]
	files, err := written(rule.Table(), root)
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make folder of %s: %w", name, err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// written is the text of each file, by its path from root.
func written(rules []rule.Rule, root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, part := range []func([]rule.Rule, map[string][]byte) error{writePrometheus, writeUnitTests, writeGrafana} {
		if err := part(rules, files); err != nil {
			return nil, err
		}
	}
	before, err := os.ReadFile(filepath.Join(root, runbookFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read runbook: %w", err)
	}
	files[runbookFile], err = withFacts(before, rules)
	return files, err
}

// asYAML is v below a head of comments.
func asYAML(head string, v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(head)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode YAML: %w", err)
	}
	return b.Bytes(), e.Close()
}
