package snmp

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"github.com/gigawatch/gigawatch/collector/loopback"
)

// rpdu2 is what a fake APC has.
func rpdu2(rows ...int) map[string]any {
	held := map[string]any{string(uptime): ticks(100_000)}
	for _, row := range rows {
		held[fmt.Sprint("1.3.6.1.4.1.318.1.1.26.4.3.1.5.", row)] = 512 + row
		held[fmt.Sprint("1.3.6.1.4.1.318.1.1.26.4.3.1.9.", row)] = uint32(123456 + row)
		held[fmt.Sprint("1.3.6.1.4.1.318.1.1.26.4.3.1.10.", row)] = "05/30/2026 00:12:17"
		held[fmt.Sprint("1.3.6.1.4.1.318.1.1.26.2.1.9.", row)] = fmt.Sprint("ZA", row)
		held[fmt.Sprint("1.3.6.1.4.1.318.1.1.26.2.1.3.", row)] = fmt.Sprint("rack ", row)
	}
	return held
}

func TestNobodyListens(t *testing.T) {
	k := keys(t)
	for _, user := range []string{"", "meter"} {
		got, err := reader(t, agent(t, k.as(loopback.Free(t), user)), "apc-rpdu2", "").Read(within(t, 20*time.Second))
		if len(got) != 0 || err == nil || !strings.Contains(err.Error(), "nothing listens there") {
			t.Errorf("%+v, %v", got, err)
		}
	}
	c := k.as("no-such-host.invalid:161", "meter")
	if _, err := reader(t, agent(t, c), "apc-rpdu2", "").Read(within(t, 20*time.Second)); err == nil || !strings.Contains(err.Error(), "no address is known of no-such-host.invalid") && !strings.Contains(err.Error(), "no answer") {
		t.Error(err)
	}
}

