package desk_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// From draft to submitted by two persons, and on to a new version: at each state only
// its own steps are open, and only to whom they are.
func TestTheWayOfAReport(t *testing.T) {
	o := newOffice(t)
	first := o.look(anna)
	if first.State != "draft" || first.Locked || first.Mend+first.Comment != 0 {
		t.Fatalf("the draft is %s, locked %v, %d to mend, %d to comment on", first.State, first.Locked, first.Mend, first.Comment)
	}
	nobody, noRole := query.ReportReader{}, query.ReportReader{Name: "eve"}
	for _, x := range []struct {
		by           query.ReportReader
		action, text string
		no           string // why it is refused; "": it is taken
	}{
		{anna, "publish", "", `"publish" is none`},
		{nobody, report.ActValidate, "", "somebody whom the server knows"},
		{noRole, report.ActValidate, "", "somebody whom the server knows"},
		{anna, report.ActLock, "", "version 1 is draft"},
		{anna, report.ActApprove, "", "version 1 is draft"},
		{anna, report.ActSubmit, "r", "version 1 is draft"},
		{anna, report.ActCorrect, "r", "version 1 is draft"},
		{anna, report.ActValidate, "", ""},
		{anna, report.ActValidate, "", ""}, // again, on what is there now
		{anna, report.ActApprove, "", "version 1 is validated"},
		{ben, report.ActLock, "", ""},
		{anna, report.ActValidate, "", "version 1 is locked"},
		{anna, report.ActLock, "", "version 1 is locked"},
		{ben, report.ActApprove, "", "it takes two: you locked it"},
		{anna, report.ActSubmit, "r", "version 1 is locked"},
		{anna, report.ActApprove, "", ""},
		{anna, report.ActApprove, "", "version 1 is approved"},
		{ben, report.ActSubmit, "", "takes a receipt"},
		{ben, report.ActSubmit, "receipt 4711", ""},
		{ben, report.ActSubmit, "again", "version 1 is submitted"},
		{ben, report.ActCorrect, "", "takes a reason"},
		{ben, report.ActCorrect, "area of hall 2", ""},
		{anna, report.ActApprove, "", "version 2 is draft"},
		{anna, report.ActValidate, "", ""},
		{anna, report.ActLock, "", ""},
		{anna, report.ActApprove, "", "it takes two"},
		{ben, report.ActApprove, "", ""}, // who locked the version before may
	} {
		now := o.look(x.by)
		switch err := o.step(x.by, x.action, x.text); {
		case x.no != "":
			refused(t, x.by.Name+" "+x.action, err, query.ErrStep, x.no)
			if again := o.look(x.by); again.State != now.State || len(again.Trail) != len(now.Trail) {
				t.Errorf("a %s that was refused made it %s of %d steps", x.action, again.State, len(again.Trail))
			}
		case err != nil:
			t.Fatalf("%s %s: %v", x.by.Name, x.action, err)
		}
		if at := slices.IndexFunc(now.Next, func(n query.ReportNext) bool { return n.Action == x.action }); at >= 0 && x.no != "" && x.text != "" && now.Next[at].May {
			t.Errorf("%s is told that they may %s", x.by.Name, x.action)
		}
	}
	if r := o.look(anna); r.Version != 2 || r.State != "approved" || len(r.Trail) != 9 || r.Trail[8].By != "ben" || r.Trail[8].Role != "energy" {
		t.Errorf("in the end it is version %d, %s: %+v", r.Version, r.State, r.Trail)
	}
	q := year
	q.Version = 1
	if old, err := o.Report(t.Context(), q, anna); err != nil || old.SHA256 != first.SHA256 && !old.Locked {
		t.Errorf("version 1: %v", err)
	}
	list, err := o.List(t.Context(), func(string) bool { return true })
	if err != nil || len(list.Sites[0].Years) != 2 || len(list.Sites[0].Years[1].Versions) != 2 {
		t.Errorf("the list is %+v, %v", list, err)
	}
}

