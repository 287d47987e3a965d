package site

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Site is what a file describes. Do not write to it.
type Site struct {
	Token       string // the site in bus subjects and labels
	Name        string
	Operator    string
	Country     string // ISO 3166-1 alpha-2
	Zone        Zone   // the zero Zone: not known
	TimeZone    *time.Location
	Coordinates *Coordinates
	Grid        Grid

	Halls      []Hall
	Racks      []Rack
	Meters     []Meter
	Contracts  Contracts
	Tariffs    []Tariff // by their first day
	Generators []Generator
	Batteries  []Battery
	SetPoints  []SetPoint
	Boundary   Boundary
	Coverage   Coverage
	Bounds     Bounds
	Report     map[string][]Entry // what only people know, by key
	ITPower    []ITPower          // installed; none: that of the hosts
	People     []Person           // who may take part in reports

	file     string
	zoneSaid bool // rightly or wrongly
	problems []Problem
	marks    map[string]*mark // of the sections above, by key
	hall     map[string]int
	rack     map[string]int
	meter    map[string]int
	tree     *Tree
}

// Coordinates are degrees, north and east above zero.
type Coordinates struct{ Latitude, Longitude float64 }

// A Grid is the connection to it.
type Grid struct {
	Connection Power // that the contract lets flow; 0: not known
	Voltage    Voltage
	Factor     string // of carbon: lifecycle, direct; "": not said
}

// mostBytes bounds a site file; a gigafactory's, every meter written out, takes a
// few megabytes.
const mostBytes = 8 << 20

// Load is [Parse] of a file.
func Load(path string) (*Site, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read site: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read site: %w", err)
	}
	return Parse(path, b)
}

// Parse reads the text of a site file; name is the file's, for complaints. The
// error joins all [Problem]s of severity [Error]; with it comes what could be
// read of the site, for showing to people and for nothing else.
func Parse(name string, b []byte) (*Site, error) {
	r := &reader{name: name, names: mostNames, hints: mostHints, loc: clock{time.UTC}}
	s := &Site{file: name, TimeZone: time.UTC, tree: &Tree{}, marks: map[string]*mark{}, hall: map[string]int{}, rack: map[string]int{}, meter: map[string]int{}}
	if root := r.root(b); root != nil {
		s.read(r, value{r, root, place{line: root.Line}}.section())
		s.tree = s.grow(r)
		s.judge(r)
	}
	s.problems = r.found.sorted(name)
	return s, s.err()
}

// root is the tree of the file, nil if it has none.
func (r *reader) root(b []byte) *yaml.Node {
	if len(b) > mostBytes {
		r.wrong(place{}, "describe alike things by patterns, such as r[0001-0064]", "more than %d MiB", mostBytes>>20)
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc, second yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.MappingNode}
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		r.wrong(place{line: second.Line}, "keep one, without --- between", "a second document; a file describes one site")
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return &yaml.Node{Kind: yaml.MappingNode}
	}
	if n := alias(root); n != nil {
		r.wrong(place{line: n.Line}, "write it out, or use a pattern, such as r[0001-0064]", "an alias or an anchor (* or &), which site files do not have")
		return nil
	}
	return root
}

// syntax complains of what is no YAML.
func (r *reader) syntax(err error) {
	at, text := place{}, strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if n, what, ok := strings.Cut(rest, ": "); ok && digits(n) && len(n) < 9 {
			_, _ = fmt.Sscan(n, &at.line) // digits
			text = what
		}
	}
	r.wrong(at, "look at this line and those beside it: a key ends in a colon and a blank, keys of one group begin in one column, without tabs, and a text with : or # or [ in braces stands in quotes", "%s", short(text))
}

// alias is a node below n that is an alias or may be named by one.
func alias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return n
	}
	for _, c := range n.Content {
		if a := alias(c); a != nil {
			return a
		}
	}
	return nil
}

// read fills s from the file's sections. Time comes first: the others have dates.
func (s *Site) read(r *reader, top *section) {
	s.identity(r, top)
	for _, part := range []struct {
		key  string
		read func(*reader, value)
	}{
		{"halls", s.readHalls}, {"racks", s.readRacks}, {"meters", s.readMeters},
		{"generators", s.readGenerators}, {"batteries", s.readBatteries}, {"set_points", s.readSetPoints},
		{"contracts", s.readContracts}, {"tariff", s.readTariffs}, {"boundary", s.readBoundary}, {"coverage", s.readCoverage}, {"limits", s.readBounds}, {"report", s.readReport},
		{"it_power", s.readITPower}, {"people", s.readPeople},
	} {
		v := top.get(part.key)
		s.marks[part.key] = &mark{place: v.place}
		part.read(r, v)
	}
	top.end()
}

// judge looks for what cannot be, or is rarely meant, in a site that was read.
func (s *Site) judge(r *reader) {
	s.judgeRacks(r)
	s.judgeTree(r)
	s.judgeTolerances(r)
	s.judgePoints(r)
	s.judgeFeeds(r)
	s.judgeIT(r)
	s.judgePlant(r)
	s.judgeContracts(r)
	s.judgeTariffs(r)
	s.judgeBoundary(r)
	s.judgeLoads(r)
	s.judgeITPower(r)
}

// Meter is the one called id, nil if there is none.
func (s *Site) Meter(id string) *Meter {
	if i, ok := s.meter[id]; ok {
		return &s.Meters[i]
	}
	return nil
}

// Rack is the one called id, nil if there is none.
func (s *Site) Rack(id string) *Rack {
	if i, ok := s.rack[id]; ok {
		return &s.Racks[i]
	}
	return nil
}
