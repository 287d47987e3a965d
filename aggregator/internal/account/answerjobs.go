package account

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// maxJobLines bounds an interval of an answer by job.
const maxJobLines = 1 << 18

// A jobLine is a line in the making.
type jobLine struct {
	Line
	held Wide // millionths of ms
}

// AddJobRow adds a row of an hour to an answer by job or tenant.
func (t *Tally) AddJobRow(host string, j *Job, r *JobRow) {
	if !t.NeedsJobs() || j.Allocation == Beyond {
		return
	}
	mj := r.GPU
	if t.q.Boundary == metric.Hosts {
		mj = r.Node
	}
	if t.all+mj < t.all && mj < 1<<63 {
		t.overflow = true
	}
	t.all += mj
	if j.Allocation == Unrecorded {
		if t.hosts == nil {
			t.hosts = map[string]uint64{}
		}
		t.hosts[host] += mj
		return
	}
	t.recorded += mj
	if !t.q.Of.holdsJob(j) {
		return
	}
	key := *j
	if t.q.By == ByTenant {
		key.Name = ""
	}
	line := t.jobs[key]
	if line == nil {
		if len(t.jobs) >= maxJobLines {
			t.crowded = true
			return
		}
		if t.jobs == nil {
			t.jobs = map[Job]*jobLine{}
		}
		line = &jobLine{Line: Line{Job: key.Name, Tenant: key.Tenant, Allocation: key.Allocation, From: t.from, To: t.to}}
		if key.Allocation == Unattributed && t.q.By == ByJob {
			line.Job = "unknown"
		}
		t.jobs[key] = line
	}
	line.Energy[r.Quality] += mj
	if t.traceShare != nil {
		t.traceShare(host, j, r, mj)
	}
	for k := range line.Means {
		line.Means[k] = line.Means[k].plus(r.Means[k], 1)
	}
	line.held = line.held.AddSigned(int64(r.Held)) // a restatement may take away
}

// jobLines is the answer for the interval: what no job has first, then the jobs.
func (t *Tally) jobLines(nothing Line) []Line {
	nothing.Recorded, nothing.Drawn, nothing.Allocation = t.recorded, t.all, Unrecorded
	if t.crowded {
		nothing.Reason = fmt.Sprintf("more than %d of them; ask for a shorter time, or by tenant", maxJobLines)
		return []Line{nothing}
	}
	maps.DeleteFunc(t.hosts, func(_ string, mj uint64) bool { return mj == 0 })
	var lines []Line
	byName := func(a, b *jobLine) int { return a.compareJobs(&b.Line) }
	for _, l := range slices.SortedFunc(maps.Values(t.jobs), byName) {
		millis, _ := l.held.over(whole)
		l.HeldMillis, l.Final, l.Recorded, l.Drawn = int64(millis), t.final, t.recorded, t.all
		if mj, err := l.Energy.Total(); mj > 0 || err != nil || millis > 0 {
			lines = append(lines, l.Line)
		}
	}
	switch {
	case len(lines) == 0 && t.q.Of != Selection{} && t.recorded > 0:
		nothing.Reason = "nothing of it in this time"
	case len(lines) == 0:
		nothing.Reason = "no record of jobs is connected"
	case len(t.hosts) > 0:
		nothing.Reason = fmt.Sprintf("no record of jobs is connected on %d hosts", len(t.hosts))
	default:
		return lines
	}
	return append([]Line{nothing}, lines...)
}

// compareJobs orders what is no job's before jobs, and jobs by name and tenant.
func (l *Line) compareJobs(o *Line) int {
	if l.Allocation != o.Allocation {
		return cmp.Or(cmp.Compare(min(1, o.Allocation), min(1, l.Allocation)), cmp.Compare(l.Allocation, o.Allocation))
	}
	if c := cmp.Compare(l.Job, o.Job); c != 0 {
		return c
	}
	return cmp.Compare(l.Tenant, o.Tenant)
}
