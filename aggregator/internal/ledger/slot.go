package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// snapshot is all that must be durable together.
//
//	"GWST" version | generation | stream, sequence | sites: name, leaves, root, pending… | state | SHA-256
type snapshot struct {
	generation uint64 // one more with each commit
	stream     string // name and creation of the stream that was read
	sequence   uint64 // last message of it that state rests on
	logs       []logMark
	state      []byte // account.State
}

// logMark is how far a site's log was when the state was written.
type logMark struct {
	site    string
	leaves  int64
	root    tlog.Hash // of the tree over them
	pending []int64   // leaves that the state does not know of yet
}

const (
	snapshotMagic   = "GWST"
	snapshotVersion = 1
	ledgerDir       = "ledger"
)

var (
	errSlot        = errors.New("slot is damaged")
	errSlotVersion = errors.New("slot is of another version")
)

func slotName(i int) string { return "state." + strconv.Itoa(i) }

// append appends the encoding of s, short of its checksum. state appends the
// accounts.
func (s *snapshot) append(dst []byte, state func([]byte) []byte) []byte {
	dst = append(dst, snapshotMagic...)
	dst = binary.LittleEndian.AppendUint16(dst, snapshotVersion)
	dst = binary.AppendUvarint(dst, s.generation)
	dst = appendString(dst, s.stream)
	dst = binary.AppendUvarint(dst, s.sequence)
	dst = binary.AppendUvarint(dst, uint64(len(s.logs)))
	for _, l := range s.logs {
		dst = appendString(dst, l.site)
		dst = binary.AppendUvarint(dst, uint64(l.leaves))
		dst = append(dst, l.root[:]...)
		dst = binary.AppendUvarint(dst, uint64(len(l.pending)))
		for _, p := range l.pending {
			dst = binary.AppendUvarint(dst, uint64(p))
		}
	}
	return state(dst)
}

// withSum is the encoding of a snapshot, complete.
func withSum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// readSnapshot reads what append and withSum wrote.
func readSnapshot(b []byte) (*snapshot, error) {
	if len(b) < len(snapshotMagic)+2+sha256.Size || string(b[:4]) != snapshotMagic {
		return nil, errSlot
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, errSlot
	}
	if v := binary.LittleEndian.Uint16(body[4:]); v != snapshotVersion {
		return nil, fmt.Errorf("%w: %d, not %d", errSlotVersion, v, snapshotVersion)
	}
	r := reader{b: body[6:]}
	s := &snapshot{generation: r.uint(), stream: r.string(), sequence: r.uint()}
	for range r.count(34) {
		l := logMark{site: r.string(), leaves: int64(r.uint())}
		copy(l.root[:], r.bytes(tlog.HashSize))
		for range r.count(1) {
			l.pending = append(l.pending, int64(r.uint()))
		}
		s.logs = append(s.logs, l)
	}
	if r.failed {
		return nil, errSlot
	}
	s.state = r.b
	return s, nil
}

// slots reads both slots: the newer first. damaged names what could not be read
// of what is there.
func slots(d Disk) (found []*snapshot, at []int, damaged []error) {
	for i := range 2 {
		name := ledgerDir + "/" + slotName(i)
		b, err := d.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		var s *snapshot
		if err == nil {
			s, err = readSnapshot(b)
		}
		if err != nil {
			damaged = append(damaged, fmt.Errorf("read %s: %w", name, err))
			continue
		}
		found, at = append(found, s), append(at, i)
	}
	if len(found) == 2 && found[1].generation > found[0].generation {
		slices.Reverse(found)
		slices.Reverse(at)
	}
	return found, at, damaged
}
