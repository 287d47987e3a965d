//go:build cgo

package nvml

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/google/go-cmp/cmp"
)

// The variables that make this program a child that reads a library.
const (
	envLibrary = "GIGAWATCH_NVML_LIBRARY"
	envScene   = "NVML_SCENE" // of testdata/double.c
	envRash    = "GIGAWATCH_NVML_RASH"
)

func TestMain(m *testing.M) {
	if library := os.Getenv(envLibrary); library != "" {
		if err := child(library); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child answers each line of its input with a reading.
func child(library string) error {
	if os.Getenv(envRash) != "" {
		return rash(library)
	}
	d, err := Open(Config{Library: library})
	if err != nil {
		return err
	}
	var r gpu.Reading
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for in.Scan() {
		if in.Text() == "relist" {
			d.listed = time.Time{}
		}
		d.slowAt = time.Time{}
		if err := d.Read(context.Background(), time.Now(), &r); err != nil {
			return err
		}
		if err := out.Encode(&r); err != nil {
			return err
		}
	}
	return d.Close()
}

// rash calls what the library lacks.
func rash(library string) error {
	api := nvidia.New(nvidia.WithLibraryPath(library))
	if ret := api.Init(); ret != nvidia.SUCCESS {
		return errors.New(words(ret))
	}
	device, _ := api.DeviceGetHandleByIndex(0)
	_, ret := device.GetMarginTemperature()
	return fmt.Errorf("lived to say %q", words(ret))
}

// double builds testdata/double.c against the binding's own header.
func double(t *testing.T, flags ...string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no C compiler: %v", err)
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/NVIDIA/go-nvml").Output()
	if err != nil {
		t.Fatal(err)
	}
	library := filepath.Join(t.TempDir(), "libnvidia-ml.so.1")
	args := slices.Concat([]string{"-shared", "-fPIC", "-Wall", "-Werror", "-DNVML_NO_UNVERSIONED_FUNC_DEFS=1",
		"-I", filepath.Join(strings.TrimSpace(string(dir)), "pkg/nvml"), "-o", library}, flags, []string{"testdata/double.c"})
	if out, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return library
}

// A reader is a child that reads a double.
type reader struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *json.Decoder
	scene string
}

func start(t *testing.T, library string, env ...string) *reader {
	t.Helper()
	r := &reader{t: t, cmd: exec.Command(os.Args[0]), scene: filepath.Join(t.TempDir(), "scene")}
	r.play()
	r.cmd.Env = append(os.Environ(), append(env, envLibrary+"="+library, envScene+"="+r.scene)...)
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.out = json.NewDecoder(out)
	r.cmd.Stderr = t.Output()
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.cmd.Process.Kill() })
	return r
}

// play makes words the scene, in one step.
func (r *reader) play(words ...string) {
	r.t.Helper()
	err := os.WriteFile(r.scene+".new", []byte(strings.Join(words, "\n")+"\n"), 0o666)
	if err == nil {
		err = os.Rename(r.scene+".new", r.scene)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) read(line string) *gpu.Reading {
	r.t.Helper()
	if _, err := io.WriteString(r.in, line+"\n"); err != nil {
		r.t.Fatal(err)
	}
	var got gpu.Reading
	if err := r.out.Decode(&got); err != nil {
		r.t.Fatal(err)
	}
	return &got
}

// end lets the child end by itself.
func (r *reader) end() {
	r.t.Helper()
	r.in.Close()
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("the child ended with %v", err)
	}
}

// What all doubles answer.
var answers = map[gpu.Slot]float64{
	gpu.Power: 690.5, gpu.PowerInstant: 688.12, gpu.PowerLimit: 650, gpu.PowerLimitDefault: 700,
	gpu.Temperature: 61, gpu.MemoryTemperature: 58, gpu.Utilization: 0.98, gpu.MemoryUtilization: 0.54,
	gpu.SMClock: 1.98e9, gpu.MemoryClock: 3.201e9, gpu.PerformanceState: 0, gpu.ClockReasons: 4, gpu.SlowPower: 3,
	gpu.MemoryTotal: 150754820096, gpu.PCIeReplays: 2, gpu.PCIeWidth: 16, gpu.PCIeWidthMax: 16,
	gpu.PCIeGeneration: 4, gpu.PCIeGenerationMax: 5, gpu.NVLinkReplay: 153, gpu.Partitions: 0,
}

// divided is the second board.
var divided = []gpu.Instance{
	{UUID: "MIG-aaaaaaaa-0000-5000-8000-000000000001", Index: 2, Compute: 0, Parts: 3, Of: 7},
	{UUID: "MIG-aaaaaaaa-0000-5000-8000-000000000002", Index: 1, Compute: 0, Parts: 2, Of: 7},
	{UUID: "MIG-aaaaaaaa-0000-5000-8000-000000000003", Index: 1, Compute: 1, Parts: 1, Of: 7},
}

