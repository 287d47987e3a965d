package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// monthAggregator runs over the books of a month, for some people; site.yaml of its
// folder is one by which nothing is missing.
func monthAggregator(t *testing.T, people map[string]rights.Role) (p *process, dir string, of map[string]*query.Client) {
	t.Helper()
	return bookAggregator(t, people, func(dir string) error { return makeMonth(dir, unsigned) }, "report.txt", "whole.yaml")
}

// bookAggregator runs over books for some people, by a site file of a script.
func bookAggregator(t *testing.T, people map[string]rights.Role, books func(dir string) error, scriptName, siteFile string) (p *process, dir string, of map[string]*query.Client) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "gigawatch-test-") // every sealed hour is synced
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "data"), 0o755), books(filepath.Join(dir, "data"))); err != nil {
		t.Fatal(err)
	}
	script, err := txtar.ParseFile("testdata/script/" + scriptName)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range script.Files {
		if f.Name == siteFile {
			err = os.WriteFile(filepath.Join(dir, "site.yaml"), f.Data, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	list, of := "contact: energy-desk@example.org\nprincipals:\n", map[string]*query.Client{}
	for name, role := range people {
		token, word := rights.NewToken()
		of[name] = &query.Client{Token: query.NewSecret(token)}
		list += rights.Line(name, role, []string{"vilvoorde"}, nil, false, word) + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"principals.yaml": list,
		"aggregator.yaml": "data: " + filepath.Join(dir, "data") + "\nlisten: 127.0.0.1:0\nprincipals: " + filepath.Join(dir, "principals.yaml") + "\nsites: [{file: site.yaml}]\nbus: {embedded: {}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p = start(t, "serve", "-config", filepath.Join(dir, "aggregator.yaml"))
	for _, c := range of {
		c.URL = p.url
	}
	return p, dir, of
}

// refused holds an error against the kind and the words that are wanted.
func refused(t *testing.T, what string, err error, reason query.Reason, words string) {
	t.Helper()
	var e *query.Error
	if !errors.As(err, &e) || e.Reason != reason || !strings.Contains(e.Message, words) {
		t.Errorf("%s: %v; want %s with %q", what, err, reason, words)
	}
}

// The whole way of a report by the server: from the list to what an auditor checks,
// each step by somebody whom the server knows, on the files that the command reads.
func TestAReportByTheServer(t *testing.T) {
	p, dir, of := monthAggregator(t, map[string]rights.Role{"anna": rights.Energy, "ben": rights.Energy, "carl": rights.Admin, "dora": rights.Viewer})
	anna, ben, carl, dora, ctx := of["anna"], of["ben"], of["carl"], of["dora"], t.Context()
	q := query.ReportQuestion{Site: "vilvoorde", Year: 2025}

	list, err := anna.Reports(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s := list.Sites; len(s) != 1 || s[0].Name != "Example AI factory" || s[0].Years[len(s[0].Years)-1].Year != 2025 || s[0].Years[len(s[0].Years)-1].Due != "2026-05-15" || list.You.Name != "anna" {
		t.Errorf("the list is %+v", list)
	}
	_, err = dora.Reports(ctx)
	refused(t, "a viewer", err, query.Forbidden, "energy")

	draft, err := anna.Report(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(append(indented(t, draft.Record), '\n'))
	if draft.State != "draft" || draft.Locked || draft.Mend+draft.Comment > 0 || hex.EncodeToString(sum[:]) != draft.SHA256 {
		t.Errorf("the draft is %s, %d to mend, %d to comment on, sha256 %s", draft.State, draft.Mend, draft.Comment, draft.SHA256)
	}
	again, err := ben.Report(ctx, q)
	if err != nil || !again.Made.Equal(draft.Made) {
		t.Errorf("another asks, and it is made anew: %v, %v", again.Made, err)
	}

	// Behind PUE: months, days, hours, meters, and the leaf of the log.
	f, err := anna.ReportFigure(ctx, q, "pue", "")
	if err != nil || f.By != "month" || len(f.Of) != 2 || f.Of[0].Key != "e_dc_kwh" {
		t.Fatalf("behind PUE is %+v, %v", f, err)
	}
	var months []report.Part
	if err := json.Unmarshal(f.Of[0].Parts, &months); err != nil || len(months) != 1 || months[0].Name != "2025-12" || months[0].Amount.String() != "122000" {
		t.Errorf("months are %s, %v", f.Of[0].Parts, err)
	}
	if f, err = anna.ReportFigure(ctx, q, "EIT", "2025-12-24T18Z"); err != nil || f.By != "meter" || f.Hour == nil || f.Hour.Files != 1 || !strings.Contains(string(f.Of[0].Meters), `"meter":"ups"`) {
		t.Fatalf("behind an hour is %+v, %v", f, err)
	}
	holds(t, f.Hour)
	_, err = anna.ReportFigure(ctx, q, "TIN", "")
	refused(t, "a symbol of two", err, query.NotFound, "say which")
	_, err = anna.ReportFigure(ctx, q, "pue", "2026-01")
	refused(t, "a month outside", err, query.NotFound, "nothing of 2026-01")

	step := func(c *query.Client, action, hash, text string) error {
		_, err := c.ReportStep(ctx, query.ReportStep{Site: "vilvoorde", Year: 2025, Action: action, Version: 1, SHA256: hash, Text: text})
		return err
	}
	refused(t, "another record", step(anna, "validate", strings.Repeat("0", 64), ""), query.Conflict, "another than the one you looked at")
	refused(t, "lock before validate", step(anna, "lock", draft.SHA256, ""), query.Conflict, "version 1 is draft")
	refused(t, "an administrator signs", step(carl, "validate", draft.SHA256, ""), query.Forbidden, "energy")
	if err := step(anna, "validate", draft.SHA256, ""); err != nil {
		t.Fatal(err)
	}
	// Two at once: one of them locks it.
	var both sync.WaitGroup
	results := make([]error, 2)
	for i, c := range []*query.Client{anna, ben} {
		both.Go(func() { results[i] = step(c, "lock", draft.SHA256, "") })
	}
	both.Wait()
	locker, other := anna, ben
	if results[0] != nil {
		locker, other = ben, anna
		results[0], results[1] = results[1], results[0]
	}
	if results[0] != nil {
		t.Fatal(results)
	}
	refused(t, "the second lock", results[1], query.Conflict, "")
	refused(t, "who locked approves", step(locker, "approve", draft.SHA256, ""), query.Conflict, "it takes two")
	now, err := locker.Report(ctx, q)
	if err != nil || !now.Locked || now.State != "locked" || now.SHA256 != draft.SHA256 {
		t.Fatalf("it is %+v, %v", now, err)
	}
	for _, n := range now.Next {
		if n.May != (n.Action == "correct") {
			t.Errorf("next for who locked it: %+v", n)
		}
	}
	// The command, under a name that is typed, is no second person.
	out, err := exec.Command("aggregator", "report", "-config", filepath.Join(dir, "aggregator.yaml"), "-year", "2025", "-do", "approve", "-by", "Ben").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "it takes two of whom it can be told") {
		t.Errorf("a typed name approves: %s", out)
	}
	if err := step(carl, "approve", draft.SHA256, ""); err != nil {
		t.Fatal(err)
	}
	refused(t, "no receipt", step(other, "submit", draft.SHA256, ""), query.Conflict, "takes a receipt")
	// By the command, at the address and with the token.
	command := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("aggregator", append([]string{"report", "-url", p.url, "-token-file", filepath.Join(dir, "ben"), "-site", "vilvoorde", "-year", "2025"}, args...)...).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v: %s", args, err, out)
		}
		return string(out)
	}
	if said := command("-do", "submit", "-text", "receipt 4711"); !strings.Contains(said, "version 1 is submitted") || !strings.Contains(said, "ben, energy") {
		t.Errorf("it says %s", said)
	}
	if said := command("-do", "history"); !strings.Contains(said, "approve   carl") || !strings.Contains(said, "receipt 4711") {
		t.Errorf("it says %s", said)
	}
	if said := command("-format", "csv", "-rules", "EU-2024-1364"); !strings.Contains(said, "annex2,e_it_kwh") {
		t.Errorf("it says %.300s", said)
	}
	// What the command says of the same files.
	out, err = exec.Command("aggregator", "report", "-config", filepath.Join(dir, "aggregator.yaml"), "-year", "2025", "-do", "check").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "is as it was locked: record sha256 "+draft.SHA256) {
		t.Errorf("check: %v, %s", err, out)
	}
	for format, begins := range map[string]string{"json": "{\n", "csv": "section,", "xlsx": "PK", "pdf": "%PDF-1"} {
		f, err := carl.ReportFile(ctx, q, format)
		if err != nil || !strings.HasPrefix(string(f.Bytes), begins) || f.Name != "report-vilvoorde-2025-v1-submitted."+format {
			t.Errorf("%s: %s, %.20q, %v", format, f.Name, f.Bytes, err)
		}
	}
	trail, err := carl.ReportTrail(ctx, "vilvoorde", 2025)
	if err != nil || len(trail.Trail) != 4 || trail.Trail[2].By != "carl" || trail.Trail[2].Role != "admin" || trail.State != "submitted" {
		t.Errorf("the trail is %+v, %v", trail, err)
	}

	// Statements are the same files as the command's, and signed so that it verifies them.
	for kind, format := range map[string]string{"fleet": "csv", "esrs": "json"} {
		of := query.StatementQuestion{Kind: kind, Year: 2025, Format: format}
		f, err := anna.Statement(ctx, of)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "statement")
		if out, err := exec.Command("aggregator", "report", kind, "-config", filepath.Join(dir, "aggregator.yaml"), "-year", "2025", "-as", format, "-o", file).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if b, err := os.ReadFile(file); err != nil || string(b) != string(f.Bytes) {
			t.Errorf("%s: the command's file is another: %v", kind, err)
		}
		x, err := anna.SignStatement(ctx, of)
		if err != nil {
			t.Fatal(err)
		}
		if !x.Signed {
			t.Logf("%s is not signed: %s", kind, x.Why)
			continue
		}
		if err := errors.Join(os.WriteFile(file, x.File, 0o600), os.WriteFile(file+".note", []byte(x.Note), 0o600)); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("aggregator", "report", "verify", "-file", file, "-key", x.Key).CombinedOutput(); err != nil || !strings.Contains(string(out), "is as it was signed: "+kind) {
			t.Errorf("%v: %s", err, out)
		}
	}
	_, err = dora.SignStatement(ctx, query.StatementQuestion{Kind: "fleet", Year: 2025})
	refused(t, "a viewer has it signed", err, query.Forbidden, "energy")
	// One byte of one sealed hour: nothing more is made or signed, and it is named.
	if err := step(anna, "correct", draft.SHA256, "area of hall 2"); err != nil {
		t.Fatal(err)
	}
	hour := filepath.Join(dir, "data", "ledger", "vilvoorde", "hours", "2025-12-17T09Z.hour")
	b, err := os.ReadFile(hour)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := errors.Join(os.Chmod(hour, 0o600), os.WriteFile(hour, b, 0o600)); err != nil {
		t.Fatal(err)
	}
	if old, err := anna.Report(ctx, query.ReportQuestion{Site: "vilvoorde", Year: 2025, Version: 1}); err != nil || old.SHA256 != draft.SHA256 {
		t.Errorf("version 1, as it was locked: %v", err)
	}
	refused(t, "a step on it", func() error {
		_, err := anna.ReportStep(ctx, query.ReportStep{Site: "vilvoorde", Year: 2025, Action: "validate", Version: 2, SHA256: draft.SHA256})
		return err
	}(), query.Execution, "hour 2025-12-17T09Z of vilvoorde")
	_, err = anna.Report(ctx, q)
	refused(t, "a byte is changed", err, query.Execution, "hour 2025-12-17T09Z of vilvoorde")
	p.stop()
}

