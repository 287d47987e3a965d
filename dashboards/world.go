package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/geomap"
)

// worldOptions are a marker for each row that says where it stands: the larger the
// more it draws, coloured by the share of its GPUs that are ok. The land below comes
// from whom Grafana is set to ask for it.
func worldOptions(*look) any {
	o := geomap.NewOptions()
	o.View = geomap.MapViewConfig{Id: "fit", Lat: ptr(int64(30)), Lon: ptr(int64(10)), Zoom: ptr(int64(2)), MaxZoom: ptr(int64(6)), Padding: ptr(int64(15)), AllLayers: ptr(true)}
	o.Controls = geomap.ControlsOptions{ShowZoom: ptr(true), MouseWheelZoom: ptr(false), ShowAttribution: ptr(true), ShowScale: ptr(false), ShowDebug: ptr(false), ShowMeasure: ptr(false)}
	o.Basemap = common.MapLayerOptions{Type: "default", Name: "Land"}
	o.Tooltip = geomap.TooltipOptions{Mode: geomap.TooltipModeDetails}
	o.Layers = []common.MapLayerOptions{{
		Type: "markers", Name: "Sites", Tooltip: ptr(true),
		Location: &common.FrameGeometrySource{Mode: common.FrameGeometrySourceModeCoords, Latitude: ptr("latitude"), Longitude: ptr("longitude")},
		Config: map[string]any{"showLegend": false, "style": map[string]any{
			"size":       map[string]any{"fixed": 10, "min": 8, "max": 24, "field": "power"},
			"color":      map[string]any{"fixed": unknown, "field": "gpus_share"},
			"opacity":    0.8,
			"symbol":     map[string]any{"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
			"text":       map[string]any{"mode": "field", "fixed": "", "field": "site"},
			"textConfig": map[string]any{"fontSize": 12, "textAlign": "left", "textBaseline": "middle", "offsetX": 14, "offsetY": 0},
		}},
	}}
	return o
}
