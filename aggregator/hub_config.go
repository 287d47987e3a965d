package main

import (
	_ "embed"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/setting"
)

// hubExample is a configuration of a hub with every key explained; it passes
// parseHub.
//
//go:embed hub_example.yaml
var hubExample []byte

// hubConfig is what a hub needs to know: what an aggregator does of data, bus and
// answers, its name as a witness, and the keys of its sites.
type hubConfig struct {
	config
	Name string
	Keys map[string]checkpoint.Verifier
}

type rawHub struct {
	rawServer `yaml:",inline"`

	Name  string `yaml:"name"`
	Sites []struct {
		Name string `yaml:"name"`
		Key  string `yaml:"key"`
	} `yaml:"sites"`
	Bus struct {
		Embedded    *rawEmbedded `yaml:"embedded"`
		URLs        []string     `yaml:"urls"`
		Credentials string       `yaml:"credentials"`
		CA          string       `yaml:"ca"`
		Cert        string       `yaml:"cert"`
		Key         string       `yaml:"key"`
	} `yaml:"bus"`
	Retention *setting.Scalar `yaml:"retention"`
}

func loadHub(path string) (*hubConfig, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parseHub(path, b)
}

// parseHub reads the text of a hub's configuration file; errors say file, line and
// key.
func parseHub(name string, b []byte) (*hubConfig, error) {
	var r rawHub
	f, err := setting.Decode(name, b, &r)
	if err != nil {
		return nil, err
	}
	c := &hubConfig{Name: r.Name, Keys: map[string]checkpoint.Verifier{}, config: config{
		Bus:   busConfig{Embedded: r.Bus.Embedded != nil, Client: agent.BusConfig{URLs: r.Bus.URLs, Credentials: r.Bus.Credentials, CA: r.Bus.CA, Cert: r.Bus.Cert, Key: r.Bus.Key}},
		Store: store.Config{Interval: 10 * time.Second, Retention: f.Duration("retention", r.Retention, 15*24*time.Hour), OutOfOrder: time.Hour},
	}}
	f.Require(c.Name != "", "name", "missing: under which the hub signs, such as hub.example.org")
	c.takeServer(f, &r.rawServer)
	f.Require((r.Bus.Embedded != nil) != (len(r.Bus.URLs) > 0), "bus", "there is one: embedded, or at urls")
	if r.Bus.Embedded != nil {
		c.Bus.takeEmbedded(f, r.Bus.Embedded)
	}
	f.Require(len(r.Sites) > 0, "sites", "missing: those that may speak, each with its key")
	for i, s := range r.Sites {
		key := "sites." + strconv.Itoa(i)
		f.Require(metric.ValidName(s.Name), key+".name", "%q is not 1 to 63 of A-Z a-z 0-9 _ -", s.Name)
		v, err := readPublic(s.Key)
		f.Require(err == nil, key+".key", "%v", err)
		f.Require(err != nil || v.Name() == checkpoint.Origin(s.Name), key+".key", "it is of %q, and not of %q", v.Name(), checkpoint.Origin(s.Name))
		_, twice := c.Keys[s.Name]
		f.Require(!twice, key+".name", "%q stands twice", s.Name)
		c.Keys[s.Name] = v
		c.Sites = append(c.Sites, siteConfig{Name: s.Name})
	}
	return c, f.Err()
}