// A step is on the record that its taker looked at, and on no other.
func TestAStepOnWhatOneLookedAt(t *testing.T) {
	o := newOffice(t)
	seen := o.look(anna)
	step := func(version int, hash string) error {
		_, err := o.Step(t.Context(), query.ReportStep{Site: year.Site, Year: year.Year, Action: report.ActValidate, Version: version, SHA256: hash}, anna)
		return err
	}
	refused(t, "another version", step(2, seen.SHA256), query.ErrStep, "you looked at version 2")
	refused(t, "another record", step(1, strings.Repeat("0", 64)), query.ErrStep, "another than the one you looked at")
	// The ledger moves on between look and signature.
	o.l.draw("grid", 150)
	refused(t, "a record that is another now", step(1, seen.SHA256), query.ErrStep, "another than the one you looked at")
	if err := step(1, o.look(anna).SHA256); err != nil {
		t.Error(err)
	}
}

// What breaks a rule is not signed.
func TestWhatBreaksARuleIsNotSigned(t *testing.T) {
	o := newOffice(t)
	o.l.draw("grid", 100) // less than IT draws
	r := o.look(anna)
	if r.Mend == 0 {
		t.Fatal("nothing is to be mended")
	}
	refused(t, "validate", o.step(anna, report.ActValidate, ""), query.ErrStep, "to mend")
	if x, err := o.Issues(t.Context(), year); err != nil || x.Mend != r.Mend || x.Issues[0].Severity != report.Error || x.Issues[0].Fix == "" {
		t.Errorf("issues are %+v, %v", x, err)
	}
}

// Of many at once one locks it; all others are told, and one step stands.
func TestManyLockAtOnce(t *testing.T) {
	o := newOffice(t)
	o.reach(report.Validated)
	seen := o.look(anna)
	beside := o.open() // as another process
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		d := o.Desk
		if i%2 == 1 {
			d = beside
		}
		all.Go(func() {
			_, errs[i] = d.Step(within(t), query.ReportStep{Site: year.Site, Year: year.Year, Action: report.ActLock, Version: 1, SHA256: seen.SHA256}, []query.ReportReader{anna, ben}[i/4])
		})
	}
	all.Wait()
	taken := 0
	for _, err := range errs {
		if err == nil {
			taken++
			continue
		}
		if !errors.Is(err, query.ErrStep) {
			t.Errorf("one is told %v", err)
		}
	}
	trail, err := o.Trail(t.Context(), year.Site, year.Year)
	if err != nil || taken != 1 || len(trail.Trail) != 2 || trail.State != "locked" {
		t.Errorf("%d locked it; the trail is %+v, %v", taken, trail, err)
	}
	if r := o.look(ben); r.SHA256 != seen.SHA256 || !r.Locked {
		t.Errorf("it is %s, locked %v", r.SHA256, r.Locked)
	}
}

// files of a report.
func (o *office) file(name string) string {
	return filepath.Join(o.dir, "report", year.Site, "2025", name)
}

// A process that dies between the files of a step leaves it not taken, and the next
// takes it.
func TestACrashBetweenTheFilesOfAStep(t *testing.T) {
	for name, crash := range map[string]func(o *office) error{
		"the record is there, and no step": func(o *office) error {
			return os.WriteFile(o.file("v1.json"), []byte("half a rec"), 0o440)
		},
		"the record and its hours are there": func(o *office) error {
			return errors.Join(os.WriteFile(o.file("v1.json"), []byte("{}"), 0o440), os.WriteFile(o.file("v1.trace"), []byte("x"), 0o440))
		},
		"half a file of steps beside the whole one": func(o *office) error {
			return os.WriteFile(o.file("steps.new"), []byte(`{"at":`), 0o640)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.reach(report.Validated)
			if err := crash(o); err != nil {
				t.Fatal(err)
			}
			o.Desk = o.open()
			if r := o.look(anna); r.State != "validated" || r.Locked {
				t.Fatalf("after the crash it is %s, locked %v", r.State, r.Locked)
			}
			seen := o.look(anna).SHA256
			if err := o.step(anna, report.ActLock, ""); err != nil {
				t.Fatal(err)
			}
			if r := o.look(ben); r.SHA256 != seen || !r.Locked {
				t.Errorf("it is %s, locked %v", r.SHA256, r.Locked)
			}
			if f, err := o.Figure(t.Context(), year, "e_it_kwh", ""); err != nil || f.From != "locked" {
				t.Errorf("behind a figure: %+v, %v", f, err)
			}
		})
	}
}