// A reading ends with its context, whatever the agent does.
func TestAnAgentThatAnswersNothing(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	k := keys(t)
	for _, user := range []string{"", "meter"} {
		r := reader(t, agent(t, k.as(silent.LocalAddr().String(), user)), "apc-rpdu2", "")
		began := time.Now()
		if _, err := r.Read(within(t, 300*time.Millisecond)); err == nil || !strings.Contains(err.Error(), "no answer: it is off, or a firewall is between, or it") {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(100*time.Millisecond, cancel)
		if _, err := r.Read(ctx); err == nil {
			t.Error("it was read")
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if _, err := r.Read(ctx); err == nil {
			t.Error("it was read after all")
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	d := serve(t, apc)
	k := keys(t)
	cut := func(n int) func([]byte) [][]byte {
		return func(b []byte) [][]byte { return [][]byte{b[:len(b)*n/100]} }
	}
	for name, tc := range map[string]struct {
		spoil func([]byte) [][]byte
		says  string // "": it is read all the same
	}{
		"half an answer":     {cut(50), "half an answer, or none of this protocol"},
		"the first bytes":    {cut(5), "half an answer, or none of this protocol"},
		"nothing in it":      {func([]byte) [][]byte { return [][]byte{{}} }, "half an answer, or none of this protocol"},
		"noise":              {func([]byte) [][]byte { return [][]byte{slices.Repeat([]byte{0x30, 0x82, 0xff}, 40)} }, "half an answer, or none of this protocol"},
		"another protocol":   {func([]byte) [][]byte { return [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n")} }, "half an answer, or none of this protocol"},
		"none":               {func([]byte) [][]byte { return nil }, "no"},
		"twice":              {func(b []byte) [][]byte { return [][]byte{b, b} }, ""},
		"noise before it":    {func(b []byte) [][]byte { return [][]byte{[]byte("noise"), b} }, ""},
		"one bit is another": {func(b []byte) [][]byte { b[len(b)-2] ^= 1; return [][]byte{b} }, "*"},
	} {
		for _, user := range []string{"", "meter"} {
			t.Run(name+" as "+user, func(t *testing.T) {
				r := relayTo(t, d.addr)
				m := reader(t, agent(t, k.as(r.addr, user)), "apc-rpdu2", "")
				if got, err := m.Read(within(t, 10*time.Second)); len(got) != 2 || err != nil {
					t.Fatalf("%+v, %v", got, err)
				}
				r.spoil(tc.spoil)
				limit := 10 * time.Second
				if tc.says != "" { // some are found out by this being over
					limit = 400 * time.Millisecond
				}
				got, err := m.Read(within(t, limit))
				if err != nil {
					secretless(t, err.Error())
				}
				switch {
				case tc.says == "" && len(got) != 2, tc.says != "" && tc.says != "*" && (len(got) != 0 || err == nil || !strings.Contains(err.Error(), tc.says)),
					tc.says == "*" && user != "" && (len(got) != 0 || err == nil): // v2c has no signature
					t.Errorf("%+v, %v; want %q", got, err, tc.says)
				}
				r.spoil(nil)
				if got, err := m.Read(within(t, 10*time.Second)); len(got) != 2 || err != nil {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
	}
}

// An answer that is late is not taken for one to a later question.
func TestALateAnswer(t *testing.T) {
	f := fakeAgent(t, rpdu2(1))
	power := "1.3.6.1.4.1.318.1.1.26.4.3.1.5.1"
	r := reader(t, agent(t, keys(t).as(f.addr, "")), "apc-rpdu2", "")
	slow := func(d time.Duration) {
		f.set(func() { f.answers = func(*gosnmp.SnmpPacket) { time.Sleep(d) } })
	}
	slow(400 * time.Millisecond)
	if got, err := r.Read(within(t, 200*time.Millisecond)); len(got) != 0 || err == nil {
		t.Errorf("%+v, %v", got, err)
	}
	slow(0)
	f.change(map[string]any{power: 700})
	for range 10 {
		if got, err := r.Read(within(t, 5*time.Second)); err != nil || len(got) != 2 || got[0].Number != 7000 {
			t.Fatalf("%+v, %v", got, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestAnswersToOtherQuestions(t *testing.T) {
	for name, tc := range map[string]struct {
		f    func(p *gosnmp.SnmpPacket)
		says string
	}{
		"fewer objects":  {func(p *gosnmp.SnmpPacket) { p.Variables = p.Variables[:2] }, "half an answer: 2 of 4 objects"},
		"no objects":     {func(p *gosnmp.SnmpPacket) { p.Variables = nil }, "half an answer: 0 of 4 objects"},
		"more objects":   {func(p *gosnmp.SnmpPacket) { p.Variables = append(p.Variables, p.Variables[0]) }, "an answer to another question"},
		"another order":  {func(p *gosnmp.SnmpPacket) { slices.Reverse(p.Variables) }, "an answer to another question"},
		"another object": {func(p *gosnmp.SnmpPacket) { p.Variables[1].Name += ".1" }, "an answer to another question"},
		"a question":     {func(p *gosnmp.SnmpPacket) { p.PDUType = gosnmp.GetRequest }, "a message that is no answer"},
		"v1":             {func(p *gosnmp.SnmpPacket) { p.Version = gosnmp.Version1 }, "a message that is no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			f := fakeAgent(t, rpdu2(1))
			f.set(func() { f.answers = tc.f })
			got, err := reader(t, agent(t, keys(t).as(f.addr, "")), "apc-rpdu2", "").Read(within(t, 5*time.Second))
			if len(got) != 0 || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%+v, %v; want %q", got, err, tc.says)
			}
		})
	}
}

// An object that is not there takes nothing with it.
func TestNoSuchObjectInTheMiddle(t *testing.T) {
	d := serve(t, apc.with(objects{"1.3.6.1.4.1.318.1.1.26.4.3.1.9.1": "integer -1"}))
	k := keys(t)
	for _, user := range []string{"", "meter"} {
		r := reader(t, agent(t, k.as(d.addr, user)), "apc-rpdu2", "")
		d.hold(apc.with(objects{"1.3.6.1.4.1.318.1.1.26.4.3.1.9.1": "integer -1"}))
		if got, err := r.Read(within(t, 10*time.Second)); len(got) != 1 || err != nil {
			t.Errorf("minus one: %+v, %v", got, err)
		}
		less := apc.with(nil)
		delete(less, "1.3.6.1.4.1.318.1.1.26.4.3.1.5.1")
		d.hold(less)
		if got, err := r.Read(within(t, 10*time.Second)); len(got) != 1 || !got[0].Quantity.Counted() || err == nil ||
			!strings.Contains(err.Error(), "power is not there: the agent has no object 1.3.6.1.4.1.318.1.1.26.4.3.1.5.1") {
			t.Errorf("no power: %+v, %v", got, err)
		}
		d.hold(objects{})
		if got, err := r.Read(within(t, 10*time.Second)); len(got) != 0 || err == nil || !strings.Contains(err.Error(), "the agent has nothing of object map apc-rpdu2 in row \"1\"") {
			t.Errorf("nothing: %+v, %v", got, err)
		}
	}
}

// What does not fit into one answer comes in several.
func TestTooBig(t *testing.T) {
	for most, want := range map[int][]int{0: {4}, 3: {4, 2, 2}, 1: {4, 2, 1, 1, 1, 1}} {
		f := fakeAgent(t, rpdu2(1))
		f.set(func() { f.most = most })
		r := reader(t, agent(t, keys(t).as(f.addr, "")), "apc-rpdu2", "")
		for i := range 2 {
			if got, err := r.Read(within(t, 5*time.Second)); len(got) != 2 || err != nil {
				t.Errorf("%+v, %v", got, err)
			}
			if i == 1 && most > 0 { // it is remembered
				want = want[len(want)-4/want[len(want)-1]:]
			}
			if d := cmp.Diff(want, f.requested()); d != "" {
				t.Errorf("objects in each request, up to %d: %s", most, d)
			}
		}
	}
	f := fakeAgent(t, rpdu2(1))
	m := mapOfText(t, "- {measures: power, oid: 1.3.6.1.4.1.318.1.1.26.4.3.1.5.1, unit: W}\n- {measures: energy, oid: 1.3.6.1.4.1.318.1.1.26.4.3.1.9.1, unit: Wh}\n")
	m.most = 1
	r, err := agent(t, keys(t).as(f.addr, "")).Reader(m, "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Read(within(t, 5*time.Second))
	if n := len(f.requested()); len(got) != 2 || err != nil || n != 2 {
		t.Errorf("%+v, %v by %d requests", got, err, n)
	}
}

func TestRefusals(t *testing.T) {
	power, energy, serial := "1.3.6.1.4.1.318.1.1.26.4.3.1.5.1", "1.3.6.1.4.1.318.1.1.26.4.3.1.9.1", "1.3.6.1.4.1.318.1.1.26.2.1.9.1"
	for name, tc := range map[string]struct {
		refuses map[string]gosnmp.SNMPError
		values  int
		says    string
	}{
		"of one object":         {map[string]gosnmp.SNMPError{energy: gosnmp.GenErr}, 1, "object " + energy + ": the agent refuses it: GenErr"},
		"of two":                {map[string]gosnmp.SNMPError{energy: gosnmp.GenErr, serial: gosnmp.NoAccess}, 1, "object " + serial + ": the agent refuses it: NoAccess"},
		"in the manner of v1":   {map[string]gosnmp.SNMPError{power: gosnmp.NoSuchName}, 1, "power is not there"},
		"of what is a mere aid": {map[string]gosnmp.SNMPError{serial: gosnmp.GenErr}, 2, "object " + serial + ": the agent refuses it: GenErr"},
	} {
		t.Run(name, func(t *testing.T) {
			f := fakeAgent(t, rpdu2(1))
			f.set(func() { f.refuses = tc.refuses })
			got, err := reader(t, agent(t, keys(t).as(f.addr, "")), "apc-rpdu2", "").Read(within(t, 5*time.Second))
			if len(got) != tc.values || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%+v, %v; want %q", got, err, tc.says)
			}
		})
	}
}

// What is at the end of a table, or is not what it was asked for.
func TestTablesThatGoWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		f    func(p *gosnmp.SnmpPacket)
		says string
	}{
		"round in circles": {func(p *gosnmp.SnmpPacket) {
			for i := range p.Variables {
				p.Variables[i] = gosnmp.SnmpPDU{Name: ".1.3.6.1.2.1.99.1.1.1.1.7", Type: gosnmp.Integer, Value: 1}
			}
		}, "a table that goes round in circles"},
		"nothing":   {func(p *gosnmp.SnmpPacket) { p.Variables = nil }, "half a table"},
		"refused":   {func(p *gosnmp.SnmpPacket) { p.Error = gosnmp.ResourceUnavailable }, "look for rows: the agent refuses it: ResourceUnavailable"},
		"too big":   {func(p *gosnmp.SnmpPacket) { p.Error = gosnmp.TooBig }, "half a table: the answer would be too big"},
		"v1's end":  {func(p *gosnmp.SnmpPacket) { p.Error, p.ErrorIndex = gosnmp.NoSuchName, 1 }, "the agent has no row of its kind"},
		"for ever":  {nil, "the agent has more than 4000 rows"},
		"elsewhere": {func(p *gosnmp.SnmpPacket) { p.Variables[0].Name = ".1.3.6.1.2.1.99.1.1.1.12.1" }, "the agent has no row of its kind"},
	} {
		t.Run(name, func(t *testing.T) {
			held := map[string]any{"1.3.6.1.2.1.99.1.1.1.1.5": 1}
			f := fakeAgent(t, held)
			n := 0
			misbehave := func(p *gosnmp.SnmpPacket) {
				if tc.f != nil {
					tc.f(p)
					return
				}
				p.Variables = nil
				for range atOnce {
					n++
					p.Variables = append(p.Variables, gosnmp.SnmpPDU{Name: fmt.Sprint(".1.3.6.1.2.1.99.1.1.1.1.", n), Type: gosnmp.Integer, Value: 1})
				}
			}
			f.set(func() { f.answers = misbehave })
			got, err := reader(t, agent(t, keys(t).as(f.addr, "")), "entity-sensor", "").Read(within(t, 10*time.Second))
			if len(got) != 0 || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%+v, %v; want %q", got, err, tc.says)
			}
		})
	}
}
