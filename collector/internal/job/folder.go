package job

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// maxFile bounds a file of either folder, maxFiles their number.
const (
	maxFile  = 64 << 10
	maxFiles = 1024
)

// files calls take with the name and the text of every file in dir. Names that
// begin with a dot are being written.
func files(dir string, take func(name, text string) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	names, err := d.Readdirnames(maxFiles + 1)
	d.Close()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(names) > maxFiles {
		return fmt.Errorf("%s holds more than %d files", dir, maxFiles)
	}
	var errs []error
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			continue
		}
		text, err := read(root, name)
		if errors.Is(err, fs.ErrNotExist) { // the job has just ended
			continue
		}
		if err == nil {
			err = take(name, text)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("read %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func read(root *os.Root, name string) (string, error) {
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if s, err := f.Stat(); err != nil || !s.Mode().IsRegular() {
		return "", errors.Join(err, errors.New("it is no regular file"))
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if len(b) > maxFile {
		return "", fmt.Errorf("it is longer than %d bytes", maxFile)
	}
	return string(b), err
}

// mapping is the folder that HPC sites fill from their prolog for
// dcgm-exporter: a file a GPU, by its index, index.instance or uuid, with a line
// a job; further words of a line, if any, are who runs it.
type mapping struct{ dir string }

func (m *mapping) name() string { return "mapping folder " + m.dir }

func (m *mapping) find(time.Time) (held []holding, err error) {
	err = files(m.dir, func(name, text string) error {
		for line := range strings.Lines(text) {
			if words := strings.Fields(line); len(words) > 0 {
				h := holding{job: words[0], device: name}
				if len(words) > 1 {
					h.tenant = words[1]
				}
				held = append(held, h)
			}
		}
		return nil
	})
	return held, err
}

// drops is the folder that our own prolog fills: a file a job, with lines of the
// form key=value.
//
//	job=4711             the file's name if left out
//	tenant=physics
//	gpus=0,1,GPU-8a2c…   devices
//	gpu_share=0.5        of each of them
//	host_share=0.25      of the host
type drops struct{ dir string }

func (d *drops) name() string { return "drop folder " + d.dir }

func (d *drops) find(time.Time) (held []holding, err error) {
	err = files(d.dir, func(name, text string) error {
		found, err := parseDrop(name, text)
		held = append(held, found...)
		return err
	})
	return held, err
}

// parseDrop reads the text of a drop file.
func parseDrop(name, text string) (held []holding, err error) {
	h := holding{job: name}
	var devices []string
	var gpu, host int64
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("line %d is not of the form key=value", n)
		}
		var err error
		switch key {
		case "job":
			h.job = value
		case "tenant":
			h.tenant = value
		case "gpus":
			devices = split(value)
		case "gpu_share":
			gpu, err = parseShare(value)
		case "host_share":
			host, err = parseShare(value)
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	for _, device := range devices {
		held = append(held, holding{h.job, h.tenant, device, gpu})
	}
	if host > 0 {
		held = append(held, holding{h.job, h.tenant, "", host})
	}
	return held, nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// parseShare reads a number from 0 to 1, in millionths.
func parseShare(s string) (int64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0 && v <= 1) {
		return 0, fmt.Errorf("share %q is not above 0 and at most 1", s)
	}
	return max(1, int64(v*Whole+0.5)), nil
}
