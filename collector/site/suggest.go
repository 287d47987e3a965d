package site

import (
	"slices"
	"strings"
)

// mostHints bounds what working out suggestions may cost for a whole file.
const mostHints = 50

// nearest says which of the known words was probably meant, "" if none is near.
func (r *reader) nearest(word string, known []string) string {
	return r.nearestOf(word, func() []string { return known })
}

// nearestOf is nearest of words that take time to list.
func (r *reader) nearestOf(word string, words func() []string) string {
	if r.hints == 0 || len(word) > 64 {
		return ""
	}
	r.hints--
	known := words()
	best, most := "", (len(word)+1)/3
	known = slices.Clone(known[:min(len(known), 5000)])
	slices.Sort(known)
	for _, k := range known {
		if strings.EqualFold(k, word) || len(word) > 2 && strings.HasPrefix(k, word) {
			return "did you mean " + k + "?"
		}
		if letters(k) == letters(word) {
			continue // another number, which is no slip of the pen
		}
		if d := distance(word, k, most); d <= most && (best == "" || d < most) {
			best, most = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// meantMeter says which meter was probably meant by a name.
func (s *Site) meantMeter(r *reader, id string) string {
	if fix := r.nearestOf(id, s.meterNames); fix != "" {
		return fix
	}
	return "write the id of a meter of this file"
}

// distance is how many letters have to be changed, added or taken away to make b
// of a; anything over most if it is more than that.
func distance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			step := diagonal
			if a[i] != b[j] {
				step++
			}
			diagonal = row[j+1]
			row[j+1] = min(step, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// letters is t without its digits.
func letters(t string) string {
	return strings.Map(func(c rune) rune {
		if '0' <= c && c <= '9' {
			return -1
		}
		return c
	}, t)
}
