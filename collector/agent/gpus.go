package agent

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/amd"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/gaudi"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/guard"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/nvml"
	"github.com/gigawatch/gigawatch/collector/program"
)

// ReadGPUsCommand is the command under which the programs read boards for their
// own agent, in a process of its own; it calls [ReadGPUs].
const ReadGPUsCommand = "read-gpus"

// openGPUs is the driver that c asks for; nil: none. What the kernel shows in
// files is read here; a vendor's library in a child.
//
//	auto: amd ─▶ gaudi ─▶ child: dcgm (configured engine, usual port, embedded) ─▶ nvml
func openGPUs(c *Config, log *slog.Logger) gpu.Driver {
	g := &c.GPU
	files := []later{
		{name: "amd", open: func() (gpu.Driver, error) { return amd.Open(amd.Config{Root: c.Host.Root, Logger: log}) }},
		{name: "gaudi", open: func() (gpu.Driver, error) { return gaudi.Open(gaudi.Config{Root: c.Host.Root, Logger: log}) }},
	}
	for i := range files {
		switch f := &files[i]; g.Driver {
		case f.name:
			return f
		case "auto":
			if d, err := f.open(); err == nil {
				return d
			} else if !errors.Is(err, fs.ErrNotExist) {
				log.Warn("GPUs that are there cannot be read", "driver", f.name, "error", err)
			}
		}
	}
	if g.Driver == "none" || g.Driver == "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		log.Warn("GPUs cannot be read: this program does not know where it is", "error", err)
		return nil
	}
	return guard.New(guard.Config{Name: "gpu", Logger: log, Command: []string{self, ReadGPUsCommand, "-log", "warn",
		"-driver", g.Driver, "-engine", g.Engine, "-profiling", g.Profiling, "-interval", c.Interval.String(),
		"-dcgm-library", g.DCGM, "-nvml-library", g.NVML}})
}

// later is a driver whose boards may not be there yet.
type later struct {
	name  string
	open  func() (gpu.Driver, error)
	d     gpu.Driver
	tried time.Time
	err   error
}

func (l *later) Name() string { return l.name }

func (l *later) Read(ctx context.Context, now time.Time, r *gpu.Reading) error {
	if l.d == nil {
		if at := time.Now(); at.Sub(l.tried) >= time.Minute {
			l.tried = at
			l.d, l.err = l.open()
		}
		if l.err != nil {
			l.d = nil
			return l.err
		}
	}
	return l.d.Read(ctx, now, r)
}

func (l *later) Close() error {
	if l.d == nil {
		return nil
	}
	return l.d.Close()
}

// ReadGPUs reads boards for an agent that started this process, until that ends.
func ReadGPUs(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet(ReadGPUsCommand, flag.ContinueOnError)
	driver := flags.String("driver", "auto", "auto, dcgm or nvml")
	engine := flags.String("engine", "", "`address` of the DCGM host engine")
	profiling := flags.String("profiling", "auto", "auto, on or off")
	interval := flags.Duration("interval", time.Second, "between readings")
	dcgmLibrary := flags.String("dcgm-library", "", "`file` of libdcgm.so.4")
	nvmlLibrary := flags.String("nvml-library", "", "`file` of libnvidia-ml.so.1")
	level := program.LogLevel(flags)
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	log, err := program.Logger(*level, stderr)
	if err != nil {
		return err
	}
	program.Sparing()
	in, out, err := guard.Stdio()
	if err != nil {
		return err
	}
	modes := map[string]dcgm.Profiling{"auto": dcgm.ProfilingAuto, "on": dcgm.ProfilingOn, "off": dcgm.ProfilingOff}
	var reasons []string
	if *driver == "auto" || *driver == "dcgm" {
		d, err := dcgm.Open(dcgm.Config{Address: *engine, Library: *dcgmLibrary, Profiling: modes[*profiling], Interval: *interval, Since: guard.Since(), Logger: log})
		if err == nil {
			return guard.Serve(ctx, d, in, out)
		}
		reasons = append(reasons, err.Error())
	}
	if *driver == "auto" || *driver == "nvml" {
		d, err := nvml.Open(nvml.Config{Library: *nvmlLibrary, Logger: log})
		if err == nil {
			return guard.Serve(ctx, &noted{d, reasons}, in, out)
		}
		reasons = append(reasons, err.Error())
	}
	if reasons == nil {
		return fmt.Errorf("%w: -driver %q is not auto, dcgm or nvml", program.ErrUsage, *driver)
	}
	return guard.Refuse(out, reasons)
}

// noted is a driver that says besides what was tried before it.
type noted struct {
	gpu.Driver
	reasons []string
}

func (n *noted) Read(ctx context.Context, now time.Time, r *gpu.Reading) error {
	err := n.Driver.Read(ctx, now, r)
	r.Refused = append(r.Refused[:len(r.Refused):len(r.Refused)], n.reasons...)
	return err
}
