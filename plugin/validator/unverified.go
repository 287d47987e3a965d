package main

import "os/exec"

// A gap is what an analyzer cannot say here, though it ran: most of these then
// report nothing, which would read as a pass.
type gap struct {
	why string
	// program closes the gap where it is installed.
	program string
}

func (g gap) open() bool {
	if g.program == "" {
		return true
	}
	_, err := exec.LookPath(g.program)
	return err != nil
}

// gaps names, by analyzer, what needs more than the archive and the source.
var gaps = map[string]gap{
	"brokenlinks":      {why: "whether the links lead anywhere; that none is relative was checked"},
	"checksum":         {why: "it compares with the checksum that is handed in with the archive"},
	"code-rules":       {why: "semgrep is not installed", program: "semgrep"},
	"codediff":         {why: "it compares with the version in the catalogue, by a language model"},
	"go-sec":           {why: "gosec is not installed", program: "gosec"},
	"legacybuilder":    {why: "this version of it never gets to see package.json"},
	"legacyplatform":   {why: "whether module.js uses Angular: the patterns are kept at grafana.com"},
	"llmreview":        {why: "it asks a language model"},
	"manifest":         {why: "whether the catalogue has the plugin already"},
	"org":              {why: "whether grafana.com knows the organisation of the id"},
	"osv-scanner":      {why: "known vulnerabilities of package-lock.json are at osv.dev"},
	"pluginname":       {why: "whether the catalogue has the plugin already; name and id were checked"},
	"provenance":       {why: "it asks GitHub for an attestation of the build"},
	"published-plugin": {why: "whether the catalogue has the plugin already"},
	"safelinks":        {why: "it asks Google's Web Risk, with a key"},
	"sdkusage":         {why: "how old the SDK's version is; that it is used was checked"},
	"signature":        {why: "there is no signature"},
	"version":          {why: "whether the catalogue has a later one; that it is a version was checked"},
	"virusscan":        {why: "clamscan is not installed", program: "clamscan"},
}

// quiet keeps analyzers from what would try for long, or send the source away.
var quiet = []string{"SKIP_OSV_SCANNER", "SKIP_LLM_REVIEW", "SKIP_LLM_CODEDIFF"}
