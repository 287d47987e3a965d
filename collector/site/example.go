package site

import (
	"bytes"
	_ "embed"
	"strconv"
	"strings"
)

// Example describes a small site with every key explained; [Parse] takes it
// without a complaint.
//
//go:embed example.yaml
var Example []byte

//go:embed example_files.yaml
var metersOfFiles []byte

// ExampleOfFiles is [Example] of a site that has files of its meters and no way to
// read them, with contracts and statements for year and not for 2026.
func ExampleOfFiles(year int) []byte {
	begin := bytes.Index(Example, []byte("\nmeters:\n")) + 1
	end := bytes.Index(Example, []byte("# ---------------------------------------------------------------------------\n# Plant.\n"))
	b := bytes.Join([][]byte{Example[:begin], metersOfFiles, Example[end:]}, nil)
	years := strings.NewReplacer("2030", strconv.Itoa(year+4), "2026", strconv.Itoa(year), "2025", strconv.Itoa(year-1))
	return []byte(years.Replace(string(b)))
}
