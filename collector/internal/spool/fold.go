package spool

// A fold copies frames, oldest first, and puts one gap in the place of each run
// of frames that need not be kept.
type fold struct {
	gap     func(first, last uint64, near []byte) []byte
	all     bool   // Keep and Turn frames go too
	prev    uint64 // number up to which it is whole
	out     []byte // the encoded frames that are left
	thinned uint64 // sequence numbers of ordinary frames taken out
	dropped uint64 // of Keep and Turn frames

	undecided bool  // the newest frame is ordinary, and what comes after it decides
	tail      frame // that frame, with a payload of its own

	run      bool // a run is open
	from, to uint64
	one      bool // it is a single gap already
	time     int64
	near     []byte // payload of the run's last frame
}

// add takes the next frame.
func (d *fold) add(f frame) {
	if f.seq <= d.prev {
		return // held twice: a segment was rewritten and its elder not yet deleted
	}
	f.first = max(f.first, d.prev+1)
	d.decide(f.class == Turn || f.first > d.prev+1)
	if f.first > d.prev+1 {
		d.time, d.near = f.time, append(d.near[:0], f.payload...)
		d.hole(f.first - 1)
	}
	d.prev = f.seq
	switch {
	case f.class == Ordinary:
		f.payload = append(d.tail.payload[:0], f.payload...)
		d.undecided, d.tail = true, f
	case f.class != gap && !d.all:
		d.flush()
		d.out = f.append(d.out)
	default:
		if f.class != gap {
			d.dropped++
		}
		d.one = !d.run && f.class == gap
		d.extend(f.first, f.seq)
		d.time, d.near = f.time, append(d.near[:0], f.payload...)
	}
}

// decide says what becomes of an ordinary frame at the end: it is kept in front
// of a Turn, or of damage that may have been one, and goes otherwise.
func (d *fold) decide(keep bool) {
	if !d.undecided {
		return
	}
	d.undecided = false
	f := &d.tail
	if keep && !d.all {
		d.flush()
		f.class = Keep
		d.out = f.append(d.out)
		return
	}
	d.thinned++
	d.one = false
	d.extend(f.first, f.seq)
	d.time, d.near = f.time, append(d.near[:0], f.payload...)
}

// hole makes what damage left, up to last, part of the run.
func (d *fold) hole(last uint64) {
	if last <= d.prev {
		return
	}
	d.one = false
	d.extend(d.prev+1, last)
	d.prev = last
}

func (d *fold) extend(first, last uint64) {
	if !d.run {
		d.run, d.from = true, first
	}
	d.to = last
}

// flush ends a run.
func (d *fold) flush() {
	if !d.run {
		return
	}
	f := frame{class: gap, first: d.from, seq: d.to, time: d.time, payload: d.near}
	if !d.one {
		f.payload = bounded(d.gap(d.from, d.to, d.near))
	}
	d.out = f.append(d.out)
	d.run = false
}

func bounded(p []byte) []byte { return p[:min(len(p), MaxPayload)] }
