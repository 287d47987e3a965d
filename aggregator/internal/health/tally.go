package health

// XIDs is how often a code was seen on the boards of a hall since its site is known:
// a counter that outlives restarts, of the agents' and of the aggregator.
type XIDs struct {
	Site      string
	Simulated bool
	Hall      string // "": of hosts that say none
	Code      uint32
	Total     int64
}

// kindOfXID is what XIDs are counted by.
type kindOfXID struct {
	hall string
	code uint32
}

// mostXIDs is how many codes of halls of a site are told apart: names and codes are
// the agents' word. What is more is refused, and counted as that.
const mostXIDs = 1 << 12

// mostAtOnce is how many events of a code a tick is believed to tell of: what it says
// is the agent's word, and a sum must not overflow.
const mostAtOnce = 1 << 31

// tally counts events of a code on a board.
func (h *Health) tally(x *subject, code uint32, n int64) {
	k := kindOfXID{code: code}
	if x.host != nil {
		k.hall = x.host.hall
	}
	if _, known := x.site.xids[k]; !known && len(x.site.xids) >= mostXIDs {
		h.refused.Inc()
		return
	}
	x.site.xids[k] += min(n, mostAtOnce)
}

// XIDs appends to dst what was counted, in no order; nothing until all that the bus
// had at the start is judged, as what is kept may be older than what was last told.
func (h *Health) XIDs(dst []XIDs) []XIDs {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.judged > 0 && h.reached < h.began {
		return dst
	}
	for name, s := range h.sites {
		for k, n := range s.xids {
			dst = append(dst, XIDs{name, s.simulated, k.hall, k.code, n})
		}
	}
	return dst
}

type keptXIDs struct {
	Hall  string `json:"hall,omitempty"`
	Code  uint32 `json:"code"`
	Total int64  `json:"total"`
}

func (s *site) keepXIDs() []keptXIDs {
	kept := make([]keptXIDs, 0, len(s.xids))
	for k, n := range s.xids {
		kept = append(kept, keptXIDs{k.hall, k.code, n})
	}
	return kept
}

func (s *site) takeXIDs(kept []keptXIDs) {
	for _, k := range kept[:min(len(kept), mostXIDs)] {
		s.xids[kindOfXID{k.Hall, k.Code}] = max(0, k.Total)
	}
}
