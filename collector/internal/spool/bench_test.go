package spool

import (
	"testing"
)

func benchSpool(t testing.TB) *Spool {
	s, err := Open(Config{Dir: t.TempDir(), SyncEvery: -1, MaxBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestAppendAndNextAllocateNothing(t *testing.T) {
	s := benchSpool(t)
	p := make([]byte, 400)
	var seq uint64
	add := func() {
		seq++
		if err := s.Append(seq, Ordinary, p); err != nil {
			t.Fatal(err)
		}
	}
	for range 2000 {
		add()
	}
	s.Sync()
	buf := make([]byte, 0, 1024)
	var after uint64
	next := func() {
		var err error
		var ok bool
		if after, buf, ok, err = s.Next(after, buf); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	next()
	if n := testing.AllocsPerRun(500, next); n != 0 {
		t.Errorf("Next from the disk allocates %v times", n)
	}
	for range 500 {
		add()
	}
	s.Sync()
	if n := testing.AllocsPerRun(400, add); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
	after = seq - 300
	if n := testing.AllocsPerRun(200, next); n != 0 {
		t.Errorf("Next from memory allocates %v times", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	s := benchSpool(b)
	p := make([]byte, 400)
	b.ReportAllocs()
	b.SetBytes(int64(len(p)))
	var seq uint64
	for b.Loop() {
		seq++
		if err := s.Append(seq, Ordinary, p); err != nil {
			b.Fatal(err)
		}
		s.Ack(seq)
	}
}

func BenchmarkNext(b *testing.B) {
	s := benchSpool(b)
	p := make([]byte, 400)
	const n = 50_000
	for seq := range uint64(n) {
		if err := s.Append(seq+1, Ordinary, p); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Sync(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(p)))
	var after uint64
	var buf []byte
	for b.Loop() {
		seq, q, ok, err := s.Next(after, buf)
		if !ok || err != nil {
			b.Fatal(ok, err)
		}
		after, buf = seq%n, q
	}
}

// BenchmarkOpen reads back a full spool of the ledger lane.
func BenchmarkOpen(b *testing.B) {
	c := Config{Dir: b.TempDir(), SyncEvery: -1}
	s, err := Open(c)
	if err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 400)
	for seq := range uint64(100_000) {
		if err := s.Append(seq+1, Ordinary, p); err != nil {
			b.Fatal(err)
		}
	}
	size := s.Stats().Disk
	s.Close()
	b.ReportAllocs()
	b.SetBytes(size)
	for b.Loop() {
		if s, err = Open(c); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
