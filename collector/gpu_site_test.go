//go:build cgo && linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// watch checks from now on, until what it returns is called, that the ledger
// never has more of a board than its counter counted.
func (s *site) watch() (end func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	looks, told := 0, map[*board]bool{}
	go func() {
		defer close(done)
		for t := time.NewTicker(time.Second); ; {
			select {
			case <-quit:
				t.Stop()
				return
			case <-t.C:
			}
			got := s.energy()
			for _, h := range s.hosts {
				for n, b := range h.boards {
					if j, ok := got[b.UUID()]; ok {
						looks++
						if moved := h.moved(n); j.counted > moved && !told[b] {
							told[b] = true
							s.t.Errorf("%s: the ledger has %d mJ; its counter counted %d", b.UUID(), j.counted, moved)
						}
					}
				}
			}
		}
	}()
	end = sync.OnceFunc(func() {
		close(quit)
		<-done
		s.t.Logf("%d times the ledger was held against a counter", looks)
	})
	s.t.Cleanup(end)
	return end
}

// host is the one of that name.
func (s *site) host(name string) *host {
	return s.hosts[slices.IndexFunc(s.hosts, func(h *host) bool { return h.name == name })]
}

// pull kills the aggregator while the engine of h is gone, and brings the engine
// back while the aggregator is away. Meanwhile a GPU of faulty has an XID, and the
// collector of restarted is killed and started.
func (s *site) pull(h, restarted, faulty *host) {
	s.t.Helper()
	pid, child := h.collector.pid(), h.child()
	h.down()
	h.awaits(h.all("unreachable")...)
	told := s.energy()
	before := s.xids()
	s.aggregator.kill()
	at := faulty.event(0, 74)
	reader := restarted.child()
	restarted.collector.kill()
	h.up()
	await(s.t, patience, func() string { return fmt.Sprintf("process %d ends with its parent", reader) }, func() bool { return !there(reader) })
	restarted.collect()
	time.Sleep(5 * time.Second) // of records that wait
	s.start()
	for _, h := range s.hosts {
		h.awaits(h.all("ok")...)
	}
	h.alive(pid, child)
	h.note("the aggregator was killed and came back after the engine")
	restarted.note("the collector was killed and started while the aggregator was away")
	now := map[string]joules{}
	await(s.t, patience, func() string { return fmt.Sprintf("no less than %v; it is %v", told, now) }, func() bool {
		now = s.energy()
		return !slices.ContainsFunc(sorted(told), func(uuid string) bool { return now[uuid].total < told[uuid].total })
	})
	faulty.counts(0, 74, 1, at, 0)
	faulty.verdict("0", "xid_74", "failed", "degraded")
	// What was found before stands, and not twice.
	var after []string
	await(s.t, patience, func() string { return fmt.Sprintf("findings %v; they are %v", before, after) }, func() bool {
		after = slices.DeleteFunc(s.xids(), func(f string) bool { return strings.HasPrefix(f, faulty.name+" 0 xid_74") })
		return slices.Equal(after, before)
	})
}

// xids are health's findings about XIDs, and how many there were.
func (s *site) xids() (list []string) {
	for _, h := range s.hosts {
		for of, causes := range s.findings(h.name) {
			for cause, state := range causes {
				if strings.HasPrefix(cause, "xid_") {
					_, n, _ := strings.Cut(state, "×")
					list = append(list, fmt.Sprintf("%s %s %s %s", h.name, of, cause, n))
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

// tell prints what was seen, and holds the ledger against the counters.
func (s *site) tell() {
	s.t.Helper()
	got := s.energy()
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "host\tUUID\tcounter mJ\tledger mJ\tof these estimated\tdifference")
	var sum, all int64
	for i, h := range s.hosts {
		perHost := int64(0)
		for n, b := range slices.Concat(h.boards, h.gone) {
			j, ok := got[b.UUID()]
			moved := b.moved(time.Now())
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%+d\n", h.name, b.UUID(), moved, j.total, j.total-j.counted, j.total-moved)
			least, most := moved, moved
			if t := faults[i].unseen[n]; t > 0 {
				const mostWatts = load + 100
				least -= mostWatts * t.Milliseconds()
				most += mostWatts * 2000 // the estimate is off by a reading or two
			}
			if !ok || moved <= 0 || j.counted > moved || j.counted < least || j.total > most || least == most && j.total != j.counted {
				s.t.Errorf("%s: the ledger has %d mJ, %d of them counted; its counter counted %d", b.UUID(), j.total, j.counted, moved)
			}
			perHost += j.total
			all++
		}
		if got := s.sum("&by=host", h.name); got != perHost {
			s.t.Errorf("%s: the ledger has %d mJ of the host, %d of its boards", h.name, got, perHost)
		}
		sum += perHost
		if x := &h.Seen; x.Policy+x.Health+x.Flags+x.Versions+x.Embedded > 0 || x.Largest > 256 {
			s.t.Errorf("%s: the engine was asked for what it should not be: %+v", h.name, *x)
		}
	}
	if got := s.sum("", ""); got != sum {
		s.t.Errorf("the site has %d mJ, its GPUs %d", got, sum)
	}
	w.Flush()
	fmt.Fprintf(&out, "%d GPUs, %d mJ in all\n\n", all, sum)
	for i, h := range s.hosts {
		fmt.Fprintf(&out, "%s: %s\n    %s\n", h.name, faults[i].what, strings.Join(h.seen, "; "))
	}
	s.t.Logf("\n%s", out.String())
}

// sum is the ledger's energy of GPUs on a host; "": of the site.
func (s *site) sum(by, host string) (sum int64) {
	var a struct {
		Data struct {
			Lines []struct {
				Host        string
				Millijoules exact
			}
		}
	}
	if err := s.get("/api/v1/energy?site=s1&boundary=gpu"+by, &a); err != nil {
		s.t.Error(err)
	}
	for _, l := range a.Data.Lines {
		if l.Host == host {
			sum += int64(l.Millijoules)
		}
	}
	return sum
}

// stop ends all programs as a person would; nothing stays behind, and the ledger
// proves itself.
func (s *site) stop() {
	s.t.Helper()
	for _, h := range s.hosts {
		child := h.child()
		h.collector.cmd.Process.Signal(os.Interrupt)
		select {
		case <-h.collector.ended:
		case <-time.After(patience):
			s.t.Fatalf("%s: the collector does not end:\n%s", h.name, tail(h.collector.output()))
		}
		if c := h.collector.cmd.ProcessState.ExitCode(); c != 0 || there(child) {
			s.t.Errorf("%s: the collector ended with %d, its child is there: %t\n%s", h.name, c, there(child), tail(h.collector.output()))
		}
	}
	s.aggregator.cmd.Process.Signal(os.Interrupt)
	<-s.aggregator.ended
	if c := s.aggregator.cmd.ProcessState.ExitCode(); c != 0 {
		s.t.Errorf("the aggregator ended with %d:\n%s", c, tail(s.aggregator.output()))
	}
	out, err := exec.Command(filepath.Join(s.programs, "aggregator"), "verify", "-data", filepath.Join(s.dir, "data")).CombinedOutput()
	s.t.Logf("aggregator verify: %s", out)
	if err != nil {
		s.t.Error(err)
	}
}
