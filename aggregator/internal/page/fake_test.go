package page

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/loopback"
)

// The status document, as doc.go describes it.
type (
	status struct {
		Now     int64              `json:"now"`
		Version string             `json:"version"`
		Hub     string             `json:"hub,omitempty"`
		Sites   []fakeSite         `json:"sites"`
		Bus     map[string]float64 `json:"bus"`
	}
	fakeSite struct {
		Site       string               `json:"site"`
		Simulated  bool                 `json:"simulated"`
		Zone       string               `json:"zone"`
		TimeZone   string               `json:"time_zone"`
		File       *siteFile            `json:"site_file"`
		Today      *today               `json:"today"`
		Hub        *far                 `json:"hub,omitempty"`
		Hosts      counts               `json:"hosts"`
		GPUs       counts               `json:"gpus"`
		Power      map[string]powerNow  `json:"power"`
		History    history              `json:"history"`
		PUE        pue                  `json:"pue"`
		Carbon     carbon               `json:"carbon"`
		Figures    []figure             `json:"figures"`
		Tree       *tree                `json:"power_tree"`
		Energy     map[string]energyDay `json:"energy_today"`
		Freshness  *float64             `json:"freshness_seconds"`
		Halls      []hall               `json:"halls"`
		Worst      []gpu                `json:"worst_gpus"`
		Alerts     []alert              `json:"alerts"`
		AlertsMore int                  `json:"alerts_more"`
		AlertsWhy  string               `json:"alerts_reason"`
		Held       []held               `json:"alerts_held"`
		Windows    []window             `json:"windows"`
		Agents     agents               `json:"agents"`
		Machines   []machineNow         `json:"machines"`
	}
	today struct {
		From  int64 `json:"from"`
		To    int64 `json:"to"`
		Asked int64 `json:"asked"`
	}
	agents struct {
		Known    int      `json:"known"`
		Silent   int      `json:"silent"`
		Refused  int      `json:"refused"`
		Refusals []string `json:"refusals"`
	}
	counts struct {
		Expected  int `json:"expected"`
		Reporting int `json:"reporting"`
	}
	powerNow struct {
		Watts    *float64 `json:"watts"`
		Coverage float64  `json:"coverage"`
		Category int      `json:"category,omitempty"`
		Reason   string   `json:"reason"`
	}
	history struct {
		Start    int64      `json:"start"`
		Step     int64      `json:"step"`
		Facility []*float64 `json:"facility"`
		IT       []*float64 `json:"it"`
		Host     []*float64 `json:"host"`
		GPU      []*float64 `json:"gpu"`
	}
	pue struct {
		Value    *float64 `json:"value"`
		Category int      `json:"category"`
		Coverage float64  `json:"coverage"`
		From     int64    `json:"from"`
		To       int64    `json:"to"`
		Reason   string   `json:"reason"`
		Detail   string   `json:"detail"`
		Interim  bool     `json:"interim"`

		Needed  float64            `json:"coverage_needed"`
		Quality map[string]float64 `json:"quality"`
		Flags   []string           `json:"flags"`
		Wrong   bool               `json:"wrong"`
	}
	carbon struct {
		Grams    *float64 `json:"grams_per_kwh"`
		Tonnes   *float64 `json:"tonnes_today"`
		Reason   string   `json:"reason"`
		Grid     []grid   `json:"grid"`
		Zone     string   `json:"zone"`
		Factor   string   `json:"factor"`
		Provider string   `json:"provider"`
		Tier     string   `json:"tier"`
	}
	energyDay struct {
		KWh         *float64 `json:"kwh"`
		Millijoules string   `json:"millijoules"`
		Coverage    float64  `json:"coverage"`
		Reason      string   `json:"reason"`
	}
	hall struct {
		Hall   string   `json:"hall"`
		Watts  *float64 `json:"watts"`
		Reason string   `json:"reason,omitempty"`
		Racks  []rack   `json:"racks"`
	}
	rack struct {
		Rack      string   `json:"rack"`
		Watts     *float64 `json:"watts"`
		Reason    string   `json:"reason,omitempty"`
		Rated     *float64 `json:"rated_watts"`
		Hosts     int      `json:"hosts"`
		Reporting int      `json:"reporting"`
		GPUs      int      `json:"gpus"`
		OK        int      `json:"gpus_ok"`
		Hottest   *float64 `json:"gpu_celsius_max"`
		State     string   `json:"state"`
	}
	gpu struct {
		Host    string   `json:"host"`
		GPU     string   `json:"gpu"`
		UUID    string   `json:"uuid"`
		Model   string   `json:"model"`
		Rack    string   `json:"rack"`
		Celsius *float64 `json:"celsius"`
		Watts   *float64 `json:"watts"`
		State   string   `json:"state"`
		Why     []string `json:"why"`
	}
	machineNow struct {
		Host        string   `json:"host"`
		Reporting   bool     `json:"reporting"`
		CPU         *float64 `json:"cpu_ratio"`
		Load        *float64 `json:"load1"`
		MemoryUsed  *float64 `json:"memory_used_bytes"`
		MemoryTotal *float64 `json:"memory_total_bytes"`
		Disk        *float64 `json:"disk_used_ratio"`
		Celsius     *float64 `json:"celsius_max"`
	}
	alert struct {
		Name     string `json:"name"`
		Severity string `json:"severity"`
		Summary  string `json:"summary"`
		Since    int64  `json:"since"`
		Evidence string `json:"evidence"`
		Do       string `json:"do"`
		Beneath  int    `json:"beneath"`
		Of       string `json:"of,omitempty"`
	}
	held struct {
		Name   string `json:"name"`
		Reason string `json:"reason"`
		Count  int    `json:"count"`
	}
	window struct {
		ID     string   `json:"id"`
		Match  []string `json:"match"`
		From   int64    `json:"from"`
		To     int64    `json:"to"`
		Owner  string   `json:"owner"`
		Reason string   `json:"reason"`
		Open   bool     `json:"open"`
		Held   int      `json:"held_back"`
	}
)

