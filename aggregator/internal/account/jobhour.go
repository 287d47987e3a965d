package account

import (
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// jobRow is what one job drew on one host in an open hour, in one quality.
type jobRow struct {
	gpu, node, held uint64
	means           *[Gauges]Mean // nil: its boards showed nothing
	host, job       uint32
	next            uint32 // 1 + index of the next row of the same host; 0: none
	quality         metric.Quality
}

// jobRows are those of an open hour, and the way to them. A host's first rows
// are a chain; where a host has many, the others are found by what they are.
type jobRows struct {
	rows  []jobRow
	last  int           // index of the row found last
	hosts []rowsOfHost  // by host
	far   map[jobAt]int // indexes of those that are in no chain
	sums  [Allocations]JobSum
}

type rowsOfHost struct{ first, n uint32 } // 1 + index; rows in all

// jobAt is what a row is.
type jobAt struct {
	host, job uint32
	quality   metric.Quality
}

// chained is how many rows of a host are in its chain.
const chained = 32

// find is the index of a row.
func (h *jobRows) find(k jobAt) (i int, ok bool) {
	is := func(i int) bool {
		return h.rows[i].job == k.job && h.rows[i].quality == k.quality && h.rows[i].host == k.host
	}
	if h.last < len(h.rows) && is(h.last) {
		return h.last, true
	}
	if int(k.host) >= len(h.hosts) {
		return 0, false
	}
	for n := h.hosts[k.host].first; n != 0; n = h.rows[n-1].next {
		if is(int(n - 1)) {
			h.last = int(n - 1)
			return h.last, true
		}
	}
	if i, ok = h.far[k]; ok {
		h.last = i
	}
	return i, ok
}

// jobRow finds or makes the row of a job on a host. A job past what is kept is
// no longer told apart.
func (s *site) jobRow(h *openHour, host, job uint32, q metric.Quality) *jobRow {
	k := jobAt{host, job, q}
	if i, ok := h.jobs.find(k); ok {
		return &h.jobs.rows[i]
	}
	if job >= reserved && (h.jobs.of(host) >= s.config.JobsOfHost || len(h.jobs.rows) >= s.config.JobRows) {
		s.crowded = true
		return s.jobRow(h, host, unknown, q)
	}
	h.jobs.add(jobRow{host: host, job: job, quality: q})
	return &h.jobs.rows[len(h.jobs.rows)-1]
}

// of is how many rows a host has.
func (h *jobRows) of(host uint32) int {
	if int(host) >= len(h.hosts) {
		return 0
	}
	return int(h.hosts[host].n)
}

// add appends a row.
func (h *jobRows) add(r jobRow) {
	if n := int(r.host) + 1 - len(h.hosts); n > 0 {
		h.hosts = append(h.hosts, make([]rowsOfHost, n)...)
	}
	i, x := len(h.rows), &h.hosts[r.host]
	r.next = 0
	if x.n++; x.n <= chained {
		r.next, x.first = x.first, uint32(i+1)
	} else {
		if h.far == nil {
			h.far = map[jobAt]int{}
		}
		h.far[jobAt{r.host, r.job, r.quality}] = i
	}
	h.rows, h.last = append(h.rows, r), i
}

// renumber gives jobs other numbers.
func (h *jobRows) renumber(number []uint32) {
	for i := range h.rows {
		h.rows[i].job = number[h.rows[i].job]
	}
	if h.far == nil {
		return
	}
	rows := h.rows
	*h = jobRows{rows: make([]jobRow, 0, len(rows)), sums: h.sums}
	for _, r := range rows {
		h.add(r)
	}
}

// unrecorded gives all that h holds to no record of jobs: it was booked by a
// program that knew none.
func (s *site) unrecorded(h *openHour) {
	for i := range h.rows {
		r := &h.rows[i]
		q := s.counters[r.account].quantity
		if q != GPUEnergy && q != HostEnergy {
			continue
		}
		x := s.jobRow(h, s.hostOf[r.mark.place()], unasked, r.mark.quality())
		if q == HostEnergy {
			x.node += r.amount
			h.jobs.sums[Unrecorded].Node += r.amount
			continue
		}
		x.gpu += r.amount
		h.jobs.sums[Unrecorded].GPU += r.amount
		if r.mark.quality() != metric.EstimatedProfile {
			x.held += uint64(r.covered) * whole
		}
	}
}

// contentJobs puts the rows of jobs of h into out.
func (s *site) contentJobs(h *openHour, out *Hour) {
	hosts, jobs := map[uint32]uint32{}, map[uint32]uint32{}
	for i := range h.jobs.rows {
		r := &h.jobs.rows[i]
		if r.gpu == 0 && r.node == 0 && r.held == 0 {
			continue
		}
		host, ok := hosts[r.host]
		if !ok {
			host = uint32(len(out.Hosts))
			hosts[r.host] = host
			out.Hosts = append(out.Hosts, s.nodes[r.host].name)
		}
		job, ok := jobs[r.job]
		if !ok {
			job = uint32(len(out.Jobs))
			jobs[r.job] = job
			out.Jobs = append(out.Jobs, s.roster.jobs.values[r.job])
		}
		out.Shares = append(out.Shares, JobRow{host, job, r.gpu, r.node, r.held, r.shown(), r.quality})
	}
}

// Unrecord makes the shares of an hour that was sealed by a program that knew no
// jobs: all of it is Unrecorded.
func (h *Hour) Unrecord() {
	h.Hosts, h.Jobs, h.Shares = nil, nil, nil
	hosts, at := map[string]uint32{}, map[[2]uint32]int{}
	for i := range h.Rows {
		r, d := &h.Rows[i], &h.Devices[h.Rows[i].Device]
		if d.Quantity != GPUEnergy && d.Quantity != HostEnergy {
			continue
		}
		name := h.Places[r.Place].Host
		host, ok := hosts[name]
		if !ok {
			host = uint32(len(h.Hosts))
			hosts[name] = host
			h.Hosts = append(h.Hosts, name)
		}
		k := [2]uint32{host, uint32(r.Quality)}
		n, ok := at[k]
		if !ok {
			n = len(h.Shares)
			at[k] = n
			h.Shares = append(h.Shares, JobRow{Host: host, Quality: r.Quality})
		}
		x := &h.Shares[n]
		if d.Quantity == HostEnergy {
			x.Node += r.Amount
			continue
		}
		x.GPU += r.Amount
		if r.Quality != metric.EstimatedProfile {
			x.Held += uint64(int64(int32(r.Covered))) * whole
		}
	}
	h.Shares = slices.DeleteFunc(h.Shares, func(r JobRow) bool { return r.GPU == 0 && r.Node == 0 && r.Held == 0 })
	if len(h.Shares) > 0 {
		h.Jobs = []Job{{Allocation: Unrecorded}}
	}
	h.Summary.Shares = [Allocations]JobSum{}
	for i := range h.Shares {
		h.Summary.Shares[Unrecorded].GPU += h.Shares[i].GPU
		h.Summary.Shares[Unrecorded].Node += h.Shares[i].Node
	}
	h.arrangeJobs()
}

// CallJobs gives jobs other names: as has one for each, in their order, no two of
// them alike.
func (h *Hour) CallJobs(as []Job) {
	h.Jobs = as
	h.arrangeJobs()
}

// arrangeJobs puts hosts, jobs and their rows in the one order that they can be
// in. Hosts without rows are left out.
func (h *Hour) arrangeJobs() {
	used := make([]bool, len(h.Hosts))
	for i := range h.Shares {
		used[h.Shares[i].Host] = true
	}
	kept := make([]uint32, len(h.Hosts))
	hosts := h.Hosts[:0]
	for i, name := range h.Hosts {
		if used[i] {
			kept[i] = uint32(len(hosts))
			hosts = append(hosts, name)
		}
	}
	if h.Hosts = hosts; len(hosts) == 0 {
		h.Hosts = nil
	}
	host := permute(h.Hosts, func(a, b *string) int { return strings.Compare(*a, *b) })
	job := permute(h.Jobs, func(a, b *Job) int { return a.Compare(b) })
	for i := range h.Shares {
		r := &h.Shares[i]
		r.Host, r.Job = host[kept[r.Host]], job[r.Job]
	}
	slices.SortFunc(h.Shares, func(a, b JobRow) int { return a.compare(b) })
}

// JobRows yields all that is open of an hour of a site by jobs. What is yielded
// is valid during the call.
func (s *State) JobRows(site string, number int64, yield func(host string, j *Job, r *JobRow)) {
	st := s.sites[site]
	if st == nil {
		return
	}
	for _, h := range st.hours {
		if h.number != number {
			continue
		}
		for i := range h.jobs.rows {
			r := &h.jobs.rows[i]
			yield(st.nodes[r.host].name, &st.roster.jobs.values[r.job], &JobRow{0, 0, r.gpu, r.node, r.held, r.shown(), r.quality})
		}
	}
}
