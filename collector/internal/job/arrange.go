package job

import (
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// arrange makes a layout of shares.
//
//	hall rack host | boards that are held | jobs of boards | jobs of the host
//
// A quality of the host's shares says that the record of jobs answers, also when
// nobody holds anything.
func (s *Source) arrange(shares []share) *metric.Layout {
	l := &metric.Layout{Entities: s.c.Place.Entities()}
	host := len(l.Entities) - 1
	at := map[int]int{-1: host}
	for _, x := range shares {
		if _, ok := at[x.board]; !ok {
			at[x.board] = len(l.Entities)
			l.Entities = append(l.Entities, s.register.boards[x.board].Entity(host))
		}
	}
	l.Columns = append(l.Columns, metric.Column{Metric: metric.CounterQuality, Form: metric.Int, Point: metric.EpochPoint(metric.JobHostShare, 0), First: host, Count: 1})
	ofBoards, ofHost := parted(shares)
	for _, run := range []struct {
		metric metric.Number
		shares []share
	}{{metric.JobGPUShare, ofBoards}, {metric.JobHostShare, ofHost}} {
		if len(run.shares) == 0 {
			continue
		}
		l.Columns = append(l.Columns, metric.Column{Metric: run.metric, Form: metric.Int, First: len(l.Entities), Count: len(run.shares)})
		for _, x := range run.shares {
			e := metric.Entity{Kind: metric.Job, Name: x.job, Parent: at[x.board]}
			if x.tenant != "" {
				e.Labels = []metric.Pair{{Name: "tenant", Value: x.tenant}}
			}
			l.Entities = append(l.Entities, e)
		}
	}
	return l
}

// parted are those of boards and those of the host, which come first.
func parted(shares []share) (ofBoards, ofHost []share) {
	n := 0
	for n < len(shares) && shares[n].board < 0 {
		n++
	}
	return shares[n:], shares[:n]
}

// values appends the values of shares; all are missing if it is not sure of them.
func values(dst []metric.Raw, shares []share, sure bool) []metric.Raw {
	at := len(dst)
	dst = append(dst, metric.Raw(metric.Measured))
	ofBoards, ofHost := parted(shares)
	for _, x := range ofBoards {
		dst = append(dst, x.part)
	}
	for _, x := range ofHost {
		dst = append(dst, x.part)
	}
	if !sure {
		for i := at; i < len(dst); i++ {
			dst[i] = metric.Missing
		}
	}
	return dst
}

// sameHolders reports whether two lists of shares have one layout.
func sameHolders(a, b []share) bool {
	return slices.EqualFunc(a, b, func(x, y share) bool { return x.board == y.board && x.who == y.who })
}
