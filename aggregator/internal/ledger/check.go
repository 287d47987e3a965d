package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Summary is what was found in order.
type Summary struct {
	Sites, Hours, Restatements, Accounts int
	Booked                               account.Wide // mJ, of all accounts of energy together
	Through                              string       // the last hour sealed, of the site that is furthest behind
}

func (s Summary) String() string {
	through := s.Through
	if through == "" {
		through = "no hour yet"
	}
	return fmt.Sprintf("ledger in order: %d sites, %d hours and %d restatements, %d accounts, %s mJ booked; sealed through %s",
		s.Sites, s.Hours, s.Restatements, s.Accounts, s.Booked, through)
}

// Check reads the whole ledger of the data folder at dir: the state, every file
// of an hour, every log, and that they add up. The error names the first entry
// that is not in order. It writes nothing, and takes no lock.
func Check(dir string) (Summary, error) {
	if err := readVersion(dir); err != nil {
		return Summary{}, err
	}
	if _, err := os.Stat(filepath.Join(dir, ledgerDir)); errors.Is(err, os.ErrNotExist) {
		return Summary{}, nil
	}
	d, err := openFolder(dir)
	if err != nil {
		return Summary{}, err
	}
	defer d.root.Close()
	return check(d)
}

// CheckDisk is Check of a ledger that lies on d.
func CheckDisk(d Disk) (Summary, error) { return check(d) }

func check(d Disk) (sum Summary, err error) {
	found, at, damaged := slots(d)
	if len(damaged) > 0 {
		return sum, errors.Join(damaged...)
	}
	state := account.NewState(account.Config{})
	var marks []logMark
	for i, s := range found { // both must read; the newer counts
		x, err := account.Decode(s.state, account.Config{})
		if err != nil {
			return sum, fmt.Errorf("read %s: %w", slotName(at[i]), err)
		}
		if i == 0 {
			state, marks = x, s.logs
		}
	}
	sites, err := logSites(d)
	if err != nil {
		return sum, err
	}
	sites = append(sites, state.Sites()...)
	for _, m := range marks {
		sites = append(sites, m.site)
	}
	slices.Sort(sites)
	for _, site := range slices.Compact(sites) {
		mark := logMark{site: site}
		if i := slices.IndexFunc(marks, func(m logMark) bool { return m.site == site }); i >= 0 {
			mark = marks[i]
		}
		g, err := readLog(d, site, mark.leaves, false)
		if err != nil {
			return sum, err
		}
		if len(found) == 0 && len(g.leaves) > 0 {
			return sum, fmt.Errorf("log of %s has %d leaves, and there is no state", site, len(g.leaves))
		}
		if err := g.match(&mark); err != nil {
			return sum, err
		}
		c := siteCheck{disk: d, state: state, log: g, sum: &sum, rows: map[account.Device]uint64{}}
		if err := c.run(); err != nil {
			return sum, fmt.Errorf("site %s: %w", site, err)
		}
		sum.Sites++
	}
	return sum, nil
}

// siteCheck checks one site.
type siteCheck struct {
	disk  Disk
	state *account.State
	log   *siteLog
	sum   *Summary

	whole  []int64 // hours that are sealed, restatements apart
	files  map[string]bool
	rows   map[account.Device]uint64 // what accounts booked, as the hours have it
	booked [account.Quantities][metric.Qualities]account.Wide
}

func (c *siteCheck) run() error {
	c.files = map[string]bool{}
	prev := map[int64]string{}
	for i := range c.log.leaves {
		x, name := &c.log.leaves[i], c.log.file(i)
		c.files[filepath.Base(name)] = true
		h, err := readSealed(c.disk, x, name, readHour)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", i, err)
		}
		want := prev[x.number]
		if want == "" {
			want = "-"
		}
		if x.prev != want {
			return fmt.Errorf("leaf %d: %s restates %s, and before it came %s", i, name, x.prev, want)
		}
		prev[x.number] = x.hash()
		if err := c.overlay(i, h); err != nil {
			return fmt.Errorf("leaf %d: %s: %w", i, name, err)
		}
		if err := adds(h); err != nil {
			return fmt.Errorf("leaf %d: %s: %w", i, name, err)
		}
		if h.Late {
			c.sum.Restatements++
		} else {
			c.whole = append(c.whole, x.number)
			c.sum.Hours++
		}
		if !c.log.pending[i] {
			c.book(h)
		}
	}
	if err := c.contiguous(); err != nil {
		return err
	}
	if err := c.strangers(); err != nil {
		return err
	}
	if err := c.open(); err != nil {
		return err
	}
	return c.balance()
}

// adds says whether an hour's rows, minutes, sums and jobs are one.
func adds(h *account.Hour) error {
	var rows [account.Quantities]uint64
	for i := range h.Rows {
		r := &h.Rows[i]
		rows[h.Devices[r.Device].Quantity] += r.Amount
	}
	for q := range account.Quantities {
		var sums, minutes uint64
		for _, v := range h.Summary.Sums[q] {
			sums += v
		}
		for _, v := range h.Summary.Amount[q] {
			minutes += v
		}
		if sums != rows[q] || q != account.Other && minutes != sums {
			return fmt.Errorf("%v has rows of %d, minutes of %d and a sum of %d", q, int64(rows[q]), int64(minutes), int64(sums))
		}
	}
	if !noted(h) {
		return errors.New("the quarters of its meters are not what its rows say, or it holds what it is not about")
	}
	return shared(h)
}

