package carbon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// brief is a figure in one line.
func brief(list []figure) (lines []string) {
	for _, f := range list {
		lines = append(lines, fmt.Sprintf("%s %dm %v %s %s", utc(f.from).Format("15:04"), (f.to-f.from)/60, f.value, f.basis, f.set))
	}
	return lines
}

// A parsed case is an answer with the figures in it, or what is wrong with it.
type parsed struct {
	text string
	want []string
	fail string
}

func (tc parsed) check(t *testing.T, name string, list []figure, err error) {
	t.Helper()
	if err != nil && (tc.fail == "" || !strings.Contains(err.Error(), tc.fail)) || err == nil && tc.fail != "" {
		t.Errorf("%s: %v, want %q", name, err, tc.fail)
		return
	}
	if diff := cmp.Diff(tc.want, brief(list)); diff != "" && tc.fail == "" {
		t.Errorf("%s: %s", name, diff)
	}
}

func TestElectricityMapsAnswers(t *testing.T) {
	at := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	row := intensity("FR", "lifecycle", at, 58, false)
	list := func(key string, rows ...string) string {
		return `{"zone":"FR","` + key + `":[` + strings.Join(rows, ",") + `]}`
	}
	for name, tc := range map[string]parsed{
		"the latest hour":         {row, []string{"09:00 60m 58 consumed electricitymaps-lifecycle"}, ""},
		"an estimate":             {intensity("FR", "lifecycle", at, 58, true), []string{"09:00 60m 58 estimated electricitymaps-lifecycle"}, ""},
		"it does not say whether": {strings.Replace(row, `"isEstimated":false,`, "", 1), []string{"09:00 60m 58 estimated electricitymaps-lifecycle"}, ""},
		"a day":                   {list("history", row, intensity("FR", "lifecycle", at.Add(time.Hour), 61.5, true)), []string{"09:00 60m 58 consumed electricitymaps-lifecycle", "10:00 60m 61.5 estimated electricitymaps-lifecycle"}, ""},
		"of the past":             {list("data", row), []string{"09:00 60m 58 consumed electricitymaps-lifecycle"}, ""},
		"an hour without a value": {list("history", intensity("FR", "lifecycle", at, "null", false), intensity("FR", "lifecycle", at.Add(time.Hour), 0, false)), []string{"10:00 60m 0 consumed electricitymaps-lifecycle"}, ""},
		"no hours":                {list("history"), nil, ""},
		"by another offset":       {strings.ReplaceAll(row, "T09:00:00.000Z", "T10:00:00+01:00"), []string{"09:00 60m 58 consumed electricitymaps-lifecycle"}, ""},
		"older than factor types": {strings.Replace(row, `"emissionFactorType":"lifecycle",`, "", 1), []string{"09:00 60m 58 consumed electricitymaps-lifecycle"}, ""},
		"direct factors":          {intensity("FR", "direct", at, 20, false), nil, `by factors "direct" where lifecycle are wanted`},
		"where the caller is":     {intensity("US-NY-NYIS", "lifecycle", at, 300, false), nil, `of zone "US-NY-NYIS" where FR is wanted`},
		"a row of another zone":   {list("history", strings.Replace(row, `"FR"`, `"ES"`, 1)), nil, `of zone "ES" where FR is wanted`},
		"quarters of an hour":     {strings.Replace(row, "{", `{"temporalGranularity":"15_minutes",`, 1), nil, "15_minutes where hourly is wanted"},
		"no whole hour":           {strings.ReplaceAll(row, "T09:00", "T09:20"), nil, "is not the start of an hour"},
		"no time":                 {strings.ReplaceAll(row, "2026-01-15T09:00:00.000Z", "soon"), nil, `time "soon"`},
		"an error":                {`{"status":"error","message":"No data for zone FR"}`, nil, `of zone "" where FR is wanted`},
		"cut off":                 {row[:40], nil, "unexpected end of JSON input"},
		"no JSON":                 {"<html>", nil, "invalid character"},
		"text for a number":       {strings.Replace(row, ":58,", `:"58",`, 1), nil, "cannot unmarshal"},
	} {
		got, err := parseElectricityMaps([]byte(tc.text), "FR", Lifecycle, 1)
		tc.check(t, name, got, err)
	}
	if _, err := parseElectricityMaps([]byte(strings.Replace(row, `"emissionFactorType":"lifecycle",`, "", 1)), "FR", Direct, 1); err == nil {
		t.Error("what does not say its factors was taken as direct")
	}
}

