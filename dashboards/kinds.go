package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/geomap"
	"github.com/grafana/grafana-foundation-sdk/go/histogram"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// A kind is a sort of panel.
type kind uint8

const (
	figure   kind = iota // numbers, large
	tiles                // a coloured tile a thing
	lines                // over time
	columns              // amounts of intervals
	list                 // a table
	timeline             // states over time
	gauges               // bars beside one another
	spread               // how often which value
	world                // a map
)

// mostTiles is how many tiles a panel draws: all racks of a site of 100,000 GPUs.
const mostTiles = 2048

// A shape is what Grafana draws a kind with.
type shape struct {
	plugin  string
	drawn   bool // as lines or bars in colours of their own
	options func(*look) any
	custom  func(*look) map[string]any
}

var shapes = map[kind]shape{
	figure:   {"stat", false, figureOptions, nothing},
	tiles:    {"stat", false, tileOptions, nothing},
	lines:    {"timeseries", true, graphOptions, lineFields},
	columns:  {"timeseries", true, graphOptions, columnFields},
	list:     {"table", false, tableOptions, tableFields},
	timeline: {"state-timeline", false, timelineOptions, timelineFields},
	gauges:   {"bargauge", false, gaugeOptions, nothing},
	spread:   {"histogram", true, spreadOptions, spreadFields},
	world:    {"geomap", false, worldOptions, nothing},
}

// register lets the SDK read back what is written, strictly.
func register() {
	r := cog.NewRuntime()
	r.RegisterDataqueryVariant(variant())
	for _, v := range []variants.PanelcfgConfig{
		stat.VariantConfig(), timeseries.VariantConfig(), table.VariantConfig(), statetimeline.VariantConfig(), bargauge.VariantConfig(), histogram.VariantConfig(), geomap.VariantConfig(),
	} {
		r.RegisterPanelcfgVariant(v)
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func nothing(*look) map[string]any { return nil }

// reduced is how a field becomes one number.
func reduced(l *look) common.ReduceDataOptions {
	calc := l.sum
	if calc == "" {
		calc = "lastNotNull"
	}
	return common.ReduceDataOptions{Calcs: []string{calc}, Fields: ptr(""), Values: ptr(false)}
}

func figureOptions(l *look) any {
	o := stat.NewOptions()
	o.GraphMode, o.ColorMode, o.JustifyMode, o.TextMode = common.BigValueGraphModeNone, common.BigValueColorModeValue, common.BigValueJustifyModeCenter, common.BigValueTextModeAuto
	o.ReduceOptions, o.Orientation, o.WideLayout = reduced(l), common.VizOrientationAuto, true
	return o
}

// tileOptions: of rows a tile each, or of series.
func tileOptions(l *look) any {
	o := stat.NewOptions()
	o.GraphMode, o.ColorMode, o.JustifyMode, o.TextMode = common.BigValueGraphModeNone, common.BigValueColorModeBackgroundSolid, common.BigValueJustifyModeCenter, common.BigValueTextModeValueAndName
	o.ReduceOptions, o.Orientation = reduced(l), common.VizOrientationAuto
	if l.only != "" {
		o.ReduceOptions = common.ReduceDataOptions{Values: ptr(true), Limit: ptr(float64(mostTiles)), Calcs: []string{}, Fields: ptr("")}
	}
	return o
}

func gaugeOptions(l *look) any {
	o := bargauge.NewOptions()
	o.DisplayMode, o.ValueMode, o.NamePlacement, o.ShowUnfilled = common.BarGaugeDisplayModeBasic, common.BarGaugeValueModeText, common.BarGaugeNamePlacementLeft, true
	o.Sizing, o.MinVizWidth, o.MinVizHeight, o.MaxVizHeight = common.BarGaugeSizingManual, 8, 16, 36
	o.Text = &common.VizTextDisplayOptions{TitleSize: ptr(14.0), ValueSize: ptr(16.0)}
	o.ReduceOptions, o.Orientation = reduced(l), common.VizOrientationHorizontal
	o.Legend = legend(l)
	o.Legend.ShowLegend = false
	if l.only != "" {
		o.ReduceOptions = common.ReduceDataOptions{Values: ptr(true), Calcs: []string{}, Fields: ptr("")}
	}
	return o
}

func legend(l *look) common.VizLegendOptions {
	// A table below would be cut after three lines.
	o := common.VizLegendOptions{DisplayMode: common.LegendDisplayModeList, Placement: common.LegendPlacementBottom, ShowLegend: true, Calcs: []string{"lastNotNull", "max"}}
	switch l.legend {
	case "":
	case "none":
		o.ShowLegend = false
	case "right":
		o.DisplayMode, o.Placement = common.LegendDisplayModeTable, common.LegendPlacementRight
		if l.wide <= 8 {
			o.Calcs = []string{"lastNotNull"}
		}
	default:
		o.Calcs = []string{l.legend}
	}
	return o
}

func tooltip() common.VizTooltipOptions {
	return common.VizTooltipOptions{Mode: common.TooltipDisplayModeMulti, Sort: common.SortOrderDescending}
}

func graphOptions(l *look) any {
	return &timeseries.Options{Legend: legend(l), Tooltip: tooltip()}
}

// lineFields: a gap is a gap.
func lineFields(l *look) map[string]any {
	f := map[string]any{"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 0, "showPoints": "never", "spanNulls": false, "axisSoftMin": 0}
	if l.anyBase {
		delete(f, "axisSoftMin")
	}
	if l.stacked {
		f["fillOpacity"], f["stacking"] = 35, map[string]any{"mode": "normal", "group": "A"}
	}
	if l.limits {
		f["thresholdsStyle"] = map[string]any{"mode": "dashed"}
	}
	return f
}

func columnFields(l *look) map[string]any {
	f := map[string]any{"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 80, "showPoints": "never", "barAlignment": 1, "axisSoftMin": 0}
	if l.stacked {
		f["stacking"] = map[string]any{"mode": "normal", "group": "A"}
	}
	return f
}

func tableOptions(l *look) any {
	o := table.NewOptions()
	o.ShowHeader, o.CellHeight, o.Footer = true, ptr(common.TableCellHeightSm), nil
	if l.sort != "" {
		by, ascending := strings.CutPrefix(l.sort, "-")
		o.SortBy = []common.TableSortByFieldState{{DisplayName: by, Desc: ptr(!ascending)}}
	}
	return o
}

func tableFields(*look) map[string]any {
	return map[string]any{"align": "auto", "filterable": true, "inspect": false, "cellOptions": map[string]any{"type": "auto"}}
}

func timelineOptions(l *look) any {
	o := statetimeline.NewOptions()
	o.ShowValue, o.RowHeight, o.MergeValues, o.AlignValue = common.VisibilityModeAuto, 0.8, ptr(true), ptr(common.TimelineValueAlignmentLeft)
	o.Legend, o.Tooltip = legend(l), tooltip()
	o.Legend.ShowLegend, o.Legend.DisplayMode, o.Legend.Calcs = false, common.LegendDisplayModeList, []string{}
	return o
}

func timelineFields(*look) map[string]any {
	return map[string]any{"fillOpacity": 75, "lineWidth": 0, "spanNulls": false}
}

func spreadOptions(l *look) any {
	return &histogram.Options{Legend: legend(l), Tooltip: tooltip(), Combine: ptr(false), BucketCount: ptr(int32(30))}
}

func spreadFields(*look) map[string]any {
	return map[string]any{"fillOpacity": 60, "lineWidth": 1}
}
