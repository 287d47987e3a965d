package report

import (
	"fmt"
	"math/big"
	"strconv"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A hop is energy at a boundary in the making: what it is of each hour of the jobs,
// mJ.
type hop struct {
	hours   []*big.Rat // nil: the job drew nothing
	sum     *big.Rat
	known   *big.Rat // of what it rests on, of hours that are known by themselves
	all     *big.Rat
	missing string
}

func newHop(n int) *hop {
	return &hop{hours: make([]*big.Rat, n), sum: new(big.Rat), known: new(big.Rat), all: new(big.Rat)}
}

func (h *hop) add(i int, v, base *big.Rat, known bool) {
	h.hours[i], h.sum, h.all = v, sumOf(h.sum, v), sumOf(h.all, base)
	if known {
		h.known = sumOf(h.known, base)
	}
}

// coverage is how much of it is known by hours of their own.
func (h *hop) coverage() *Decimal {
	if h.all.Sign() == 0 {
		return nil
	}
	d, _ := decimalOf(new(big.Rat).Mul(new(big.Rat).Quo(h.known, h.all), big.NewRat(100, 1)), 3)
	return &d
}

// energies goes outward: boards, nodes, IT, facility.
func (m *jobMake) energies() error {
	gpu, node := m.counted(0), m.counted(1)
	it := m.outwardIT(node)
	facility := m.outwardFacility(it)
	var gpuMJ, nodeMJ int64
	for i := range m.hours {
		gpuMJ, nodeMJ = gpuMJ+m.hours[i].gpu, nodeMJ+m.hours[i].node
	}
	m.put("gpu", gpu, howCounted(m.mix[0], HopMeasured), "counters of the boards, for the time that the job held them", m.mix[0])
	nodeHow := "counters of the nodes: of its boards, and its share of the rest by the time that it held boards or the node; the idle share of nodes that it held alone is in it"
	nodeMethod := howCounted(m.mix[1], HopAllocated)
	if ratio, evidence := m.statedRatio("node_gpu_ratio"); nodeMJ == 0 && gpuMJ > 0 && ratio != nil {
		nodeMethod, nodeHow = HopEstimated, fmt.Sprintf("no node has a counter: energy of the boards times %s, as the operator states (%s)", number(ratio), evidence)
	}
	m.put("node", node, nodeMethod, nodeHow, m.mix[1])
	m.put("it", it, m.sharedMethod(), m.s.Shared.Method, account.Amount{})
	m.put("facility", facility, m.facilityMethod(), "energy of IT times the PUE of its hour, or of the month where that of the hour is not known", account.Amount{})
	m.s.PUE = Figure{Key: "pue", Title: "PUE that it comes to", Unit: "1"}
	switch {
	case facility.missing != "":
		m.s.PUE.Missing = facility.missing
	case it.sum.Sign() == 0:
		m.s.PUE.Missing = "it drew nothing"
	default:
		m.s.PUE.set(new(big.Rat).Quo(facility.sum, it.sum), 9)
		m.s.PUE.Quality, m.s.PUE.Coverage = QualityCalculated, facility.coverage()
		m.s.PUE.At = fmt.Sprintf("category %d, %s", m.Basis.Category, account.CategoryPoint(m.Basis.Category))
	}
	m.s.Method = m.words()
	m.facilityHours = facility
	return nil
}

// howCounted is the method of what counters show: estimated, where more than a
// twentieth of it is.
func howCounted(mix account.Amount, method string) string {
	all, _ := mix.Total()
	guess := mix[metric.EstimatedProfile] + mix[metric.EstimatedStatic]
	if all > 0 && guess*20 > all {
		return HopEstimated
	}
	return method
}

// counted is the energy of boards or nodes as the ledger has it.
func (m *jobMake) counted(i int) *hop {
	h := newHop(len(m.hours))
	ratio, _ := m.statedRatio("node_gpu_ratio")
	var nodes int64
	for k := range m.hours {
		nodes += m.hours[k].node
	}
	for k := range m.hours {
		mj := m.hours[k].gpu
		if i == 1 {
			mj = m.hours[k].node
		}
		v := big.NewRat(mj, 1)
		if i == 1 && nodes == 0 && ratio != nil {
			v.Mul(big.NewRat(m.hours[k].gpu, 1), ratio)
		}
		if m.hours[k] != (jobHour{}) {
			h.add(k, v, v, true)
		}
	}
	if guess := m.mix[i][metric.EstimatedProfile] + m.mix[i][metric.EstimatedStatic]; guess > 0 {
		h.known = lessOf(h.known, new(big.Rat).SetInt(new(big.Int).SetUint64(guess)))
	}
	if i == 1 && nodes == 0 && (ratio == nil || h.sum.Sign() == 0) {
		h.missing = "no node that it held has a counter: give nodes one, or state report.node_gpu_ratio with evidence"
	}
	return h
}

// outwardIT adds to nodes what network and storage draw for all of them.
func (m *jobMake) outwardIT(node *hop) *hop {
	h := newHop(len(m.hours))
	f := &m.s.Shared
	*f = Figure{Key: "shared_ratio", Title: "Network and storage by energy of nodes", Unit: "1", Meters: m.sharedMeters()}
	if node.missing != "" {
		h.missing = "that of nodes is missing: " + node.missing
		f.Missing = h.missing
		return h
	}
	var shared, nodes int64
	for i := range m.hours {
		if x := m.at(i); m.hours[i] != (jobHour{}) && x.allShared && x.nodes > 0 {
			shared, nodes = shared+x.shared, nodes+x.nodes
		}
	}
	ratio, evidence := m.statedRatio("shared_ratio")
	var mean *big.Rat
	switch {
	case nodes > 0 && len(f.Meters) > 0:
		mean = big.NewRat(shared, nodes)
		f.Quality, f.Method = QualityMeasured, "meters of network and storage by counters of all nodes, in the same hours"
	case ratio != nil:
		mean = ratio
		f.Quality, f.Method, f.Evidence = QualityEntered, "network and storage by energy of nodes, as the operator states", evidence
	case len(f.Meters) > 0:
		h.missing = "the meters of network and storage were not read in all of an hour of it: " + some(f.Meters)
	default:
		h.missing = "network and storage: name their meters under report.shared_meters of the site file, or state report.shared_ratio with evidence"
	}
	if h.missing != "" {
		f.Missing = h.missing
		return h
	}
	for i, v := range node.hours {
		if v == nil {
			continue
		}
		x, r := m.at(i), mean
		own := f.Quality == QualityMeasured && x.allShared && x.nodes > 0
		if own {
			r = big.NewRat(x.shared, x.nodes)
		}
		h.add(i, new(big.Rat).Mul(v, sumOf(r, big.NewRat(1, 1))), v, own || f.Quality == QualityEntered)
	}
	if node.sum.Sign() > 0 {
		f.set(lessOf(new(big.Rat).Quo(h.sum, node.sum), big.NewRat(1, 1)), 9)
		f.Coverage = h.coverage()
	}
	return h
}

func (m *jobMake) sharedMethod() string {
	if m.s.Shared.Quality == QualityEntered {
		return HopEstimated
	}
	return HopAllocated
}

// facilityMethod is no better than that of IT.
func (m *jobMake) facilityMethod() string { return m.sharedMethod() }

// outwardFacility is energy of IT by the PUE of its hour.
func (m *jobMake) outwardFacility(it *hop) *hop {
	h := newHop(len(m.hours))
	if it.missing != "" {
		h.missing = "that of IT is missing: " + it.missing
		return h
	}
	means := map[*monthSpan]*big.Rat{}
	for k := range m.months {
		x := &m.months[k]
		var facility, drew int64
		for at := x.from; at < x.to; at += hourMillis {
			if s := &m.site[(at-m.siteFrom)/hourMillis]; s.anyPUE() {
				facility, drew = facility+s.facility, drew+s.it
			}
		}
		if drew > 0 {
			means[x] = big.NewRat(facility, drew)
		}
	}
	for i, v := range it.hours {
		if v == nil {
			continue
		}
		s := m.at(i)
		pue := means[m.month(i)]
		if s.ownPUE() {
			pue = big.NewRat(s.facility, s.it)
		}
		if pue == nil {
			h.missing = fmt.Sprintf("no PUE of the hour from %s, nor of its month: meters of the facility or of IT are missing, or were not read", m.hour(m.from/hourMillis+int64(i)))
			return h
		}
		h.add(i, new(big.Rat).Mul(v, pue), v, s.ownPUE())
	}
	return h
}

// anyPUE reports whether an hour counts in the PUE of its month, and ownPUE whether
// it has one of its own: what is known of a longer time together is of no hour.
func (s *siteHour) anyPUE() bool { return s.allFacility && s.allIT && s.it > 0 && s.facility > 0 }

func (s *siteHour) ownPUE() bool { return s.anyPUE() && !s.bridged }

// put notes the energy at a boundary.
func (m *jobMake) put(boundary string, h *hop, method, how string, mix account.Amount) {
	e := JobEnergy{Boundary: boundary, Missing: h.missing}
	if h.missing == "" {
		mj, ok := decimalOf(h.sum, 0)
		if !ok {
			e.Missing = account.ErrOverflow.Error()
			m.s.Energies = append(m.s.Energies, e)
			return
		}
		e.Millijoules, e.Method, e.How, e.Coverage = strconv.FormatInt(mj.n, 10), method, how, h.coverage()
		e.KWh = kilowattHours(mj.n, 6)
		e.Printed = Significant(over(h.sum, 1000*perKWh), 2)
		if all, err := mix.Total(); err == nil && all > 0 {
			e.Shares = map[string]Decimal{}
			for q, v := range mix {
				if v != 0 {
					e.Shares[metric.Quality(q).String()], _ = decimalOf(new(big.Rat).SetFrac(new(big.Int).SetUint64(v), new(big.Int).SetUint64(all)), 9)
				}
			}
		}
	}
	m.s.Energies = append(m.s.Energies, e)
}

// words are the method in about a hundred of them.
func (m *jobMake) words() string {
	shared := "Network and storage are not in it."
	switch m.s.Shared.Quality {
	case QualityMeasured:
		shared = "Network and storage are added in proportion to the energy of nodes, by their own meters in the same hours."
	case QualityEntered:
		shared = "Network and storage are added by a ratio that the operator states."
	}
	return "Boards: differences of the boards' own energy counters while the job held them. " +
		"Nodes: differences of node counters; what is not of boards is shared by what the job held, idle time of nodes held alone included. " + shared + " " +
		"Facility: energy of IT times the PUE of each hour, metered at the supply of the site and at the point named, or of the month where an hour is not known; never a designed PUE. " +
		"Failed and restarted runs are in it where their jobs are listed. " +
		"No energy is derived from utilisation or from compute. Figures are printed with two significant digits; exact millijoules stand beside them, and rest on sealed hours of a ledger whose root is named."
}
