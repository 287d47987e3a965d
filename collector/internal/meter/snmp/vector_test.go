package snmp

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const kwh = 3_600_000_000 // mJ

func watts(v float64) meter.Value { return meter.Value{Quantity: meter.Power, Number: v} }

func joules(r meter.Register) meter.Value { return meter.Value{Quantity: meter.Energy, Register: r} }

// same compares values as they are read.
func same(t *testing.T, want, got []meter.Value, err error) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateApprox(1e-12, 0)); d != "" || err != nil {
		t.Errorf("%v: %s", err, d)
	}
}

// The vectors of the specification, by a real agent.
func TestV15(t *testing.T) {
	d := serve(t, sensor1200.with(apc).with(raritan))
	k := keys(t)
	for _, user := range []string{"", "meter"} {
		a := agent(t, k.as(d.addr, user))
		for profile, want := range map[string][]meter.Value{
			"entity-sensor": {watts(7321.5)},
			"apc-rpdu2":     {watts(5120), joules(meter.Register{Steps: 123456, Size: meter.Size{Num: kwh / 10, Den: 1}, Life: "ZA1 since 05/30/2026 00:12:17"})},
			"raritan-pdu2":  {watts(7321), joules(meter.Register{Steps: 987654321, Size: meter.Size{Num: kwh / 1000, Den: 1}, Life: "PX4"})},
		} {
			got, err := reader(t, a, profile, "").Read(within(t, 10*time.Second))
			t.Run(profile+" as "+user, func(t *testing.T) { same(t, want, got, err) })
		}
	}
}

var (
	sensor1200 = objects{
		"1.3.6.1.2.1.99.1.1.1.1.1200":   "integer 6",
		"1.3.6.1.2.1.99.1.1.1.2.1200":   "integer 10",
		"1.3.6.1.2.1.99.1.1.1.3.1200":   "integer 4",
		"1.3.6.1.2.1.99.1.1.1.4.1200":   "integer 73215",
		"1.3.6.1.2.1.99.1.1.1.5.1200":   "integer 1",
		"1.3.6.1.2.1.99.1.1.1.1.1201":   "integer 4",
		"1.3.6.1.2.1.99.1.1.1.4.1201":   "integer 230",
		"1.3.6.1.2.1.99.1.1.1.5.1201":   "integer 1",
		"1.3.6.1.2.1.47.1.1.1.1.7.1200": "string PSU 1 input power",
		"1.3.6.1.2.1.47.1.1.1.1.7.1201": "string PSU 1 input voltage",
	}
	apc = objects{
		"1.3.6.1.4.1.318.1.1.26.4.3.1.5.1":  "integer 512",
		"1.3.6.1.4.1.318.1.1.26.4.3.1.9.1":  "integer 123456",
		"1.3.6.1.4.1.318.1.1.26.4.3.1.10.1": "string 05/30/2026 00:12:17",
		"1.3.6.1.4.1.318.1.1.26.2.1.9.1":    "string ZA1",
		"1.3.6.1.4.1.318.1.1.26.2.1.3.1":    "string first",
	}
	raritan = objects{
		"1.3.6.1.4.1.13742.6.5.2.3.1.2.1.1.5":  "integer 1",
		"1.3.6.1.4.1.13742.6.5.2.3.1.4.1.1.5":  "gauge 7321",
		"1.3.6.1.4.1.13742.6.5.2.3.1.6.1.1.5":  "integer 0",
		"1.3.6.1.4.1.13742.6.3.3.4.1.7.1.1.5":  "gauge 0",
		"1.3.6.1.4.1.13742.6.3.3.4.1.27.1.1.5": "integer 0",
		"1.3.6.1.4.1.13742.6.5.2.3.1.2.1.1.8":  "integer 1",
		"1.3.6.1.4.1.13742.6.5.2.3.1.4.1.1.8":  "gauge 987654321",
		"1.3.6.1.4.1.13742.6.5.2.3.1.6.1.1.8":  "integer 0",
		"1.3.6.1.4.1.13742.6.3.3.4.1.7.1.1.8":  "gauge 0",
		"1.3.6.1.4.1.13742.6.3.3.4.1.27.1.1.8": "integer 0",
		"1.3.6.1.4.1.13742.6.3.2.1.1.4.1":      "string PX4",
	}
)
