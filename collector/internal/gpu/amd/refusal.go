package amd

import (
	"fmt"
	"slices"
)

// refusals are reasons why something is not to be had, each with the boards it
// holds for.
type refusals struct {
	why    []string
	boards map[string][]string
}

func (r *refusals) add(board, format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	if r.boards == nil {
		r.boards = map[string][]string{}
	}
	if !slices.Contains(r.why, why) {
		r.why = append(r.why, why)
	}
	r.boards[why] = append(r.boards[why], board)
}

// sentences are one for each reason.
func (r *refusals) sentences() []string {
	var said []string
	for _, why := range r.why {
		of := r.boards[why]
		at := of[0]
		if more := len(of) - 1; more > 0 {
			at = fmt.Sprintf("%s and %d more", at, more)
		}
		said = append(said, at+": "+why)
	}
	return said
}
