package ledger

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Files of corrections stand as they were written: settled.hour is of a program
// that knew those which are settled and those by hand; estimated.hour has
// estimates, too.
func TestFilesOfCorrectionsAsTheyWereWritten(t *testing.T) {
	settled := []account.Correction{
		{Meter: "main", Metric: metric.MeterEnergyJoules, Quality: metric.Manual, Amount: 30 * metric.MillijoulesPerKWh, Import: "csv-1", Reason: "january.csv", At: 1767225600000},
		{Meter: "main", Metric: metric.MeterEnergyJoules, Quality: metric.Corrected, Amount: 31 * metric.MillijoulesPerKWh, Import: "csv-2", Reason: "settled.csv", At: 1767312000000},
		{Meter: "main", Metric: metric.MeterEnergyJoules, Quarter: 1, Quality: metric.Corrected, Amount: 32 * metric.MillijoulesPerKWh, Withdrawn: true, Import: "csv-2", Reason: "settled.csv", At: 1767312000000},
		{Meter: "well", Metric: metric.MeterWater, Quarter: 3, Quality: metric.Manual, Amount: 1500, Import: "csv-3", Reason: "a person", At: 1767225600000},
	}
	estimate := account.Correction{Meter: "main", Metric: metric.MeterEnergyJoules, Quality: metric.EstimatedProfile, Amount: 29 * metric.MillijoulesPerKWh, Import: "csv-2", Reason: "settled.csv", At: 1767312000000}
	for name, want := range map[string][]account.Correction{
		"settled":   settled,
		"estimated": append([]account.Correction{estimate}, settled...),
	} {
		h := &account.Hour{Site: "s1", Number: 490_000, Late: true, Subject: account.CorrectedReadings, Corrected: want}
		b, err := os.ReadFile("testdata/corrections/" + name + ".hour")
		if err != nil {
			t.Fatal(err)
		}
		got, err := readHour(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, got.Corrected); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
		if string(appendHour(nil, h)) != string(b) {
			t.Errorf("%s: it is written otherwise now", name)
		}
	}
	measured := account.Hour{Site: "s1", Number: 490_000, Late: true, Subject: account.CorrectedReadings, Corrected: settled[:1:1]}
	measured.Corrected[0].Quality = metric.Measured
	if _, err := readHour(appendHour(nil, &measured)); err == nil {
		t.Error("a correction that calls itself measured is taken")
	}
}
