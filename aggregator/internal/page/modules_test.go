package page

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// modules tries the page's arithmetic by itself, in the browser that runs it.
func modules(t *testing.T, chrome context.Context) {
	f := newFake(t, both)
	p := open(t, chrome, f.URL, 800, 600, "light")
	t.Run("format", func(t *testing.T) { formats(t, p) })
	t.Run("history", func(t *testing.T) { histories(t, p) })
	t.Run("rack layout", func(t *testing.T) { layouts(t, p) })
}

func formats(t *testing.T, p *tab) {
	for _, test := range []struct{ expression, want string }{
		{"f.join(f.watts(0))", "0_W"},
		{"f.join(f.watts(0.4123))", "0.412_W"},
		{"f.join(f.watts(72.891, 4))", "72.89_W"},
		{"f.join(f.watts(999.4))", "999_W"},
		{"f.join(f.watts(999.6))", "1.00_kW"},
		{"f.join(f.watts(123456.7, 4))", "123.5_kW"},
		{"f.join(f.watts(999960, 4))", "1.000_MW"},
		{"f.join(f.watts(1.26e6))", "1.26_MW"},
		{"f.join(f.watts(1e8, 4))", "100.0_MW"},
		{"f.join(f.watts(-2500))", "−2.50_kW"},
		{"f.join(f.watts(null))", "–"},
		{"f.join(f.watts(NaN))", "–"},
		{"f.join(f.energy(12.3, 4))", "12.30_kWh"},
		{"f.join(f.energy(0.5, 4))", "500.0_Wh"},
		{"f.join(f.energy(1653000, 4))", "1.653_GWh"},
		{"f.join(f.mass(0.412))", "0.412_t CO₂e"},
		{"f.join(f.mass(0.0123))", "12.3_kg CO₂e"},
		{"f.join(f.mass(516.4, 4))", "516.4_t CO₂e"},
		{"f.join(f.mass(12345))", "12.3_kt CO₂e"},
		{"f.join(f.intensity(9.87))", "9.87_g CO₂e/kWh"},
		{"f.percent(1)", "100_%"},
		{"f.percent(0.9999)", "99.9_%"},
		{"f.percent(0)", "0.0_%"},
		{"f.percent(null)", "–"},
		{"f.count(102400)", "102_400"},
		{"f.grouped('44280000000')", "44_280_000_000"},
		{"f.join(f.share(0.312))", "31_%"},
		{"f.join(f.share(0.999))", "99_%"},
		{"f.join(f.share(1))", "100_%"},
		{"f.join(f.share(0))", "0_%"},
		{"f.join(f.share(null))", "–"},
		{"f.load(0.9)", "0.90"},
		{"f.load(128.4)", "128"},
		{"f.load(null)", "–"},
		{"f.join(f.memory(5658619412, 16771847291))", "5.27 of 15.6_GiB"},
		{"f.join(f.memory(0, 1024 ** 4))", "0 of 1.00_TiB"},
		{"f.join(f.memory(1000 * 1024 ** 3, 1023.9 * 1024 ** 3))", "0.977 of 1.00_TiB"},
		{"f.join(f.memory(512, null))", "512_B"},
		{"f.join(f.memory(null, 1024))", "–"},
		{"f.celsius(83.6)", "84_°C"},
		{"f.celsius(-Infinity)", "–"},
		{"f.age(0.41)", "0.4_s"},
		{"f.age(9.97)", "10_s"},
		{"f.age(119)", "119_s"},
		{"f.age(125)", "2_min"},
		{"f.age(7300)", "2_h"},
		{"f.clock(1795366000123)", "16:46:40"},
		{"f.since(1795305600000, 'UTC')", "since 00:00_UTC"},
		{"f.since(1795356180000, 'Europe/Luxembourg')", "since 15:03_CET"},
		{"f.since(1783000800000, 'Europe/Luxembourg')", "since 16:00_CEST"},
		{"f.since(1795356180000, 'No/Where')", "since 14:03_UTC"},
		{"f.since(undefined)", ""},
		{"f.period(1795302000000, 1795388400000, 'Europe/Luxembourg')", "00:00–24:00_CET"},
		{"f.period(undefined, 1, 'UTC')", ""},
		{"f.coverage({coverage: 1, coverage_needed: 0.95})", "100_% covered"},
		{"f.coverage({coverage: 0.9499, coverage_needed: 0.95})", "94.9_% covered, a whole day needs 95.0_%"},
		{"f.coverage({})", ""},
		{"f.qualities({measured: 1})", "all measured"},
		{"f.qualities({integrated: 0.25, measured: 0.75, manual: 0})", "75.0_% measured, 25.0_% integrated"},
		{"f.qualities({})", ""},
		{"f.measured({measured: 1})", ""},
		{"f.measured({integrated: 1})", "all integrated"},
		{"f.measured({measured: 0.5, manual: 0.5})", "50.0_% measured"},
		{"f.tiers([{provider: 'entsoe', tier: '2', share: 1}])", ""},
		{"f.tiers([{provider: 'entsoe', tier: '2', share: 0.9, revised: true}, {provider: 'static', tier: '5', share: 0.1}])", "90.0_% entsoe tier 2 revised, 10.0_% static tier 5"},
		{"f.sentence('no facility meter')", "No facility meter"},
		{"f.sentence('')", "Not known"},
		{"[0.9, 1, 96, 97, 120e3].map(f.ceiling).join(' ')", "1 1.2 100 120 150000"},
	} {
		got := eval[string](p, `import("/format.js").then((f) => (`+test.expression+`).replaceAll("\u202f", "_"))`)
		if got != test.want {
			t.Errorf("%s = %q, want %q", test.expression, got, test.want)
		}
	}
}

