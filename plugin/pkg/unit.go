package main

import (
	"math"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Units as Grafana names them; it scales W to MW, Wh to GWh and J to TJ itself, so
// that values stay in one unit for alert rules.
const (
	unitWatt  = "watt"
	unitWh    = "watth"
	unitJoule = "joule"
	unitShare = "percentunit"
)

// unitOf is Grafana's name of a unit; "" for what has none.
func unitOf(u metric.Unit) string {
	switch u {
	case metric.Watts:
		return unitWatt
	case metric.Joules:
		return unitJoule
	case metric.Celsius:
		return "celsius"
	case metric.Ratio:
		return unitShare
	case metric.Bytes:
		return "bytes"
	case metric.Hertz:
		return "hertz"
	case metric.Seconds:
		return "s"
	case metric.BitsPerSecond:
		return "bps"
	case metric.BytesPerSecond:
		return "Bps"
	case metric.CubicMetres:
		return "m3"
	case metric.CubicMetresPerSecond:
		return "suffix:m³/s"
	case metric.GramsPerKWh:
		return "suffix:gCO₂e/kWh"
	case metric.EURPerMWh:
		return "suffix:€/MWh"
	case metric.Grams:
		return "massg"
	case metric.LitresPerKWh:
		return "suffix:L/kWh"
	case metric.KilogramsPerKWh:
		return "suffix:kg/kWh"
	case "kg":
		return "masskg"
	}
	return currency(string(u))
}

// currency is Grafana's name of a currency by its code of three letters; "" for
// what is none.
func currency(code string) string {
	if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ""
	}
	if slices.Contains([]string{"EUR", "USD", "GBP", "CHF", "DKK", "NOK", "SEK", "ISK", "CZK", "PLN", "JPY", "KRW", "INR", "BRL", "ZAR", "TRY", "ILS"}, code) {
		return "currency" + code
	}
	return "suffix:" + code
}

// unitTitle is a unit as a table says it, beside a number.
func unitTitle(unit string) string {
	switch metric.Unit(unit) {
	case metric.Ratio:
		return ""
	case metric.LitresPerKWh:
		return "L/kWh"
	case metric.KilogramsPerKWh:
		return "kg/kWh"
	}
	return unit
}

// configOf is how a metric of the catalogue is shown.
func configOf(d *metric.Def) data.FieldConfig {
	c := data.FieldConfig{Description: d.Help, Unit: unitOf(d.Unit)}
	switch d.Number {
	case metric.SitePUE, metric.SitePUEPlan:
		c.Unit, c.Decimals = "", decimals(2)
	case metric.GPUTemperature, metric.RackGPUTemperatureMax, metric.HallGPUTemperatureMax:
		c.Thresholds = above(hot)
	case metric.SiteCoverage:
		c.Min, c.Max = bound(0), bound(1)
	}
	if strings.HasSuffix(d.Name, "_timestamp_seconds") { // since 1970: Grafana's dates are of milliseconds
		c.Unit = ""
	}
	if d.Unit == metric.Ratio && c.Unit == unitShare && d.Kind == metric.Gauge {
		c.Min = bound(0)
	}
	return c
}

// hot is where a GPU's temperature deserves a look, as the aggregator has it.
const hot = 85

func bound(v float64) *data.ConfFloat64 { b := data.ConfFloat64(v); return &b }
func decimals(n uint16) *uint16         { return &n }

func above(v float64) *data.ThresholdsConfig {
	return &data.ThresholdsConfig{Mode: data.ThresholdsModeAbsolute, Steps: []data.Threshold{
		{Value: data.ConfFloat64(math.Inf(-1)), Color: "green"}, {Value: data.ConfFloat64(v), Color: "orange"},
	}}
}

// figureConfig is how a KPI is shown.
func figureConfig(name, unit string) data.FieldConfig {
	c := data.FieldConfig{Unit: unitOf(metric.Unit(unit)), DisplayNameFromDS: figureTitle(name)}
	if name == "pue" {
		c.Unit, c.Decimals, c.Min = "", decimals(2), bound(1)
	}
	return c
}

func figureTitle(name string) string {
	titles := map[string]string{
		"pue": "PUE", "wue": "WUE", "wue_freshwater": "WUE, fresh water", "cue": "CUE", "cue_market": "CUE, market-based", "erf": "ERF", "ref": "REF",
		"cfe": "Carbon-free share", "carbon_location": "Carbon, location-based", "carbon_market": "Carbon, market-based", "carbon_hourly": "Carbon, hourly matched",
		"carbon_market_hourly": "Carbon, market-based by the hour", "carbon_scope1": "Carbon, scope 1", "cost": "Cost",
	}
	if t := titles[name]; t != "" {
		return t
	}
	return name
}

// stateConfig colours states.
func stateConfig(title string) data.FieldConfig {
	return data.FieldConfig{DisplayNameFromDS: title, Mappings: data.ValueMappings{data.ValueMapper{
		"ok": {Color: "green", Index: 0}, "watch": {Color: "yellow", Index: 1}, "unknown": {Color: "purple", Index: 2},
		"degraded": {Color: "orange", Index: 3}, "failed": {Color: "red", Index: 4},
		"warn": {Color: "orange", Index: 5}, "bad": {Color: "red", Index: 6}, "silent": {Color: "purple", Index: 7},
		"lacking": {Color: "orange", Index: 8}, "exceeds": {Color: "red", Index: 9},
	}}}
}
