package ledger

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// hour reads the file of the i-th leaf of a log, whole, and holds it against the
// leaf.
func (l *Ledger) hour(g *siteLog, i int) (*account.Hour, error) {
	return l.sealedHour(g.leaves[i], g.file(i), i, false)
}

// sealedHour reads the file of leaf x, the i-th; with jobsOnly it may be without
// what it says of devices.
func (l *Ledger) sealedHour(x leaf, name string, i int, jobsOnly bool) (*account.Hour, error) {
	k := hourKey{site: x.site, number: x.number, leaf: i, jobsOnly: jobsOnly}
	if c := l.cache.get(k); c != nil {
		return c.hour, nil
	}
	// Who asks for what another is about to read waits for that.
	got, err, _ := l.reading.Do(fmt.Sprint(k.site, "/", k.number, "/", k.leaf, "/", jobsOnly), func() (any, error) {
		if c := l.cache.get(k); c != nil {
			return c.hour, nil
		}
		read, like := readJobs, &likeness{cache: l.cache}
		if !jobsOnly {
			read = func(b []byte) (*account.Hour, error) { return readFile(b, all, like) }
		}
		h, err := readSealed(l.disk, &x, name, read)
		if err != nil {
			return nil, err
		}
		l.cache.put(&kept{key: k, size: like.rest(h), hour: h, lists: like.of})
		return h, nil
	})
	if err != nil {
		return nil, err
	}
	return got.(*account.Hour), nil
}

// readSealed reads the file of leaf x, of which read makes an hour, and says what
// is wrong with it.
func readSealed(d Disk, x *leaf, name string, read func([]byte) (*account.Hour, error)) (*account.Hour, error) {
	b, err := d.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read sealed hour: %w", err)
	}
	if sha256.Sum256(b) != x.file {
		return nil, fmt.Errorf("%s was changed after it was sealed", name)
	}
	h, err := read(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if !x.says(h) {
		return nil, fmt.Errorf("%s says otherwise than its leaf, %s", name, x.String())
	}
	return h, nil
}

// head reads the file of the i-th leaf of a log without its rows.
func (l *Ledger) head(g *siteLog, i int) (*account.Hour, error) {
	return readHead(l.disk, g.file(i))
}

func readHead(d Disk, name string) (*account.Hour, error) {
	b, err := d.ReadHead(name, headBytes)
	if err != nil {
		return nil, fmt.Errorf("read sealed hour: %w", err)
	}
	h, err := readHourHead(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return h, nil
}

// A view is an hour as it stood at one moment: the files that hold it, and what
// of it is open.
type view struct {
	site   string
	number int64
	leaves []leaf
	files  []string
	index  []int
	first  bool            // it is the site's first of which anything was counted
	until  int64           // what came later was not awaited then
	fronts []*account.Hour // of what is open
	rows   []openRow
	jobs   []openJobRow
}

// An openRow is a row of an hour that is open.
type openRow struct {
	device account.Device
	place  account.Place
	row    account.Row
}

// An openJobRow is one by jobs.
type openJobRow struct {
	host string
	job  account.Job
	row  account.JobRow
}

// look takes an hour as it stands now, without its open rows.
func (l *Ledger) look(site string, number int64) view {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.see(site, number)
}

func (l *Ledger) see(site string, number int64) view {
	v := view{site: site, number: number, until: max(l.now, l.state.Latest(site))}
	first, some := l.counted(site)
	v.first = some && number == first
	if g := l.logs[site]; g != nil {
		for _, i := range g.known(number) {
			v.leaves = append(v.leaves, g.leaves[i])
			v.files = append(v.files, g.file(i))
			v.index = append(v.index, i)
		}
	}
	v.fronts = l.state.Fronts(site, number, v.until)
	return v
}

// lookAt is the same with those of its open rows that are wanted.
func (l *Ledger) lookAt(site string, number int64, wants func(d *account.Device) bool) view {
	l.mu.RLock()
	defer l.mu.RUnlock()
	v := l.see(site, number)
	if len(v.fronts) > 0 {
		l.state.Rows(site, number, v.until, func(d *account.Device, p *account.Place, r *account.Row) {
			if wants(d) {
				v.rows = append(v.rows, openRow{*d, *p, *r})
			}
		})
	}
	return v
}

// lookAtJobs is the same with its open rows by jobs.
func (l *Ledger) lookAtJobs(site string, number int64) view {
	l.mu.RLock()
	defer l.mu.RUnlock()
	v := l.see(site, number)
	if len(v.fronts) > 0 {
		l.state.JobRows(site, number, func(host string, j *account.Job, r *account.JobRow) {
			v.jobs = append(v.jobs, openJobRow{host, *j, *r})
		})
	}
	return v
}

// corrected reports whether readings of the hour are.
func (v *view) corrected() bool {
	return slices.ContainsFunc(v.leaves, func(x leaf) bool { return x.what == leafMeter }) ||
		slices.ContainsFunc(v.fronts, func(h *account.Hour) bool { return h.Subject == account.CorrectedReadings })
}

// final reports whether all energy of the hour is sealed.
func (v *view) final() bool {
	return len(v.leaves) > 0 && !slices.ContainsFunc(v.fronts, func(h *account.Hour) bool {
		return h.Subject == account.Counted || h.Subject == account.CorrectedReadings
	})
}

// span is the first hour of a site of which anything is known, and the one after
// the last.
func (l *Ledger) span(site string) (first, end int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	first, end = 1<<40, 0
	if g := l.logs[site]; g != nil && len(g.leaves) > 0 {
		first, end = g.first, g.end
	}
	for _, r := range l.state.OpenHours(site) {
		first, end = min(first, r.Number), max(end, r.Number+1)
	}
	return first, end
}

// firstCounted is the first hour of which a site has booked anything.
func (l *Ledger) firstCounted(site string) (first int64, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.counted(site)
}

func (l *Ledger) counted(site string) (first int64, ok bool) {
	if g := l.logs[site]; g != nil && g.began >= 0 {
		return g.began, true
	}
	for _, r := range l.state.CountedHours(site) {
		if !ok || r.Number < first {
			first, ok = r.Number, true
		}
	}
	return first, ok
}

// Balances are what every account of a site has booked in all.
func (l *Ledger) Balances(site string) (all []account.Balance) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.state.Balances(site, func(b account.Balance) bool { all = append(all, b); return true })
	return all
}

// Sites are the names of the sites that have books, sorted.
func (l *Ledger) Sites() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.sites()
}

func (l *Ledger) sites() []string {
	names := map[string]bool{}
	for n := range l.logs {
		names[n] = true
	}
	for _, n := range l.state.Sites() {
		names[n] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// logSites are the sites that have a folder.
func logSites(d Disk) ([]string, error) {
	names, err := d.List(ledgerDir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", ledgerDir, err)
	}
	return slices.DeleteFunc(names, func(n string) bool { return !metric.ValidName(n) }), nil
}