// A byte that was changed in what is kept is found, and nothing rests on it.
func TestADamagedFile(t *testing.T) {
	for name, words := range map[string]string{"steps": "read filing of vilvoorde, 2025: line", "v1.json": "was changed after it was locked"} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.reach(report.Locked)
			spoil(t, o.file(name))
			o.Desk = o.open()
			_, err := o.Report(t.Context(), year, anna)
			refused(t, "a look", err, query.ErrReport, words)
			_, err = o.Step(t.Context(), query.ReportStep{Site: year.Site, Year: year.Year, Action: report.ActApprove, Version: 1, SHA256: strings.Repeat("0", 64)}, ben)
			refused(t, "a step", err, query.ErrReport, words)
			_, err = o.File(t.Context(), year, "pdf")
			refused(t, "a file", err, query.ErrReport, words)
			// The list still tells of all others.
			list, err := o.List(t.Context(), func(string) bool { return true })
			if err != nil || len(list.Sites) != 1 {
				t.Errorf("the list: %+v, %v", list, err)
			}
		})
	}
	t.Run("v1.trace", func(t *testing.T) {
		o := newOffice(t)
		o.reach(report.Locked)
		spoil(t, o.file("v1.trace"))
		o.Desk = o.open()
		_, err := o.Figure(t.Context(), year, "e_it_kwh", "")
		refused(t, "what is behind a figure", err, query.ErrReport, "the hours behind version 1 were changed")
		o.look(anna) // the record itself is as it was
	})
}

// Each byte of what steps were taken counts, those of the newest with it.
func TestEveryByteOfTheStepsCounts(t *testing.T) {
	o := newOffice(t)
	o.reach(report.Locked)
	whole, err := os.ReadFile(o.file("steps"))
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		b := slices.Clone(whole)
		b[at] ^= 1
		if err := os.WriteFile(o.file("steps"), b, 0o640); err != nil {
			t.Fatal(err)
		}
		if x, err := o.Trail(t.Context(), year.Site, year.Year); err == nil {
			t.Fatalf("byte %d is another, and the trail is %+v", at, x)
		}
	}
	// One that is older than sums is read as it is.
	lines := strings.SplitAfter(string(whole), "\n")
	if err := os.WriteFile(o.file("steps"), []byte(strings.Join(lines[:2], "")), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := o.step(ben, report.ActApprove, ""); err != nil {
		t.Error(err)
	}
}

// Whoever signs a locked record rests on that its hours are as they were.
func TestASignatureRestsOnTheLedger(t *testing.T) {
	o := newOffice(t)
	o.reach(report.Locked)
	spoilt := errors.New("hour 2025-12-17T09Z of vilvoorde was changed after it was sealed")
	o.l.fail(&o.l.spoilt, spoilt)
	refused(t, "approve", o.step(ben, report.ActApprove, ""), query.ErrReport, "2025-12-17T09Z")
	o.l.fail(&o.l.spoilt, nil)
	o.l.fail(&o.l.other, errors.New("its first 750 leaves are others"))
	refused(t, "approve on another log", o.step(ben, report.ActApprove, ""), query.ErrReport, "not the one that the report rests on")
	o.l.fail(&o.l.other, nil)
	if err := o.step(ben, report.ActApprove, ""); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	o := newOffice(t)
	for name, x := range map[string]struct {
		q    query.ReportQuestion
		kind error
	}{
		"a site that nobody knows": {query.ReportQuestion{Site: "nowhere", Year: 2025}, query.ErrNoSite},
		"a name that is a path":    {query.ReportQuestion{Site: "../vilvoorde", Year: 2025}, query.ErrNoSite},
		"a year long ago":          {query.ReportQuestion{Site: "vilvoorde", Year: 1789}, query.ErrNoReport},
		"a version to come":        {query.ReportQuestion{Site: "vilvoorde", Year: 2025, Version: 7}, query.ErrNoReport},
	} {
		if _, err := o.Report(t.Context(), x.q, anna); !errors.Is(err, x.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.File(t.Context(), year, "odt"); !errors.Is(err, query.ErrNoReport) {
		t.Errorf("a format that is none: %v", err)
	}
	for _, x := range [][2]string{{"none", ""}, {"TIN", ""}, {"s_dc_m2", "2025-12"}, {"e_it_kwh", "2025-11"}, {"e_it_kwh", "soon"}, {"e_res_ppa_kwh", "2025-12"}} {
		if _, err := o.Figure(t.Context(), year, x[0], x[1]); !errors.Is(err, query.ErrNoReport) {
			t.Errorf("%s at %q: %v", x[0], x[1], err)
		}
	}
}
