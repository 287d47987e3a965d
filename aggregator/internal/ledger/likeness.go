package ledger

import (
	"crypto/sha256"
	"unsafe"

	"github.com/klauspost/compress/zstd"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// likeness is what of a file is like that of other hours: its places and devices,
// as long as nothing is installed or taken away. They are most of a file, and of
// what it takes in memory. Nil: nothing is compared.
type likeness struct {
	cache *cache
	of    []hourKey
	known [2]bool // places and devices were read before
}

func (k *likeness) seen(kind byte) bool {
	return k != nil && kind >= blockPlaces && k.known[kind-blockPlaces]
}

// readShared reads a list, or takes that of an hour that has the same.
func (s *blocks) readShared(z *zstd.Decoder, l *section, h *account.Hour, n int) error {
	if s.like == nil || l.kind != blockPlaces && l.kind != blockDevices {
		return s.readList(z, l, h, n)
	}
	began := *s
	sum := sha256.New()
	for at := 0; at < n; at += perBlock {
		body, err := s.body()
		if err != nil {
			return err
		}
		sum.Write(body)
	}
	key := hourKey{list: l.kind}
	sum.Sum(key.sum[:0])
	s.like.of = append(s.like.of, key)
	if c := s.like.cache.get(key); c != nil && len(c.hour.Places)+len(c.hour.Devices) == n {
		s.like.known[l.kind-blockPlaces] = true
		if l.kind == blockPlaces {
			h.Places = c.hour.Places
		} else {
			h.Devices = c.hour.Devices
		}
		return nil
	}
	s.b, s.at = began.b, began.at
	return s.readList(z, l, h, n)
}

// share keeps the lists of h for hours that have the same.
func (k *likeness) share(h *account.Hour) {
	for _, key := range k.of {
		x := &kept{key: key, hour: &account.Hour{}}
		if key.list == blockPlaces {
			x.hour.Places, x.size = h.Places, len(h.Places)*64
		} else {
			x.hour.Devices, x.size = h.Devices, len(h.Devices)*(int(unsafe.Sizeof(account.Device{}))+40)
		}
		k.cache.put(x)
	}
}

// rest is the size of h without what it shares, which is kept beside it.
func (k *likeness) rest(h *account.Hour) int {
	k.share(h)
	size := len(h.Rows)*int(unsafe.Sizeof(account.Row{})) + len(h.Shares)*int(unsafe.Sizeof(account.JobRow{})) + len(h.Jobs)*96 + len(h.Hosts)*32 + int(unsafe.Sizeof(*h))
	if len(k.of) == 0 { // of a file of the first version, or of one without them
		size += len(h.Devices)*(int(unsafe.Sizeof(account.Device{}))+40) + len(h.Places)*64
	}
	return size
}
