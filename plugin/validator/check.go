package main

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/grafana/plugin-validator/pkg/analysis"
	"github.com/grafana/plugin-validator/pkg/analysis/passes"
	"github.com/grafana/plugin-validator/pkg/archivetool"
	"github.com/grafana/plugin-validator/pkg/runner"
)

// plugin is what is checked, in paths.
type plugin struct {
	archive, source, root string
}

// A verdict is what one analyzer said.
type verdict struct {
	analyzer string
	findings []finding
	gap      string // what it could not verify here
}

// A finding may stand if there is a reason, or if it only recommends.
type finding struct {
	analysis.Diagnostic
	reason string
}

func (f finding) stands() bool {
	return f.reason != "" || f.Severity == analysis.Recommendation
}

// check runs every analyzer and prints what each said; ok says whether nothing
// was found that may not stand.
func check(w io.Writer, p plugin, accept []acceptance) (ok bool, err error) {
	verdicts, err := judge(p, accept)
	if err != nil {
		return false, err
	}
	return report(w, verdicts, accept), nil
}

func judge(p plugin, accept []acceptance) ([]verdict, error) {
	params, remove, err := unpack(p)
	if err != nil {
		return nil, err
	}
	defer remove()
	net, err := newOffline()
	if err != nil {
		return nil, err
	}
	before := http.DefaultTransport
	http.DefaultTransport = net
	defer func() { http.DefaultTransport = before }()
	for _, name := range quiet {
		os.Setenv(name, "1")
	}
	verdicts := make([]verdict, 0, len(passes.Analyzers))
	for _, a := range passes.Analyzers {
		params := params
		if a.Name == "sdkusage" { // it looks for go.mod, and that is the module's
			params.SourceCodeDir = p.root
		}
		net.take()
		said, err := runner.Check([]*analysis.Analyzer{a}, params, runner.Config{Global: runner.GlobalConfig{Enabled: true}}, "")
		verdicts = append(verdicts, weigh(a.Name, said, err, net.take(), accept))
	}
	return verdicts, nil
}

// unpack is the archive as the analyzers want it: as a file and as a folder.
func unpack(p plugin) (analysis.CheckParams, func(), error) {
	b, err := os.ReadFile(p.archive)
	if err != nil {
		return analysis.CheckParams{}, nil, fmt.Errorf("read the plugin's archive: %w", err)
	}
	dir, remove, err := archivetool.ExtractPlugin(bytes.NewReader(b))
	if err != nil {
		return analysis.CheckParams{}, nil, fmt.Errorf("unpack %s: %w", p.archive, err)
	}
	return analysis.CheckParams{
		ArchiveFile: p.archive, ArchiveDir: dir, SourceCodeDir: p.source,
		ArchiveCalculatedMD5: fmt.Sprintf("%x", md5.Sum(b)), ArchiveCalculatedSHA1: fmt.Sprintf("%x", sha1.Sum(b)),
	}, remove, nil
}

// weigh tells what an analyzer found from what it could not find out. said holds
// what the analyzers that it builds on found, too.
func weigh(name string, said analysis.Diagnostics, failed error, asked []string, accept []acceptance) verdict {
	v := verdict{analyzer: name}
	if g, known := gaps[name]; known && g.open() {
		v.gap = g.why
	}
	for _, d := range said[name] {
		// Without network or a language model some only say that they did nothing.
		if d.Severity == analysis.OK || strings.HasSuffix(d.Name, "-skipped") || strings.Contains(d.Title+d.Detail, errOffline.Error()) {
			continue
		}
		v.findings = append(v.findings, finding{d, reason(accept, name, d)})
	}
	switch {
	case failed != nil && !errors.Is(failed, errOffline):
		v.findings = append(v.findings, finding{Diagnostic: analysis.Diagnostic{Severity: analysis.Error, Name: "failed", Title: failed.Error()}})
	case v.gap != "" || len(v.findings) > 0:
	case len(asked) > 0:
		v.gap = "it asks " + strings.Join(asked, ", ")
	default:
		for _, other := range slices.Sorted(maps.Keys(said)) {
			if other != name && slices.ContainsFunc(said[other], func(d analysis.Diagnostic) bool { return d.Severity == analysis.Error }) {
				v.gap = "it builds on " + other + ", which found errors"
				break
			}
		}
	}
	return v
}

func reason(accept []acceptance, analyzer string, d analysis.Diagnostic) string {
	for _, a := range accept {
		if a.analyzer == analyzer && a.rule == d.Name && a.title == d.Title {
			return a.why
		}
	}
	return ""
}
