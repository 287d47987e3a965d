package query

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Reports makes the reports of sites' years, and takes them from draft to submitted.
type Reports interface {
	// List is what there is of the sites that sees lets through.
	List(ctx context.Context, sees func(site string) bool) (*ReportList, error)
	// Report is a record and how far it has come; by is who asks, of whom it says
	// which step comes next.
	Report(ctx context.Context, q ReportQuestion, by ReportReader) (*Report, error)
	Issues(ctx context.Context, q ReportQuestion) (*ReportIssues, error)
	// Figure is what is behind a figure of a record: at "" by the month, at 2026-03 by
	// the day, at 2026-03-14 by the hour, and at 2026-03-14T12Z by the meter.
	Figure(ctx context.Context, q ReportQuestion, figure, at string) (*ReportFigure, error)
	// File is the record in a format.
	File(ctx context.Context, q ReportQuestion, format string) (*ReportFile, error)
	Trail(ctx context.Context, site string, year int) (*ReportTrail, error)
	// Step takes one, in the name of by.
	Step(ctx context.Context, s ReportStep, by ReportReader) (*ReportReceipt, error)
	// Statement is one of jobs, tenants or records, of sites that sees lets through;
	// signed, if sign, in the name of by.
	Statement(ctx context.Context, q StatementQuestion, sign bool, by ReportReader, sees func(site string) bool) (*Statement, error)
}

// What can be wrong with a question of reports.
var (
	ErrNoReport = errors.New("no such report")
	ErrReport   = errors.New("the report cannot be made")      // of the books, or of what is stated
	ErrStep     = errors.New("the step cannot be taken")       // now, by whom, or on this record
	ErrMaking   = errors.New("the report is still being made") // ask again
)

// A ReportReader is who asks: a principal, by name and role. Without a name nobody
// can tell two of them apart.
type ReportReader struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

// A ReportQuestion names a report; version 0 is the newest, locked or not.
type ReportQuestion struct {
	Site    string
	Year    int
	Version int
}

// A ReportList is the reports that there are, and those that can be made.
type ReportList struct {
	You     ReportReader `json:"you"`
	Formats []string     `json:"formats"`
	Sites   []ReportSite `json:"sites"`
}

// A ReportSite is a site of a list.
type ReportSite struct {
	Site      string       `json:"site"`
	Name      string       `json:"name,omitempty"`
	Simulated bool         `json:"simulated,omitempty"`
	Missing   string       `json:"missing,omitempty"` // why no report can be made
	Refused   string       `json:"refused,omitempty"` // why what stands in the site file now does not count
	Years     []ReportYear `json:"years"`             // the newest first
}

// A ReportYear is how far the report on one has come.
type ReportYear struct {
	Year     int             `json:"year"`
	State    string          `json:"state"`
	Version  int             `json:"version"` // that is worked on
	Over     bool            `json:"over"`    // else figures are of what there is so far
	Due      string          `json:"due,omitempty"`
	Versions []ReportVersion `json:"versions"`        // that were locked, the oldest first
	Wrong    string          `json:"wrong,omitempty"` // with what is kept of it
}

// A ReportVersion is one that was locked.
type ReportVersion struct {
	Version int    `json:"version"`
	At      string `json:"at"`
	By      string `json:"by"`
	SHA256  string `json:"record_sha256"`
	Rules   string `json:"rule_set"`
	Leaves  int64  `json:"log_leaves"`
	Root    string `json:"log_root"`
}

// A Report is a record and how far it has come.
type Report struct {
	You     ReportReader    `json:"you"`
	Site    string          `json:"site"`
	Year    int             `json:"year"`
	Version int             `json:"version"`
	State   string          `json:"state"`  // of the newest version
	Locked  bool            `json:"locked"` // the record is as it was locked, else a draft
	SHA256  string          `json:"record_sha256"`
	Made    time.Time       `json:"made,omitzero"` // of a draft
	Mend    int             `json:"to_mend"`
	Comment int             `json:"to_comment_on"`
	Metered []string        `json:"metered"` // figures behind which there are months, days and hours
	Next    []ReportNext    `json:"next"`
	Trail   []ReportEvent   `json:"trail"`
	Record  json.RawMessage `json:"record"`
}

// ReportNext is a step, and whether who asks may take it now.
type ReportNext struct {
	Action string `json:"action"`
	May    bool   `json:"may"`
	Why    string `json:"why,omitempty"` // not
}

// ReportIssues are the rules that a record breaks, the worst first.
type ReportIssues struct {
	Issues  []ReportIssue `json:"issues"`
	Mend    int           `json:"to_mend"`
	Comment int           `json:"to_comment_on"`
}

