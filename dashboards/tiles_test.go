package main

import "testing"

// On a tile that is smaller names cannot be read.
func TestTilesHaveRoomForTheirWords(t *testing.T) {
	n := 0
	for uid, d := range boards(t) {
		for _, p := range panels(d) {
			for _, target := range p.Targets {
				a := target.(ask)
				if a.Shape != "tiles" {
					continue
				}
				if n++; a.Words == 0 || a.Words > 3*int(p.GridPos.W) {
					t.Errorf("%s, %s: words on %d tiles, in a panel %d wide", uid, *p.Title, a.Words, p.GridPos.W)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no board has tiles")
	}
}