func TestEnergyChartsAnswers(t *testing.T) {
	for name, tc := range map[string]parsed{
		"measured, then forecast": {`{"unix_seconds":[1768467600,1768468500,1768469400],"co2eq":[300.5,null,null],"co2eq_forecast":[290,305,null],"deprecated":false}`,
			[]string{"09:00 15m 300.5 generated energycharts", "09:15 15m 305 forecast energycharts"}, ""},
		"a hole in time":        {`{"unix_seconds":[1768467600,1768468500,1768471200],"co2eq":[1,2,3],"co2eq_forecast":[null,null,null]}`, []string{"09:00 15m 1 generated energycharts", "09:15 15m 2 generated energycharts", "10:00 15m 3 generated energycharts"}, ""},
		"hours":                 {`{"unix_seconds":[1768467600,1768471200],"co2eq":[1,2]}`, []string{"09:00 60m 1 generated energycharts", "10:00 60m 2 generated energycharts"}, ""},
		"forecasts only":        {`{"unix_seconds":[1768467600,1768471200],"co2eq_forecast":[1,2]}`, []string{"09:00 60m 1 forecast energycharts", "10:00 60m 2 forecast energycharts"}, ""},
		"nothing":               {`{"unix_seconds":[],"co2eq":[],"co2eq_forecast":[]}`, nil, ""},
		"arrays that differ":    {`{"unix_seconds":[1768467600,1768471200],"co2eq":[1]}`, nil, "2 times, 1 values, 0 forecasts"},
		"times that fall":       {`{"unix_seconds":[1768471200,1768467600],"co2eq":[1,2]}`, nil, "times that do not rise"},
		"every five minutes":    {`{"unix_seconds":[1768467600,1768467900],"co2eq":[1,2]}`, nil, "intervals of 300 s"},
		"an error":              {`{"detail":"Country not found"}`, nil, "no times"},
		"cut off":               {`{"unix_seconds":[1768`, nil, "unexpected end of JSON input"},
		"a fraction of seconds": {`{"unix_seconds":[1768467600.5],"co2eq":[1]}`, nil, "cannot unmarshal"},
	} {
		got, err := parseEnergyCharts([]byte(tc.text), 1)
		tc.check(t, name, got, err)
	}
	const row = `{"timestamp":"2026-01-15T10:00:00+01:00","values":{"day_ahead_price":%s}}`
	doc := func(unit, resolution string, values ...string) string {
		var rows []string
		for _, v := range values {
			rows = append(rows, fmt.Sprintf(row, v))
		}
		return fmt.Sprintf(`{"schema_version":"2.0","resolution":%q,"unit":%q,"series":[{"id":"day_ahead_price","name":"Day ahead"}],"data":[%s],"deprecated":false}`, resolution, unit, strings.Join(rows, ","))
	}
	for name, tc := range map[string]parsed{
		"a price":            {doc("EUR/MWh", "PT15M", "-3.2"), []string{"09:00 15m -3.2 auctioned day-ahead"}, ""},
		"an hour":            {doc("EUR / MWh", "PT60M", "7"), []string{"09:00 60m 7 auctioned day-ahead"}, ""},
		"not known":          {doc("EUR/MWh", "PT15M", "null"), nil, ""},
		"another unit":       {doc("EUR/kWh", "PT15M", "7"), nil, `prices in "EUR/kWh"`},
		"another resolution": {doc("EUR/MWh", "P1D", "7"), nil, `resolution "P1D"`},
		"a local time":       {strings.Replace(doc("EUR/MWh", "PT15M", "7"), "+01:00", "", 1), nil, "time"},
		"an error":           {`{"detail":"bzn unknown"}`, nil, `prices in ""`},
		"cut off":            {`{"unit":`, nil, "unexpected end of JSON input"},
	} {
		got, err := parseEnergyChartsPrice([]byte(tc.text), 1)
		tc.check(t, name, got, err)
	}
}

