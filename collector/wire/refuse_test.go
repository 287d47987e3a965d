package wire_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

var sentinels = []error{
	wire.ErrMagic, wire.ErrVersion, wire.ErrTruncated, wire.ErrChecksum, wire.ErrLayout, wire.ErrCorrupt, wire.ErrSize,
}

func typed(err error) bool {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}

// seal makes length and checksum of b right again.
func seal(b []byte) []byte {
	if len(b) < 12 {
		return b
	}
	b = bytes.Clone(b)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	sum := crc32.Checksum(b[:len(b)-4], crc32.MakeTable(crc32.Castagnoli))
	binary.LittleEndian.PutUint32(b[len(b)-4:], sum)
	return b
}

func TestEveryTruncationAndBitFlipIsRefused(t *testing.T) {
	for name, b := range vectors(t) {
		var m wire.Message
		for i := range b {
			if err := m.Parse(b[:i]); !typed(err) {
				t.Fatalf("%s: the first %d of %d bytes: %v", name, i, len(b), err)
			}
		}
		if err := m.Parse(append(bytes.Clone(b), 0)); !errors.Is(err, wire.ErrCorrupt) {
			t.Errorf("%s: one byte more: %v", name, err)
		}
		for i := range len(b) * 8 {
			b[i/8] ^= 1 << (i % 8)
			if err := m.Parse(b); !typed(err) {
				t.Fatalf("%s: bit %d turned over: %v", name, i, err)
			}
			b[i/8] ^= 1 << (i % 8)
		}
	}
}

// A message with a checksum that is right can still lie.
func TestSealedLiesDoNoHarm(t *testing.T) {
	for name, b := range vectors(t) {
		for i := range len(b) - 4 {
			for bit := range 8 {
				b[i] ^= 1 << bit
				if err := decode(seal(b)); err != nil && !typed(err) {
					t.Fatalf("%s: byte %d, bit %d: %v", name, i, bit, err)
				}
				b[i] ^= 1 << bit
			}
			if err := decode(seal(b[:i+4])); err != nil && !typed(err) {
				t.Fatalf("%s: the first %d bytes: %v", name, i, err)
			}
		}
	}
}

// decode reads b as far as it goes; what it can read wholly it writes and reads
// again, and the values must be the same.
func decode(b []byte) error {
	var m wire.Message
	if err := m.Parse(b); err != nil {
		return err
	}
	l, err := m.Layout()
	if err != nil {
		return err
	}
	batch, err := m.Batch(l)
	if err != nil {
		return err
	}
	_, diff, err := through(batch, true)
	if diff != "" {
		err = errors.New("read, written and read again:\n" + diff)
	}
	return err
}

func FuzzParse(f *testing.F) {
	for _, b := range vectors(f) {
		f.Add(b, false)
		f.Add(b, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		if sealed {
			b = seal(b)
		}
		if err := decode(b); err != nil && !typed(err) {
			t.Fatal(err)
		}
	})
}

// patch is a telemetry message with some bytes of its front replaced.
func patch(t *testing.T, at int, with ...byte) []byte {
	l := compile(small(metric.Int, 1, 1).Layout)
	b, err := wire.Append(nil, small(metric.Int, 1, 1), l, true)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[at:], with)
	return seal(b)
}

