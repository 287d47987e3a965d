package bacnet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestV18ARequestAndItsAnswersByteForByte(t *testing.T) {
	want := unhex(t, "81 0A 00 11 01 04 00 05 02 0C 0C 00 00 00 01 19 55")
	if got := (route{}).frame(one(2, objectOf(0, 1), propPresentValue)); !bytes.Equal(got, want) {
		t.Errorf("asks % X, want % X", got, want)
	}
	a, err := route{}.parse(unhex(t, "81 0A 00 17 01 00 30 02 0C 0C 00 00 00 01 19 55 3E 44 44 E6 50 00 3F"))
	if err != nil || a.kind != ack || a.id != 2 || a.service != readProperty {
		t.Fatalf("%+v, %v", a, err)
	}
	all := map[place]result{}
	if err := a.results(all); err != nil {
		t.Fatal(err)
	}
	if n, err := take(all[place{objectOf(0, 1), propPresentValue}].tags); err != nil || n.Number != 1842.5 {
		t.Errorf("%+v, %v", n, err)
	}
	a, err = route{}.parse(unhex(t, "81 0A 00 0D 01 00 50 04 0C 91 01 91 1F"))
	if err != nil || a.kind != failed || a.id != 4 || a.refusal != (refusal{kind: failed, class: 1, code: 31}) || a.refusal.Error() != "there is no such object (error 1/31)" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestARequestThroughARouterAndItsAnswer(t *testing.T) {
	r := route{network: 2001, mac: "\x0c"}
	want := unhex(t, "81 0A 00 16 01 24 07 D1 01 0C FF 00 05 02 0C 0C 00 00 00 01 19 55")
	if got := r.frame(one(2, objectOf(0, 1), propPresentValue)); !bytes.Equal(got, want) {
		t.Errorf("asks % X, want % X", got, want)
	}
	for name, tc := range map[string]struct {
		frame string
		want  error
	}{
		"from it":                    {"81 0A 00 0D 01 08 07 D1 01 0C 60 02 09", nil},
		"with where it goes to":      {"81 0A 00 14 01 28 00 05 02 AA BB 07 D1 01 0C FE 60 02 09 00", nil},
		"from another of its kind":   {"81 0A 00 0D 01 08 07 D1 01 0D 60 02 09", errForeign},
		"from the router itself":     {"81 0A 00 09 01 00 60 02 09", errForeign},
		"from nobody in all":         {"81 0A 00 0C 01 08 07 D1 00 60 02 09", errForeign},
		"with its address cut":       {"81 0A 00 0A 01 08 07 D1 06 0C", errCut},
		"of another length":          {"81 0A 00 0E 01 08 07 D1 01 0C 60 02 09", errCut},
		"broadcast":                  {"81 0B 00 0D 01 08 07 D1 01 0C 60 02 09", errForeign},
		"a message of another kind":  {"81 0A 00 09 01 80 01 07 D1", errForeign},
		"a router of other networks": {"81 0A 00 0A 01 80 03 01 07 D2", errForeign},
	} {
		if _, err := r.parse(unhex(t, tc.frame)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for frame, says := range map[string]string{
		"81 0A 00 0A 01 80 03 01 07 D1": "the router knows no way to network 2001",
		"81 0A 00 0A 01 80 03 02 07 D1": "the router is busy, and does not reach network 2001 now",
		"81 0A 00 0A 01 80 03 04 07 D1": "the router does not pass requests to network 2001: reason 4",
		"81 00 00 06 00 30":             "what is at this address does not pass on requests: result 0x0030",
	} {
		if _, err := r.parse(unhex(t, frame)); err == nil || err.Error() != says {
			t.Errorf("%s: %v", frame, err)
		}
	}
}

func TestNumbersOfAllTypes(t *testing.T) {
	for name, tc := range map[string]struct {
		bytes string
		want  meter.Shown
		says  string
	}{
		"null":              {"00", meter.Shown{}, "not known to the device"},
		"zero":              {"21 00", meter.Shown{Whole: true, Grain: 1}, ""},
		"of eight bytes":    {"25 08 00 00 00 E5 F4 C8 F3 74", meter.Shown{Whole: true, Steps: 987654321012, Number: 987654321012, Grain: 1}, ""},
		"of nine bytes":     {"25 09 00 00 00 00 E5 F4 C8 F3 74", meter.Shown{}, "half an answer"},
		"of none":           {"20", meter.Shown{}, "half an answer"},
		"below zero":        {"32 FF 38", meter.Shown{Whole: true, Negative: true, Steps: 200, Number: -200, Grain: 1}, ""},
		"above zero":        {"31 7F", meter.Shown{Whole: true, Steps: 127, Number: 127, Grain: 1}, ""},
		"real":              {"44 44 E6 50 00", meter.Shown{Number: 1842.5, Grain: math.Pow(2, -13)}, ""},
		"not a number":      {"44 7F C0 00 00", meter.Shown{}, "not known to the device"},
		"without end":       {"44 7F 80 00 00", meter.Shown{}, "shows +Inf, which is no reading"},
		"double":            {"55 08 41 9D 6F 34 55 00 00 00", meter.Shown{Number: 123456789.25, Grain: math.Pow(2, -26)}, ""},
		"real of six bytes": {"45 06 41 9D 6F 34 55 00", meter.Shown{}, "half an answer"},
		"true":              {"11", meter.Shown{}, "shows no number: a value of type 1"},
		"a text":            {"73 00 34 32", meter.Shown{}, "shows no number: a value of type 7"},
		"a choice":          {"91 03", meter.Shown{}, "shows no number: a value of type 9"},
		"several":           {"21 01 21 02", meter.Shown{}, "half an answer"},
		"nothing":           {"", meter.Shown{}, "half an answer"},
		"of a type to come": {"F5 20 01 00", meter.Shown{}, "shows no number: a value of type 32"},
		"a group":           {"0E 21 01 0F", meter.Shown{}, "half an answer"},
	} {
		tags, _, err := group(append(unhex(t, tc.bytes), 0x3F), 3)
		var got meter.Shown
		if err == nil {
			got, err = take(tags)
		}
		if tc.says == "" && (err != nil || got != tc.want) || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Any bytes are an answer or none; one that was cut is none.
func FuzzParse(f *testing.F) {
	f.Add(unhex(f, "81 0A 00 17 01 00 30 02 0C 0C 00 00 00 01 19 55 3E 44 44 E6 50 00 3F"))
	f.Add(unhex(f, "81 0A 00 0D 01 00 50 04 0C 91 01 91 1F"))
	f.Add(unhex(f, "81 0A 00 0D 01 08 07 D1 01 0C 60 02 09"))
	f.Add(unhex(f, "81 0A 00 2A 01 00 30 02 0E 0C 00 00 00 01 1E 29 55 4E 44 44 E6 50 00 4F 29 6F 4E 82 04 00 4F 29 BB 5E 91 02 91 20 5F 29 75 4E 0E 0F 4F 1F"))
	f.Add(unhex(f, "81 0A 00 0A 01 80 03 01 07 D1"))
	p := point{of: objectOf(accumulator, 1), unit: "kWh"}
	p.kind.Quantity = 2
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range []route{{}, {network: 2001, mac: "\x0c"}} {
			a, err := r.parse(b)
			if err != nil {
				continue
			}
			all := map[place]result{}
			if a.kind != ack || a.results(all) != nil {
				_ = a.refusal.Error()
				continue
			}
			for at := range all {
				p := p
				p.of = at.of
				if v, err := p.value(all); err == nil && v.Register.Size.Den == 0 {
					t.Errorf("a register without a size: %+v", v)
				}
			}
			for n := range len(b) {
				cut := append([]byte(nil), b[:n]...)
				if n >= 4 {
					cut[2], cut[3] = byte(n>>8), byte(n)
				}
				again := map[place]result{}
				if short, err := r.parse(cut); err == nil && short.kind == ack && len(short.body) > 0 && short.service == readProperty && short.results(again) == nil && len(again) > 0 {
					t.Fatalf("%d of %d bytes are an answer", n, len(b))
				}
			}
		}
	})
}
