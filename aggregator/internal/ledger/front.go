package ledger

import (
	"fmt"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// A Front is a leaf of a site's log with what figures of the whole site need of its
// hour: sums by quantity and quality, minutes, words of the grid, and quarters of
// meters. It names no host, no device, no job, no tenant and no person.
type Front struct {
	Line string // of the log
	Hour []byte // a file of an hour, without its rows
}

// Fronts are leaves of a site's log from the given one on, until they are of so many
// bytes, but one at least if there is any, and what the log was with them.
func (l *Ledger) Fronts(site string, from int64, bytes int) (fs []Front, to Head, err error) {
	l.mu.RLock()
	g, err := l.reaches(site, from)
	var leaves []leaf
	var files []string
	if err == nil {
		leaves = g.leaves[from:]
		for i := range min(len(leaves), maxFronts) {
			files = append(files, g.file(int(from)+i))
		}
	}
	l.mu.RUnlock()
	if err != nil {
		return nil, to, err
	}
	for i := range files {
		h, err := readFrontOf(l.disk, files[i])
		if err == nil && !leaves[i].says(h) {
			err = fmt.Errorf("%s says otherwise than its leaf, %s", files[i], leaves[i].String())
		}
		if err != nil {
			return nil, to, err
		}
		f := Front{leaves[i].String(), appendHour(nil, public(h))}
		if bytes -= len(f.Line) + len(f.Hour); bytes < 0 && len(fs) > 0 {
			break
		}
		fs = append(fs, f)
	}
	to, err = l.HeadAt(site, from+int64(len(fs)))
	return fs, to, err
}

// maxFronts bounds how many are told at once.
const maxFronts = 256

// public is h without what people wrote or who they are.
func public(h *account.Hour) *account.Hour {
	out := &account.Hour{
		Site: h.Site, Number: h.Number, Late: h.Late, Simulated: h.Simulated, Subject: h.Subject, Expected: h.Expected, Seen: h.Seen,
		Summary: h.Summary, Words: h.Words, Meters: h.Meters,
	}
	for _, c := range h.Corrected {
		c.Reason = ""
		out.Corrected = append(out.Corrected, c)
	}
	return out
}

// DecodeFront reads the hour of a front.
func DecodeFront(b []byte) (*account.Hour, error) { return readHour(b) }