// A ReportIssue is a rule that a record breaks.
type ReportIssue struct {
	Code     string `json:"code"`
	Severity string `json:"severity"` // E: to be mended; W: to be commented on
	Open     bool   `json:"open"`
	Field    string `json:"field,omitempty"`
	Title    string `json:"title,omitempty"` // of the field
	Rule     string `json:"rule,omitempty"`
	Text     string `json:"text"`
	Fix      string `json:"fix,omitempty"`
	Comment  string `json:"comment,omitempty"`
	Write    string `json:"write,omitempty"` // where in the site file a comment goes
}

// A ReportFigure is what is behind a figure.
type ReportFigure struct {
	Site    string          `json:"site"`
	Year    int             `json:"year"`
	Version int             `json:"version"`
	Locked  bool            `json:"locked"`
	Key     string          `json:"key"`
	At      string          `json:"at,omitempty"`
	Figure  json.RawMessage `json:"figure"`             // as it stands in the record
	By      string          `json:"by,omitempty"`       // month, day, hour, meter; "": it is made of no hours
	Of      []ReportInput   `json:"of"`                 // itself, or those that it is a quotient of
	Meters  json.RawMessage `json:"meters,omitempty"`   // of the record
	Gaps    json.RawMessage `json:"gaps,omitempty"`     // of these meters, in the time that is asked for
	Behind  json.RawMessage `json:"behind,omitempty"`   // guarantees, agreements
	Issues  []ReportIssue   `json:"issues"`             // of the figure
	From    string          `json:"from,omitempty"`     // what parts are of: locked, as the figure, or ledger, as it is now
	Now     string          `json:"now,omitempty"`      // the ledger has another value than was locked
	Today   string          `json:"today,omitempty"`    // why the ledger of today was not held against what was locked
	Hour    *ReportHour     `json:"hour,omitempty"`     // where an hour is asked for
	Written json.RawMessage `json:"evidence,omitempty"` // what was entered for it
}

// A ReportInput is a figure over times.
type ReportInput struct {
	Key    string          `json:"key"`
	Figure json.RawMessage `json:"figure"`
	Parts  json.RawMessage `json:"parts,omitempty"`
	Meters json.RawMessage `json:"meters,omitempty"` // of an hour, by the quarter
}

// A ReportHour is an hour in the log of the ledger.
type ReportHour struct {
	Hour   string          `json:"hour"`
	Leaves int64           `json:"log_leaves"` // of the log that the record rests on
	Root   string          `json:"log_root"`
	Files  int             `json:"files"` // of the hour, which are as they were sealed
	Why    string          `json:"why,omitempty"`
	Proofs json.RawMessage `json:"proofs"` // that they stand in that log
}

// A ReportFile is a record in a format.
type ReportFile struct {
	Name, Type string
	Bytes      []byte
}

// A ReportTrail is the steps that were taken, the oldest first.
type ReportTrail struct {
	Site    string        `json:"site"`
	Year    int           `json:"year"`
	State   string        `json:"state"`
	Version int           `json:"version"`
	Trail   []ReportEvent `json:"trail"`
}

// A ReportEvent is a step that was taken.
type ReportEvent struct {
	At      string `json:"at"`
	Action  string `json:"action"`
	By      string `json:"by"`
	Role    string `json:"role,omitempty"`    // "": By is a name that was typed
	Account string `json:"account,omitempty"` // of the operating system
	Version int    `json:"version"`
	SHA256  string `json:"record_sha256,omitempty"`
	Leaves  int64  `json:"log_leaves,omitempty"`
	Root    string `json:"log_root,omitempty"`
	Text    string `json:"text,omitempty"`
	Line    string `json:"prev"` // SHA-256 of the line before
}

// A ReportStep is one that is to be taken, on the record that was looked at.
type ReportStep struct {
	Site    string `json:"-"`
	Year    int    `json:"-"`
	Action  string `json:"-"`
	Version int    `json:"version"`
	SHA256  string `json:"record_sha256"`
	Text    string `json:"text,omitempty"` // a receipt, a reason
}

// A ReportReceipt says how far a report has come.
type ReportReceipt struct {
	Site    string `json:"site"`
	Year    int    `json:"year"`
	Version int    `json:"version"`
	State   string `json:"state"`
	SHA256  string `json:"record_sha256,omitempty"`
	Leaves  int64  `json:"log_leaves,omitempty"`
	Root    string `json:"log_root,omitempty"`
}
