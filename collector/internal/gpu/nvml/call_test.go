//go:build cgo

package nvml

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/google/go-cmp/cmp"
)

// A driver without a symbol is read without it, and says what that costs; the
// fakes see to it that none is called.
func TestMissingSymbols(t *testing.T) {
	_, d := run(t, h100("GPU-1"))
	whole := values(read(t, d).Boards[0])
	for c := noCall + 1; c < calls; c++ {
		t.Run(symbols[c].names[0], func(t *testing.T) {
			h := newHost(t, h100("GPU-1"))
			for _, name := range symbols[c].names {
				h.lacks[name] = true
			}
			d, err := open(Config{}, h)
			if c == callCount || c == callHandle || c == callUUID {
				if err == nil || !h.down.Load() {
					t.Fatalf("opened, error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			r := read(t, d)
			for s := range values(r.Boards[0]) {
				if _, ok := whole[s]; !ok {
					t.Errorf("slot %d appeared", s)
				}
			}
			said := strings.Join(r.Refused, "\n")
			if silent := symbols[c].what == "" || symbols[c].instead != noCall; silent != (said == "") {
				t.Errorf("refused:\n%s", said)
			} else if !silent && !strings.Contains(said, symbols[c].names[0]+": no "+symbols[c].what) {
				t.Errorf("refused:\n%s", said)
			}
		})
	}
}

// Of two functions that serve the same, both must lack to lose anything.
func TestOlderFunctions(t *testing.T) {
	h := newHost(t, h100("GPU-1"))
	h.lacks["nvmlDeviceGetMemoryInfo_v2"], h.lacks["nvmlDeviceGetCurrentClocksEventReasons"] = true, true
	d, err := open(Config{}, h)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := read(t, d)
	if v := values(r.Boards[0]); v[gpu.MemoryUsed] != 72587202560 || v[gpu.ClockReasons] != 4 || len(r.Refused) > 0 {
		t.Errorf("%v in use, reasons %v, refused %q", v[gpu.MemoryUsed], v[gpu.ClockReasons], r.Refused)
	}
}

func TestPermissions(t *testing.T) {
	a, b := h100("GPU-1"), h100("GPU-2")
	for _, x := range []*fake{a, b} {
		x.returns["nvmlDeviceGetUtilizationRates"] = nvidia.ERROR_NO_PERMISSION
		x.fields[key{3, 0}] = datum{ret: nvidia.ERROR_NO_PERMISSION}
	}
	_, d := run(t, a, b)
	r := read(t, d)
	want := []string{
		"permission denied on some fields of 0000:1b:00.0, 0000:1c:00.0: run as root",
		"permission denied on utilization of 0000:1b:00.0, 0000:1c:00.0: run as root",
	}
	if diff := cmp.Diff(want, r.Refused); diff != "" {
		t.Error(diff)
	}
	if v := values(r.Boards[0]); v[gpu.Energy] == 0 {
		t.Error("no energy")
	}
}

func TestThatDoesNotOpen(t *testing.T) {
	for ret, want := range map[nvidia.Return]string{
		nvidia.ERROR_DRIVER_NOT_LOADED:       "open NVML: the driver is not loaded",
		nvidia.ERROR_LIB_RM_VERSION_MISMATCH: "open NVML: library and driver differ in version: the driver was replaced, load it anew or reboot",
		nvidia.ERROR_NO_PERMISSION:           "open NVML: permission denied: run as root",
		nvidia.Return(4711):                  "open NVML: error 4711 of NVML",
	} {
		h := newHost(t)
		h.refuses = ret
		if _, err := open(Config{}, h); err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
	}
	if _, err := Open(Config{Library: "libnvidia-ml-of-nowhere.so.1"}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "libnvidia-ml-of-nowhere.so.1") {
		t.Errorf("%v", err)
	}
}
