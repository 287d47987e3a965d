package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A fleet is hosts whose values move about as those of a busy site do: of the
// 35 of a GPU 9 or 10 in ten seconds, of the 45 of a host 26.
type fleet struct {
	agents  []member
	columns []motion // by column of the layout, which is alike for all hosts
	r       *rand.Rand
}

type member struct {
	key    string
	layout *metric.Layout
	values []metric.Raw
}

// A motion is how a column moves: in so many of a thousand ticks, to another
// value of so many around a middle, or upwards by about a step.
type motion struct {
	often  uint64
	middle float64
	spread uint64
	unit   float64
	step   int64
}

func newFleet(hosts, gpus int) *fleet {
	f := &fleet{r: rand.New(rand.NewPCG(7, uint64(hosts)))}
	for n := range hosts {
		m := member{key: fmt.Sprintf("dc1/n%05d", n)}
		m.layout, f.columns = f.host(n, gpus)
		m.values = make([]metric.Raw, m.layout.Width())
		f.agents = append(f.agents, m)
	}
	f.start()
	return f
}

func (f *fleet) width() int { return len(f.agents) * len(f.agents[0].values) }

// host is the layout of the n-th host.
func (f *fleet) host(n, gpus int) (*metric.Layout, []motion) {
	l := &metric.Layout{Simulated: true}
	entity := func(k metric.EntityKind, name string, parent int, ls ...metric.Pair) int {
		l.Entities = append(l.Entities, metric.Entity{Kind: k, Name: name, Parent: parent, Labels: ls})
		return len(l.Entities) - 1
	}
	hall := entity(metric.Hall, fmt.Sprintf("h%02d", n/512+1), -1)
	rack := entity(metric.Rack, fmt.Sprintf("r%04d", n/8+1), hall)
	host := entity(metric.Host, fmt.Sprintf("n%05d", n+1), rack)
	gpu := len(l.Entities)
	for g := range gpus {
		uuid := fmt.Sprintf("GPU-%08x-%04x-%04x-%04x-%012x", f.r.Uint32(), f.r.Uint32()>>16, f.r.Uint32()>>16, f.r.Uint32()>>16, f.r.Uint64()>>16)
		entity(metric.GPU, uuid, host, metric.Pair{Name: "gpu", Value: fmt.Sprint(g)}, metric.Pair{Name: "model", Value: "NVIDIA H200"})
	}
	disk := entity(metric.Device, "nvme0n1", host)
	entity(metric.Device, "nvme1n1", host)
	net := entity(metric.Device, "eth0", host)
	entity(metric.Device, "eth1", host)
	port := entity(metric.Port, "1", host, metric.Pair{Name: "device", Value: "mlx5_0"})
	entity(metric.Port, "1", host, metric.Pair{Name: "device", Value: "mlx5_1"})
	mount := entity(metric.Mount, "/", host)
	entity(metric.Mount, "/scratch", host)
	entity(metric.Mount, "/var", host)
	sensor := entity(metric.Sensor, "package_0", host)
	for i := range 5 {
		entity(metric.Sensor, fmt.Sprint("board_", i), host)
	}

	var ms []motion
	add := func(n metric.Number, point uint32, first, count int, m motion) {
		l.Columns = append(l.Columns, column(n, point, first, count))
		ms = append(ms, m)
	}
	still := motion{}
	around := func(often uint64, middle float64, spread uint64, unit float64) motion {
		return motion{often: often, middle: middle, spread: spread, unit: unit}
	}
	up := func(often uint64, step int64) motion { return motion{often: often, step: step} }

	add(metric.GPUPowerWatts, 0, gpu, gpus, around(1000, 540, 140_000, 0.001))
	add(metric.GPUEnergyJoules, 0, gpu, gpus, up(1000, 6_000_000))
	add(metric.GPUTemperature, 0, gpu, gpus, around(800, 58, 9, 1))
	add(metric.GPUMemoryTemperature, 0, gpu, gpus, around(800, 66, 9, 1))
	add(metric.GPUTemperatureMargin, 0, gpu, gpus, around(800, 21, 9, 1))
	add(metric.GPUUtilization, 0, gpu, gpus, around(950, 0.8, 20, 0.01))
	add(metric.GPUMemoryUtilization, 0, gpu, gpus, around(950, 0.4, 30, 0.01))
	add(metric.GPUMemoryUsed, 0, gpu, gpus, around(300, 120<<30, 64, 16<<20))
	add(metric.GPUMemoryTotal, 0, gpu, gpus, still)
	add(metric.GPUSMClock, 0, gpu, gpus, around(800, 1_800e6, 12, 15e6))
	add(metric.GPUMemoryClock, 0, gpu, gpus, still)
	add(metric.GPUPowerLimit, 0, gpu, gpus, still)
	for p := range uint32(4) {
		add(metric.GPUECCErrors, p, gpu, gpus, up(0, 1))
	}
	for p := range uint32(2) {
		add(metric.GPURemappedRows, p, gpu, gpus, still)
	}
	add(metric.GPURowRemapPending, 0, gpu, gpus, still)
	add(metric.GPURowRemapFailed, 0, gpu, gpus, still)
	add(metric.GPURetiredPages, 0, gpu, gpus, still)
	add(metric.GPUSlowdownSeconds, 0, gpu, gpus, up(900, 3e9))
	add(metric.GPUSlowdownSeconds, 1, gpu, gpus, up(400, 2e8))
	for p := range uint32(5) {
		add(metric.GPUSlowdownSeconds, 2+p, gpu, gpus, still)
	}
	add(metric.GPUPCIeReplays, 0, gpu, gpus, up(1, 1))
	for p := range uint32(4) {
		add(metric.GPUNVLinkErrors, p, gpu, gpus, up(1, 1))
	}
	add(metric.GPUState, 0, gpu, gpus, still)
	add(metric.GPURecoveryAction, 0, gpu, gpus, still)

	add(metric.HostUp, 0, host, 1, still)
	add(metric.HostCPUUsage, 0, host, 1, around(1000, 0.3, 1e9, 1e-10))
	add(metric.HostLoad1, 0, host, 1, around(1000, 40, 800, 0.01))
	add(metric.HostMemoryUsed, 0, host, 1, around(1000, 800<<30, 1e6, 4096))
	add(metric.HostMemoryTotal, 0, host, 1, still)
	for p := range uint32(2) {
		add(metric.HostNetworkBytes, p, net, 2, up(1000, 4e9))
		add(metric.HostDiskBytes, p, disk, 2, up(1000, 3e8))
		add(metric.FabricPortBytes, p, port, 2, up(1000, 4e11))
	}
	add(metric.HostFilesystemUsed, 0, mount, 3, around(330, 4e11, 1e6, 4096))
	add(metric.HostFilesystemTotal, 0, mount, 3, still)
	add(metric.HostTemperature, 0, sensor, 6, around(700, 50, 9, 1))
	for p := range uint32(3) {
		add(metric.HostPowerWatts, p, host, 1, around(1000, 900, 200, 1))
		add(metric.HostEnergyJoules, p, host, 1, up(1000, 9_000_000))
	}
	add(metric.FabricPortLinkDowns, 0, port, 2, still)
	add(metric.FabricPortRate, 0, port, 2, still)
	add(metric.NVMeTemperature, 0, disk, 2, around(500, 45, 5, 1))
	add(metric.NVMeWear, 0, disk, 2, still)
	add(metric.NVMeMediaErrors, 0, disk, 2, still)
	return l, ms
}

