package query

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// An InventoryQuestion asks what there is. Names are exact, save Match.
type InventoryQuestion struct {
	Site             string // "": the only one; of kind site: all
	Kind             string // site, hall, rack, host, gpu, job, tenant or meter; "": host
	Hall, Rack, Host string // that it is in
	Match            string // what the name contains, whatever the case; of a GPU also its host, host/index or model
	Limit            int    // items at most; 0: as many as the server gives
}

// Inventory is the answer.
type Inventory struct {
	Items     []Item `json:"items"` // by place, then name
	Total     int    `json:"total"` // that there are
	Truncated bool   `json:"truncated"`
	Reason    string `json:"reason,omitempty"` // why there are no jobs or tenants, if that is not known
}

// An Item is a thing of a site. Hosts, GPUs and meters stay while they are silent,
// jobs and tenants only while an agent speaks of them.
type Item struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Site      string `json:"site"`
	Hall      string `json:"hall,omitempty"`
	Rack      string `json:"rack,omitempty"`
	Host      string `json:"host,omitempty"`
	GPU       string `json:"gpu,omitempty"`
	UUID      string `json:"uuid,omitempty"`
	Model     string `json:"model,omitempty"`
	Job       string `json:"job,omitempty"`
	Tenant    string `json:"tenant,omitempty"`
	Role      string `json:"role,omitempty"`
	Simulated bool   `json:"simulated,omitempty"`

	// Of a site, in degrees, north and east above zero; nil: its file does not say.
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
}

// A TopQuestion asks for the things with the greatest values now.
type TopQuestion struct {
	Site             string
	Of               string        // gpu, host, rack, hall, or sensor for the sources of agents; "": gpu
	By               string        // a gauge of GPUs or hosts by its name in the catalogue, what agents say of themselves, or power, temperature or utilization; "": power
	Lane             string        // of what waits in agents or was given up: telemetry or ledger; "": both
	Over             time.Duration // of a counter: those that rose in so many whole minutes, at most an hour, and by how much
	Hall, Rack, Host string
	Ascending        bool // the least instead
	Limit            int
}

// Top is the answer.
type Top struct {
	Site       string     `json:"site"`
	Simulated  bool       `json:"simulated"`
	Of         string     `json:"of"`
	By         string     `json:"by"` // name of the metric
	Unit       string     `json:"unit"`
	At         *time.Time `json:"at"`               // the second that is known; nil: none is
	Reason     string     `json:"reason,omitempty"` // why nothing is known
	Rows       []TopRow   `json:"rows"`
	Considered int        `json:"considered"`
	Missing    int        `json:"missing"` // of them, without a value
	Truncated  bool       `json:"truncated"`
	Since      *time.Time `json:"since,omitempty"` // of what rose: since when it is known, if that is not all of the time
}

// A TopRow is a thing with its value.
type TopRow struct {
	Hall     string    `json:"hall,omitempty"`
	Rack     string    `json:"rack,omitempty"`
	Host     string    `json:"host,omitempty"`
	GPU      string    `json:"gpu,omitempty"`
	UUID     string    `json:"uuid,omitempty"`
	Model    string    `json:"model,omitempty"`
	Boundary string    `json:"boundary,omitempty"` // of the power of a rack or hall: it, host or gpu, the outermost that is metered
	Sensor   string    `json:"sensor,omitempty"`   // the source of an agent
	Lane     string    `json:"lane,omitempty"`
	At       time.Time `json:"at"` // the second of the reading
	Value    float64   `json:"value"`
}

// RackMap is a value of every rack of a site.
type RackMap struct {
	Site      string     `json:"site"`
	Simulated bool       `json:"simulated"`
	Of        string     `json:"value"` // power, temperature, gpus_not_ok, hosts_silent or utilization
	Unit      string     `json:"unit"`
	At        *time.Time `json:"at"`
	Reason    string     `json:"reason,omitempty"` // why nothing is known
	Racks     []MapRack  `json:"racks"`            // by hall and name; of more than are told, the worst, worst first
	Total     int        `json:"total"`            // that there are
	Truncated bool       `json:"truncated"`
}

// A MapRack is a rack of the map. State is silent (no host reports), bad (a host is
// silent or a GPU lost), warn (hot, or a GPU is not ok, or a PDU silent), ok or
// unknown.
type MapRack struct {
	Hall      string   `json:"hall"`
	Rack      string   `json:"rack"`
	Value     *float64 `json:"value"`
	Reason    string   `json:"reason,omitempty"`   // why Value is nil
	Boundary  string   `json:"boundary,omitempty"` // of a power
	State     string   `json:"state"`
	Hosts     int      `json:"hosts"`
	Reporting int      `json:"reporting"`
	GPUs      int      `json:"gpus"`
	GPUsOk    int      `json:"gpus_ok"`
}

