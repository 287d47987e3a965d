package ledger

import (
	"container/list"
	"crypto/sha256"
	"sync"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// cache keeps sealed hours that were read, the newest used first, up to a size.
// Digests, of which there is one an hour, are kept for good, and so is what all
// machines drew: a year has 10 MB.
type cache struct {
	mu      sync.Mutex // all of it
	limit   int
	size    int
	order   *list.List // of *kept
	kept    map[hourKey]*list.Element
	digests map[hourKey]digest
	summed  map[hourKey]machines
}

type hourKey struct {
	site   string
	number int64
	leaf   int // of one file's rows
	files  int // or the sum of the hour's first files

	jobsOnly  bool   // of one file's rows, those of jobs
	frontOnly bool   // of one file, what comes before rows
	terms     string // version of what the operator states

	list byte // or a list of a file, of that kind of block
	sum  [sha256.Size]byte
}

type digest struct {
	files  int
	terms  string
	digest *account.Digest
}

// machines is what those of the first files of an hour drew.
type machines struct {
	files int
	of    *account.Machines
}

type kept struct {
	key      hourKey
	size     int
	hour     *account.Hour
	resolved *account.Resolved
	lists    []hourKey // that hour shares with others
}

func newCache(limit int) *cache {
	return &cache{limit: limit, order: list.New(), kept: map[hourKey]*list.Element{}, digests: map[hourKey]digest{}, summed: map[hourKey]machines{}}
}

func (c *cache) get(k hourKey) *kept {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.kept[k]
	if e == nil {
		return nil
	}
	x := e.Value.(*kept)
	for _, l := range x.lists { // they stay as long as one that has them
		if e := c.kept[l]; e != nil {
			c.order.MoveToFront(e)
		}
	}
	c.order.MoveToFront(e)
	return x
}

func (c *cache) put(k *kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept[k.key] != nil || k.size > c.limit {
		return
	}
	c.kept[k.key] = c.order.PushFront(k)
	for c.size += k.size; c.size > c.limit; {
		c.drop(c.order.Back())
	}
}

func (c *cache) drop(e *list.Element) {
	k := c.order.Remove(e).(*kept)
	delete(c.kept, k.key)
	c.size -= k.size
}

// digest is that of the first files of an hour by the Terms of that version, if it
// is kept.
func (c *cache) digest(site string, number int64, files int, terms string) *account.Digest {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.digests[hourKey{site: site, number: number}]; d.files == files && d.terms == terms {
		return d.digest
	}
	return nil
}

func (c *cache) putDigest(site string, number int64, files int, terms string, d *account.Digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.digests[hourKey{site: site, number: number}] = digest{files, terms, d}
}

// machines is what all hosts and GPUs of the first files of an hour drew, if it is
// kept.
func (c *cache) machines(site string, number int64, files int) *account.Machines {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.summed[hourKey{site: site, number: number}]; m.files == files {
		return m.of
	}
	return nil
}

func (c *cache) putMachines(site string, number int64, files int, of *account.Machines) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.summed[hourKey{site: site, number: number}] = machines{files, of}
}
