package sim

import (
	"fmt"
	"sync/atomic"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A tenancy is a job as its scheduler names it, and the books of a perfect
// accountant of what it drew. Boards and hosts are held by it as the ledger
// records say: from the record that first does until the one that no longer
// does.
type tenancy struct {
	name         string
	labels       []metric.Pair // of its entities
	hosts        int32
	begun, ended int64        // ms since 1970; 0: it runs
	gpu, node    atomic.Int64 // mJ; agents may be read side by side
}

// Tenancies that are no job's.
const (
	nobody    = iota // what nobody holds
	unknown          // what changed hands while no record saw it
	forgotten        // jobs past those that are kept
	tenancies
)

// maxTenancies bounds the jobs whose truth is kept.
const maxTenancies = 1 << 18

// silence is how far apart two ledger records of an agent may be, in ms, and
// still say between them who held its boards: two and a half intervals.
const silence = 25_000

// tenants run jobs of a kind.
var tenants = [kinds][]string{
	training:  {"atlas", "borealis", "cassini", "dynamo"},
	inference: {"echo", "fjord"},
	batch:     {"genome", "helix", "iris"},
}

// let begins the tenancy of a job of kind k on a number of hosts, and is its
// number.
func (w *World) let(k kind, hosts int) int32 {
	w.begun++
	if len(w.tenancies) >= maxTenancies {
		return forgotten
	}
	t := &tenancy{name: fmt.Sprint(100_000 + w.begun), hosts: int32(hosts), begun: w.now}
	names := tenants[k]
	t.labels = []metric.Pair{{Name: "tenant", Value: names[int(mix(w.seed^uint64(w.begun))%uint64(len(names)))]}}
	w.tenancies = append(w.tenancies, t)
	return int32(len(w.tenancies) - 1)
}

// holder is the tenancy that holds the boards of host h now.
func (w *World) holder(h int) int32 { return w.schedule.jobs[w.hosts[h].job].tenancy }

// A claim is who held a thing when a record last said so.
type claim struct {
	tenancy int32
	mixed   bool // it changed hands unread since
}

// pass notes a record in which the thing was not read.
func (c *claim) pass(now int32) {
	c.mixed = c.mixed || c.tenancy != now
	c.tenancy = now
}

// settle is whose the energy is that a reading shows, and notes who holds the
// thing from here on. late means that records are missing before this one.
func (c *claim) settle(now int32, late bool) (whose int32) {
	whose = c.tenancy
	if c.mixed || late && whose != now {
		whose = unknown
	}
	*c = claim{tenancy: now}
	return whose
}

// dress makes new layouts for the agent of host h: with an entity of the job
// under each board that it holds, and one under the host.
func (w *World) dress(h int) {
	if w.agents == nil { // they are yet to be built
		return
	}
	old := w.agents[h].Telemetry.Entities
	first := w.plan.gpus + w.gpus
	tail := old[len(old)-apparatus:]
	jobs := 0
	if w.hosts[h].job != 0 {
		jobs = w.gpus + 1
	}
	es := append(make([]metric.Entity, 0, first+jobs+apparatus), old[:first]...)
	columns := &w.columns[0]
	if jobs > 0 {
		columns = &w.columns[1]
		t := w.tenancies[w.holder(h)]
		for i := range jobs {
			e := metric.Entity{Kind: metric.Job, Name: t.name, Parent: w.plan.gpus + i, Labels: t.labels}
			if i == w.gpus {
				e.Parent = w.plan.gpus - 1 // the host
			}
			es = append(es, e)
		}
	}
	shift := len(es) - (len(old) - apparatus)
	for _, e := range tail {
		if e.Parent >= first {
			e.Parent += shift
		}
		es = append(es, e)
	}
	w.agents[h].Telemetry = &metric.Layout{Simulated: true, Entities: es, Columns: columns.telemetry}
	w.agents[h].Ledger = &metric.Layout{Simulated: true, Entities: es[: first+jobs : first+jobs], Columns: columns.ledger}
	if len(w.hosts[h].xids) > 0 {
		w.agents[h].Telemetry = w.withXIDs(h)
	}
}

// all is the share of a board that a job holds.
const all metric.Raw = 1_000_000

// shares appends what the job of host h holds of its boards and of the host.
func (w *World) shares(h int, dst []metric.Raw) []metric.Raw {
	if w.hosts[h].job != 0 {
		for range w.gpus + 1 {
			dst = append(dst, all)
		}
	}
	return dst
}

// hostColumns are the columns of a host's agent.
type hostColumns struct{ telemetry, ledger []metric.Column }

// columnsOf are those of a host with n GPUs, without a job and with one.
func columnsOf(n int) (c [2]hostColumns) {
	for i, jobs := range []int{0, n + 1} {
		p := planOf(n, jobs)
		ledger := ledgerColumns(n)
		if jobs > 0 {
			held := plan{}
			held.column(metric.JobGPUShare, p.gpus+n, n, 0)
			held.column(metric.JobHostShare, p.gpus+2*n, 1, 0)
			p.columns = append(p.columns, held.columns...)
			ledger = append(ledger, held.columns...)
		}
		c[i] = hostColumns{p.columns, ledger}
	}
	return c
}
