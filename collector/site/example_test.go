package site_test

import (
	"bytes"
	"testing"

	"github.com/gigawatch/gigawatch/collector/site"
)

func TestTheExampleOfFilesIsInOrderInEveryYear(t *testing.T) {
	for _, year := range []int{2024, 2025, 2026, 2031} {
		b := site.ExampleOfFiles(year)
		s, err := site.Parse("site.yaml", b)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Check() {
			t.Errorf("%d: %v", year, p)
		}
		if len(s.Meters) != 5 || bytes.Contains(b, []byte("modbus")) {
			t.Errorf("%d: %d meters, or one that is read", year, len(s.Meters))
		}
	}
}
