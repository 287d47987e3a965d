package snmp

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed profiles/*.yaml
var profiles embed.FS

// Profiles are the names of the maps that are built in, sorted.
func Profiles() (list []string) {
	files, _ := profiles.ReadDir("profiles") // it is in the program
	for _, f := range files {
		list = append(list, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	slices.Sort(list)
	return list
}

// Profile is the built-in map called name.
func Profile(name string) (*Map, error) {
	if !slices.Contains(Profiles(), name) {
		return nil, fmt.Errorf("%q is none of the object maps that are built in: %s", name, strings.Join(Profiles(), ", "))
	}
	b, err := profiles.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("read object map: %w", err)
	}
	return ParseMap(name+".yaml", b)
}
