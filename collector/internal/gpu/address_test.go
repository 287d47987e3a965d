package gpu

import "testing"

func TestAddressesAreTheSameHoweverSpelled(t *testing.T) {
	want, ok := parseAddress("0000:3b:00.0")
	if !ok || want.String() != "0000:3b:00" {
		t.Fatalf("%v, %v", want, ok)
	}
	for _, s := range []string{"00000000:3B:00.0", "3b:00", "3B:00.0", "0000:3b:00", "PCI:0000:3b:00", "pci:3b:0", "0000:3b:00.7"} {
		if got, ok := parseAddress(s); got != want || !ok {
			t.Errorf("%q is %v, %v", s, got, ok)
		}
	}
	for s, want := range map[string]address{"10000:01:00.0": {0x10000, 1, 0}, "ffffffff:ff:1f.7": {0xffffffff, 0xff, 0x1f}} {
		if got, ok := parseAddress(s); got != want || !ok {
			t.Errorf("%q is %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "3b", "3b:", ":00", "3b:00:00:00", "000000000:3b:00", "100:00", "+3:00", "3b:00.", "3b:00.x", "N/A", "PCI:", "3b:-1", " 3b:00"} {
		if got, ok := parseAddress(s); ok {
			t.Errorf("%q is %v", s, got)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"0000:3b:00.0", "3b:00", "PCI:0000:3b:00", "", "::", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := parseAddress(s)
		if !ok {
			return
		}
		if again, ok := parseAddress(a.String()); !ok || again != a {
			t.Errorf("%q is %v, and that is %v", s, a, again)
		}
	})
}