// indented is a record as it is kept.
func indented(t *testing.T, b []byte) []byte {
	t.Helper()
	r, err := report.ParseRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return again[:len(again)-1]
}

// holds checks the proof of an hour as an auditor does: by nothing but what is in it.
func holds(t *testing.T, h *query.ReportHour) {
	t.Helper()
	var proofs []struct {
		Leaf   int64
		Line   string
		Hashes []string
	}
	if err := json.Unmarshal(h.Proofs, &proofs); err != nil || len(proofs) != 1 {
		t.Fatalf("proofs are %s, %v", h.Proofs, err)
	}
	var root tlog.Hash
	b, err := hex.DecodeString(h.Root)
	if err != nil || copy(root[:], b) != len(root) {
		t.Fatal(h.Root, err)
	}
	var proof tlog.RecordProof
	for _, x := range proofs[0].Hashes {
		var hash tlog.Hash
		b, err := base64.StdEncoding.DecodeString(x)
		if err != nil || copy(hash[:], b) != len(hash) {
			t.Fatal(x, err)
		}
		proof = append(proof, hash)
	}
	if err := tlog.CheckRecord(proof, h.Leaves, root, proofs[0].Leaf, tlog.RecordHash([]byte(proofs[0].Line))); err != nil {
		t.Errorf("the proof of %s does not hold: %v", proofs[0].Line, err)
	}
}
