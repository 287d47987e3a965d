package desk_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// behind is what is behind a figure, and its parts.
func (o *office) behind(figure, at string) (*query.ReportFigure, []report.Part) {
	o.Helper()
	f, err := o.Figure(o.Context(), year, figure, at)
	if err != nil {
		o.Fatal(err)
	}
	var parts []report.Part
	if err := json.Unmarshal(f.Of[0].Parts, &parts); err != nil {
		o.Fatal(err)
	}
	return f, parts
}

// What is behind a locked figure is what was locked with it, whatever the ledger has
// since; where that is another, both are told.
func TestWhatIsBehindALockedFigure(t *testing.T) {
	o := newOffice(t)
	if f, _ := o.behind("e_it_kwh", ""); f.From != "ledger" || f.Locked {
		t.Errorf("a draft is of %s", f.From)
	}
	o.reach(report.Locked)
	f, parts := o.behind("e_it_kwh", "2025-12-24")
	if f.From != "locked" || f.Now != "" || len(parts) != 24 || parts[18].Amount.String() != "130" || parts[18].Now != nil {
		t.Fatalf("as nothing changed: %+v, %+v", f, parts[18])
	}
	o.l.draw("ups", 125) // readings are imported after it was locked
	o.later()
	if f, parts = o.behind("e_it_kwh", ""); f.Now != "93000" || parts[0].Amount.String() != "96720" || parts[0].Now == nil || parts[0].Now.String() != "93000" {
		t.Errorf("a month, as the ledger has another: now %s, %+v", f.Now, parts[0])
	}
	if _, parts = o.behind("pue", "2025-12"); parts[0].Amount.String() != "3816" || parts[0].Now != nil {
		t.Errorf("a day of the other half of PUE is %+v", parts[0])
	}
	if f, parts = o.behind("e_it_kwh", "2025-12-24T18Z"); f.Hour == nil || f.Hour.Leaves != 750 || parts[0].Amount.String() != "130" || parts[0].Now.String() != "125" || !strings.Contains(string(f.Of[0].Meters), `"meter":"ups"`) {
		t.Errorf("an hour: %+v, %+v", f, parts)
	}
	// A ledger that is not as it was sealed takes nothing from what was locked; the hour
	// itself is not shown.
	o.l.fail(&o.l.spoilt, errors.New("hour 2025-12-17T09Z of vilvoorde was changed"))
	o.later()
	if f, parts = o.behind("e_it_kwh", "2025-12-17"); !strings.Contains(f.Today, "2025-12-17T09Z") || len(parts) != 24 || parts[9].Amount.String() != "130" || parts[9].Now != nil {
		t.Errorf("beside a ledger that was changed: %q, %+v", f.Today, parts[9])
	}
	_, err := o.Figure(t.Context(), year, "e_it_kwh", "2025-12-17T09Z")
	refused(t, "the hour that was changed", err, query.ErrReport, "2025-12-17T09Z")
}

// A record that was locked without its hours is shown with those of today, and says so.
func TestARecordThatWasLockedWithoutItsHours(t *testing.T) {
	o := newOffice(t)
	draft, err := o.Make(t.Context(), year.Site, year.Year, "")
	if err != nil {
		t.Fatal(err)
	}
	f, err := o.Folder.Filing(year.Site, year.Year)
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{report.ActValidate, report.ActLock} {
		line, err := f.Take(report.Event{At: "2026-03-01T10:00:00Z", Action: action, By: "Anna"}, draft.Record)
		if err == nil {
			err = o.Folder.Add(f, line, map[string][]byte{"v1.json": draft.Bytes})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	o.l.draw("ups", 125)
	x, parts := o.behind("e_it_kwh", "")
	if !x.Locked || x.From != "ledger" || x.Now != "93000" || parts[0].Amount.String() != "93000" || !strings.Contains(string(x.Figure), `"value":96720`) {
		t.Errorf("it is %+v, %+v", x, parts)
	}
	if n := o.look(ben).Next[2]; n.May || !strings.Contains(n.Why, "under a name that was typed") {
		t.Errorf("by the command locked, by the server approved: %+v", n)
	}
}

// Own generation and agreements are told by the hour, too.
func TestHoursOfOwnGeneration(t *testing.T) {
	o := newOffice(t)
	f, parts := o.behind("ERES-OS", "2025-12-24T12Z")
	if f.By != "meter" || parts[0].Amount.String() != "12" || !strings.Contains(string(f.Of[0].Meters), `"meter":"pv"`) {
		t.Errorf("own generation: %+v, %+v", f, parts)
	}
	o.of = described(t, siteText(t)+`contracts:
  ppa: [{name: park, technology: wind_onshore, share: 25 %, guarantees_retired: true, evidence: contract, first_day: 2025-12-11}]
`)
	o.l.site = o.of.Site
	if _, parts = o.behind("ERES-PPA", "2025-12"); len(parts) != 31 || parts[9].Amount.String() != "0" || parts[10].Amount.String() != "864" || !strings.Contains(parts[10].Notes[0], "park: by its share") {
		t.Errorf("days of an agreement: %+v", parts)
	}
	if f, parts = o.behind("ERES-PPA", "2025-12-24T12Z"); parts[0].Amount.String() != "36" || !strings.Contains(string(f.Of[0].Meters), `"meter":"grid"`) || !strings.Contains(string(f.Behind), "park") {
		t.Errorf("an hour of an agreement: %+v, %+v", f, parts)
	}
}

// One record is made at a time, and once for all who want it; who has no time is told
// to come again, and it is there then.
func TestARecordIsMadeOnceForAll(t *testing.T) {
	o := newOffice(t)
	o.l.gate, o.l.begun = make(chan struct{}), make(chan struct{}, 10)
	first := make(chan error, 3)
	for range 3 {
		go func() { _, err := o.Report(within(t), year, anna); first <- err }()
	}
	<-o.l.begun
	ctx := within(t)
	hasty, stop := context.WithTimeout(ctx, time.Millisecond)
	defer stop()
	if _, err := o.Report(hasty, year, anna); !errors.Is(err, query.ErrMaking) {
		t.Errorf("who has no time is told %v", err)
	}
	o.l.mu.Lock()
	gate := o.l.gate
	o.l.gate = nil
	o.l.mu.Unlock()
	close(gate)
	for range 3 {
		if err := <-first; err != nil {
			t.Error(err)
		}
	}
	o.look(ben)
	if o.l.made != 1 {
		t.Errorf("it was made %d times", o.l.made)
	}
	// A step of any report may be what a record is made of: it is made anew.
	if err := o.step(anna, report.ActValidate, ""); err != nil {
		t.Fatal(err)
	}
	was := o.l.made
	o.later()
	if o.look(ben); o.l.made == was {
		t.Error("a record is kept that rests on what was before")
	}
}

// Files are those of the record that is asked for, each kept for the next.
func TestFilesOfAReport(t *testing.T) {
	o := newOffice(t)
	o.reach(report.Approved)
	for format, begins := range map[string]string{"json": "{\n", "csv": "section,", "xlsx": "PK", "pdf": "%PDF-1"} {
		f, err := o.File(t.Context(), year, format)
		if err != nil || !strings.HasPrefix(string(f.Bytes), begins) || f.Name != "report-vilvoorde-2025-v1-approved."+format {
			t.Errorf("%s: %+v, %v", format, f, err)
		}
	}
	if b, err := os.ReadFile(o.file("v1.json")); err != nil || report.Hash(b) != o.look(anna).SHA256 {
		t.Errorf("the record that is kept: %v", err)
	}
}
