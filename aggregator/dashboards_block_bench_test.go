package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// In a block a time stands in full only where a chunk begins, in the chunk and in
// the index; all others are differences from it. So an hour is made another hour by
// writing these over, in as many bytes, with their checksums.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errLength is of a time that takes more bytes than another.
var errLength = errors.New("a time is not as long as the one before")

// copyBlock writes block from, in folder dir, again as it would be a while earlier.
func copyBlock(dir string, from ulid.ULID, earlier time.Duration) error {
	var meta tsdb.BlockMeta
	old := filepath.Join(dir, from.String())
	text, err := os.ReadFile(filepath.Join(old, "meta.json"))
	if err == nil {
		err = json.Unmarshal(text, &meta)
	}
	if err != nil {
		return fmt.Errorf("copy block: %w", err)
	}
	by := -earlier.Milliseconds()
	meta.MinTime, meta.MaxTime = meta.MinTime+by, meta.MaxTime+by
	entropy := make([]byte, 10)
	for i := range entropy {
		entropy[i] = byte(rand.IntN(256))
	}
	meta.ULID = ulid.MustNew(uint64(meta.MaxTime), bytes.NewReader(entropy))
	meta.Compaction.Sources, meta.Compaction.Parents = []ulid.ULID{meta.ULID}, nil
	if text, err = json.Marshal(&meta); err != nil {
		return err
	}
	made := filepath.Join(dir, meta.ULID.String())
	if err := os.MkdirAll(filepath.Join(made, "chunks"), 0o755); err != nil {
		return err
	}
	segments, err := filepath.Glob(filepath.Join(old, "chunks", "*"))
	if err != nil {
		return err
	}
	for _, s := range segments {
		if err := copyShifted(s, filepath.Join(made, "chunks", filepath.Base(s)), by, shiftChunks); err != nil {
			return err
		}
	}
	if err := copyShifted(filepath.Join(old, "index"), filepath.Join(made, "index"), by, shiftIndex); err != nil {
		return err
	}
	none, err := os.ReadFile(filepath.Join(old, "tombstones"))
	if err == nil {
		err = os.WriteFile(filepath.Join(made, "tombstones"), none, 0o644)
	}
	if err != nil {
		return fmt.Errorf("copy block: %w", err)
	}
	return os.WriteFile(filepath.Join(made, "meta.json"), text, 0o644)
}

func copyShifted(from, to string, by int64, shift func(b []byte, by int64) error) error {
	b, err := os.ReadFile(from)
	if err == nil {
		err = shift(b, by)
	}
	if err == nil {
		err = os.WriteFile(to, b, 0o644)
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}

// shiftTime writes the time at b over, and returns its length.
func shiftTime(b []byte, by int64) (int, error) {
	t, n := binary.Varint(b)
	var room [binary.MaxVarintLen64]byte
	if n <= 0 || binary.PutVarint(room[:], t+by) != n {
		return 0, errLength
	}
	return copy(b, room[:n]), nil
}

// shiftChunks shifts a segment: length, encoding, samples and checksum of each chunk.
func shiftChunks(b []byte, by int64) error {
	for at := chunks.SegmentHeaderSize; at < len(b); {
		length, n := binary.Uvarint(b[at:])
		if n <= 0 || at+n+1+int(length)+crc32.Size > len(b) {
			return errors.New("a chunk is cut short")
		}
		chunk := b[at+n : at+n+1+int(length)]
		if e := chunkenc.Encoding(chunk[0]); e != chunkenc.EncXOR {
			return fmt.Errorf("a chunk is encoded as %s", e)
		}
		const count = 2 // bytes before the first time
		if _, err := shiftTime(chunk[1+count:], by); err != nil {
			return err
		}
		at += n + len(chunk)
		binary.BigEndian.PutUint32(b[at:], crc32.Checksum(chunk, castagnoli))
		at += crc32.Size
	}
	return nil
}

type byteSlice []byte

func (b byteSlice) Len() int                    { return len(b) }
func (b byteSlice) Range(start, end int) []byte { return b[start:end] }

// shiftIndex shifts the series of an index: labels, then chunks, then the checksum.
func shiftIndex(b []byte, by int64) error {
	toc, err := index.NewTOCFromByteSlice(byteSlice(b))
	if err != nil {
		return err
	}
	end := int(min(toc.LabelIndices, toc.Postings))
	const aligned = 16
	for at := int(toc.Series); at < end; {
		if at += (aligned - at%aligned) % aligned; at >= end {
			break
		}
		length, n := binary.Uvarint(b[at:])
		if n <= 0 || length == 0 {
			break
		}
		series := b[at+n : at+n+int(length)]
		at += n + int(length)
		pairs, k := binary.Uvarint(series)
		for range 2 * pairs {
			_, m := binary.Uvarint(series[k:])
			k += m
		}
		count, m := binary.Uvarint(series[k:])
		if k += m; count > 0 {
			if _, err := shiftTime(series[k:], by); err != nil {
				return err
			}
		}
		binary.BigEndian.PutUint32(b[at:], crc32.Checksum(series, castagnoli))
		at += crc32.Size
	}
	return nil
}
