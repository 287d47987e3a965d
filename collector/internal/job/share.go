package job

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Whole is the share of one who holds all.
const Whole = 1_000_000

// A who is a job and its tenant.
type who struct{ job, tenant string }

// A share is what one job holds of one board, or of the host.
type share struct {
	board int // index of the boards; -1: the host
	who
	part metric.Raw // in millionths
}

// A claim is a holding of a known thing.
type claim struct {
	thing
	who
	share   int64 // of the thing, in millionths; 0: alike with its like
	unclear bool  // nobody knows how much
	finder  int
}

// A doubt is a job that may hold any board.
type doubt struct {
	who
	divided bool // that is divided
	finder  int
}

// divide makes shares of what the finders know, in the order of belief. odd says
// what was not understood; crowded, that there is more than a host may have.
func (s *Source) divide(known [][]holding) (shares []share, odd []string, crowded bool) {
	claims, doubts, odd, crowded := s.resolve(known)
	claims = unite(claims)
	for len(claims) > 0 {
		n := 1
		for n < len(claims) && claims[n].board == claims[0].board {
			n++
		}
		shares = append(shares, divideBoard(claims[:n])...)
		claims = claims[n:]
	}
	shares = s.doubted(shares, doubts)
	for i := range shares {
		shares[i].job = s.c.Jobs.of(shares[i].job, s.c.Key)
		if shares[i].job == "" {
			shares[i].job = "job" // held by somebody
		}
		shares[i].tenant = s.c.Tenants.of(shares[i].tenant, s.c.Key)
	}
	return total(shares), odd, crowded
}

// resolve finds the things that are held. A job that several finders name has
// one tenant.
func (s *Source) resolve(known [][]holding) (claims []claim, doubts []doubt, odd []string, crowded bool) {
	type owner struct {
		finder int
		tenant string
		more   bool // tenants have jobs of this name
	}
	owners := map[string]*owner{}
	left := maxHoldings
	for finder, held := range known {
		for _, h := range held {
			if h.nothing() {
				continue
			}
			if left--; left < 0 {
				odd = append(odd, fmt.Sprintf("more than %d holdings", maxHoldings))
				return nil, nil, odd, true
			}
			o := owners[h.job]
			switch {
			case o == nil:
				owners[h.job] = &owner{finder: finder, tenant: h.tenant}
			case o.tenant == "":
				o.tenant = h.tenant
			case o.finder == finder && h.tenant != "" && h.tenant != o.tenant:
				o.more = true
			}
		}
	}
	clear := map[string]int{} // finders that know what a job holds, a bit each
	for finder, held := range known {
		for _, h := range held {
			if h.nothing() {
				clear[h.job] |= 1 << finder
				continue
			}
			w := who{h.job, h.tenant}
			if o := owners[h.job]; !o.more {
				w.tenant = o.tenant
			}
			if h.device == "" {
				if h.unclear {
					doubts = append(doubts, doubt{w, false, finder})
				} else {
					claims = append(claims, claim{thing{board: -1}, w, h.share, false, finder})
				}
				continue
			}
			t, v := s.register.find(h.device)
			if v == ours {
				claims = append(claims, claim{t, w, h.share, h.unclear, finder})
				if !h.unclear {
					clear[h.job] |= 1 << finder
				}
				continue
			}
			odd = append(odd, fmt.Sprintf("a job holds %q, and there is no such GPU", h.device))
			if v != elsewhere {
				doubts = append(doubts, doubt{w, v == inside, finder})
			}
		}
	}
	// What one finder does not understand another does.
	doubts = slices.DeleteFunc(doubts, func(d doubt) bool { return clear[d.job]&^(1<<d.finder) != 0 })
	slices.SortFunc(doubts, func(a, b doubt) int { return cmp.Or(cmp.Compare(a.job, b.job), cmp.Compare(a.tenant, b.tenant)) })
	slices.Sort(odd)
	return claims, doubts, slices.Compact(odd), false
}

// unite sorts claims by their things, and makes one of those that say the same.
func unite(claims []claim) []claim {
	slices.SortFunc(claims, func(a, b claim) int {
		return cmp.Or(cmp.Compare(a.board, b.board), cmp.Compare(a.part, b.part), cmp.Compare(a.job, b.job), cmp.Compare(a.tenant, b.tenant),
			cmp.Compare(a.finder, b.finder), cmp.Compare(b.share, a.share))
	})
	out := claims[:0]
	for _, c := range claims {
		if l := len(out) - 1; l >= 0 && out[l].board == c.board && out[l].part == c.part && out[l].who == c.who {
			if out[l].share == 0 {
				out[l].share = c.share
			}
			out[l].unclear = out[l].unclear && c.unclear
			continue
		}
		out = append(out, c)
	}
	return out
}

