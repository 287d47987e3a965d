package ledger

import (
	"fmt"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/names"
)

// Names hide who jobs are of in what is sealed for ever, and show them again for as
// long as nobody has them forgotten. What it takes to show them is durable before
// Hide returns, and Hide says the same of the same jobs until then.
type Names interface {
	Hide(site string, jobs []names.Job) ([]names.Job, error)
	Show(site string, jobs []names.Job) ([]names.Job, error)
}

// called is h with the names of its jobs as they are sealed.
func (l *Ledger) called(h *account.Hour) error {
	if l.names == nil || !l.hide || len(h.Jobs) == 0 {
		return nil
	}
	as, err := renamed(h.Site, h.Jobs, l.names.Hide)
	if err != nil {
		return fmt.Errorf("hide names: %w", err)
	}
	h.CallJobs(as)
	return nil
}

// shown are the jobs of a sealed hour as they are called in answers.
func (l *Ledger) shown(site string, jobs []account.Job) ([]account.Job, error) {
	if l.names == nil || len(jobs) == 0 {
		return jobs, nil
	}
	as, err := renamed(site, jobs, l.names.Show)
	if err != nil {
		return nil, fmt.Errorf("show names: %w", err)
	}
	return as, nil
}

// renamed are jobs by other names, in the same order. What is no job's has none.
func renamed(site string, jobs []account.Job, by func(string, []names.Job) ([]names.Job, error)) ([]account.Job, error) {
	var have []names.Job
	for i := range jobs {
		if jobs[i].Allocation == account.Allocated {
			have = append(have, names.Job{Name: jobs[i].Name, Tenant: jobs[i].Tenant})
		}
	}
	if len(have) == 0 {
		return jobs, nil
	}
	as, err := by(site, have)
	if err != nil {
		return nil, err
	}
	out, n := make([]account.Job, len(jobs)), 0
	for i := range jobs {
		out[i] = jobs[i]
		if jobs[i].Allocation == account.Allocated {
			out[i].Name, out[i].Tenant = as[n].Name, as[n].Tenant
			n++
		}
	}
	return out, nil
}
