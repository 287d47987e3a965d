package ledger

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// What is said of a part of a site is what is said of it among all.
func TestAPartIsSaidAsItIsAmongAll(t *testing.T) {
	l, err := open(config(), newMemory(nil))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := newReplay(t, sim.Config{Site: "fra1", Hosts: 20, GPUs: 2, Seed: 3, Start: began}, l)
	r.run(90 * time.Minute) // one hour is sealed, one is open
	r.commit()
	for by, parts := range map[account.Level]func(x *account.Line) []account.Selection{
		account.ByHall: func(x *account.Line) []account.Selection { return []account.Selection{{Hall: x.Hall}} },
		account.ByRack: func(x *account.Line) []account.Selection { return []account.Selection{{Rack: x.Rack}, {Hall: x.Hall}} },
		account.ByHost: func(x *account.Line) []account.Selection {
			return []account.Selection{{Host: x.Host}, {Hall: x.Hall, Rack: x.Rack}}
		},
		account.ByGPU: func(x *account.Line) []account.Selection {
			return []account.Selection{{GPU: x.UUID}, {Host: x.Host, GPU: x.GPU}, {Host: x.Host}, {Rack: x.Rack}, {Host: "none", GPU: x.GPU}}
		},
		account.ByJob: func(x *account.Line) []account.Selection {
			return []account.Selection{{Job: x.Job}, {Tenant: x.Tenant}, {Job: x.Job, Tenant: "none"}}
		},
		account.ByTenant: func(x *account.Line) []account.Selection { return []account.Selection{{Tenant: x.Tenant}} },
	} {
		q := account.Question{Site: "fra1", By: by, Boundary: metric.GPUs, From: began.UnixMilli(), To: began.UnixMilli() + 2*hourMs, Step: hourMs}
		all, err := l.Energy(q)
		if err != nil || len(all) < 2 {
			t.Fatalf("by %v: %d lines, %v", by, len(all), err)
		}
		for i := range all {
			for _, of := range parts(&all[i]) {
				q.Of = of
				got, err := l.Energy(q)
				if err != nil {
					t.Fatal(err)
				}
				want := slices.DeleteFunc(slices.Clone(all), func(x account.Line) bool {
					return of.Hall != "" && of.Hall != x.Hall || of.Rack != "" && of.Rack != x.Rack || of.Host != "" && of.Host != x.Host ||
						of.GPU != "" && of.GPU != x.UUID && of.GPU != x.GPU || of.Job != "" && of.Job != x.Job || of.Tenant != "" && of.Tenant != x.Tenant
				})
				got = slices.DeleteFunc(got, func(x account.Line) bool { return x.Reason != "" }) // there is none in this interval
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("by %v, %+v: among all (-), and by itself (+):\n%s", by, of, d)
				}
			}
		}
	}
	for name, q := range map[string]account.Question{
		"rack":   {By: account.ByHall, Of: account.Selection{Rack: "r0001"}},
		"host":   {By: account.BySite, Of: account.Selection{Host: "n00001"}},
		"gpu":    {By: account.ByHost, Of: account.Selection{GPU: "0"}},
		"job":    {By: account.ByTenant, Of: account.Selection{Job: "1"}},
		"tenant": {By: account.ByGPU, Of: account.Selection{Tenant: "t"}},
	} {
		q.Site, q.Boundary, q.To = "fra1", metric.GPUs, hourMs
		var wrong *account.QuestionError
		if _, err := l.Energy(q); !errors.As(err, &wrong) || wrong.Field != name {
			t.Errorf("%s by %v: %v", name, q.By, err)
		}
	}
}