func histories(t *testing.T, p *tab) {
	type column struct {
		Start    int64      `json:"start"`
		Length   int        `json:"length"`
		Newest   int64      `json:"newest"`
		Facility []*float64 `json:"facility"`
	}
	for _, test := range []struct {
		name, steps string
		want        column
	}{
		{"nothing", `h.merge(null); h.merge({start: 5000, step: 1000})`, column{0, 0, 0, []*float64{}}},
		{"a start", `h.merge({start: 5000, step: 1000, facility: [1, null, 3]})`, column{5000, 3, 7000, []*float64{new(1.0), nil, new(3.0)}}},
		{"newer points correct the last ones", `h.merge({start: 5000, step: 1000, facility: [1, 2]}); h.merge({start: 6000, step: 1000, facility: [5, 6]})`,
			column{5000, 3, 7000, []*float64{new(1.0), new(5.0), new(6.0)}}},
		{"a gap stays a gap", `h.merge({start: 5000, step: 1000, facility: [1]}); h.merge({start: 8000, step: 1000, facility: [4]})`,
			column{5000, 4, 8000, []*float64{new(1.0), nil, nil, new(4.0)}}},
		{"columns of other boundaries may be missing", `h.merge({start: 5000, step: 1000, gpu: [7, 8]})`, column{5000, 2, 6000, []*float64{nil, nil}}},
		{"another step starts anew", `h.merge({start: 5000, step: 1000, facility: [1]}); h.merge({start: 20000, step: 10000, facility: [2]})`,
			column{20000, 1, 20000, []*float64{new(2.0)}}},
		{"a clock set back starts anew", `h.merge({start: 5000, step: 1000, facility: [1]}); h.merge({start: 2000, step: 1000, facility: [2]})`,
			column{2000, 1, 2000, []*float64{new(2.0)}}},
		{"an hour of silence starts anew", `h.merge({start: 5000, step: 1000, facility: [1]}); h.merge({start: 3605000, step: 1000, facility: [2]})`,
			column{3605000, 1, 3605000, []*float64{new(2.0)}}},
		{"the oldest make room", `h.merge({start: 0, step: 1000, facility: Array(900).fill(1)}); h.merge({start: 900000, step: 1000, facility: [2, 3]}); h.columns[0].splice(2, 896)`,
			column{2000, 900, 901000, []*float64{new(1.0), new(1.0), new(2.0), new(3.0)}}},
	} {
		got := eval[column](p, `import("/history.js").then(({History}) => { const h = new History(); `+test.steps+
			`; return {start: h.start, length: h.length, newest: h.newest, facility: h.columns[0]}; })`)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// layouts holds every arrangement to: inside the width, no two racks on one
// spot, no cell too small to see.
func layouts(t *testing.T, p *tab) {
	faults := eval[[]string](p, `import("/racklayout.js").then(({fit}) => {
		const faults = [];
		const shapes = [[1], [2], [8], [64], [3, 5], [1, 64], [64, 0, 1], Array(4).fill(12), Array(25).fill(64), Array(25).fill(3), Array(100).fill(1), [1000]];
		for (const counts of shapes) for (const width of [300, 330, 700, 1100, 2000]) for (const height of [250, 400, 960]) {
			const unit = 16, layout = fit(counts, width, height, unit), name = JSON.stringify(counts) + " in " + width + "×" + height;
			if (layout.width < 7.9 || layout.height < 7.9) faults.push(name + ": cells of " + layout.width + "×" + layout.height);
			const taken = new Set();
			layout.halls.forEach((hall, h) => {
				for (let i = 0; i < counts[h]; i++) {
					const x = hall.x + (i % hall.columns) * layout.width, y = hall.y + Math.floor(i / hall.columns) * layout.height;
					const spot = Math.round(x) + "," + Math.round(y);
					if (taken.has(spot)) faults.push(name + ": two racks at " + spot);
					taken.add(spot);
					if (x + layout.width > width + 1) faults.push(name + ": rack at " + spot + " is outside");
					if (y + layout.height > layout.total + 1) faults.push(name + ": rack at " + spot + " is below " + layout.total);
				}
			});
		}
		if (fit([], 500, 300, 16) !== null || fit([0, 0], 500, 300, 16) !== null) faults.push("a layout of nothing");
		return faults.slice(0, 10);
	})`)
	for _, fault := range faults {
		t.Error(fault)
	}
}
