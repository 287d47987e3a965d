package meter

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// Profiles are the names of the maps that a protocol has built in, as
// profiles/NAME.yaml, sorted.
func Profiles(files embed.FS) (list []string) {
	entries, _ := files.ReadDir("profiles") // it is in the program
	for _, f := range entries {
		list = append(list, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	slices.Sort(list)
	return list
}

// Profile is the text of the one called name; kind is what the protocol calls
// them, such as register map.
func Profile(files embed.FS, kind, name string) ([]byte, error) {
	if list := Profiles(files); !slices.Contains(list, name) {
		return nil, fmt.Errorf("%q is none of the %ss that are built in: %s", name, kind, strings.Join(list, ", "))
	}
	b, err := files.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kind, err)
	}
	return b, nil
}
