package job

import (
	"fmt"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// BenchmarkRead reads a host with eight jobs of a board each, and nothing new.
func BenchmarkRead(b *testing.B) {
	for name, with := range map[string]func(*Config){"drop": withDrop, "slurm": withSlurm} {
		b.Run(name, func(b *testing.B) {
			g := newStage(b, with)
			g.write("sys/fs/cgroup/cgroup.controllers", "cpu\n")
			for i := range 150 {
				g.write(fmt.Sprintf("sys/fs/cgroup/system.slice/service-%d.service/cgroup.procs", i), "")
			}
			for i := range 8 {
				g.write(fmt.Sprintf("drop/%d", i), fmt.Sprintf("job=%d\ntenant=physics\ngpus=%d\n", 4711+i, i))
				g.write(fmt.Sprintf(scope1+"job_%d/step_batch/user/task_0/cgroup.procs", 4711+i), fmt.Sprintf("%d\n", 100+i))
				g.write(fmt.Sprintf("proc/%d/environ", 100+i), fmt.Sprintf("SLURM_JOB_ID=%d\x00SLURM_JOB_ACCOUNT=physics\x00SLURM_JOB_GPUS=%d\x00", 4711+i, i))
			}
			if n := len(g.read()); n != 8 {
				b.Fatalf("%d jobs", n)
			}
			var values []metric.Raw
			b.ReportAllocs()
			for b.Loop() {
				_, values, _ = g.s.Read(b.Context(), time.Time{}, values[:0])
			}
		})
	}
}
