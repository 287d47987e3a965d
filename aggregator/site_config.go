package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/terms"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/setting"
	"github.com/gigawatch/gigawatch/collector/site"
)

// siteConfig is a site that may speak: what it should have, and what its file
// says besides.
type siteConfig struct {
	Name string
	File string // "": none describes it
	live.Inventory

	described *description // by File; nil until it is read
}

type rawSite struct {
	Name  string `yaml:"name"`
	File  string `yaml:"file"`
	Hosts int    `yaml:"hosts"`
	GPUs  int    `yaml:"gpus"`
}

// takeSites fills c's sites; files beside the configuration are found from there.
func (c *config) takeSites(f *setting.File, name string, sites []rawSite) {
	for i, r := range sites {
		key := "sites." + strconv.Itoa(i)
		s := siteConfig{Name: r.Name, File: r.File, Inventory: live.Inventory{Hosts: r.Hosts, GPUs: r.GPUs}}
		if s.File != "" && !filepath.IsAbs(s.File) {
			s.File = filepath.Join(filepath.Dir(name), s.File)
		}
		if s.File != "" && !s.read(f, key) {
			continue
		}
		f.Require(s.Name != "", key, "name or file is missing")
		f.Require(s.Name == "" || metric.ValidName(s.Name), key+".name", "%q is not 1 to 63 of A-Z a-z 0-9 _ -", s.Name)
		f.Require(s.Hosts >= 0 && s.GPUs >= 0, key, "hosts and gpus cannot be below zero")
		for _, other := range c.Sites {
			f.Require(other.Name != s.Name, key+".name", "%q stands twice", s.Name)
		}
		c.Sites = append(c.Sites, s)
	}
}

// read takes what the site's file says.
func (s *siteConfig) read(f *setting.File, key string) bool {
	if _, err := os.Stat(s.File); err != nil {
		f.Complain(key+".file", "%v", err)
		return false
	}
	d, err := describe(s.File)
	if err != nil {
		f.Join(err)
		return false
	}
	if s.Name == "" {
		s.Name = d.site.Token
	}
	f.Require(s.Name == d.site.Token, key+".name", "%q is not the site of %s, which is %q", s.Name, s.File, d.site.Token)
	if len(d.site.Racks) > 0 {
		f.Require(s.Inventory == live.Inventory{}, key, "%s says by its racks how many hosts and GPUs there are: leave hosts and gpus out", s.File)
		s.Inventory = d.inventory(time.Now())
	}
	s.described = d
	return true
}

// A description is a site file as it was read, in order.
type description struct {
	site  *site.Site
	terms account.Terms
	basis *account.Basis
}

// describe reads a site file; the error says by file, line and key what is wrong
// with it.
func describe(path string) (*description, error) {
	s, err := site.Load(path)
	if err != nil {
		return nil, err
	}
	d := &description{site: s}
	if d.terms, d.basis, err = stated(s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// stated is what a site file says as figures take it.
func stated(s *site.Site) (account.Terms, *account.Basis, error) {
	t, err := terms.Of(s)
	if err != nil {
		return t, nil, err
	}
	b, err := account.NewBasis(t)
	return t, b, err
}

// inventory is what should be there at a time.
func (d *description) inventory(now time.Time) live.Inventory {
	n := d.site.Expected(now)
	return live.Inventory{Hosts: n.Hosts, GPUs: n.GPUs}
}

// errNotTheSite is of a file that describes another site than it did.
var errNotTheSite = errors.New("it describes another site")