// WorstFirst orders racks by what needs a person, then by their values, greatest
// first: whoever cannot show all of them shows these.
func WorstFirst(a, b *MapRack) int {
	states := []string{"silent", "bad", "warn", "unknown", "ok"}
	value := func(r *MapRack) float64 {
		if r.Value == nil {
			return math.Inf(-1)
		}
		return *r.Value
	}
	return cmp.Or(cmp.Compare(slices.Index(states, a.State), slices.Index(states, b.State)), cmp.Compare(value(b), value(a)), cmp.Compare(a.Hall, b.Hall), cmp.Compare(a.Rack, b.Rack))
}

// Counts are how many of a site there are, and how many are well.
type Counts struct {
	Site      string      `json:"site"`
	Simulated bool        `json:"simulated"`
	At        *time.Time  `json:"at"`
	Reason    string      `json:"reason,omitempty"` // why nothing is known
	Hosts     HostCount   `json:"hosts"`
	GPUs      GPUCount    `json:"gpus"`
	Agents    AgentCounts `json:"agents"`
	Freshness *float64    `json:"freshness_seconds"` // since the second that is known
}

// HostCount counts hosts.
type HostCount struct {
	Expected  int `json:"expected"`
	Reporting int `json:"reporting"`
}

// GPUCount counts GPUs.
type GPUCount struct {
	Expected  int            `json:"expected"`
	Reporting int            `json:"reporting"` // that say they are ok
	States    map[string]int `json:"states"`    // of those that were ever heard of: ok, lost, blank, stale, unreachable; unknown: they say nothing; silent: their agent says nothing
}

// AgentCounts counts agents.
type AgentCounts struct {
	Known   int `json:"known"`
	Silent  int `json:"silent"`
	Refused int `json:"refused"` // of which something is not counted, as another agent reports it and came first
}

func setAll(v url.Values, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Values are the parameters of q.
func (q *InventoryQuestion) Values() url.Values {
	v := url.Values{}
	setAll(v, "site", q.Site, "kind", q.Kind, "hall", q.Hall, "rack", q.Rack, "host", q.Host, "match", q.Match, "limit", number(q.Limit))
	return v
}

// Values are the parameters of q.
func (q *TopQuestion) Values() url.Values {
	v := url.Values{}
	setAll(v, "site", q.Site, "of", q.Of, "by", q.By, "lane", q.Lane, "hall", q.Hall, "rack", q.Rack, "host", q.Host, "limit", number(q.Limit))
	if q.Over > 0 {
		v.Set("over", strconv.Itoa(int(q.Over.Minutes()))+"m")
	}
	if q.Ascending {
		v.Set("order", "asc")
	}
	return v
}

// Inventory asks what there is.
func (c *Client) Inventory(ctx context.Context, q InventoryQuestion) (*Inventory, error) {
	var a Inventory
	if _, err := c.ask(ctx, "/api/v1/inventory", q.Values(), &a); err != nil {
		return nil, fmt.Errorf("ask for inventory: %w", err)
	}
	return &a, nil
}

// Top asks for the greatest values.
func (c *Client) Top(ctx context.Context, q TopQuestion) (*Top, error) {
	var a Top
	if _, err := c.ask(ctx, "/api/v1/top", q.Values(), &a); err != nil {
		return nil, fmt.Errorf("ask for top: %w", err)
	}
	return &a, nil
}

// Map asks for a value of every rack; "" is power.
func (c *Client) Map(ctx context.Context, site, value string) (*RackMap, error) {
	v := url.Values{}
	setAll(v, "site", site, "value", value)
	var a RackMap
	if _, err := c.ask(ctx, "/api/v1/map", v, &a); err != nil {
		return nil, fmt.Errorf("ask for map: %w", err)
	}
	return &a, nil
}

// Counts asks how many there are.
func (c *Client) Counts(ctx context.Context, site string) (*Counts, error) {
	v := url.Values{}
	setAll(v, "site", site)
	var a Counts
	if _, err := c.ask(ctx, "/api/v1/counts", v, &a); err != nil {
		return nil, fmt.Errorf("ask for counts: %w", err)
	}
	return &a, nil
}