func TestMessagesAreRefusedByReason(t *testing.T) {
	good := patch(t, 0)
	bad := bytes.Clone(good)
	bad[len(bad)-5] ^= 1
	for name, tc := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":                 {nil, wire.ErrTruncated},
		"something else":          {[]byte("PK\x03\x04"), wire.ErrMagic},
		"a newer version":         {patch(t, 3, wire.Version+1), wire.ErrVersion},
		"a newer version, so far": {patch(t, 3, wire.Version+1)[:4], wire.ErrVersion},
		"half a message":          {good[:len(good)/2], wire.ErrTruncated},
		"a message and a byte":    {append(bytes.Clone(good), 7), wire.ErrCorrupt},
		"a flipped bit":           {bad, wire.ErrChecksum},
		"an unknown lane":         {patch(t, 16, 3), wire.ErrCorrupt},
		"a reserved bit":          {patch(t, 16, 0x41), wire.ErrCorrupt},
		"a varint too long":       {patch(t, 18, 0x80, 0), wire.ErrCorrupt},
		"too many ticks":          {patch(t, 24, 0xff, 0x7f), wire.ErrCorrupt},
		"a site that is no token": {patch(t, 26, '.'), wire.ErrCorrupt},
		"too long":                {seal(append(bytes.Clone(good), make([]byte, wire.MaxMessage)...)), wire.ErrSize},
	} {
		if err := new(wire.Message).Parse(tc.b); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

func TestLayoutsMustMatch(t *testing.T) {
	b := small(metric.Int, 2, 1, 2)
	l, other := compile(b.Layout), compile(small(metric.Float, 2).Layout)
	message, err := wire.Append(nil, b, l, false)
	if err != nil {
		t.Fatal(err)
	}
	var m wire.Message
	if err := m.Parse(message); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Layout(); !errors.Is(err, wire.ErrLayout) {
		t.Errorf("layout of a message without one: %v", err)
	}
	for _, l := range []*wire.Layout{other, nil} {
		if _, err := m.Values(nil, l); !errors.Is(err, wire.ErrLayout) {
			t.Errorf("values under another layout: %v", err)
		}
	}
}

func TestBatchesThatCannotBeWritten(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(*metric.Batch)
		want  error
	}{
		"no lane":             {func(b *metric.Batch) { b.Lane = 0 }, wire.ErrBatch},
		"a site with a dot":   {func(b *metric.Batch) { b.Site = "a.b" }, wire.ErrBatch},
		"no agent":            {func(b *metric.Batch) { b.Agent = "" }, wire.ErrBatch},
		"too many ticks":      {func(b *metric.Batch) { b.Ticks = wire.MaxTicks + 1 }, wire.ErrBatch},
		"time that goes back": {func(b *metric.Batch) { b.Interval = -1 }, wire.ErrBatch},
		"a value too few":     {func(b *metric.Batch) { b.Values = b.Values[1:] }, wire.ErrLayout},
	} {
		b := small(metric.Int, 2, 1, 2)
		l := compile(b.Layout)
		tc.spoil(b)
		if got, err := wire.Append([]byte("kept"), b, l, false); !errors.Is(err, tc.want) || string(got) != "kept" {
			t.Errorf("%s: %q, %v, want %v", name, got, err, tc.want)
		}
	}
	b := small(metric.Float, 4000)
	for i := range 3 * 4000 {
		b.Values = append(b.Values, metric.Of(1/float64(i+3)))
	}
	b.Ticks = 3
	if _, err := wire.Append(nil, b, compile(b.Layout), false); !errors.Is(err, wire.ErrSize) {
		t.Errorf("a message too large: %v", err)
	}
	if _, err := wire.Compile(&metric.Layout{Entities: []metric.Entity{{Kind: metric.Host, Parent: -1}}}); !errors.Is(err, wire.ErrLayout) {
		t.Errorf("a layout that is not valid: %v", err)
	}
	l := &metric.Layout{}
	for range 300 {
		l.Entities = append(l.Entities, metric.Entity{Name: strings.Repeat("x", 255), Parent: -1})
	}
	if _, err := wire.Compile(l); !errors.Is(err, wire.ErrSize) {
		t.Errorf("a layout too large: %v", err)
	}
}

// What a message claims costs no memory before it is believed, and what it
// holds little more than itself.
func TestHostileMessagesCostLittle(t *testing.T) {
	labels := make([]metric.Pair, metric.MaxLabels)
	for i := range labels {
		labels[i] = metric.Pair{Name: string(rune('a' + i)), Value: "a"}
	}
	var labelled, bare, worded metric.Layout
	for i := range 1200 {
		labelled.Entities = append(labelled.Entities, metric.Entity{Name: "n", Parent: i - 1, Labels: labels})
	}
	for i := range metric.MaxEntities {
		bare.Entities = append(bare.Entities, metric.Entity{Name: "n", Parent: i - 1})
	}
	for i := range 400 {
		e := metric.Entity{Name: "n", Parent: i - 1, Labels: slices.Clone(labels)}
		for j := range e.Labels {
			e.Labels[j].Value = string([]byte{byte(i), byte(i>>8<<4 | j)})
		}
		worded.Entities = append(worded.Entities, e)
	}
	message := func(l *metric.Layout) []byte {
		b, err := wire.Append(nil, &metric.Batch{Site: "s", Agent: "a", Lane: metric.Ledger, Layout: l}, compile(l), true)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// 4096 entities and 8192 columns that do not follow.
	counts := patch(t, 31, 0x80, 0x20, 0x80, 0x40)
	sum := sha256.Sum256(counts[30 : 30+counts[29]])
	copy(counts[8:], sum[:8])
	counts = seal(counts)
	for name, b := range map[string][]byte{
		"labels":   message(&labelled),
		"entities": message(&bare),
		"words":    message(&worded),
		"counts":   counts,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := readLayout(b)
		runtime.ReadMemStats(&after)
		cost := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d bytes for a message of %d: %v", name, cost, len(b), err)
		if cost > uint64(64*len(b)+4096) {
			t.Errorf("%s: %d bytes for a message of %d", name, cost, len(b))
		}
		if (err == nil) != (name != "counts") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func readLayout(b []byte) error {
	var m wire.Message
	if err := m.Parse(b); err != nil {
		return err
	}
	_, err := m.Layout()
	return err
}

// vectors are the committed messages by file name.
func vectors(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.bin")
	if err != nil || len(names) == 0 {
		t.Fatal("no vectors", err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if all[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
