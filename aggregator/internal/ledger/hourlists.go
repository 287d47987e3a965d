package ledger

import (
	"encoding/binary"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// columns are those of a block of a list.
type columns [][]byte

// join is the content of the block.
func (c columns) join() (b []byte) {
	for _, x := range c {
		b = append(binary.AppendUvarint(b, uint64(len(x))), x...)
	}
	return b
}

func (c columns) byte(i int, v byte)     { c[i] = append(c[i], v) }
func (c columns) uint(i int, v uint64)   { c[i] = binary.AppendUvarint(c[i], v) }
func (c columns) int(i int, v int64)     { c[i] = binary.AppendVarint(c[i], v) }
func (c columns) string(i int, s string) { c[i] = appendString(c[i], s) }

// A section is one of the lists of an hour. first says that an entry is the first
// of its block, which rests on nothing before it.
type section struct {
	kind    byte
	columns int
	length  func(h *account.Hour) int
	append  func(c columns, h *account.Hour, i int, first bool)
	read    func(c []reader, h *account.Hour, first bool)
}

// shareColumns are those of rows of jobs before gauges were kept.
const shareColumns = 6

// width is how many columns the blocks of a list have in files of a version.
func (l *section) width(version int) int {
	if l.kind == blockShares && version < 4 {
		return shareColumns
	}
	return l.columns
}

// lists are in the order of the file: what comes later refers to what came
// before.
var lists = [...]section{
	{blockWords, 10, func(h *account.Hour) int { return len(h.Words) }, appendWord, readWord},
	{blockMeters, 8, func(h *account.Hour) int { return len(h.Meters) }, appendMeter, readMeter},
	{blockCorrect, 9, func(h *account.Hour) int { return len(h.Corrected) }, appendCorrection, readCorrection},
	{blockPlaces, 3, func(h *account.Hour) int { return len(h.Places) }, appendPlace, readPlace},
	{blockDevices, 9, func(h *account.Hour) int { return len(h.Devices) }, appendDevice, readDevice},
	{blockRows, 7, func(h *account.Hour) int { return len(h.Rows) }, appendRow, readRow},
	{blockHosts, 1, func(h *account.Hour) int { return len(h.Hosts) }, appendHost, readHost},
	{blockJobs, 3, func(h *account.Hour) int { return len(h.Jobs) }, appendJob, readJob},
	{blockShares, shareColumns + 2 + int(account.Gauges), func(h *account.Hour) int { return len(h.Shares) }, appendShare, readShare},
}

// Where in lists those of devices begin, and those of jobs.
const (
	firstRows = 3
	firstJobs = 6
)

func appendPlace(c columns, h *account.Hour, i int, _ bool) {
	p := &h.Places[i]
	c.string(0, p.Hall)
	c.string(1, p.Rack)
	c.string(2, p.Host)
}

func readPlace(c []reader, h *account.Hour, _ bool) {
	h.Places = append(h.Places, account.Place{Hall: c[0].again(), Rack: c[1].again(), Host: c[2].string()})
}

// appendDevice writes a UUID as NVIDIA spells it in 16 bytes, and any other name
// as it is.
func appendDevice(c columns, h *account.Hour, i int, _ bool) {
	d := &h.Devices[i]
	c.byte(0, byte(d.Kind))
	c.byte(1, byte(d.Quantity))
	c.uint(2, uint64(d.Metric))
	c.uint(3, uint64(d.Point))
	if id, ok := packUUID(d.Name); ok {
		c.string(4, "")
		c[5] = append(c[5], id[:]...)
	} else {
		c.string(4, d.Name)
	}
	c.string(6, d.Index)
	c.string(7, d.Model)
	c.string(8, d.Role)
}

func readDevice(c []reader, h *account.Hour, _ bool) {
	d := account.Device{Kind: metric.EntityKind(c[0].byte()), Quantity: account.Quantity(c[1].byte())}
	if d.Quantity >= account.Quantities {
		c[1].fail()
	}
	d.Metric, d.Point = metric.Number(c[2].below(1<<16)), uint32(c[3].below(1<<32))
	if d.Name = c[4].string(); d.Name == "" {
		if id := c[5].bytes(16); id != nil {
			d.Name = spellUUID([16]byte(id))
		}
	} else if _, ok := packUUID(d.Name); ok {
		c[4].fail() // it has one spelling only
	}
	d.Index, d.Model, d.Role = c[6].again(), c[7].again(), c[8].again()
	h.Devices = append(h.Devices, d)
}

// appendRow writes what is whole as zero.
func appendRow(c columns, h *account.Hour, i int, first bool) {
	r, before := &h.Rows[i], account.Row{}
	if !first {
		before = h.Rows[i-1]
	}
	c.uint(0, uint64(r.Device-before.Device))
	c.int(1, int64(r.Place)-int64(before.Place))
	c.byte(2, byte(r.Quality))
	c.byte(3, byte(r.Flags))
	if h.Late {
		c.int(4, int64(r.Amount))
		c.int(5, int64(int32(r.Covered)))
		c.int(6, int64(int32(r.Expected)))
		return
	}
	c.uint(4, r.Amount)
	c.int(5, hourMs-int64(r.Covered))
	c.int(6, hourMs-int64(r.Expected))
}

func readRow(c []reader, h *account.Hour, first bool) {
	var r, before account.Row
	if !first {
		before = h.Rows[len(h.Rows)-1]
	}
	device, place := uint64(before.Device)+c[0].below(1<<31), int64(before.Place)+c[1].int()
	if device >= uint64(len(h.Devices)) || place < 0 || place >= int64(len(h.Places)) {
		c[0].fail()
		device, place = 0, 0
	}
	r.Device, r.Place = uint32(device), uint32(place)
	if r.Quality, r.Flags = metric.Quality(c[2].byte()), account.Flags(c[3].byte()); r.Quality >= metric.Qualities {
		c[2].fail()
	}
	if h.Late {
		r.Amount, r.Covered, r.Expected = uint64(c[4].int()), uint32(c[5].int()), uint32(c[6].int())
	} else {
		r.Amount, r.Covered, r.Expected = c[4].uint(), uint32(hourMs-c[5].int()), uint32(hourMs-c[6].int())
	}
	h.Rows = append(h.Rows, r)
}

func appendHost(c columns, h *account.Hour, i int, _ bool) { c.string(0, h.Hosts[i]) }

func readHost(c []reader, h *account.Hour, _ bool) { h.Hosts = append(h.Hosts, c[0].string()) }

func appendJob(c columns, h *account.Hour, i int, _ bool) {
	j := &h.Jobs[i]
	c.byte(0, byte(j.Allocation))
	c.string(1, j.Name)
	c.string(2, j.Tenant)
}

func readJob(c []reader, h *account.Hour, _ bool) {
	j := account.Job{Allocation: account.Allocation(c[0].byte()), Name: c[1].string(), Tenant: c[2].again()}
	if j.Allocation >= account.Allocations || (j.Allocation == account.Allocated) == (j.Name == "") || j.Name == "" && j.Tenant != "" {
		c[0].fail()
	}
	h.Jobs = append(h.Jobs, j)
}

// appendShare writes the energy of the host as what it has more than its boards,
// and time held in milliseconds of whole boards where that is exact.
func appendShare(c columns, h *account.Hour, i int, first bool) {
	r, before := &h.Shares[i], account.JobRow{}
	if !first {
		before = h.Shares[i-1]
	}
	c.uint(0, uint64(r.Host-before.Host))
	c.int(1, int64(r.Job)-int64(before.Job))
	c.byte(2, byte(r.Quality))
	c.int(3, int64(r.GPU))
	c.int(4, int64(r.Node-r.GPU))
	held := int64(r.Held)
	if held%millionths == 0 {
		c.uint(5, 0)
		held /= millionths
	} else {
		c.uint(5, 1)
	}
	c.int(5, held)
	if len(c) > shareColumns {
		appendMeans(c[shareColumns:], r)
	}
}

// appendMeans writes which gauges there are, and of each for how much less than the
// time held it is known, and its sum.
func appendMeans(c columns, r *account.JobRow) {
	var has byte
	for k, m := range r.Means {
		if m != (account.Mean{}) {
			has |= 1 << k
			c.int(1, int64(r.Held)/millionths-int64(m.Known))
			c.int(2+k, int64(m.Sum))
		}
	}
	c.byte(0, has)
}

func readMeans(c []reader, r *account.JobRow) {
	has := c[0].byte()
	if has >= 1<<account.Gauges {
		c[0].fail()
	}
	for k := range r.Means {
		if has>>k&1 == 0 {
			continue
		}
		m := &r.Means[k]
		m.Known = uint64(int64(r.Held)/millionths - c[1].int())
		if m.Sum = uint64(c[2+k].int()); *m == (account.Mean{}) {
			c[0].fail() // it has one spelling only
		}
	}
}

// millionths of a board are one.
const millionths = 1_000_000

func readShare(c []reader, h *account.Hour, first bool) {
	var r, before account.JobRow
	if !first {
		before = h.Shares[len(h.Shares)-1]
	}
	host, job := uint64(before.Host)+c[0].below(1<<31), int64(before.Job)+c[1].int()
	if host >= uint64(len(h.Hosts)) || job < 0 || job >= int64(len(h.Jobs)) {
		c[0].fail()
		host, job = 0, 0
	}
	r.Host, r.Job = uint32(host), uint32(job)
	if r.Quality = metric.Quality(c[2].byte()); r.Quality >= metric.Qualities {
		c[2].fail()
	}
	r.GPU = uint64(c[3].int())
	r.Node = r.GPU + uint64(c[4].int())
	exact := c[5].below(2) == 1
	held := c[5].int()
	if !exact {
		if held > 1<<62/millionths || held < -1<<62/millionths {
			c[5].fail()
		}
		held *= millionths
	} else if held%millionths == 0 {
		c[5].fail() // it has one spelling only
	}
	r.Held = uint64(held)
	if len(c) > shareColumns {
		readMeans(c[shareColumns:], &r)
	}
	h.Shares = append(h.Shares, r)
}