// A stake is what one claims of a thing: so much, or what is left of it, alike
// with the others who do.
type stake struct {
	who
	much int64
	open bool
}

// divideBoard makes shares of the claims on one board, which are united, or on
// the host.
func divideBoard(claims []claim) (shares []share) {
	board := claims[0].board
	unclear := slices.IndexFunc(claims, func(c claim) bool { return c.unclear })
	var hidden who
	if unclear >= 0 {
		hidden = claims[unclear].who
		claims = slices.DeleteFunc(slices.Clone(claims), func(c claim) bool { return c.unclear })
	}
	var stakes []stake
	inParts := map[who]bool{}
	for i, n := 0, 0; i < len(claims); i = n { // parts
		for n = i; n < len(claims) && claims[n].part == claims[i].part; n++ {
		}
		if claims[i].part == "" {
			continue
		}
		var of []stake
		for _, c := range claims[i:n] {
			of = append(of, stake{c.who, c.share, c.share == 0})
			inParts[c.who] = true
		}
		if claims[i].size == 0 {
			stakes = append(stakes, of...)
			continue
		}
		for k, much := range split(of, claims[i].size) {
			stakes = append(stakes, stake{of[k].who, much, false})
		}
	}
	for _, c := range claims { // all of it
		switch {
		case c.part != "":
		case c.share > 0: // parts are in it
			stakes = slices.DeleteFunc(stakes, func(s stake) bool { return s.who == c.who })
			stakes = append(stakes, stake{c.who, c.share, false})
		case !inParts[c.who]:
			stakes = append(stakes, stake{c.who, 0, true})
		}
	}
	var sum int64
	for i, much := range split(stakes, Whole) {
		shares = append(shares, share{board, stakes[i].who, metric.Raw(much)})
		sum += much
	}
	if unclear >= 0 && sum < Whole {
		shares = append(shares, share{board, hidden, metric.Missing})
	}
	return shares
}

// split divides all, which is at most Whole: to each what he claims of it in
// millionths, to the open ones the rest alike. If more is claimed than there is,
// all get less in proportion, and an open one counts as one who claims all.
func split(stakes []stake, all int64) []int64 {
	var sum, open int64
	for _, s := range stakes {
		sum += s.much
		if s.open {
			open++
		}
	}
	per, each := max(open, 1), int64(Whole) // in units of which the rest has open times as many
	if sum < Whole {
		each = Whole - sum
	} else {
		per = 1
	}
	claimed := sum * per
	if open > 0 {
		claimed += each * open
	}
	if sum < Whole && open == 0 {
		claimed = Whole
	}
	parts := make([]int64, len(stakes))
	at := int64(0)
	for i, s := range stakes {
		next := at + s.much*per
		if s.open {
			next = at + each
		}
		parts[i] = all*next/claimed - all*at/claimed
		at = next
	}
	return parts
}

// doubted makes missing what the doubts may hold: of each board that is not
// wholly held. One of them stands for all.
func (s *Source) doubted(shares []share, doubts []doubt) []share {
	if len(doubts) == 0 {
		return shares
	}
	held := make([]int64, len(s.register.boards))
	for _, x := range shares {
		if x.board >= 0 && x.part > 0 {
			held[x.board] += int64(x.part)
		}
	}
	divided := func(b gpu.Identity) bool { return len(b.Instances) > 0 }
	none := !slices.ContainsFunc(s.register.boards, divided) // that it is divided is not known yet
	for i, b := range s.register.boards {
		for _, d := range doubts {
			if held[i] < Whole && (!d.divided || none || divided(b)) {
				shares = append(shares, share{i, d.who, metric.Missing})
				break
			}
		}
	}
	return shares
}

// total sorts shares and adds up what is one's own of one board.
func total(shares []share) []share {
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(a.board, b.board), cmp.Compare(a.job, b.job), cmp.Compare(a.tenant, b.tenant))
	})
	out := shares[:0]
	for _, x := range shares {
		if l := len(out) - 1; l >= 0 && out[l].board == x.board && out[l].who == x.who {
			if out[l].part == metric.Missing || x.part == metric.Missing {
				out[l].part = metric.Missing
			} else {
				out[l].part += x.part
			}
			continue
		}
		out = append(out, x)
	}
	return out
}
