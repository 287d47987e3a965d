package sim

// kind of work.
type kind uint8

const (
	idle      kind = iota // no job
	training              // all GPUs in step: compute, exchange, now and then a checkpoint
	inference             // follows the day
	batch                 // every GPU for itself
	kinds
)

// mix of the site: the share of its hosts that each kind of job strives for.
var shares = [kinds]float64{training: 0.62, inference: 0.24, batch: 0.14}

// A job is work on whole hosts. Its second half is what it does in this step,
// the same on all of its GPUs, which is why their power swings together.
type job struct {
	rng     source
	kind    kind
	head    int32   // first of its hosts; World.hosts[].next leads to the others
	hosts   int32   // their number
	tenancy int32   // what it is called, and what it drew
	left    float64 // s to its end

	period, duty, trough float64 // training: s of a step, the share of it that computes, the level while it exchanges
	phase                float64 // s into the step
	every, since         float64 // s between checkpoints, s since the last
	pause                float64 // s to go of a checkpoint, a restart, the loading at its start
	strength             float64 // level at its best
	wander               float64 // slow noise of inference
	resident             float64 // share of the GPU's memory it holds

	level, util, memory float64 // 0 to 1: power above idle, kernels running, memory traffic
	cpu, net, disk      float64 // 0 to 1 of what the host can
}

// begin makes j a new job of kind k.
func (j *job) begin(k kind) {
	r := &j.rng
	*j = job{rng: *r, kind: k, head: -1}
	r = &j.rng
	switch k {
	case training:
		j.left = 1200 + 40_000*r.uniform()*r.uniform()
		j.period, j.duty, j.trough = r.between(2.5, 18), r.between(0.72, 0.93), r.between(0.35, 0.6)
		j.every = r.between(420, 1800)
		j.pause = r.between(20, 90)
		j.strength, j.resident = r.between(0.88, 1), r.between(0.7, 0.95)
	case inference:
		j.left = 7200 + 160_000*r.uniform()
		j.pause = r.between(15, 60)
		j.strength, j.resident = r.between(0.6, 0.95), r.between(0.86, 0.93)
	case batch:
		j.left = 600 + 9000*r.uniform()*r.uniform()
		j.strength, j.resident = 1, r.between(0.15, 0.6)
	}
}

// stall halts j for s seconds: a member failed, or a kernel did.
func (j *job) stall(s float64) { j.pause = max(j.pause, s) }

// advance moves j on by dt seconds; demand is the daily curve of inference, 0 to 1.
func (j *job) advance(dt, demand float64) {
	j.left -= dt
	halted := min(j.pause, dt)
	j.pause -= halted
	busy := 1 - halted/dt
	switch j.kind {
	case training:
		// A step that the tick cannot resolve counts with its mean.
		wave := j.duty + (1-j.duty)*j.trough
		if j.period > 2*dt {
			j.phase += dt * busy
			for j.phase >= j.period {
				j.phase -= j.period
			}
			wave = 1
			if j.phase > j.duty*j.period {
				wave = j.trough
			}
		}
		saving := busy < 1 && j.since == 0
		if j.since += dt * busy; j.since > j.every {
			j.since = 0
			j.pause += j.rng.between(12, 45)
		}
		j.level = busy*j.strength*wave + (1-busy)*0.04
		j.util = busy * (0.86 + 0.14*wave)
		j.memory = busy * (0.2 + 0.45*wave)
		j.cpu = 0.1 + 0.12*busy
		j.net = busy * (1.1 - 0.6*wave)
		j.disk = 0.04 * busy
		if saving {
			j.cpu, j.disk = 0.3, 0.9
		}
	case inference:
		j.wander += (0-j.wander)*toward(dt, 90) + 0.12*j.rng.bell()*toward(dt, 10)
		j.level = min(1, max(0.02, busy*j.strength*(0.3+0.7*demand)*(1+j.wander)))
		j.util = min(1, 1.15*j.level)
		j.memory = 0.75 * j.level
		j.cpu = 0.06 + 0.2*j.level
		j.net = 0.25 * j.level
		j.disk = 0.01
		if j.left > 0 && busy < 1 {
			j.disk = 0.6 // the model is loaded
		}
	case batch:
		j.level, j.util, j.memory = 1, 1, 0.5 // each GPU has its own share of this
		j.cpu, j.net, j.disk = 0.22, 0.04, 0.06
	}
}