func TestEco2mixAnswers(t *testing.T) {
	doc := func(rows ...string) string {
		var list []string
		for _, r := range rows {
			at, v, _ := strings.Cut(r, " ")
			list = append(list, fmt.Sprintf(`{"date_heure":"2026-01-15T%s:00+01:00","taux_co2":%s}`, at, v))
		}
		return `{"total_count":96,"results":[` + strings.Join(list, ",") + `]}`
	}
	for name, tc := range map[string]parsed{
		"half hours":                        {doc("10:30 21", "10:00 22"), []string{"09:30 30m 21 generated eco2mix", "09:00 30m 22 generated eco2mix"}, ""},
		"quarters":                          {doc("10:30 21", "10:15 22", "10:00 23"), []string{"09:30 15m 21 generated eco2mix", "09:15 15m 22 generated eco2mix", "09:00 15m 23 generated eco2mix"}, ""},
		"the first quarter of an hour":      {doc("10:00 21", "09:45 22", "09:30 23"), []string{"09:00 15m 21 generated eco2mix", "08:45 15m 22 generated eco2mix", "08:30 15m 23 generated eco2mix"}, ""},
		"null in quarters and in what come": {doc("11:00 null", "10:45 null", "10:30 21"), []string{"09:30 30m 21 generated eco2mix"}, ""},
		"none":                              {`{"total_count":0,"results":[]}`, nil, ""},
		"an error":                          {`{"error_code":"ODSQLError","message":"ODSQL query is malformed"}`, nil, "no results"},
		"no time":                           {doc("now 21"), nil, "time"},
		"cut off":                           {`{"results":[`, nil, "unexpected end of JSON input"},
	} {
		rows, err := parseEco2mix([]byte(tc.text))
		tc.check(t, name, eco2mixFigures(rows, 1), err)
	}
}

