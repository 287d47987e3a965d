package carbon

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/gigawatch/gigawatch/collector/site"
)

// An area is a bidding zone by the names that providers have for it; "" where
// one has none.
type area struct {
	EIC               string   `json:"eic"`       // where it is no bidding zone; else that zone's
	PriceEIC          string   `json:"price_eic"` // where prices are of a larger zone
	ElectricityMaps   string   `json:"electricitymaps"`
	EnergyCharts      string   `json:"energycharts"` // country that is the zone
	EnergyChartsPrice string   `json:"energycharts_price"`
	Country           string   `json:"country"`    // of the yearly table
	Neighbours        []string `json:"neighbours"` // zones that it has flows with
}

//go:embed data/zones.json
var zonesJSON []byte

func zoneTable() (map[string]area, error) {
	var zones map[string]area
	if err := json.Unmarshal(zonesJSON, &zones); err != nil {
		return nil, fmt.Errorf("read table of zones: %w", err)
	}
	for name, a := range zones {
		if z, known := site.LookupZone(name); known {
			a.EIC = z.EIC
			zones[name] = a
		}
	}
	return zones, nil
}