// A schedule puts jobs on free hosts.
type schedule struct {
	rng    source
	jobs   []job   // jobs[0] is no job: idle
	free   []int32 // indexes of jobs that may begin
	hosts  []int32 // hosts without a job
	placed [kinds]int32
	wait   float64 // s until the next job begins
}

// turn ends the jobs whose time is over and begins others.
func (w *World) turn(dt float64) {
	s := &w.schedule
	demand := daily(w.hour)
	for i := 1; i < len(s.jobs); i++ {
		if j := &s.jobs[i]; j.kind != idle {
			if j.advance(dt, demand); j.left <= 0 {
				w.end(int32(i))
			}
		}
	}
	if s.wait -= dt; s.wait > 0 {
		return
	}
	for range 8 {
		if !w.begin() {
			break
		}
	}
	s.wait = s.rng.between(15, 75)
}

// begin starts one job if enough hosts are free; some always rest on a large site.
func (w *World) begin() bool {
	s := &w.schedule
	room := len(s.hosts) - len(w.hosts)/20
	if room <= 0 || len(s.free) == 0 {
		return false
	}
	k, lack := training, -1.0
	for c := training; c < kinds; c++ {
		if d := shares[c] - float64(s.placed[c])/float64(len(w.hosts)); d > lack {
			k, lack = c, d
		}
	}
	size := 1
	switch k {
	case training:
		// Many small jobs and a few large ones: powers of two.
		for s.rng.uniform() < 0.68 && size < 1024 && size*2 <= max(1, len(w.hosts)/3) {
			size *= 2
		}
	case inference:
		size = 1 + s.rng.below(4)
	}
	size = min(size, room)

	n := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	j := &s.jobs[n]
	j.begin(k)
	for range size {
		// From anywhere in the free list, so that a job is not one row of racks.
		at := s.rng.below(len(s.hosts))
		h := s.hosts[at]
		s.hosts[at] = s.hosts[len(s.hosts)-1]
		s.hosts = s.hosts[:len(s.hosts)-1]
		w.hosts[h].job, w.hosts[h].next = n, j.head
		j.head = h
	}
	j.hosts, j.tenancy = int32(size), w.let(k, size)
	for h := j.head; h >= 0; h = w.hosts[h].next {
		w.dress(int(h))
	}
	s.placed[k] += j.hosts
	return true
}

// end frees the hosts of job n.
func (w *World) end(n int32) {
	s := &w.schedule
	j := &s.jobs[n]
	for h := j.head; h >= 0; {
		next := w.hosts[h].next
		w.hosts[h].job, w.hosts[h].next = 0, -1
		s.hosts = append(s.hosts, h)
		w.dress(int(h))
		h = next
	}
	w.tenancies[j.tenancy].ended = w.now
	s.placed[j.kind] -= j.hosts
	*j = job{rng: j.rng, head: -1}
	s.free = append(s.free, n)
}

// populate fills the site with jobs that have been running for a while.
func (w *World) populate(seed uint64) {
	s := &w.schedule
	n := len(w.hosts)
	s.rng = newSource(seed, streamSchedule)
	s.jobs = make([]job, n+1)
	s.free = make([]int32, 0, n)
	s.hosts = make([]int32, 0, n)
	for i := n; i > 0; i-- {
		s.jobs[i] = job{rng: newSource(seed, streamJobs+uint64(i)), head: -1}
		s.free = append(s.free, int32(i))
	}
	for h := range n {
		w.hosts[h].next = -1
		s.hosts = append(s.hosts, int32(h))
	}
	for w.begin() {
	}
	for i := range s.jobs {
		if j := &s.jobs[i]; j.kind != idle {
			j.left *= s.rng.between(0.1, 1)
			j.phase, j.since, j.pause = j.period*s.rng.uniform(), 1+j.every*0.98*s.rng.uniform(), 0
		}
	}
}
