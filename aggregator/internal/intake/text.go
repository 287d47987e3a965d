package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// A table reads the rows of a file: fields between delimiters, in quotes or not.
// What it returned is overwritten by the next row.
type table struct {
	r      *bufio.Reader
	by     byte
	line   int // of the row that was read last, from 1
	lines  int // that were read
	long   []byte
	fields [][]byte
	plain  []byte // fields that stood in quotes
}

// Bounds of a row. A quote that nobody closes must not take the rest of the file.
const (
	longestRow    = 1 << 20
	rowLines      = 100
	mostFields    = 4096
	sampleBytes   = 4 << 20
	longestInText = 80
)

// errRow means that a row is none, and reading goes on after it.
var errRow = errors.New("no row")

// newTable reads what follows the byte order mark, if there is one.
func newTable(r io.Reader) (*table, error) {
	t := &table{r: bufio.NewReaderSize(r, sampleBytes)}
	head, err := t.r.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.Equal(head, []byte{0xef, 0xbb, 0xbf}):
		_, err = t.r.Discard(3)
		return t, err
	case len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff):
		if _, err = t.r.Discard(2); err != nil {
			return nil, err
		}
		t.r = bufio.NewReaderSize(&wideText{r: t.r, big: head[0] == 0xfe}, sampleBytes)
		return t, nil
	case len(head) >= 2 && head[1] == 0 && head[0] != 0: // without a mark
		t.r = bufio.NewReaderSize(&wideText{r: t.r}, sampleBytes)
		return t, nil
	case bytes.HasPrefix(head, []byte("PK\x03")), bytes.HasPrefix(head, []byte{0xd0, 0xcf, 0x11}):
		return nil, errors.New("the file is a workbook; save the sheet as CSV UTF-8")
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return nil, errors.New("the file is compressed; unpack it")
	}
	return t, nil
}

// tableOf reads rows of a text that is in memory.
func tableOf(b []byte, by byte) *table {
	return &table{r: bufio.NewReaderSize(bytes.NewReader(b), 64<<10), by: by}
}

// sample is how the file begins, in whole lines.
func (t *table) sample() ([]byte, error) {
	b, err := t.r.Peek(sampleBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err == nil {
		b = b[:bytes.LastIndexByte(b, '\n')+1]
	}
	return b, nil
}

// readLine is the next line, without its end.
func (t *table) readLine() ([]byte, error) {
	b, err := t.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		// No file of readings has such a line.
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = t.r.ReadSlice('\n')
		}
		t.lines++
		return nil, fmt.Errorf("%w: a line of more than %d bytes", errRow, longestRow)
	}
	if len(b) == 0 && err != nil {
		return nil, err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	t.lines++
	if len(b) > longestRow {
		return nil, fmt.Errorf("%w: a line of more than %d bytes", errRow, longestRow)
	}
	b = bytes.TrimSuffix(b, []byte{'\n'})
	return bytes.TrimSuffix(b, []byte{'\r'}), nil
}

// next is the fields of the next row; io.EOF after the last. After an error that
// is errRow the next can be asked for.
func (t *table) next() ([][]byte, error) {
	b, err := t.readLine()
	t.line = t.lines
	if err != nil {
		return nil, err
	}
	t.fields, t.plain = t.fields[:0], t.plain[:0]
	if bytes.IndexByte(b, '"') < 0 {
		for len(t.fields) < mostFields {
			i := bytes.IndexByte(b, t.by)
			if i < 0 {
				t.fields = append(t.fields, clean(b))
				return t.fields, nil
			}
			t.fields = append(t.fields, clean(b[:i]))
			b = b[i+1:]
		}
		return nil, fmt.Errorf("%w: more than %d fields", errRow, mostFields)
	}
	return t.quoted(b)
}

// quoted splits a row that has quotes, which may go on in the next lines.
func (t *table) quoted(b []byte) ([][]byte, error) {
	t.long = append(t.long[:0], b...)
	var ends []int
	inside, opened := false, false
	start := 0
	for i := 0; ; i++ {
		if i == len(t.long) {
			if !inside {
				break
			}
			more, err := t.readLine()
			if errors.Is(err, io.EOF) || t.lines-t.line >= rowLines || len(t.long)+len(more) > longestRow {
				return nil, fmt.Errorf("%w: a quote that is not closed", errRow)
			}
			if err != nil {
				return nil, err
			}
			t.long = append(append(t.long, ' '), more...)
		}
		c := t.long[i]
		switch {
		case c == '"' && inside && i+1 < len(t.long) && t.long[i+1] == '"':
			t.plain = append(t.plain, '"')
			i++
		case c == '"' && inside:
			inside = false
		case c == '"' && !opened && len(bytes.TrimLeft(t.plain[start:], " =")) == 0:
			t.plain = t.plain[:start] // blanks, and the = by which spreadsheets are told that it is text
			inside, opened = true, true
		case c == t.by && !inside:
			if len(ends) == mostFields-1 {
				return nil, fmt.Errorf("%w: more than %d fields", errRow, mostFields)
			}
			ends, start, opened = append(ends, len(t.plain)), len(t.plain), false
		default:
			t.plain = append(t.plain, c)
		}
	}
	start = 0
	for _, end := range append(ends, len(t.plain)) {
		t.fields = append(t.fields, clean(t.plain[start:end:end]))
		start = end
	}
	return t.fields, nil
}

// clean is a field without blanks around it, in UTF-8.
func clean(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	if b[0] > ' ' && b[len(b)-1] > ' ' && b[0] < 0x80 && b[len(b)-1] < 0x80 && ascii(b) {
		return b
	}
	if !utf8.Valid(b) {
		b = from1252(b)
	}
	return bytes.TrimSpace(b)
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// high is what Windows-1252 has from 0x80 to 0x9f, where Latin-1 has nothing.
var high = [32]rune{'€', 0xfffd, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0xfffd, 'Ž', 0xfffd,
	0xfffd, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0xfffd, 'ž', 'Ÿ'}

// from1252 is b, which is Windows-1252, in UTF-8.
func from1252(b []byte) []byte {
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		r := rune(c)
		if c >= 0x80 && c < 0xa0 {
			r = high[c-0x80]
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// short is a text of the file as people are shown it.
func short[T string | []byte](t T) string {
	s := string(t)
	if len(s) > longestInText {
		s = s[:longestInText]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
		s += "…"
	}
	return s
}