// fake is an aggregator that serves the page and a status made up on the spot.
// It can go away and come back on the same address.
type fake struct {
	URL     string
	address string
	sites   func(now time.Time, since int64) []fakeSite
	version atomic.Value // string
	answer  atomic.Pointer[answer]
	pages   http.Handler

	mu     sync.Mutex
	server *httptest.Server
}

// answer is what a troubled aggregator says instead of its status.
type answer struct {
	code int
	body string
}

func newFake(t *testing.T, sites func(now time.Time, since int64) []fakeSite) *fake {
	t.Helper()
	f := &fake{address: loopback.Free(t), sites: sites, pages: Handler()}
	f.version.Store("0.1.0")
	f.up(t)
	t.Cleanup(f.down)
	return f
}

// up starts listening, on the same port as before.
func (f *fake) up(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", f.pages)
	mux.HandleFunc("GET /api/v1/status", f.status)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux}}
	server.Start()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.server, f.URL, f.address = server, server.URL, listener.Addr().String()
}

// down closes the listener and every connection.
func (f *fake) down() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server != nil {
		f.server.CloseClientConnections()
		f.server.Close()
		f.server = nil
	}
}

func (f *fake) status(w http.ResponseWriter, r *http.Request) {
	if a := f.answer.Load(); a != nil {
		w.WriteHeader(a.code)
		_, _ = w.Write([]byte(a.body))
		return
	}
	since, err := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := time.Now()
	w.Header().Set("Content-Type", "application/json")
	answer := status{
		Now:     now.UnixMilli(),
		Version: f.version.Load().(string),
		Sites:   f.sites(now, since),
		Bus:     map[string]float64{"telemetry_lag_seconds": 0.2, "ledger_lag_seconds": 3.1},
	}
	if len(answer.Sites) > 0 && answer.Sites[0].Hub != nil {
		answer.Hub, answer.Bus = "hub.example.org", nil
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// site makes up a simulated site of halls × racks, 8 hosts of 8 GPUs a rack,
// whose power moves in waves.
func site(name string, halls, racks int, now time.Time, since int64) fakeSite {
	hosts := halls * racks * 8
	s := fakeSite{
		Site: name, Simulated: true, Zone: "DE-LU",
		Hosts: counts{hosts, hosts - 9*(racks/64)}, GPUs: counts{hosts * 8, hosts*8 - 1 - 72*(racks/64)},
		Freshness: new(0.2 + 0.3*math.Mod(float64(now.UnixMilli())/1000, 1)),
		Agents:    agents{Known: hosts + halls + 1, Silent: 9 * (racks / 64)},
		Alerts:    []alert{},
	}
	peak := float64(hosts) * 6900
	gpuNow, it := wave(now, peak), 0.0
	it = gpuNow*1.17 + peak*0.06
	s.Power = map[string]powerNow{
		"facility": {Watts: new(it * 1.213), Coverage: 1},
		"it":       {Watts: new(it), Coverage: 1, Category: 1},
		"host":     {Watts: new(gpuNow*1.12 + peak*0.05), Coverage: 0.9987},
		"gpu":      {Watts: new(gpuNow), Coverage: 0.9922},
	}
	s.History = past(now, since, peak)
	day := now.UTC().Truncate(24 * time.Hour)
	s.Today = &today{From: day.UnixMilli(), To: now.Truncate(time.Minute).Add(time.Minute).UnixMilli(), Asked: now.Add(-4 * time.Second).UnixMilli()}
	s.PUE = pue{Value: new(1.2134), Category: 1, Coverage: 0.998, From: day.UnixMilli(), To: s.Today.To, Interim: true,
		Needed: 0.95, Quality: map[string]float64{"measured": 0.981, "integrated": 0.019}}
	s.TimeZone, s.Figures, s.Tree = "UTC", plant(now), trunk(now)
	elapsed := now.Sub(day).Hours()
	kwh := func(w, coverage float64) energyDay {
		mean := w * elapsed / 1000
		return energyDay{KWh: new(mean), Millijoules: strconv.FormatFloat(mean*3.6e9, 'f', 0, 64), Coverage: coverage}
	}
	s.Energy = map[string]energyDay{
		"facility": kwh(peak*1.05, 1), "it": kwh(peak*0.87, 0.9996), "host": kwh(peak*0.81, 0.981), "gpu": kwh(peak*0.69, 0.94),
	}
	s.Carbon = carbon{Grams: new(312.4 + 8*math.Sin(float64(now.Unix())/40)), Tonnes: new(peak * 1.05 * elapsed / 1000 * 0.312 / 1000),
		Zone: "DE-LU", Factor: "lifecycle", Provider: "simulated", Tier: "1"}
	s.Halls = floor(halls, racks, now)
	s.Worst = worst(hosts)
	return s
}

// wave is a training job's power: compute, then a short pause for all to meet.
func wave(at time.Time, peak float64) float64 {
	s := float64(at.UnixMilli()) / 1000
	dip := math.Pow(math.Max(0, math.Sin(s/7)), 24)
	long := 0.06 * math.Sin(s/190)
	noise := 0.012 * math.Sin(s*1.7)
	return peak * (0.72 + long + noise - 0.18*dip)
}

// past is the history newer than since, with a gap a few minutes ago.
func past(now time.Time, since int64, peak float64) history {
	end := now.UnixMilli() / 1000 * 1000
	start := max(end-899_000, (since/1000+1)*1000)
	h := history{Start: start, Step: 1000}
	for at := start; at <= end; at += 1000 {
		if age := (end - at) / 1000; age >= 400 && age < 412 {
			h.Facility, h.IT, h.Host, h.GPU = append(h.Facility, nil), append(h.IT, nil), append(h.Host, nil), append(h.GPU, nil)
			continue
		}
		g := wave(time.UnixMilli(at), peak)
		it := g*1.17 + peak*0.06
		h.Facility, h.IT = append(h.Facility, new(it*1.213)), append(h.IT, new(it))
		h.Host, h.GPU = append(h.Host, new(g*1.12+peak*0.05)), append(h.GPU, new(g))
	}
	return h
}

// floor makes up the halls, with some racks in every state.
func floor(halls, racks int, now time.Time) []hall {
	list := make([]hall, halls)
	seconds := float64(now.UnixMilli()) / 1000
	for h := range list {
		total := 0.0
		list[h] = hall{Hall: fmt.Sprintf("h%02d", h+1), Watts: &total, Racks: make([]rack, racks)}
		for r := range racks {
			n := h*racks + r
			load := 0.55 + 0.3*math.Sin(float64(h)*1.9+float64(r/16)) + 0.08*math.Sin(seconds/5+float64(n))
			w := 55_000 * load
			one := rack{Rack: fmt.Sprintf("r%04d", n+1), Watts: &w, Rated: new(66_000.0), Hosts: 8, Reporting: 8, GPUs: 64, OK: 64,
				Hottest: new(46 + 34*load + 3*math.Sin(float64(n)*2.1)), State: "ok"}
			switch {
			case n%211 == 5:
				one.Watts, one.Hottest, one.Reporting, one.OK, one.State = nil, nil, 0, 0, "silent"
			case n%173 == 1:
				one.OK, one.State = 63, "warn"
			case n%307 == 9:
				one.OK, one.Reporting, one.State = 54, 7, "bad"
			}
			if one.Watts != nil {
				total += w
			}
			list[h].Racks[r] = one
		}
	}
	return list
}

func worst(hosts int) []gpu {
	why := [][]string{
		{"84 °C", "12 corrected ECC errors in the last hour"},
		{"slowed by its temperature for 9 min"},
		{"row remap pending"},
		{"81 °C"},
		{"3 PCIe replays a minute"},
	}
	list := make([]gpu, 10)
	for i := range list {
		n := (i*7919)%max(1, hosts) + 1
		list[i] = gpu{Host: fmt.Sprintf("n%05d", n), GPU: strconv.Itoa(i % 8), UUID: fmt.Sprintf("GPU-5d1c0f7e-%04d", i), Model: "NVIDIA H200",
			Rack: fmt.Sprintf("r%04d", (n-1)/8+1), Celsius: new(84 - float64(i)), Watts: new(690 - 11*float64(i)), State: "ok", Why: why[i%len(why)]}
	}
	list[0].State, list[0].Celsius, list[0].Watts, list[0].Why = "lost", nil, nil, []string{"fell off the bus 14 min ago", "XID 79"}
	return list
}

// machine is a real site of one computer without GPUs and without meters.
func machine(now time.Time, since int64) fakeSite {
	reason := "no facility meter"
	h := past(now, since, 80)
	h.Facility, h.IT, h.GPU = make([]*float64, len(h.Host)), make([]*float64, len(h.Host)), make([]*float64, len(h.Host))
	day := now.UTC().Truncate(24 * time.Hour)
	return fakeSite{
		Site: "workshop", Hosts: counts{1, 1}, Zone: "DE-LU",
		Power: map[string]powerNow{
			"facility": {Reason: reason},
			"it":       {Reason: "no UPS, PDU or IT meter"},
			"host":     {Watts: new(wave(now, 80)*1.12 + 4), Coverage: 1},
			"gpu":      {Reason: "no GPUs"},
		},
		History: h,
		PUE:     pue{Reason: "no metered PUE", Detail: "no facility meter: none has role grid_input, generator_output or onsite_generation"},
		Figures: unmetered(now), TimeZone: "UTC",
		Tree:   &tree{Stages: []gap{}, Reason: "nothing stands below a meter, or no hour is over yet"},
		Carbon: carbon{Reason: "no carbon provider is configured"},
		Energy: map[string]energyDay{
			"facility": {Reason: reason},
			"it":       {Reason: "no UPS, PDU or IT meter"},
			"host":     {KWh: new(0.0697 * now.Sub(day).Hours()), Millijoules: "4016000000", Coverage: 0.41},
			"gpu":      {Reason: "no GPUs"},
		},
		Today:     &today{From: day.UnixMilli(), To: now.UnixMilli(), Asked: now.Add(-4 * time.Second).UnixMilli()},
		Freshness: new(0.4),
		AlertsWhy: "alert rules are not loaded",
		Agents:    agents{Known: 1},
		Machines: []machineNow{{
			Host: "bench", Reporting: true, CPU: new(wave(now, 1) * 0.45), Load: new(wave(now, 2.5)),
			MemoryUsed: new(5.27 * (1 << 30)), MemoryTotal: new(15.62 * (1 << 30)), Disk: new(0.134), Celsius: new(wave(now, 70)),
		}},
	}
}

// virtual is a real site of one virtual machine, where nothing measures power.
func virtual(now time.Time, since int64) fakeSite {
	s := machine(now, since)
	s.Site, s.Zone = "here", ""
	s.Power["host"] = powerNow{Reason: "no node power"}
	s.Energy["host"] = energyDay{Reason: "no node power"}
	s.History.Host = make([]*float64, len(s.History.Host))
	s.Machines[0].Host, s.Machines[0].Celsius = "vm", nil
	return s
}

// cluster is a real site of n hosts without GPUs, the second of them silent.
func cluster(n int, now time.Time, since int64) fakeSite {
	s := machine(now, since)
	s.Site, s.Hosts, s.Agents = "cluster", counts{n, n - 1}, agents{Known: n, Silent: 1}
	s.Machines = nil
	for i := range n {
		m := machineNow{Host: fmt.Sprintf("node-%02d.cluster", i+1)}
		if i != 1 {
			m.Reporting = true
			m.CPU, m.Load = new(0.05+0.13*float64(i)), new(0.4+11.3*float64(i))
			m.MemoryUsed, m.MemoryTotal = new(float64(10+60*i)*(1<<30)), new(512.0*(1<<30))
			m.Disk, m.Celsius = new(0.1+0.11*float64(i)), new(41+5.5*float64(i))
		}
		s.Machines = append(s.Machines, m)
	}
	return s
}
