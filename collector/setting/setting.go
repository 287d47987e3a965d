// Package setting reads settings files: YAML, strictly decoded, and every
// complaint names file, line and key.
//
//	bytes ─▶ Decode ─▶ the caller's struct of strings, lists and *Scalar
//	            └────▶ File: Duration, Size, Require … each may complain ─▶ Err: all of it at once
//	                     └─▶ Part: the same of one item of a list
//
// An unknown key is an error, and so is a second document.
package setting

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Scalar is a value that a [File] turns into a number; nil if it was left out.
type Scalar struct {
	text string
	line int
}

// UnmarshalYAML keeps the text and its line.
func (s *Scalar) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: want one value", n.Line)
	}
	s.text, s.line = n.Value, n.Line
	return nil
}

// A File is a decoded file that collects complaints.
type File struct {
	name string
	root yaml.Node
	errs []error
}

// New is a file for what was never written to one.
func New(name string) *File { return &File{name: name} }

// Decode reads b into the struct that into points to; name is the file's, for
// complaints.
func Decode(name string, b []byte, into any) (*File, error) {
	f := New(name)
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		var t *yaml.TypeError
		if errors.As(err, &t) {
			for _, m := range t.Errors {
				f.errs = append(f.errs, errors.New(f.place(m)))
			}
			return nil, f.Err()
		}
		return nil, errors.New(f.place(strings.TrimPrefix(err.Error(), "yaml: ")))
	}
	var second yaml.Node
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: a second document; there can be one", name, second.Line)
	}
	if err := yaml.Unmarshal(b, &f.root); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// place turns the library's "line 3: field x not found in type main.raw" into
// the form of all complaints.
func (f *File) place(message string) string {
	rest, ok := strings.CutPrefix(message, "line ")
	line, text, cut := strings.Cut(rest, ": ")
	if !ok || !cut {
		return f.name + ": " + message
	}
	if field, _, ok := strings.Cut(strings.TrimPrefix(text, "field "), " not found in type"); ok {
		text = fmt.Sprintf("%s: no such key", field)
	}
	return f.name + ":" + line + ": " + text
}

// Line is where the key stands, its levels joined by dots; 0 if it was left out.
// A list's items are named by their index.
func (f *File) Line(key string) int {
	if len(f.root.Content) == 0 {
		return 0
	}
	n := f.root.Content[0]
	line := 0
	for _, part := range strings.Split(key, ".") {
		found := false
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content) && !found; i += 2 {
				if n.Content[i].Value == part {
					line, n, found = n.Content[i].Line, n.Content[i+1], true
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(n.Content) {
				n, found = n.Content[i], true
				line = n.Line
			}
		}
		if !found {
			return 0
		}
	}
	return line
}

// Complain says what is wrong with a key.
func (f *File) Complain(key, format string, args ...any) {
	f.complain(f.Line(key), key, format, args...)
}

func (f *File) complain(line int, key, format string, args ...any) {
	place := f.name
	if line > 0 {
		place += ":" + strconv.Itoa(line)
	}
	f.errs = append(f.errs, fmt.Errorf("%s: %s: %s", place, key, fmt.Sprintf(format, args...)))
}

// Require complains unless ok.
func (f *File) Require(ok bool, key, format string, args ...any) {
	if !ok {
		f.Complain(key, format, args...)
	}
}

// A Part is what stands in a file at a key that has keys of its own.
type Part struct {
	f   *File
	key string
}

// Part is what stands at a key.
func (f *File) Part(key string) Part { return Part{f, key} }

// Complain says what is wrong with a key of p; where it was left out, at p's line.
func (p Part) Complain(key, format string, args ...any) {
	if whole := p.key + "." + key; p.f.Line(whole) > 0 {
		p.f.Complain(whole, format, args...)
	} else {
		p.f.Complain(p.key, "%s: %s", key, fmt.Sprintf(format, args...))
	}
}

// Require complains unless ok.
func (p Part) Require(ok bool, key, format string, args ...any) {
	if !ok {
		p.Complain(key, format, args...)
	}
}

// Join adds what another file is complained of, which says where by itself.
func (f *File) Join(err error) {
	if err != nil {
		f.errs = append(f.errs, err)
	}
}

// Err is all complaints, nil if there are none.
func (f *File) Err() error { return errors.Join(f.errs...) }

// Duration is s as a length of time above zero, unset if it was left out. Days
// are written as 15d.
func (f *File) Duration(key string, s *Scalar, unset time.Duration) time.Duration {
	if s == nil {
		return unset
	}
	d, err := time.ParseDuration(s.text)
	if days, ok := strings.CutSuffix(s.text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(min(n, 36500)) * 24 * time.Hour
	}
	if err != nil || d <= 0 {
		f.complain(s.line, key, "%q is no length of time above zero, such as 1s, 30m or 15d", s.text)
		return unset
	}
	return d
}

var sizes = []struct {
	suffix string
	shift  int
}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}

// Size is s as a number of bytes above zero, unset if it was left out.
func (f *File) Size(key string, s *Scalar, unset int64) int64 {
	if s == nil {
		return unset
	}
	number, shift := s.text, 0
	for _, u := range sizes {
		if v, ok := strings.CutSuffix(s.text, u.suffix); ok {
			number, shift = strings.TrimSpace(v), u.shift
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > 1<<62>>shift {
		f.complain(s.line, key, "%q is no size above zero, such as 64MiB", s.text)
		return unset
	}
	return n << shift
}
