package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

// plainly is how encoding/json alone would read samples.
func plainly(b []byte) (out []sample, err error) {
	var pairs [][]json.RawMessage
	if err := json.Unmarshal(b, &pairs); err != nil {
		return nil, err
	}
	for _, p := range pairs {
		var at float64
		var text string
		if len(p) != 2 {
			return nil, errSample
		}
		if err := json.Unmarshal(p[0], &at); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(p[1], &text); err != nil {
			return nil, err
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		s := sample{millis: int64(math.Round(at * 1000))}
		if !math.IsNaN(v) {
			s.value = &v
		}
		out = append(out, s)
	}
	return out, nil
}

func shownSamples(l []sample) string {
	var b strings.Builder
	for _, s := range l {
		if fmt.Fprint(&b, s.millis, " "); s.value != nil {
			fmt.Fprint(&b, *s.value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Samples are read as encoding/json would, and what it takes for none is refused.
func FuzzSamples(f *testing.F) {
	for _, s := range []string{
		`[]`, `[[1795366000,"1"]]`, `[[1795366000.5,"-2.5e3"],[1795366010,"NaN"],[1795366020,"+Inf"]]`, " [ [ 1 , \"2\" ] ,\n[3,\"4\"]\t] ",
		`[[1,2]]`, `[["1","2"]]`, `[[1,"2",3]]`, `[[1]]`, `[[1,"x"]]`, `null`, `{}`, `[[1,"2"],]`, `[[1,"\u0032"]]`, `[[1," 2"]]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !json.Valid(b) {
			return // it never comes here
		}
		var got samples
		err := got.UnmarshalJSON(b)
		want, refused := plainly(b)
		if err == nil && refused == nil && shownSamples(got) != shownSamples(want) {
			t.Errorf("%q: read as\n%swant\n%s", b, shownSamples(got), shownSamples(want))
		}
		if err == nil && refused != nil && !strings.Contains(string(b), `" `) && !strings.Contains(string(b), ` "`) {
			t.Errorf("%q is taken: %v", b, got)
		}
	})
}

func BenchmarkSamples(b *testing.B) {
	var text strings.Builder
	for i := range 720 {
		fmt.Fprintf(&text, `%c[%d,"%d.5"]`, "[,"[min(i, 1)], 1795366000+5*i, 70000+i)
	}
	text.WriteByte(']')
	raw := []byte(`{"metric":{},"values":` + text.String() + `}`)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		var s stream
		if err := json.Unmarshal(raw, &s); err != nil || len(s.Values) != 720 {
			b.Fatal(err, len(s.Values))
		}
	}
}