// overlay says whether the i-th leaf tells what its file, which lies over an hour,
// puts in the place of what.
func (c *siteCheck) overlay(i int, h *account.Hour) error {
	x := &c.log.leaves[i]
	if x.counted() {
		return nil
	}
	s := account.NewSheet(h.Number, nil)
	for _, k := range c.log.hours[h.Number] {
		if k >= i {
			break
		}
		before, err := readFrontOf(c.disk, c.log.file(k))
		if err != nil {
			return err
		}
		s.Add(before)
	}
	if want := overlayLeaf(h, s, x.file, x.prev); want != *x {
		return fmt.Errorf("its leaf says %q, and it is %q", x.String(), want.String())
	}
	return nil
}

// contiguous says which hour is missing or stands twice.
func (c *siteCheck) contiguous() error {
	for i, n := range c.whole {
		if i > 0 && n != c.whole[i-1]+1 {
			return fmt.Errorf("hour %s is sealed after %s", hourName(n), hourName(c.whole[i-1]))
		}
	}
	if n := len(c.whole); n > 0 {
		if last := hourName(c.whole[n-1]); c.sum.Through == "" || last < c.sum.Through {
			c.sum.Through = last
		}
		// The last may not be known to the state yet, if a crash came between.
		if next := c.state.Next(c.log.site); next < c.whole[n-1] && len(c.log.pending) == 0 {
			return fmt.Errorf("hour %s is sealed, and the state is at %s", hourName(c.whole[n-1]), hourName(next))
		}
	}
	return nil
}

// strangers says which file no leaf stands for. One that is about to get its
// leaf, or was being written, is none.
func (c *siteCheck) strangers() error {
	names, err := c.disk.List(hoursDir(c.log.site))
	if err != nil {
		return fmt.Errorf("list hours: %w", err)
	}
	for _, r := range c.state.Closing() {
		if r.Site == c.log.site {
			c.files[filepath.Base(hourFile(r.Site, r.Number, len(c.log.hours[r.Number])))] = true
		}
	}
	for _, n := range names {
		if !c.files[n] && !strings.HasSuffix(n, ".tmp") && len(c.log.pending) == 0 {
			return fmt.Errorf("no leaf stands for the file %s/%s", hoursDir(c.log.site), n)
		}
	}
	return nil
}

// book adds up a sealed hour.
func (c *siteCheck) book(h *account.Hour) {
	if h.Number >= c.state.Floor(h.Site) {
		for i := range h.Rows {
			r := &h.Rows[i]
			c.rows[identity(h.Devices[r.Device])] += r.Amount
		}
	}
	c.addSums(&h.Summary)
}

func (c *siteCheck) addSums(u *account.Summary) {
	for q, sums := range u.Sums {
		for i, v := range sums {
			c.booked[q][i] = c.booked[q][i].AddSigned(int64(v))
		}
	}
}

// open adds up what is still in the state, and holds it against its jobs.
func (c *siteCheck) open() error {
	seen := map[int64]bool{}
	for _, r := range c.state.OpenHours(c.log.site) {
		if seen[r.Number] || r.Subject != account.Counted {
			continue
		}
		seen[r.Number] = true
		end := (r.Number + 1) * hourMs
		c.addSums(c.state.Summarize(r.Site, r.Number, end))
		given := balances{}
		c.state.Rows(r.Site, r.Number, end, func(d *account.Device, p *account.Place, r *account.Row) {
			c.rows[identity(*d)] += r.Amount
			given.drew(d, p, r)
		})
		c.state.JobRows(r.Site, r.Number, given.gave)
		if err := given.even(); err != nil {
			return fmt.Errorf("open hour %s: %w", hourName(r.Number), err)
		}
	}
	return nil
}

// identity is d without what may change over its life.
func identity(d account.Device) account.Device {
	return account.Device{Kind: d.Kind, Name: d.Name, Metric: d.Metric, Point: d.Point}
}

// balance holds the hours against what accounts and quantities have booked.
func (c *siteCheck) balance() error {
	site := c.log.site
	for b := range func(yield func(account.Balance) bool) { c.state.Balances(site, yield) } {
		c.sum.Accounts++
		if have, want := c.rows[identity(b.Device)], b.Counted+b.Estimated; have != want {
			return fmt.Errorf("account %s has booked %d, and its hours hold %d", b.Device.Name, want, have)
		}
		delete(c.rows, identity(b.Device))
	}
	for d := range c.rows {
		return fmt.Errorf("hours hold %s, which has no account", d.Name)
	}
	for q := range account.Quantities {
		life := c.state.Life(site, q)
		for i, w := range life {
			if w != c.booked[q][i] {
				return fmt.Errorf("%v, %v: booked %s in all, and the hours hold %s", q, metric.Quality(i), w, c.booked[q][i])
			}
			if !q.IsWater() {
				c.sum.Booked, _ = c.sum.Booked.Add(w)
			}
		}
	}
	return nil
}
