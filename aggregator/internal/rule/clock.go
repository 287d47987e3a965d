package rule

// skew is from when on the bus's clock is taken for another than ours, in
// milliseconds: before, it is the way there.
const skew = 2000

// ours is a time of the bus by our clock, and never in the future.
func (e *Evaluator) ours(at, now int64) int64 { return min(at-e.ahead.Load(), now) }

// reset asks how far the bus's clock is ahead. It may jump, as with another leader of a
// cluster: what arrives after that is soon told by ours again, and what came before was.
func (e *Evaluator) reset() {
	if e.c.Ahead == nil {
		return
	}
	ahead, was := e.c.Ahead().Milliseconds(), e.ahead.Load()
	if max(ahead, -ahead) < skew {
		ahead = 0
	}
	if by := ahead - was; max(by, -by) >= skew || ahead == 0 && was != 0 {
		e.log.Warn("the bus's clock is not what it was", "ahead_ms", ahead, "before_ms", was)
		e.ahead.Store(ahead)
	}
}
