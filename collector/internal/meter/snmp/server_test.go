package snmp

import (
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// A fake is an agent of v2c in the process, which does what its test lets it do.
type fake struct {
	addr string

	mu      sync.Mutex
	held    map[string]any
	most    int                         // objects that it answers at once; 0: any number
	refuses map[string]gosnmp.SNMPError // objects
	answers func(p *gosnmp.SnmpPacket)  // may change an answer
	asked   []int                       // objects, by request
	busy    int
	atOnce  int
}

func fakeAgent(t *testing.T, held map[string]any) *fake {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{addr: c.LocalAddr().String(), held: held}
	var working sync.WaitGroup
	t.Cleanup(func() {
		c.Close()
		working.Wait()
	})
	working.Go(func() {
		b := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			x := &gosnmp.GoSNMP{Version: gosnmp.Version2c}
			p, err := x.SnmpDecodePacket(slices.Clone(b[:n]))
			if err != nil || p.Community != community {
				continue // as real ones do
			}
			working.Go(func() {
				f.answer(p)
				if out, err := p.MarshalMsg(); err == nil {
					c.WriteTo(out, from)
				} else {
					t.Error(err)
				}
			})
		}
	})
	return f
}

func (f *fake) answer(p *gosnmp.SnmpPacket) {
	f.mu.Lock()
	f.asked = append(f.asked, len(p.Variables))
	f.busy++
	f.atOnce = max(f.atOnce, f.busy)
	answers := f.answers
	f.mu.Unlock()
	defer func() {
		if answers != nil {
			answers(p)
		}
		f.mu.Lock()
		f.busy--
		f.mu.Unlock()
	}()
	f.mu.Lock()
	defer f.mu.Unlock()
	kind := p.PDUType
	p.PDUType = gosnmp.GetResponse
	if f.most > 0 && len(p.Variables) > f.most {
		p.Error, p.Variables = gosnmp.TooBig, nil
		return
	}
	if kind == gosnmp.GetBulkRequest {
		at, most := p.Variables[0].Name[1:], p.MaxRepetitions
		p.Variables = nil
		p.NonRepeaters, p.MaxRepetitions = 0, 0
		for range most {
			v := f.after(at)
			p.Variables = append(p.Variables, v)
			if v.Type == gosnmp.EndOfMibView {
				break
			}
			at = v.Name[1:]
		}
		return
	}
	for i := range p.Variables {
		v := &p.Variables[i]
		if code := f.refuses[v.Name[1:]]; code != 0 {
			p.Error, p.ErrorIndex = code, uint8(i+1)
			return
		}
		*v = f.at(v.Name[1:])
	}
}

func (f *fake) at(oid string) gosnmp.SnmpPDU {
	x, ok := f.held[oid]
	v := gosnmp.SnmpPDU{Name: "." + oid, Value: x, Type: gosnmp.NoSuchInstance}
	if !ok {
		return v
	}
	switch x := x.(type) {
	case int:
		v.Type = gosnmp.Integer
	case uint32:
		v.Type = gosnmp.Gauge32
	case counter32:
		v.Type, v.Value = gosnmp.Counter32, uint32(x)
	case ticks:
		v.Type, v.Value = gosnmp.TimeTicks, uint32(x)
	case uint64:
		v.Type = gosnmp.Counter64
	case float32:
		v.Type = gosnmp.OpaqueFloat
	case float64:
		v.Type = gosnmp.OpaqueDouble
	case string:
		v.Type = gosnmp.OctetString
	case nil:
		v.Type = gosnmp.Null
	}
	return v
}

type (
	counter32 uint32
	ticks     uint32
)

func (f *fake) after(oid string) gosnmp.SnmpPDU {
	next := ""
	for at := range f.held {
		if later(at, oid) && (next == "" || later(next, at)) {
			next = at
		}
	}
	if next == "" {
		return gosnmp.SnmpPDU{Name: "." + oid, Type: gosnmp.EndOfMibView}
	}
	return f.at(next)
}

// change changes what the agent has.
func (f *fake) change(held map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for oid, v := range held {
		if f.held[oid] = v; v == gone {
			delete(f.held, oid)
		}
	}
}

// set changes what the agent does.
func (f *fake) set(by func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	by()
}

// requested is how many objects each request was for since it was last asked.
func (f *fake) requested() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.asked
	f.asked = nil
	return list
}

// gone is of an object that is no longer there.
const gone = "\x00gone"
