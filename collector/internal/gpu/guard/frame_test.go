package guard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/google/go-cmp/cmp"
)

func full() *answer {
	b := gpu.Board{UUID: "GPU-1", Index: 3, Model: "H100", PCI: "0000:3b:00.0", Serial: "1", Driver: "550", Absent: true, Time: 5, EnergyTime: 6,
		Instances: []gpu.Instance{{UUID: "MIG-1", Index: 2, Parts: 1, Of: 7}}}
	b.Clear()
	b.Values[gpu.Power], b.Values[gpu.Energy], b.Values[gpu.Temperature] = metric.Of(-1.5), 1<<40, 0
	return &answer{Error: "x", Reading: gpu.Reading{
		Boards: []gpu.Board{b}, Events: []gpu.Event{{PCI: "0000:3b:00.0", UUID: "GPU-1", Code: 79, Time: 7}}, Sockets: []gpu.Socket{{Source: "module", Index: 1, Power: metric.Missing}},
		Switches: []gpu.Switch{{Name: "nvswitch0", Temperature: metric.Of(40), Fatal: 1, NonFatal: 2}}, Time: 8, Found: "found", Refused: []string{"refused"}}}
}

func TestFramesCarryAnswersWhole(t *testing.T) {
	var pipe bytes.Buffer
	w, r := newWriter(&pipe), newReader(&pipe)
	bare := &answer{Reading: gpu.Reading{Boards: []gpu.Board{{UUID: "GPU-1"}}}}
	for i, want := range []*answer{full(), bare, {}, {None: true}, full()} {
		if err := w.write(want); err != nil {
			t.Fatal(err)
		}
		got, err := r.read()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("answer %d: %s", i, d)
		}
	}
	if _, err := r.read(); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
	// Types are told once.
	first, later := 0, 0
	for i := range 3 {
		pipe.Reset()
		w = newWriter(&pipe)
		for range i + 1 {
			pipe.Reset()
			w.write(bare)
		}
		if i == 0 {
			first = pipe.Len()
		}
		later = pipe.Len()
	}
	if later >= first {
		t.Errorf("the first frame has %d bytes, later ones %d", first, later)
	}
}

func TestFramesOfStrangers(t *testing.T) {
	var good bytes.Buffer
	newWriter(&good).write(full())
	frame := good.Bytes()
	for name, x := range map[string]struct {
		b    []byte
		want string
		over bool // there are just no more bytes
	}{
		"nothing":            {nil, "EOF", true},
		"half a head":        {frame[:2], "unexpected EOF", true},
		"half a frame":       {frame[:50], "a frame that ends early", true},
		"no gob":             {[]byte("\x00\x00\x00\x05hello"), "decode a frame", false},
		"an empty frame":     {[]byte{0, 0, 0, 0}, "decode a frame", false},
		"too much":           {[]byte{0xff, 0xff, 0xff, 0xff}, "a frame of 4294967295 bytes", false},
		"more than its gob":  {append(binary.BigEndian.AppendUint32(nil, uint32(len(frame)-4+1)), append(frame[4:len(frame):len(frame)], 0)...), "goes on after its answer", false},
		"less than its gob":  {append(binary.BigEndian.AppendUint32(nil, uint32(len(frame)-4-9)), frame[4:]...), "decode a frame", false},
		"text, not a length": {[]byte("hello, world\n"), "a frame of", false},
	} {
		_, err := newReader(bytes.NewReader(x.b)).read()
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", name, err, x.want)
		}
		if over := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); over != x.over {
			t.Errorf("%s: just the end: %v", name, over)
		}
	}
}

func TestFrameTooGreatToWrite(t *testing.T) {
	a := &answer{Error: strings.Repeat("x", maxFrame+1)}
	if err := newWriter(io.Discard).write(a); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("error %v", err)
	}
}

func FuzzFrame(f *testing.F) {
	var good bytes.Buffer
	newWriter(&good).write(full())
	f.Add(good.Bytes())
	f.Add([]byte("\x00\x00\x00\x05hello"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newReader(bytes.NewReader(b))
		for range 4 {
			a, err := r.read()
			if err != nil {
				return
			}
			if a == nil {
				t.Fatal("neither an answer nor an error")
			}
		}
	})
}