// TestEco2mixOnDaysWhenClocksChange has the hour that comes twice, in Paris's
// time, and the one that never comes.
func TestEco2mixOnDaysWhenClocksChange(t *testing.T) {
	for name, tc := range map[string]struct {
		times []string
		want  []string
	}{
		"autumn": {[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00"}, []string{"00:30", "01:00", "01:30"}},
		"spring": {[]string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00"}, []string{"00:30", "01:00"}},
	} {
		var list []string
		for _, at := range tc.times {
			list = append(list, `{"date_heure":"`+at+`","taux_co2":20}`)
		}
		rows, err := parseEco2mix([]byte(`{"results":[` + strings.Join(list, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range eco2mixFigures(rows, 1) {
			got = append(got, utc(f.from).Format("15:04"))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWeatherAnswers(t *testing.T) {
	const openMeteo = `{"latitude":50.1,"current_units":{"temperature_2m":"°C"},"current":{"time":"2026-01-15T11:45","interval":900,"temperature_2m":-3.4}}`
	for name, tc := range map[string]struct {
		text string
		w    Weather
		want string
		fail string
	}{
		"a number in a file":    {" 12.5\n", Weather{}, "12.5 0001-01-01T00:00:00Z", ""},
		"JSON with its time":    {openMeteo, Weather{Value: "current.temperature_2m", Time: "current.time"}, "-3.4 2026-01-15T11:45:00Z", ""},
		"JSON without":          {openMeteo, Weather{Value: "current.temperature_2m"}, "-3.4 0001-01-01T00:00:00Z", ""},
		"a list, and seconds":   {`{"data":[{"temp":50,"ts":1768477500}]}`, Weather{Value: "data.0.temp", Time: "data.0.ts", Unit: "fahrenheit"}, "10 2026-01-15T11:45:00Z", ""},
		"null":                  {`{"temp":null}`, Weather{Value: "temp"}, "", "no number at temp"},
		"not there":             {`{"temp":1}`, Weather{Value: "air.temp"}, "", "no number at air.temp"},
		"past the list":         {`[1]`, Weather{Value: "1"}, "", "no number at 1"},
		"no time":               {`{"temp":1,"at":"noon"}`, Weather{Value: "temp", Time: "at"}, "", "at at: no time"},
		"no temperature":        {`{"temp":999}`, Weather{Value: "temp"}, "", "999 °C is no temperature"},
		"not a number":          {"NaN", Weather{}, "", "no temperature"},
		"text":                  {"warm", Weather{}, "", "no number"},
		"cut off":               {`{"temp":`, Weather{Value: "temp"}, "", "unexpected end of JSON input"},
		"Fahrenheit for winter": {"14", Weather{Unit: "fahrenheit"}, "-10 0001-01-01T00:00:00Z", ""},
	} {
		celsius, at, err := parseWeather([]byte(tc.text), &tc.w)
		if err != nil && (tc.fail == "" || !strings.Contains(err.Error(), tc.fail)) || err == nil && tc.fail != "" {
			t.Errorf("%s: %v, want %q", name, err, tc.fail)
		}
		if got := fmt.Sprintf("%.4g %s", celsius, at.UTC().Format(time.RFC3339)); err == nil && got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestTablesOfAnOperator(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "table.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const yearly = `{"name":"mine-2025","provider":"mine","factor":"lifecycle","year":2025,"grams_per_kwh":{"FR":41}}`
	for name, tc := range map[string]struct{ text, fail string }{
		"good":             {yearly, ""},
		"without the zone": {strings.Replace(yearly, "FR", "ES", 1), "table mine-2025 has no figure for FR"},
		"without a name":   {strings.Replace(yearly, "mine-2025", "", 1), "needs a name"},
		"a factor":         {strings.Replace(yearly, "lifecycle", "marginal", 1), `factor "marginal"`},
		"kilograms":        {strings.Replace(yearly, "41", "41000", 1), "41000 g/kWh in FR"},
		"no JSON":          {"FR;41", "invalid character"},
	} {
		_, err := New(Config{Zone: "FR", Providers: []Provider{{Name: "yearly", File: write(tc.text)}}})
		if err != nil && (tc.fail == "" || !strings.Contains(err.Error(), tc.fail)) || err == nil && tc.fail != "" {
			t.Errorf("yearly table, %s: %v, want %q", name, err, tc.fail)
		}
	}
	const factors = `[{"name":"mine-lc-2","factor":"lifecycle","dated":"2026-01-01","grams_per_kwh":{"B14":6},"storage":["B10"]}]`
	for name, tc := range map[string]struct{ text, set, fail string }{
		"good":           {factors, "mine-lc-2", ""},
		"built in":       {factors, "ipcc-ar5-lc-1", ""},
		"not there":      {factors, "mine-lc-3", `factor set "mine-lc-3" is not known`},
		"the other kind": {factors, "ipcc-ar5-direct-1", "factor set ipcc-ar5-direct-1 is direct, not lifecycle"},
		"edited":         {strings.Replace(factors, "mine-lc-2", "ipcc-ar5-lc-1", 1), "ipcc-ar5-lc-1", "is there twice"},
		"a type":         {strings.Replace(factors, "B14", "nuclear", 1), "mine-lc-2", "nuclear of 6 g/kWh"},
		"below zero":     {strings.Replace(factors, "6", "-6", 1), "mine-lc-2", ""},
		"null":           {"[null]", "", "needs a name"},
	} {
		if name == "below zero" {
			tc.fail = "B14 of -6 g/kWh"
			tc.text = strings.Replace(factors, ":6}", ":-6}", 1)
		}
		_, _, err := (&Config{Lifecycle: tc.set, Factors: write(tc.text)}).factorSets()
		if err != nil && (tc.fail == "" || !strings.Contains(err.Error(), tc.fail)) || err == nil && tc.fail != "" {
			t.Errorf("factors, %s: %v, want %q", name, err, tc.fail)
		}
	}
}
