package main_test

import (
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// A site whose file has no coordinates is a row like all, and a notice says that it
// is on no map.
func TestASiteWithoutCoordinatesIsARow(t *testing.T) {
	f := newFake(t, "north", "south")
	frame := start(t).one(t, f.source(""), asked{"queryType": "counts", "shape": "table", "site": "*"})[0]
	if frame.Rows() != 2 {
		t.Fatalf("%d rows", frame.Rows())
	}
	for i, want := range []bool{true, false} {
		for _, name := range []string{"latitude", "longitude"} {
			column, _ := frame.FieldByName(name)
			if v, err := column.NullableFloatAt(i); err != nil || (v != nil) != want {
				t.Errorf("%s of row %d is known: %v, want %v (%v)", name, i, v != nil, want, err)
			}
		}
	}
	if said := notices(data.Frames{frame}); !strings.Contains(said, "the site files of south have no coordinates") || strings.Contains(said, "north have") {
		t.Errorf("told %q", said)
	}
}
