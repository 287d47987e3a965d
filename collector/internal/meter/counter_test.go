package meter

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestRegisters(t *testing.T) {
	const period = 10 * time.Second
	u32 := Register{Modulus: 1 << 32, Size: Size{kwh / 10, 1}}
	digits := Register{Modulus: 1_000_000, Size: Size{kwh, 1}}
	fine := Register{Size: Size{wh, 1}}
	for name, tc := range map[string]struct {
		r       Register
		rating  float64
		unrated bool
		period  time.Duration
		gauge   bool
		devices []Installation
		turns   []turnOf
	}{
		"it goes on": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 1000, want: 1000 * wh, anew: true, event: met},
			{after: period, steps: 2000, want: 1000 * wh},
			{after: period, steps: 2000},
		}},
		"V6 a 32-bit register in 0.1 kWh rolls over": {r: u32, rating: 1e5, period: 15 * time.Minute, turns: []turnOf{
			{steps: 4294967200, want: 4294967200 * (kwh / 10), anew: true, event: met},
			{after: 15 * time.Minute, steps: 37, want: 133 * (kwh / 10), event: rolled},
		}},
		"V6 a six-digit display in kWh rolls over": {r: digits, rating: 2e5, period: 15 * time.Minute, turns: []turnOf{
			{steps: 999980, want: 999980 * kwh, anew: true, event: met},
			{after: 15 * time.Minute, steps: 25, want: 45 * kwh, event: rolled},
		}},
		"V6 a six-digit display in kWh is reset": {r: digits, rating: 1e5, period: 15 * time.Minute, turns: []turnOf{
			{steps: 500000, want: 500000 * kwh, anew: true, event: met},
			{after: 15 * time.Minute, steps: 12, hidden: true, event: setAside},
			{after: 15 * time.Minute, steps: 20, anew: true, event: anew},
			{after: 15 * time.Minute, steps: 30, want: 10 * kwh},
		}},
		"V5 a gap is bridged": {r: Register{Size: Size{kwh, 1}}, rating: 2e5, period: 15 * time.Minute, turns: []turnOf{
			{steps: 1000, want: 1000 * kwh, anew: true, event: met},
			{after: 15 * time.Minute, steps: 1030, want: 30 * kwh},
			{after: 15 * time.Minute, steps: 1061, want: 31 * kwh},
			{after: time.Hour, steps: 1181, want: 120 * kwh, quality: metric.CounterBridged},
			{after: 15 * time.Minute, steps: 1212, want: 31 * kwh},
			{after: 15 * time.Minute, steps: 1240, want: 28 * kwh},
		}},
		"reset, filled in from the gauge": {r: fine, rating: 1e6, gauge: true, turns: []turnOf{
			{steps: 500000, watts: 3.6e5, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 501000, watts: 3.6e5, want: 1000 * wh},
			{after: period, steps: 400, watts: 3.6e5, hidden: true, event: setAside},
			{after: period, steps: 1400, watts: 3.6e5, want: 2000 * wh, quality: metric.Integrated, event: anew},
			{after: period, steps: 2400, watts: 3.6e5, want: 1000 * wh},
		}},
		"reset while the gauge was not read": {r: fine, rating: 1e6, gauge: true, turns: []turnOf{
			{steps: 500000, watts: 3.6e5, want: 500000 * wh, anew: true, event: met},
			{after: time.Minute, steps: 400, watts: 3.6e5, hidden: true, event: setAside},
			{after: period, steps: 1400, watts: 3.6e5, anew: true, event: anew},
		}},
		"reset at a time that the device tells": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, life: "a", want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 700, life: "b", began: 3 * time.Second, want: 700 * wh, anew: true, event: anew},
			{after: period, steps: 1700, life: "b", began: 3 * time.Second, want: 1000 * wh},
		}},
		"another serial number, nothing told of its time": {r: fine, rating: 1e6, gauge: true, turns: []turnOf{
			{steps: 500000, life: "1234", watts: 3.6e5, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 77000, life: "5678", watts: 3.6e5, want: 1000 * wh, quality: metric.Integrated, event: anew},
			{after: period, steps: 78000, life: "5678", watts: 3.6e5, want: 1000 * wh},
		}},
		"its serial number is learnt later": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 1000, want: 1000 * wh, anew: true, event: met},
			{after: period, steps: 2000, life: "1234", want: 1000 * wh},
			{after: period, steps: 3000, life: "1234", want: 1000 * wh},
		}},
		"one reading is too low": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 3, hidden: true, event: setAside},
			{after: period, steps: 502000, want: 2000 * wh},
		}},
		"one reading is too high": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 9_000_000, hidden: true, event: setAside},
			{after: period, steps: 502000, want: 2000 * wh},
		}},
		"a gateway that starts shows zeros": {r: fine, rating: 1e6, gauge: true, turns: []turnOf{
			{steps: 500000, watts: 3.6e5, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 0, watts: 3.6e5, hidden: true, event: setAside},
			{after: period, steps: 0, watts: 3.6e5, want: 2000 * wh, quality: metric.Integrated, event: anew},
			{after: period, steps: 0, watts: 3.6e5},
			{after: period, steps: 504100, watts: 3.6e5, hidden: true, event: setAside},
			{after: period, steps: 505100, watts: 3.6e5, want: 3100 * wh, quality: metric.CounterBridged, event: recovered},
			{after: period, steps: 506100, watts: 3.6e5, want: 1000 * wh},
		}},
		"a gateway that starts shows zeros, and there is no gauge": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 0, hidden: true, event: setAside},
			{after: period, steps: 0, anew: true, event: anew},
			{after: period, steps: 503100, hidden: true, event: setAside},
			{after: period, steps: 504100, anew: true, event: recovered},
			{after: period, steps: 505100, want: 1000 * wh},
		}},
		"zero when it is first seen is a register that was not read yet": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 0, anew: true, event: met},
			{after: period, steps: 503100, hidden: true, event: setAside},
			{after: period, steps: 504100, anew: true, event: anew},
			{after: period, steps: 505100, want: 1000 * wh},
		}},
		"two readings differ, neither goes on": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 9_000_000, hidden: true, event: setAside},
			{after: period, steps: 3, hidden: true, event: setAside},
			{after: period, steps: 503000, want: 3000 * wh, quality: metric.CounterBridged},
		}},
		"it jumps, without a gauge: nothing is counted until a person explains it": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 9_000_000, hidden: true, event: setAside},
			{after: period, steps: 9_001_000, hidden: true, event: withheld},
			{after: period, steps: 9_002_000, hidden: true},
			{after: 24 * time.Hour, steps: 9_003_000, hidden: true},
			{after: period, restart: restarted, steps: 9_004_000, hidden: true},
			{after: period, restart: another, steps: 9_005_000, anew: true, event: swapped},
			{after: period, steps: 9_006_000, want: 1000 * wh},
		}},
		"it jumps: the gauge counts, and what comes back is not counted again": {r: fine, rating: 1e6, gauge: true, turns: []turnOf{
			{steps: 500000, watts: 3.6e5, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 9_000_000, watts: 3.6e5, hidden: true, event: setAside},
			{after: period, steps: 9_001_000, watts: 3.6e5, want: 2000 * wh, quality: metric.Integrated, event: withheld},
			{after: period, steps: 9_002_000, watts: 3.6e5, want: 1000 * wh, quality: metric.Integrated},
			{after: period, steps: 504000, watts: 3.6e5, want: 1000 * wh, quality: metric.Integrated},
			{after: period, steps: 505100, watts: 3.6e5, want: 1100 * wh, quality: metric.CounterBridged, event: recovered},
			{after: period, steps: 506100, watts: 3.6e5, want: 1000 * wh},
		}},
		"it jumps, and the gauge has made more than it": {r: fine, rating: 1e6, gauge: true, turns: []turnOf{
			{steps: 500000, watts: 7.2e5, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 9_000_000, watts: 7.2e5, hidden: true, event: setAside},
			{after: period, steps: 9_001_000, watts: 7.2e5, want: 4000 * wh, quality: metric.Integrated, event: withheld},
			{after: period, steps: 503000, watts: 7.2e5, want: 2000 * wh, quality: metric.Integrated},
			{after: period, steps: 504000, watts: 7.2e5, quality: metric.CounterBridged, event: recovered},
			{after: period, steps: 505000, watts: 7.2e5},
			{after: period, steps: 506000, watts: 7.2e5},
			{after: period, steps: 507000, watts: 7.2e5, want: 1000 * wh},
		}},
		"it jumped when the collector is restarted": {r: fine, rating: 1e6, gauge: true, turns: []turnOf{
			{steps: 500000, watts: 3.6e5, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 9_000_000, watts: 3.6e5, hidden: true, event: setAside},
			{after: period, steps: 9_001_000, watts: 3.6e5, want: 2000 * wh, quality: metric.Integrated, event: withheld},
			{after: time.Hour, restart: restarted, steps: 9_002_000, watts: 3.6e5, anew: true, quality: metric.Integrated},
			{after: period, steps: 9_003_000, watts: 3.6e5, want: 1000 * wh, quality: metric.Integrated},
			{after: period, steps: 515_000, watts: 3.6e5, want: 1000 * wh, quality: metric.Integrated},
			// What the register counted meanwhile was shown by the gauge, or is of the gap.
			{after: period, steps: 516_000, watts: 3.6e5, want: 1000 * wh, quality: metric.Integrated, event: recovered},
			{after: period, steps: 517_000, watts: 3.6e5, want: 1000 * wh},
		}},
		"replaced, and both registers were written down": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: time.Hour, restart: replaced(620_000*wh, 3000*wh),
				steps: 53_000, want: 170_000 * wh, quality: metric.Manual, event: swapped},
			{after: period, steps: 54_000, want: 1000 * wh},
		}},
		"replaced while the collector runs": {r: fine, rating: 1e6, devices: replaced(620_000*wh, 3000*wh), turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: 20 * time.Minute, steps: 600_000, want: 100_000 * wh, quality: metric.CounterBridged},
			{after: 20 * time.Minute, steps: 53_000, want: 70_000 * wh, quality: metric.Manual, event: swapped},
			{after: period, steps: 54_000, want: 1000 * wh},
		}},
		"replaced, and nobody wrote down what the old one showed": {r: fine, rating: 1e6, gauge: true, devices: []Installation{{}, {From: start.Add(5 * time.Second), Serial: "new"}}, turns: []turnOf{
			{steps: 500000, watts: 3.6e5, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 53_000, watts: 3.6e5, want: 1000 * wh, quality: metric.Integrated, event: swapped},
			{after: period, steps: 54_000, watts: 3.6e5, want: 1000 * wh},
		}},
		"replaced twice while the collector was not running": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: time.Hour, restart: append(replaced(510_000*wh, 0), Installation{From: start.Add(40 * time.Minute), Serial: "newer"}), steps: 53_000, anew: true, event: swapped},
		}},
		"replaced twice, and all was written down": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: time.Hour, restart: twice(), steps: 53_000, want: (10_000 + 5000 + 52_000) * wh, quality: metric.Manual, event: swapped},
		}},
		"replaced, and what was written down cannot be": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: time.Hour, restart: replaced(6_000_000*wh, 0), steps: 53_000, anew: true, event: swapped},
		}},
		"replaced, and the file was edited after the new one was read": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: time.Hour, steps: 3000, hidden: true, event: setAside},
			{after: period, steps: 4000, anew: true, event: anew},
			{after: period, restart: replaced(500_100*wh, 2500*wh), steps: 5000, want: 1000 * wh},
		}},
		"another transformer": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: period, restart: another, steps: 501000, anew: true, event: swapped},
			{after: period, steps: 502000, want: 1000 * wh},
		}},
		"it stands still while power flows, and then goes on from there": {r: fine, rating: 1e6, gauge: true, period: 6 * time.Minute, turns: []turnOf{
			{steps: 500000, watts: 1e5, want: 500000 * wh, anew: true, event: met},
			{after: 6 * time.Minute, steps: 510000, watts: 1e5, want: 10000 * wh},
			{after: 6 * time.Minute, steps: 510000, watts: 1e5},
			{after: 6 * time.Minute, steps: 510000, watts: 1e5},
			{after: 6 * time.Minute, steps: 510000, watts: 1e5, want: 30000 * wh, quality: metric.Integrated, event: withheld},
			{after: 6 * time.Minute, steps: 510000, watts: 1e5, want: 10000 * wh, quality: metric.Integrated},
			{after: 6 * time.Minute, steps: 511000, watts: 1e5, want: 10000 * wh, quality: metric.Integrated, event: recovered},
			{after: 6 * time.Minute, steps: 521000, watts: 1e5, want: 10000 * wh},
		}},
		"it stands still while power flows, and then catches up": {r: fine, rating: 1e6, gauge: true, period: 6 * time.Minute, turns: []turnOf{
			{steps: 500000, watts: 1e5, want: 500000 * wh, anew: true, event: met},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5, want: 30000 * wh, quality: metric.Integrated, event: withheld},
			{after: 6 * time.Minute, steps: 541000, watts: 1e5, want: 11000 * wh, event: recovered},
			{after: 6 * time.Minute, steps: 551000, watts: 1e5, want: 10000 * wh},
		}},
		"it stands still, and begins anew at the number at which it stood": {r: fine, rating: 1e6, gauge: true, period: 6 * time.Minute, turns: []turnOf{
			{life: "a", watts: 1e5, anew: true, event: met},
			{after: 6 * time.Minute, life: "a", watts: 1e5},
			{after: 6 * time.Minute, life: "a", watts: 1e5},
			{after: 6 * time.Minute, life: "a", watts: 1e5, want: 30000 * wh, quality: metric.Integrated, event: withheld},
			{after: 6 * time.Minute, life: "b", watts: 1e5, want: 10000 * wh, quality: metric.Integrated, event: anew},
			{after: 6 * time.Minute, life: "b", watts: 1e5},
			{after: 6 * time.Minute, life: "b", steps: 20000, watts: 1e5, want: 20000 * wh},
		}},
		"it stands still, and says that it begins anew at the number at which it stood": {r: fine, rating: 1e6, gauge: true, period: 6 * time.Minute, turns: []turnOf{
			{life: "a", watts: 1e5, anew: true, event: met},
			{after: 6 * time.Minute, life: "a", watts: 1e5},
			{after: 6 * time.Minute, life: "a", watts: 1e5},
			{after: 6 * time.Minute, life: "a", watts: 1e5, want: 30000 * wh, quality: metric.Integrated, event: withheld},
			{after: 6 * time.Minute, life: "b", began: 18 * time.Minute, watts: 1e5, anew: true, event: anew},
			{after: 6 * time.Minute, life: "b", began: 18 * time.Minute, watts: 1e5},
			{after: 6 * time.Minute, life: "b", began: 18 * time.Minute, steps: 30000, watts: 1e5, want: 30000 * wh},
		}},
		"it stands still for longer than it takes to roll over, and then catches up": {r: Register{Modulus: 1_000_000, Size: Size{wh, 1}}, rating: 1e6, gauge: true, period: 6 * time.Minute, turns: []turnOf{
			{steps: 500000, watts: 1e5, want: 500000 * wh, anew: true, event: met},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5, want: 30000 * wh, quality: metric.Integrated, event: withheld},
			{after: 2 * time.Hour, steps: 500000, watts: 1e5, quality: metric.Integrated, anew: true},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5, want: 10000 * wh, quality: metric.Integrated},
			{after: 6 * time.Minute, steps: 750000, watts: 1e5, want: 10000 * wh, quality: metric.Integrated, event: anew},
			{after: 6 * time.Minute, steps: 760000, watts: 1e5, want: 10000 * wh},
		}},
		"it stood still when the collector was restarted": {r: fine, rating: 1e6, gauge: true, period: 6 * time.Minute, turns: []turnOf{
			{steps: 500000, watts: 1e5, want: 500000 * wh, anew: true, event: met},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5, want: 30000 * wh, quality: metric.Integrated, event: withheld},
			// How much of what it catches up on was shown is not known to the minute.
			{after: 6 * time.Minute, restart: restarted, steps: 541000, watts: 1e5, anew: true, event: recovered},
			{after: 6 * time.Minute, steps: 551000, watts: 1e5, want: 10000 * wh},
		}},
		"it stands still, and its gauge was not read for a while": {r: fine, rating: 1e6, gauge: true, period: 6 * time.Minute, turns: []turnOf{
			{steps: 500000, watts: 1e5, want: 500000 * wh, anew: true, event: met},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5},
			{after: 20 * time.Minute, steps: 500000, watts: 1e5, quality: metric.CounterBridged},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5, want: 10000 * wh, quality: metric.Integrated, event: withheld},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5, want: 10000 * wh, quality: metric.Integrated},
			{after: 6 * time.Minute, steps: 570000, watts: 1e5, want: 50000 * wh, quality: metric.CounterBridged, event: recovered},
		}},
		"it stands still, and the collector is restarted before that is plain": {r: fine, rating: 1e6, gauge: true, period: 6 * time.Minute, turns: []turnOf{
			{steps: 500000, watts: 1e5, want: 500000 * wh, anew: true, event: met},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5},
			{after: 6 * time.Minute, restart: restarted, steps: 500000, watts: 1e5},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5, want: 10000 * wh, quality: metric.Integrated, event: withheld},
			{after: 6 * time.Minute, steps: 500000, watts: 1e5, want: 10000 * wh, quality: metric.Integrated},
		}},
		"reset after an outage, and its rating is not known": {r: Register{Modulus: 1 << 32, Size: Size{wh, 1}}, rating: anyRating, unrated: true, turns: []turnOf{
			{steps: 4_000_000_000, want: 4_000_000_000 * wh, anew: true, event: met},
			{after: time.Hour, steps: 12, hidden: true, event: setAside},
			{after: period, steps: 13, anew: true, event: anew},
		}},
		"it rolls over, and its rating is not known": {r: Register{Modulus: 1 << 32, Size: Size{wh, 1}}, rating: anyRating, unrated: true, turns: []turnOf{
			{steps: 4294967200, want: 4294967200 * wh, anew: true, event: met},
			{after: period, steps: 37, want: 133 * wh, event: rolled},
			{after: 48 * time.Hour, steps: 5000, want: 4963 * wh, quality: metric.CounterBridged},
		}},
		"reset at a time that the device tells, to more than it can have counted since": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, life: "a", want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 77_000, life: "b", began: 3 * time.Second, anew: true, event: anew},
			{after: period, steps: 78_000, life: "b", began: 3 * time.Second, want: 1000 * wh},
		}},
		"it stands still, and so it should": {r: Register{Size: Size{kwh, 1}}, rating: 1e6, gauge: true, period: 10 * time.Minute, turns: []turnOf{
			{steps: 500, watts: 100, want: 500 * kwh, anew: true, event: met},
			{after: 10 * time.Minute, steps: 500, watts: 100},
			{after: 10 * time.Minute, steps: 500, watts: 100},
			{after: 10 * time.Minute, steps: 500, watts: 100},
		}},
		"a gateway shows the same for a while": {r: fine, rating: 4e5, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: period, steps: 500000},
			{after: period, steps: 500000},
			{after: period, steps: 500000},
			{after: period, steps: 504000, want: 4000 * wh},
		}},
		"the collector was not running": {r: fine, rating: 1e6, turns: []turnOf{
			{steps: 500000, want: 500000 * wh, anew: true, event: met},
			{after: 10 * time.Hour, restart: restarted, steps: 4_000_000, want: 3_500_000 * wh, quality: metric.CounterBridged},
		}},
		"it may have rolled over while the collector was not running": {r: Register{Modulus: 1 << 16, Size: Size{kwh, 1}}, rating: 1e8, turns: []turnOf{
			{steps: 60000, want: 60000 * kwh, anew: true, event: met},
			{after: 600 * time.Hour, restart: restarted, steps: 61000, anew: true, event: anew},
		}},
		"it shows more than its rating makes in a life": {r: fine, rating: 1e3, turns: []turnOf{
			{steps: 1 << 50, hidden: true, event: withheld},
			{after: period, steps: 1000, want: 1000 * wh, anew: true, event: met},
		}},
		"it shows more than an integer of millijoules holds": {r: Register{Size: Size{1000 * kwh, 1}}, rating: 1e9, period: time.Hour, turns: []turnOf{
			{steps: turn/(1000*kwh) - 1, want: (turn/(1000*kwh) - 1) * 1000 * kwh, anew: true, event: met},
			{after: time.Hour, steps: turn / (1000 * kwh), want: 1000 * kwh},
			// Of the 500 MWh since, what came after the turn.
			{after: time.Hour, steps: turn/(1000*kwh) + 500, want: 500*1000*kwh - turn%(1000*kwh), anew: true},
			{after: time.Hour, steps: turn/(1000*kwh) + 600, want: 100 * 1000 * kwh},
		}},
		"steps that are no whole millijoules": {r: Register{Size: Size{10, 3}}, rating: 1, turns: []turnOf{
			{steps: 1, want: 3, anew: true, event: met},
			{after: period, steps: 2, want: 3},
			{after: period, steps: 3, want: 4},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := bench{r: tc.r, rate: tc.rating, unrated: tc.unrated}
			p := tc.period
			if p == 0 {
				p = period
			}
			b.counter(p, tc.gauge)
			if tc.devices != nil {
				b.c.devices = tc.devices
			}
			at := start
			var shown int64
			var epoch metric.Raw
			seen := map[metric.Raw]bool{}
			for i, turn := range tc.turns {
				at = at.Add(turn.after)
				if turn.restart != nil {
					kept := b.c.life
					b.counter(p, tc.gauge)
					b.c.devices = turn.restart
					if tc.turns[0].event == met && kept.Epoch != 0 {
						b.c.resume(kept)
					}
				}
				if b.flow != nil {
					b.flow.add(turn.watts, at)
				}
				r := b.r
				r.Steps, r.Life = turn.steps, turn.life
				if turn.began != 0 {
					r.Since = start.Add(turn.began)
				}
				n, ok, e := b.c.take(r, at, at)
				if ok == turn.hidden || e != turn.event {
					t.Fatalf("turn %d: shown %v, event %q; want %v, %q (%s)", i, ok, e, !turn.hidden, turn.event, b.c.why)
				}
				if !ok {
					continue
				}
				more := int64(n.value) - shown
				if turn.anew {
					more = int64(n.value)
				}
				if more != turn.want || n.quality != turn.quality || (n.epoch != epoch) != turn.anew || turn.anew && seen[n.epoch] {
					t.Fatalf("turn %d: %d mJ more, %s, another epoch %v; want %d, %s, %v", i, more, n.quality, n.epoch != epoch, turn.want, turn.quality, turn.anew)
				}
				shown, epoch, seen[n.epoch] = int64(n.value), n.epoch, true
			}
		})
	}
}
