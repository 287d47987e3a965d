package main

import (
	"strings"
	"testing"
)

// How many need a person are those that the list beside it names.
func TestWhoNeedsAPersonIsCountedAsListed(t *testing.T) {
	counted := 0
	for uid, d := range boards(t) {
		states := map[string]string{}
		for _, p := range panels(d) {
			for _, target := range p.Targets {
				if a := target.(ask); a.Kind == "health" && a.About == "" && strings.Contains("needing table", a.Shape) && strings.Contains(*p.Title, "a person") {
					states[a.Shape] = strings.Join(a.States, ", ")
				}
			}
			if strings.HasPrefix(*p.Title, "Needing a person") {
				counted++
			}
		}
		if n, ok := states["needing"]; ok && (n != states["table"] || n == "") {
			t.Errorf("%s counts what is %s, and lists what is %s", uid, n, states["table"])
		}
	}
	if counted != 2 {
		t.Errorf("%d boards count who needs a person", counted)
	}
}