// The real binding, against a library of C: each value, each field's own error,
// a board that is lost and comes back, an XID, and an orderly end.
func TestBoundary(t *testing.T) {
	r := start(t, double(t))
	got := r.read("")
	if len(got.Boards) != 2 || len(got.Refused) > 0 {
		t.Fatalf("%d boards, refused %q", len(got.Boards), got.Refused)
	}
	if want := "NVML 13.580.82.07, driver 580.82.07: 2 NVIDIA H200"; got.Found != want {
		t.Errorf("found %q", got.Found)
	}
	first := got.Boards[0]
	want := maps.Clone(answers)
	maps.Copy(want, map[gpu.Slot]float64{
		gpu.MemoryUsed: 99400000000, gpu.TemperatureMargin: -3, gpu.SRAMThreshold: 1, gpu.EncoderUtilization: 0.01, gpu.DecoderUtilization: 0.03,
	})
	v := values(first)
	if e := v[gpu.Energy]; e < 5_400_000.123 || e > 5_400_001 {
		t.Errorf("energy %v J", e)
	}
	delete(v, gpu.Energy)
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if first.UUID != "GPU-11111111-1111-1111-1111-111111111111" || first.PCI != "0000:3b:00.0" || first.Serial != "165312301" || first.Driver != "580.82.07" {
		t.Errorf("%+v", first)
	}
	if now := time.Now().UnixMicro(); first.Time > now || first.Time < now-60e6 || first.EnergyTime > first.Time {
		t.Errorf("taken at %d, energy at %d, now is %d", first.Time, first.EnergyTime, now)
	}
	if p := values(got.Boards[1])[gpu.Partitions]; p != 3 || got.Boards[0].Instances != nil {
		t.Errorf("%v instances, want 3, and %v of a whole board", p, got.Boards[0].Instances)
	}
	if diff := cmp.Diff(divided, got.Boards[1].Instances); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e := got.Boards[0].Values[gpu.Energy]; r.read("").Boards[0].Values[gpu.Energy] <= e {
		t.Error("energy stands still")
	}

	r.play("hide 83", "fail 82", "hide 185")
	v = values(r.read("relist").Boards[0])
	if _, ok := v[gpu.MemoryTemperature]; ok || v[gpu.Energy] != 777 || v[gpu.Power] != 391 || v[gpu.PowerInstant] != 688.12 {
		t.Errorf("memory %v degrees, %v J, %v W, %v W", v[gpu.MemoryTemperature], v[gpu.Energy], v[gpu.Power], v[gpu.PowerInstant])
	}

	r.play("bar 1")
	got = r.read("")
	if _, ok := values(got.Boards[1])[gpu.Partitions]; ok || !cmp.Equal(divided, got.Boards[1].Instances) {
		t.Errorf("instances that may not be read: %v", got.Boards[1].Instances)
	}
	if diff := cmp.Diff([]string{"permission denied on instances of 0000:db:00.0: run as root"}, got.Refused); diff != "" {
		t.Error(diff)
	}

	r.play("lost 1")
	for _, line := range []string{"", "relist", ""} {
		got = r.read(line)
		if b := got.Boards[1]; !b.Absent || len(values(b)) > 0 || b.UUID != "GPU-22222222-2222-2222-2222-222222222222" || b.Serial != "165312302" {
			t.Errorf("after %q: %+v", line, b)
		}
		if b := got.Boards[0]; b.Absent || values(b)[gpu.Power] == 0 {
			t.Errorf("its neighbour after %q: %+v", line, b)
		}
	}
	r.play()
	if b := r.read("relist").Boards[1]; b.Absent || values(b)[gpu.Power] != 690.5 {
		t.Errorf("back: %+v", b)
	}

	r.play("xid 79")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if got = r.read(""); len(got.Events) > 0 || time.Now().After(deadline) {
			break
		}
	}
	if len(got.Events) != 1 || got.Events[0].Code != 79 || got.Events[0].UUID != "GPU-22222222-2222-2222-2222-222222222222" || got.Events[0].PCI != "0000:db:00.0" {
		t.Errorf("%+v", got.Events)
	}
	r.end()
}

// An older library lacks functions: the child lives, and says what it lacks.
func TestBoundaryOfAnOldDriver(t *testing.T) {
	r := start(t, double(t, "-DOLD"))
	got := r.read("")
	want := maps.Clone(answers)
	want[gpu.MemoryUsed] = 100000000000
	v := values(got.Boards[0])
	delete(v, gpu.Energy)
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(divided, got.Boards[1].Instances); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	refused := []string{
		"the driver's library lacks nvmlDeviceGetMarginTemperature: no temperature margin; a newer driver has it",
		"the driver's library lacks nvmlDeviceGetEncoderUtilization: no encoder utilization; a newer driver has it",
		"the driver's library lacks nvmlDeviceGetDecoderUtilization: no decoder utilization; a newer driver has it",
		"the driver's library lacks nvmlDeviceGetSramEccErrorStatus: no threshold of errors in on-chip memory; a newer driver has it",
	}
	if diff := cmp.Diff(refused, got.Refused); diff != "" {
		t.Error(diff)
	}
	r.end()

	// Why each symbol is looked up: who calls one that is not there is ended.
	rash := start(t, double(t, "-DOLD"), envRash+"=1")
	rash.in.Close()
	if err := rash.cmd.Wait(); rash.cmd.ProcessState.ExitCode() != 127 {
		t.Errorf("a call of what is not there ended with %v, want exit status 127", err)
	}
}

// A file that is no library, or another one, is an error and no more.
func TestBoundaryOfNoLibrary(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libnvidia-ml.so.1")
	if err := os.WriteFile(text, []byte("not a library"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{text: "open NVML: ", "libm.so.6": `open NVML: libm.so.6: symbol "nvmlInit_v2" not found`} {
		if _, err := Open(Config{Library: name}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
