package main

import (
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

const (
	// usuallyWorded is how many tiles of a wide panel have room for words.
	usuallyWorded = 60
	// wordless stands for a text: where there is none Grafana writes what it has for
	// a value that is not known.
	wordless = "\u00a0"
	// notKnown is grey: a rack of which nothing is known is neither well nor unwell.
	notKnown = "#8E8E99"
)

// tiled adds a column of what stands on each rack's tile beside its value. Where there
// are more than have room for words, neither has anything written on it.
func (t *table) tiled(room int, several bool) {
	column := map[string]*data.Field{}
	for _, f := range t.frame.Fields {
		column[f.Name] = f
	}
	rows := column["rack"].Len()
	names, seen := make([]string, rows), map[string]int{}
	for i := range names {
		if names[i] = column["rack"].At(i).(string); several {
			names[i] = column["site"].At(i).(string) + " " + names[i]
		}
		seen[names[i]]++
	}
	for i := range names {
		switch hall := column["hall"].At(i).(string); {
		case rows > room:
			names[i] = wordless
		case seen[names[i]] > 1: // halls may number their racks alike
			names[i] = strings.TrimSpace(hall + " " + names[i])
		}
	}
	column["tile"] = data.NewField("tile", nil, names).SetConfig(&data.FieldConfig{DisplayNameFromDS: "Tile"})
	t.frame.Fields = append(t.frame.Fields, column["tile"])
	for _, k := range []string{"hall", "rack", "tile"} { // a name that is a number is no amount of the panel's unit
		column[k].Config.Unit = "string"
	}
	unknown, config := data.ValueMappingResult{Text: "–", Color: notKnown}, column["value"].Config
	if rows > room {
		unknown.Text = wordless
		config.Mappings = append(config.Mappings, data.RangeValueMapper{Result: data.ValueMappingResult{Text: wordless}})
	}
	config.Mappings = append(config.Mappings, data.SpecialValueMapper{Match: data.SpecialValueNullAndNaN, Result: unknown})
}
