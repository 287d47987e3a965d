package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// A Hander is who hands a statement out.
type Hander struct {
	Name    string
	Role    string // of whom the server knew; "": Name is as it was typed
	Account string // of the operating system
}

// A Handed is a statement as it is handed out.
type Handed struct {
	Claim  statement.Claim
	File   []byte
	Note   []byte // nil: it is not signed
	Public string // key that it is signed by
	Why    string // it is not signed
}

// Hand writes a statement in a format, and signs and keeps it if sign. What has errors
// is not signed.
func (d *Desk) Hand(x *Stated, format string, sign bool, by Hander) (*Handed, error) {
	b, err := report.Write(x.Out, format)
	if err != nil {
		return nil, err
	}
	c := x.claim
	c.Format = format
	h := &Handed{Claim: c.Of(b), File: b}
	if i := slices.IndexFunc(x.Issues, func(i report.Issue) bool { return i.Severity == report.Error }); i >= 0 {
		h.Why = x.Issues[i].String()
	}
	if !sign || h.Why != "" {
		return h, nil
	}
	folder := statement.NewFolder(d.c.Data)
	signer, err := folder.Key(c.Site)
	if err != nil {
		return nil, err
	}
	note, err := signer.Sign(h.Claim)
	if err != nil {
		return nil, err
	}
	kept, err := x.kept.JSON()
	if err != nil {
		return nil, err
	}
	line := statement.Line{At: d.c.Now().UTC().Format(time.RFC3339), Action: statement.ActSign, By: by.Name, Role: by.Role, Account: by.Account,
		Kind: c.Kind, Period: c.Period, Whose: c.Whose, Format: c.Format, SHA256: h.Claim.SHA256, Leaves: c.Leaves, Root: c.Root}
	if x.names {
		line.Action = statement.ActJoin
	}
	if err := folder.Add(c.Site, line, kept); err != nil { // what is handed out is in the log
		return nil, err
	}
	h.Note, h.Public = note, signer.Public
	return h, nil
}

// Statement implements query.Reports.
func (d *Desk) Statement(ctx context.Context, q query.StatementQuestion, sign bool, by query.ReportReader, sees func(string) bool) (*query.Statement, error) {
	format := cmp.Or(q.Format, "json")
	if !slices.Contains(report.Formats(), format) {
		return nil, fmt.Errorf("%w: format %.20q is none of %s", query.ErrAsked, format, strings.Join(report.Formats(), ", "))
	}
	if sign && (by.Name == "" || by.Role == "") {
		return nil, fmt.Errorf("%w: a statement is signed in the name of %s", query.ErrStep, strings.TrimPrefix(nobody, "a step is taken by "))
	}
	x, err := d.State(ctx, q, by, sees)
	if err != nil {
		return nil, err
	}
	h, err := d.Hand(x, format, sign, Hander{Name: by.Name, Role: by.Role})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", query.ErrReport, err)
	}
	c := &h.Claim
	period := strings.NewReplacer("/", "--", ":", "").Replace(c.Period)
	out := &query.Statement{
		Kind: c.Kind, Site: c.Site, Period: c.Period, Whose: c.Whose, Name: fmt.Sprintf("%s-%s-%s.%s", c.Kind, c.Site, period, format), Type: types[format],
		SHA256: c.SHA256, File: h.File, Signed: h.Note != nil, Why: h.Why, Note: string(h.Note), Key: h.Public, Issues: []query.ReportIssue{},
	}
	for i := range x.Issues {
		y := &x.Issues[i]
		out.Issues = append(out.Issues, query.ReportIssue{Code: y.Code, Severity: y.Severity, Open: y.Open(), Field: y.Field, Text: y.Text, Fix: y.Fix})
	}
	if sign {
		d.c.Logger.Info("statement handed out", "kind", c.Kind, "site", c.Site, "period", c.Period, "principal", by.Name, "signed", out.Signed, "names", x.names, "sha256", c.SHA256)
	}
	return out, nil
}
