package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

func TestTilesHaveWordsWhereThereIsRoom(t *testing.T) {
	rows := func(places ...[3]string) *table {
		m := mapModel{Value: "power"}
		out := newTable(data.FrameTypeNumericLong, text("site", "Site"), text("hall", "Hall"), text("rack", "Rack"), column("value", m.config(), (*float64)(nil)))
		for i, p := range places {
			v := float64(1000 * i)
			out.row(p[0], p[1], p[2], &v)
		}
		return out
	}
	many := func(n int) (places [][3]string) {
		for i := range n {
			places = append(places, [3]string{"north", "h1", fmt.Sprintf("r%d", i)})
		}
		return places
	}
	for name, c := range map[string]struct {
		places  [][3]string
		several bool
		want    []string // of the first tiles
		worded  bool
	}{
		"a few":                          {[][3]string{{"north", "h1", "r1"}, {"north", "h1", "r2"}}, false, []string{"r1", "r2"}, true},
		"halls that number racks alike":  {[][3]string{{"north", "h1", "r1"}, {"north", "h2", "r1"}, {"north", "h2", "r2"}}, false, []string{"h1 r1", "h2 r1", "r2"}, true},
		"alike, and one is in no hall":   {[][3]string{{"north", "", "r1"}, {"north", "h2", "r1"}}, false, []string{"r1", "h2 r1"}, true},
		"of two sites":                   {[][3]string{{"north", "h1", "r1"}, {"south", "h1", "r1"}}, true, []string{"north r1", "south r1"}, true},
		"as many as have room":           {many(usuallyWorded), false, []string{"r0", "r1"}, true},
		"more than have room for a word": {many(usuallyWorded + 1), false, []string{wordless, wordless}, false},
		"none":                           {nil, false, []string{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := rows(c.places...)
			r.tiled(usuallyWorded, c.several)
			got, at := []string{}, map[string]*data.Field{}
			for _, f := range r.frame.Fields {
				at[f.Name] = f
			}
			for i := range len(c.want) {
				got = append(got, at["tile"].At(i).(string))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
			if at["tile"].Config.Unit != "string" || at["rack"].Config.Unit != "string" {
				t.Error("a rack called 12 would be of 12 W")
			}
			mappings, err := json.Marshal(at["value"].Config.Mappings)
			if err != nil {
				t.Fatal(err)
			}
			want := `[{"type":"special","options":{"match":"null+nan","result":{"text":"–","color":"#8E8E99"}}}]`
			if !c.worded {
				want = `[{"type":"range","options":{"result":{"text":"\u00a0"}}},{"type":"special","options":{"match":"null+nan","result":{"text":"\u00a0","color":"#8E8E99"}}}]`
				want = strings.ReplaceAll(want, `\u00a0`, wordless)
			}
			if diff := cmp.Diff(want, string(mappings)); diff != "" {
				t.Errorf("its values: want -, got +\n%s", diff)
			}
		})
	}
}
