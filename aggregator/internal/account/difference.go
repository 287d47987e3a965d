package account

// Difference is what must be added to the hours that stand sealed, of which the
// first may be whole and the rest restate it, to make them hold what want does;
// nil if nothing is to be.
func Difference(want *Hour, have []*Hour) *Hour {
	type at struct {
		key   key
		place Place
		row   uint8
	}
	out := &Hour{Site: want.Site, Number: want.Number, Late: true, Simulated: want.Simulated}
	differMeters(want, have, out)
	differWords(want, have, out)
	type jobAt struct {
		host string
		job  Job
		q    uint8
	}
	rows := map[at]Row{}
	shares := map[jobAt]JobRow{}
	devices := map[key]Device{}
	sum := func(h *Hour, sign uint64) {
		for i := range h.Rows {
			r := &h.Rows[i]
			d := &h.Devices[r.Device]
			devices[d.key()] = *d
			k := at{d.key(), h.Places[r.Place], uint8(r.Quality)}
			x := rows[k]
			x.Amount += sign * r.Amount
			x.Covered += uint32(sign) * r.Covered
			x.Expected += uint32(sign) * r.Expected
			x.Quality, x.Flags = r.Quality, x.Flags|r.Flags
			rows[k] = x
		}
		for i := range h.Shares {
			r := &h.Shares[i]
			k := jobAt{h.Hosts[r.Host], h.Jobs[r.Job], uint8(r.Quality)}
			x := shares[k]
			x.GPU += sign * r.GPU
			x.Node += sign * r.Node
			x.Held += sign * r.Held
			for g := range x.Means {
				x.Means[g] = x.Means[g].plus(r.Means[g], sign)
			}
			x.Quality = r.Quality
			shares[k] = x
		}
		u := &h.Summary
		s := &out.Summary
		for i := range u.Shares {
			s.Shares[i].GPU += sign * u.Shares[i].GPU
			s.Shares[i].Node += sign * u.Shares[i].Node
		}
		for q := range Quantities {
			for m := range 60 {
				s.Amount[q][m] += sign * u.Amount[q][m]
				s.Covered[q][m] += sign * u.Covered[q][m]
				s.Expected[q][m] += sign * u.Expected[q][m]
			}
			for i := range u.Sums[q] {
				s.Sums[q][i] += sign * u.Sums[q][i]
			}
		}
	}
	sum(want, 1)
	before := [60]uint32{}
	for _, h := range have {
		sum(h, ^uint64(0)) // minus one
		for m, g := range h.Summary.Grams {
			if g != 0 {
				before[m] = g
			}
		}
	}
	for m, g := range want.Summary.Grams {
		if g != before[m] {
			out.Summary.Grams[m] = g
		}
	}
	device, place := map[key]uint32{}, map[Place]uint32{}
	for k, r := range rows {
		if r.Amount == 0 && r.Covered == 0 && r.Expected == 0 {
			continue
		}
		if _, ok := device[k.key]; !ok {
			device[k.key] = uint32(len(out.Devices))
			out.Devices = append(out.Devices, devices[k.key])
		}
		if _, ok := place[k.place]; !ok {
			place[k.place] = uint32(len(out.Places))
			out.Places = append(out.Places, k.place)
		}
		r.Device, r.Place = device[k.key], place[k.place]
		out.Rows = append(out.Rows, r)
	}
	host, job := table[string]{}, table[Job]{}
	for k, r := range shares {
		if r.GPU == 0 && r.Node == 0 && r.Held == 0 && r.Means == ([Gauges]Mean{}) {
			continue
		}
		r.Host, r.Job = host.put(k.host), job.put(k.job)
		out.Shares = append(out.Shares, r)
	}
	out.Hosts, out.Jobs = host.values, job.values
	out.arrange()
	if out.Empty() {
		return nil
	}
	return out
}

// Empty reports whether h holds nothing, so that as a restatement it says nothing.
func (h *Hour) Empty() bool {
	return len(h.Rows) == 0 && len(h.Shares) == 0 && len(h.Meters) == 0 && len(h.Words) == 0 && len(h.Corrected) == 0 && h.Summary == (Summary{})
}
