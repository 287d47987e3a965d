// Package quiet keeps one line off the terminal, which github.com/VictoriaMetrics/metrics
// logs while it is initialised, on every host whose kernel does not account for pressure.
//
//	log ─▶ quiet ─▶ … net/http ─▶ metrics     (packages, in the order of their initialisation)
//
// Of packages whose imports are initialised, the first by its path comes next. This one
// needs log alone, and metrics needs net/http, which needs log: so this one comes before,
// in whatever imports it. Nothing but a package can come so early: it is the one place
// in which importing does something.
//
// Invariant: any other line is passed on as it is.
package quiet

import (
	"bytes"
	"io"
	"log"
	"os"
)

var _ = install()

func install() io.Writer {
	log.SetOutput(filter{os.Stderr})
	return log.Writer()
}

// unwanted is in the line: the library goes on without the figures, and nobody asks for
// them.
var unwanted = []byte("metrics: disable exposing PSI metrics because of failed init")

type filter struct{ to io.Writer }

func (f filter) Write(b []byte) (int, error) {
	if bytes.Contains(b, unwanted) {
		return len(b), nil
	}
	return f.to.Write(b)
}
