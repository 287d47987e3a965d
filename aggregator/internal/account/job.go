package account

import (
	"cmp"
	"encoding/binary"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// An Allocation says what a share of energy was given to. Numbers are in the
// files of sealed hours: append only.
type Allocation uint8

// The allocations.
const (
	Allocated    Allocation = iota // a job
	Unallocated                    // nobody held it: what stands idle stays visible
	Unattributed                   // someone may have held it, and no record says who
	Unrecorded                     // no record of jobs is connected where it was drawn
	Beyond                         // no energy: what boards drew beyond what their host's own counter shows
	Allocations                    // their number
)

var allocationNames = [Allocations]string{"job", "unallocated", "unknown", "unrecorded", "beyond"}

func (a Allocation) String() string {
	if a < Allocations {
		return allocationNames[a]
	}
	return "?"
}

// A Job is what energy is given to. Only an allocated one has a name.
type Job struct {
	Allocation
	Name, Tenant string
}

// Compare orders jobs by allocation, name and tenant.
func (j *Job) Compare(o *Job) int {
	if j.Allocation != o.Allocation {
		return cmp.Compare(j.Allocation, o.Allocation)
	}
	if c := cmp.Compare(j.Name, o.Name); c != 0 {
		return c
	}
	return cmp.Compare(j.Tenant, o.Tenant)
}

// A JobRow is what one job drew in the hour on one host, in one quality. Amounts
// are modulo 2^64 in a restatement.
type JobRow struct {
	Host, Job uint32       // indexes
	GPU       uint64       // mJ of boards
	Node      uint64       // mJ of the host: of its boards, and of the rest
	Held      uint64       // boards' time held, ms times millionths of a board
	Means     [Gauges]Mean // of what the boards showed meanwhile
	Quality   metric.Quality
}

func (r JobRow) compare(o JobRow) int {
	return cmp.Or(cmp.Compare(r.Host, o.Host), cmp.Compare(r.Job, o.Job), cmp.Compare(r.Quality, o.Quality))
}

// A JobSum is what jobs of one allocation drew in an hour of a site, mJ.
type JobSum struct{ GPU, Node uint64 }

// Numbers of the reserved jobs, and of the holdings of only one of them.
const (
	nobody  uint32 = iota // Unallocated
	unknown               // Unattributed
	unasked               // Unrecorded
	excess                // Beyond; a job only
	reserved

	whole = 1_000_000 // millionths of a board
)

var reservedJobs = [reserved]Job{{Allocation: Unallocated}, {Allocation: Unattributed}, {Allocation: Unrecorded}, {Allocation: Beyond}}

// A holder is a job's share of a device.
type holder struct{ job, share uint32 } // number; millionths

// roster gives numbers to jobs, and to what they hold of a device: lists of
// holders in the order of their jobs, whose shares are one whole.
type roster struct {
	jobs   table[Job]
	held   [][]holder
	byHeld map[string]uint32 // by what key makes of a list
	size   int               // holders in all of held
}

func newRoster() *roster {
	b := &roster{byHeld: map[string]uint32{}}
	for _, j := range reservedJobs {
		b.jobs.put(j)
	}
	for n := range excess {
		b.hold([]holder{{n, whole}})
	}
	return b
}

// maxHolders bounds the lists of holders of a site together.
const maxHolders = 1 << 20

// job is the number of j; ok is false if there are too many.
func (b *roster) job(j Job, most int) (n uint32, ok bool) {
	if n, ok = b.jobs.number[j]; ok {
		return n, true
	}
	if len(b.jobs.values) >= most {
		return unknown, false
	}
	j.Name, j.Tenant = strings.Clone(j.Name), strings.Clone(j.Tenant) // not the layout they came in
	return b.jobs.put(j), true
}

// hold is the number of a list; ok is false if there are too many.
func (b *roster) hold(hs []holder) (n uint32, ok bool) {
	var scratch [64]byte
	key := scratch[:0]
	for _, h := range hs {
		key = binary.LittleEndian.AppendUint32(key, h.job)
		key = binary.LittleEndian.AppendUint32(key, h.share)
	}
	if n, ok := b.byHeld[string(key)]; ok {
		return n, true
	}
	if b.size+len(hs) > maxHolders {
		return unknown, false
	}
	n = uint32(len(b.held))
	b.held = append(b.held, append([]holder(nil), hs...))
	b.byHeld[string(key)] = n
	b.size += len(hs)
	return n, true
}

// sweep forgets the jobs and lists that nothing rests on any more.
func (s *site) sweep() {
	old, b := s.roster, newRoster()
	held := make([]uint32, len(old.held)) // 1 + number in b; 0: not wanted
	for n := range excess {
		held[n] = n + 1
	}
	want := func(n uint32) { held[n] = max(held[n], 1) }
	for i := range s.counters {
		want(s.counters[i].holding)
	}
	for i := range s.nodes {
		want(s.nodes[i].holding)
	}
	jobs := make([]bool, len(old.jobs.values))
	for n, hs := range old.held {
		for _, h := range hs {
			jobs[h.job] = jobs[h.job] || held[n] > 0
		}
	}
	for _, h := range s.hours {
		for i := range h.jobs.rows {
			jobs[h.jobs.rows[i].job] = true
		}
	}
	number := make([]uint32, len(jobs))
	for n, wanted := range jobs {
		if wanted || n < int(reserved) {
			number[n] = b.jobs.put(old.jobs.values[n])
		}
	}
	for n := int(excess); n < len(held); n++ {
		if held[n] > 0 {
			hs := old.held[n]
			for i := range hs {
				hs[i].job = number[hs[i].job]
			}
			m, _ := b.hold(hs) // no more than there were
			held[n] = m + 1
		}
	}
	for i := range s.counters {
		s.counters[i].holding = held[s.counters[i].holding] - 1
	}
	for i := range s.nodes {
		s.nodes[i].holding = held[s.nodes[i].holding] - 1
	}
	for _, h := range s.hours {
		h.jobs.renumber(number)
	}
	for i := range s.agents {
		if p := s.agents[i].plan; p != nil {
			p.stale = true
		}
	}
	s.roster = b
}
