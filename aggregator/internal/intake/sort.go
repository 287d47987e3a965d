package intake

import (
	"bufio"
	"container/heap"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// A pile holds records and gives them back in order of time. What does not fit in
// memory waits on disk, in runs that are sorted.
type pile struct {
	folder string
	most   int // records in memory
	memory []record
	file   *os.File // nil: all are in memory
	runs   []int64  // where each ends in file
	buffer []byte
	sorted bool
}

// inMemory is how many records a pile holds there: 14 MiB.
const inMemory = 1 << 18

func (p *pile) add(r record) error {
	if p.sorted = false; len(p.memory) >= p.most {
		if err := p.spill(); err != nil {
			return fmt.Errorf("sort rows: %w", err)
		}
	}
	p.memory = append(p.memory, r)
	return nil
}

// spill writes what is in memory as a run.
func (p *pile) spill() (err error) {
	if p.file == nil {
		if p.file, err = os.CreateTemp(p.folder, "import-*"); err != nil {
			return err
		}
		// It goes with its last user, whatever happens to this process.
		if err := os.Remove(p.file.Name()); err != nil {
			return err
		}
	}
	p.sort()
	p.buffer = p.buffer[:0]
	for i := range p.memory {
		p.buffer = p.memory[i].append(p.buffer)
	}
	if _, err := p.file.Write(p.buffer); err != nil {
		return err
	}
	end := int64(len(p.buffer))
	if n := len(p.runs); n > 0 {
		end += p.runs[n-1]
	}
	p.runs, p.memory = append(p.runs, end), p.memory[:0]
	return nil
}

func (p *pile) sort() {
	if !p.sorted {
		slices.SortFunc(p.memory, func(a, b record) int { return a.compare(&b) })
	}
	p.sorted = true
}

// each yields all records in order, again and again if asked to.
func (p *pile) each(yield func(r *record) error) error {
	p.sort()
	if p.file == nil {
		for i := range p.memory {
			if err := yield(&p.memory[i]); err != nil {
				return err
			}
		}
		return nil
	}
	var m merge
	start := int64(0)
	for _, end := range p.runs {
		m = append(m, &run{r: bufio.NewReaderSize(io.NewSectionReader(p.file, start, end-start), 64<<10)})
		start = end
	}
	m = append(m, &run{memory: p.memory})
	for i := 0; i < len(m); {
		switch ok, err := m[i].next(); {
		case err != nil:
			return fmt.Errorf("sort rows: %w", err)
		case !ok:
			m = slices.Delete(m, i, i+1)
		default:
			i++
		}
	}
	heap.Init(&m)
	for len(m) > 0 {
		if err := yield(&m[0].at); err != nil {
			return err
		}
		ok, err := m[0].next()
		if err != nil {
			return fmt.Errorf("sort rows: %w", err)
		}
		if ok {
			heap.Fix(&m, 0)
		} else {
			heap.Pop(&m)
		}
	}
	return nil
}

func (p *pile) close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

// A run is records in order, on disk or in memory.
type run struct {
	r      *bufio.Reader
	memory []record
	at     record
	raw    [recordBytes]byte
}

func (r *run) next() (ok bool, err error) {
	if r.r == nil {
		if len(r.memory) == 0 {
			return false, nil
		}
		r.at, r.memory = r.memory[0], r.memory[1:]
		return true, nil
	}
	if _, err := io.ReadFull(r.r, r.raw[:]); errors.Is(err, io.EOF) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	r.at.read(r.raw[:])
	return true, nil
}

// merge has the run whose record comes next first.
type merge []*run

func (m merge) Len() int           { return len(m) }
func (m merge) Less(i, j int) bool { return m[i].at.compare(&m[j].at) < 0 }
func (m merge) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(x any)        { *m = append(*m, x.(*run)) }
func (m *merge) Pop() any {
	old := *m
	x := old[len(old)-1]
	*m = old[:len(old)-1]
	return x
}