// start gives every value a beginning.
func (f *fleet) start() {
	for k := range f.agents {
		f.each(&f.agents[k], func(m *motion, d *metric.Def, v *metric.Raw) {
			switch {
			case m.spread > 0:
				*v = d.Raw(m.middle)
			case m.step > 1:
				*v = metric.Raw(m.step * int64(f.r.Uint64()>>44))
			case d.Unit == metric.Bytes || d.Unit == metric.Hertz || d.Unit == metric.Watts:
				*v = d.Raw(1e9)
			}
		})
	}
}

func (f *fleet) each(m *member, do func(*motion, *metric.Def, *metric.Raw)) {
	i := 0
	for k, c := range m.layout.Columns {
		d := metric.Lookup(c.Metric)
		for range c.Count {
			do(&f.columns[k], d, &m.values[i])
			i++
		}
	}
}

// move is the next tick of one agent; it says how many values moved.
func (f *fleet) move(m *member) (moved int) {
	i := 0
	for k := range m.layout.Columns {
		c, n := &f.columns[k], m.layout.Columns[k].Count
		if c.often == 0 {
			i += n
			continue
		}
		float := m.layout.Columns[k].Form == metric.Float
		for range n {
			x := f.r.Uint64()
			if x>>54*1000 < c.often<<10 { // the top ten bits say whether, the others where to
				old := m.values[i]
				switch {
				case c.spread == 0:
					m.values[i] += metric.Raw(c.step - c.step/8 + int64(x&0xffff)*(c.step/4)>>16)
				case float:
					m.values[i] = metric.Of(c.middle + float64(x&(1<<40-1)%c.spread)*c.unit)
				default:
					m.values[i] = metric.Raw(c.middle + float64(x&(1<<40-1)%c.spread)*c.unit)
				}
				if m.values[i] != old {
					moved++
				}
			}
			i++
		}
	}
	return moved
}

// step moves one value in so many of every agent; 0: none.
func (f *fleet) step(one int) (moved int) {
	if one == 0 {
		return 0
	}
	for k := range f.agents {
		m := &f.agents[k]
		for i := 0; i < len(m.values); i += one {
			if c := &m.layout.Columns[0]; i < c.Count { // power: floats
				m.values[i] = metric.Of(500 + float64(f.r.Uint64()&0xffff)/1000)
			} else {
				m.values[i] ^= 1
			}
			moved++
		}
	}
	return moved
}

func (f *fleet) append(tb testing.TB, w *store.Writer, t int64) {
	for k := range f.agents {
		m := &f.agents[k]
		if err := w.Append(m.key, m.layout, "dc1", t, m.values); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		tb.Fatal(err)
	}
}
