package job

import (
	"strconv"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// arrange makes a layout of shares, with its values; while a finder is silent
// they are missing.
//
//	hall rack host | boards that are held | jobs of boards | jobs of the host
//
// A quality of the host's shares says that the record of jobs answers, also when
// nobody holds anything.
func (s *Source) arrange(shares []share, boards []Board, unsure bool) (*metric.Layout, []metric.Raw) {
	l := &metric.Layout{Entities: s.c.Place.Entities()}
	host := len(l.Entities) - 1
	var values []metric.Raw
	answering := metric.Raw(metric.Measured)
	if unsure {
		answering = metric.Missing
	}
	at := map[int]int{-1: host}
	for _, x := range shares {
		if _, ok := at[x.board]; !ok {
			b := &boards[x.board]
			at[x.board] = len(l.Entities)
			l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: b.UUID, Parent: host,
				Labels: []metric.Pair{{Name: "gpu", Value: strconv.Itoa(b.Index)}, {Name: "model", Value: b.Model}}})
		}
	}
	run := func(m metric.Number, of func(share) bool) {
		c := metric.Column{Metric: m, Form: metric.Int, First: len(l.Entities)}
		for _, x := range shares {
			if !of(x) {
				continue
			}
			e := metric.Entity{Kind: metric.Job, Name: x.job, Parent: at[x.board]}
			if x.tenant != "" {
				e.Labels = []metric.Pair{{Name: "tenant", Value: x.tenant}}
			}
			l.Entities = append(l.Entities, e)
			v := metric.Raw(x.part)
			if unsure {
				v = metric.Missing
			}
			values = append(values, v)
			c.Count++
		}
		if c.Count > 0 {
			l.Columns = append(l.Columns, c)
		}
	}
	l.Columns = append(l.Columns, metric.Column{Metric: metric.CounterQuality, Form: metric.Int, Point: metric.EpochPoint(metric.JobHostShare, 0), First: host, Count: 1})
	values = append(values, answering)
	run(metric.JobGPUShare, func(x share) bool { return x.board >= 0 })
	run(metric.JobHostShare, func(x share) bool { return x.board < 0 })
	return l, values
}
