package spool

// A fold copies frames, oldest first, and puts one gap in the place of each run
// of frames that need not be kept.
type fold struct {
	gap     func(first, last uint64, near []byte) []byte
	all     bool   // Keep frames go too
	prev    uint64 // number up to which it is whole
	out     []byte // the encoded frames that are left
	thinned uint64 // sequence numbers of ordinary frames taken out
	dropped uint64 // of Keep frames

	run  bool // a run is open, up to prev
	from uint64
	one  bool // it is a single gap already
	time int64
	near []byte // payload of the run's last frame
}

// add takes the next frame.
func (d *fold) add(f frame) {
	if f.seq <= d.prev {
		return // held twice: a segment was rewritten and its elder not yet deleted
	}
	f.first = max(f.first, d.prev+1)
	kept := f.class == Keep && !d.all
	if f.first > d.prev+1 {
		d.time, d.near = f.time, append(d.near[:0], f.payload...)
		d.hole(f.first - 1)
	}
	if kept {
		d.flush()
		d.out = f.append(d.out)
		d.prev = f.seq
		return
	}
	d.one = !d.run && f.class == gap
	d.extend(f.first)
	d.time, d.near = f.time, append(d.near[:0], f.payload...)
	d.prev = f.seq
	switch f.class {
	case Ordinary:
		d.thinned++
	case Keep:
		d.dropped++
	}
}

// hole makes what damage left, up to last, part of the run.
func (d *fold) hole(last uint64) {
	if last <= d.prev {
		return
	}
	d.extend(d.prev + 1)
	d.one = false
	d.prev = last
}

func (d *fold) extend(from uint64) {
	if !d.run {
		d.run, d.from = true, from
	}
}

// flush ends a run.
func (d *fold) flush() {
	if !d.run {
		return
	}
	f := frame{class: gap, first: d.from, seq: d.prev, time: d.time, payload: d.near}
	if !d.one {
		f.payload = bounded(d.gap(d.from, d.prev, d.near))
	}
	d.out = f.append(d.out)
	d.run = false
}

func bounded(p []byte) []byte { return p[:min(len(p), MaxPayload)] }
