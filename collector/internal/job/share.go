package job

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A share is what one job holds of one board, or of the host.
type share struct {
	board       int // index of the boards; -1: the host
	job, tenant string
	part        int64 // in millionths
}

// divide makes shares of holdings. odd says what was not understood.
func (s *Source) divide(held []holding, boards []Board) (shares []share, odd []string) {
	if len(held) > maxHoldings {
		odd = append(odd, fmt.Sprintf("%d holdings more than the %d that a host may have", len(held)-maxHoldings, maxHoldings))
		held = held[:maxHoldings]
	}
	for _, h := range held {
		x := share{board: -1, job: s.c.Jobs.of(h.job, s.c.Key), tenant: s.c.Tenants.of(h.tenant, s.c.Key), part: h.share}
		if x.job == "" {
			x.job = "job" // held by somebody
		}
		if h.device != "" {
			var part int64
			var ok bool
			if x.board, part, ok = find(boards, h.device); !ok {
				odd = append(odd, fmt.Sprintf("job %s holds %s, and there is no such GPU", x.job, h.device))
				continue
			}
			if part > 0 {
				x.part = part
			}
		}
		shares = append(shares, x)
	}
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(a.board, b.board), cmp.Compare(a.job, b.job), cmp.Compare(a.tenant, b.tenant), cmp.Compare(b.part, a.part))
	})
	shares = join(shares)
	for i := 0; i < len(shares); {
		n := i
		for n < len(shares) && shares[n].board == shares[i].board {
			n++
		}
		fit(shares[i:n])
		i = n
	}
	return slices.DeleteFunc(shares, func(s share) bool { return s.part == 0 }), odd
}

// join makes one of what a job holds of one board: instances add up, and two
// finders that say the same say it once.
func join(shares []share) []share {
	var out []share
	for _, s := range shares {
		if l := len(out) - 1; l >= 0 && out[l].board == s.board && out[l].job == s.job && (out[l].tenant == s.tenant || out[l].tenant == "" || s.tenant == "") {
			out[l].tenant = cmp.Or(out[l].tenant, s.tenant)
			if s.part > 0 && out[l].part > 0 && s.board >= 0 {
				out[l].part += s.part
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// fit makes the shares of one board sum to no more than it.
func fit(shares []share) {
	var sum int64
	open := 0
	for _, s := range shares {
		sum += s.part
		if s.part == 0 {
			open++
		}
	}
	switch {
	case sum > Whole:
		left := int64(Whole)
		for i := range shares {
			shares[i].part = shares[i].part * Whole / sum
			left -= shares[i].part
		}
		shares[0].part += left // the rest of the divisions
	case open > 0 && shares[0].board >= 0:
		each, more := (Whole-sum)/int64(open), (Whole-sum)%int64(open)
		for i := range shares {
			if shares[i].part == 0 {
				shares[i].part = each
				if more > 0 {
					shares[i].part, more = each+1, more-1
				}
			}
		}
	}
}

// find is the board that device names, and the part of it if device is an
// instance: an index, index.instance, a uuid, a bus address, an instance's uuid,
// any of them with a replica's number behind ::.
func find(boards []Board, device string) (board int, part int64, ok bool) {
	device, _, _ = strings.Cut(device, "::")
	first, second, dotted := strings.Cut(device, ".")
	index, err := strconv.Atoi(first)
	for i, b := range boards {
		switch {
		case err == nil && index == b.Index && !dotted, strings.EqualFold(device, b.UUID), b.PCI != "" && strings.EqualFold(address(device), address(b.PCI)):
			return i, 0, true
		case strings.HasPrefix(device, "MIG-"+b.UUID+"/"): // of drivers before 470: MIG-GPU-…/instance/compute instance
			gi, _, _ := strings.Cut(device[len("MIG-"+b.UUID+"/"):], "/")
			second, dotted, first = gi, true, strconv.Itoa(b.Index)
			index, err = b.Index, nil
		}
		for _, in := range b.Instances {
			switch {
			case in.UUID != "" && strings.EqualFold(in.UUID, device), err == nil && dotted && index == b.Index && second == strconv.Itoa(in.Index):
				return i, in.Share, true
			}
		}
	}
	return 0, 0, false
}

// address is a bus address in its short form: 3b:00.0 of domain 0.
func address(pci string) string {
	domain, rest, ok := strings.Cut(pci, ":")
	if ok && strings.Count(rest, ":") == 1 && strings.Trim(domain, "0") == "" {
		return rest
	}
	return strings.TrimLeft(pci, "0")
}
