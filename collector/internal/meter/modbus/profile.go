package modbus

import (
	"embed"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

//go:embed profiles/*.yaml
var profiles embed.FS

// Profile is the built-in map called name.
func Profile(name string) (*Map, error) {
	b, err := meter.Profile(profiles, "register map", name)
	if err != nil {
		return nil, err
	}
	return ParseMap(name+".yaml", b)
}
