package amd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// errorFiles are those that count c's errors, one for each block of the chip.
func (d *Driver) errorFiles(c *card) []string {
	var files []string
	for _, name := range d.tree.List(c.dir, "ras") {
		if strings.HasSuffix(name, "_err_count") {
			files = append(files, d.tree.Path(c.dir, "ras", name))
		}
	}
	return files
}

// readErrors adds up the errors since the driver was loaded. Where one block
// has no answer the sum would fall, and is missing instead.
func (d *Driver) readErrors(c *card) {
	if len(c.errors) == 0 {
		return
	}
	var corrected, uncorrected uint64
	for _, path := range c.errors {
		var buf [256]byte
		n, err := d.tree.ReadFile(path, buf[:])
		if err != nil {
			return
		}
		ce, ue, ok := parseErrors(buf[:n])
		if !ok {
			return
		}
		corrected, uncorrected = corrected+ce, uncorrected+ue
	}
	c.slow[gpu.CorrectedVolatile], c.slow[gpu.UncorrectedVolatile] = metric.Raw(corrected), metric.Raw(uncorrected)
}

// mostErrors bounds one block's count, so that sums stay numbers.
const mostErrors = 1 << 48

// parseErrors reads lines "ue: 0" and "ce: 1", and passes over others ("de: 0",
// deferred). While the chip is reset the file holds a sentence.
func parseErrors(b []byte) (corrected, uncorrected uint64, ok bool) {
	var seen int
	for line := range bytes.Lines(b) {
		key, number, found := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		if !found {
			return 0, 0, false
		}
		v, err := strconv.ParseUint(string(bytes.TrimSpace(number)), 10, 64)
		if err != nil || v > mostErrors {
			return 0, 0, false
		}
		switch string(key) {
		case "ue":
			uncorrected = v
			seen |= 1
		case "ce":
			corrected = v
			seen |= 2
		}
	}
	return corrected, uncorrected, seen == 3
}

// mostPages bounds what is read of the list of bad pages; a chip has room for
// some thousands.
const mostPages = 1 << 20 // bytes

// readPages counts the memory pages taken out of use. Pages are retired for
// errors that could not be corrected.
func (d *Driver) readPages(c *card) {
	f, err := os.Open(d.tree.Path(c.dir, "ras/gpu_vram_bad_pages"))
	if err != nil {
		return
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostPages+1))
	if err != nil || len(b) > mostPages {
		return
	}
	retired, pending, err := parsePages(b)
	if err != nil {
		return
	}
	c.slow[gpu.PagesDoubleBit], c.slow[gpu.PagesPending] = metric.Raw(retired), metric.Raw(pending)
}

var errPages = errors.New("no line of a bad page")

// parsePages counts lines "0x00000001 : 0x00001000 : R" by their flag: R
// retired, P pending, F could not be reserved. Both of the latter wait for the
// driver to be loaded anew.
func parsePages(b []byte) (retired, pending int, err error) {
	for line := range bytes.Lines(bytes.TrimRight(b, "\x00")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		parts := bytes.Split(line, []byte(":"))
		if len(parts) != 3 {
			return 0, 0, errPages
		}
		for _, number := range parts[:2] {
			if _, err := strconv.ParseUint(string(bytes.TrimSpace(number)), 0, 64); err != nil {
				return 0, 0, errPages
			}
		}
		switch string(bytes.TrimSpace(parts[2])) {
		case "R":
			retired++
		case "P", "F":
			pending++
		default:
			return 0, 0, errPages
		}
	}
	return retired, pending, nil
}
