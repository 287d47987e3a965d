package rule

// skew is from when on the bus's clock is taken for another than ours, in
// milliseconds: before, it is the way there.
const skew = 2000

// ours is a time of the bus by our clock, and never in the future.
func (e *Evaluator) ours(at, now int64) int64 { return min(at-e.ahead.Load(), now) }

// reset asks how far the bus's clock is ahead. Where it jumps, as with another leader
// of a cluster, what was heard by it is moved along: nobody is silent for that.
func (e *Evaluator) reset() {
	if e.c.Ahead == nil {
		return
	}
	ahead, was := e.c.Ahead().Milliseconds(), e.ahead.Load()
	if max(ahead, -ahead) < skew {
		ahead = 0
	}
	by := was - ahead
	if max(by, -by) < skew && ahead != 0 || by == 0 {
		return
	}
	e.log.Warn("the bus's clock is not ours", "ahead_ms", ahead, "before_ms", was)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ahead.Store(ahead)
	for _, s := range e.senders {
		if !s.canary {
			s.heard += by
		}
	}
	for _, s := range e.sites {
		s.heard += by
		s.before += by
	}
}
