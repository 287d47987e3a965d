package ledger

import (
	"fmt"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// balances hold, for each host of an hour, what its devices drew against what
// was given to jobs: to the millijoule the same, modulo 2^64 in a restatement.
type balances map[string]*balance

type balance struct{ boards, node uint64 } // mJ; what is not given

func (b balances) of(host string) *balance {
	x := b[host]
	if x == nil {
		x = &balance{}
		b[host] = x
	}
	return x
}

// drew adds a row of a device.
func (b balances) drew(d *account.Device, p *account.Place, r *account.Row) {
	switch d.Quantity {
	case account.GPUEnergy:
		b.of(p.Host).boards += r.Amount
	case account.HostEnergy:
		b.of(p.Host).node += r.Amount
	}
}

// gave takes a row of a job away. What is beyond the host's own counter was given
// besides.
func (b balances) gave(host string, j *account.Job, r *account.JobRow) {
	x := b.of(host)
	x.boards -= r.GPU
	if j.Allocation == account.Beyond {
		x.node += r.Node
	} else {
		x.node -= r.Node
	}
}

// even says which host's energy is not given whole.
func (b balances) even() error {
	for host, x := range b {
		if *x != (balance{}) {
			return fmt.Errorf("boards of host %s drew %d mJ more than was given to jobs, and the host %d mJ", host, int64(x.boards), int64(x.node))
		}
	}
	return nil
}

// shared says whether the rows by jobs of an hour are the energy of its devices,
// and the sums those of its rows.
func shared(h *account.Hour) error {
	b := balances{}
	for i := range h.Rows {
		r := &h.Rows[i]
		b.drew(&h.Devices[r.Device], &h.Places[r.Place], r)
	}
	var sums [account.Allocations]account.JobSum
	for i := range h.Shares {
		r := &h.Shares[i]
		j := &h.Jobs[r.Job]
		b.gave(h.Hosts[r.Host], j, r)
		sums[j.Allocation].GPU += r.GPU
		sums[j.Allocation].Node += r.Node
	}
	if sums != h.Summary.Shares {
		return fmt.Errorf("its jobs have %v, and its sum is %v", sums, h.Summary.Shares)
	}
	return b.even()
}
