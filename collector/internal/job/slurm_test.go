package job

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func withSlurm(c *Config) { c.Slurm = true }

const scope1 = "sys/fs/cgroup/system.slice/slurmstepd.scope/"

func TestControlGroups(t *testing.T) {
	for name, tc := range map[string]struct {
		capture string
		want    holders
	}{
		"of version 2": {"slurm-v2", holders{"2 4711/physics": 1_000_000, "3 4711/physics": 1_000_000, "7 4712/biology": 1_000_000,
			"0 4714": missing, "1 4714": missing, "4 4714": missing, "5 4714": missing, "6 4714": missing}},
		"of several slurmds":                     {"slurm-nodes", holders{"0 4711/physics": 1_000_000, "4 4711/physics": 1_000_000}},
		"of a node where the batch does not run": {"slurm-second", holders{"0 4711/physics": 1_000_000, "1 4711/physics": 1_000_000, "2 4721/physics": 1_000_000}},
		"with divided boards":                    {"slurm-mig", holders{"2 4711": 571_429, "1 4712": 1_000_000}},
		"of version 1":                           {"slurm-v1", holders{"0 4711/physics": 1_000_000, "1 4711/physics": 1_000_000, "4 4712/physics": 1_000_000, "5 4712/physics": 1_000_000, "7 4713/biology": 1_000_000}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t, withSlurm)
			g.boards[2].Instances = mig()
			g.unpack(tc.capture)
			g.expect(tc.want)
			g.expect(tc.want) // from what it remembers
		})
	}
}

func TestAJobWhoseStepsBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, withSlurm)
		g.boards = boardsOf(4, nil)
		g.unpack("slurm-extern")
		g.remove(scope1 + "job_4711")
		other := holders{"0 4710": 1_000_000, "1 4710": 1_000_000}
		g.run(3*time.Second, other)

		g.unpack("slurm-extern") // now salloc
		g.run(31*time.Second, other)
		g.run(5*time.Second, holders{"0 4710": 1_000_000, "1 4710": 1_000_000, "2 4711": missing, "3 4711": missing})
		g.describes("job 4711 has no process that says what it holds")

		g.write("proc/4012/environ", "SLURM_JOB_ID=4711\x00SLURM_STEP_GPUS=3\x00") // srun
		g.write(scope1+"job_4711/step_0/user/task_0/cgroup.procs", "4012\n")
		held := holders{"0 4710": 1_000_000, "1 4710": 1_000_000, "3 4711": 1_000_000}
		g.run(3*time.Second, held)

		g.remove(scope1 + "job_4711/step_0") // between two steps it still holds it
		g.remove("proc/4012")
		g.run(40*time.Second, held)

		g.write("proc/4013/environ", "SLURM_JOB_ID=4711\x00SLURM_STEP_GPUS=2,3\x00")
		g.write(scope1+"job_4711/step_1/user/task_0/cgroup.procs", "4013\n")
		g.run(3*time.Second, holders{"0 4710": 1_000_000, "1 4710": 1_000_000, "2 4711": 1_000_000, "3 4711": 1_000_000})

		g.remove(scope1 + "job_4711")
		g.run(3*time.Second, other)
		g.remove(scope1 + "job_4710")
		g.run(3*time.Second, holders{})
	})
}

// A prolog knows of a job without GPUs what its control groups do not say.
func TestAPrologAndControlGroups(t *testing.T) {
	g := newStage(t, withSlurm, withDrop)
	g.boards = boardsOf(4, nil)
	g.unpack("slurm-extern")
	g.write("drop/4711", "job=4711\ntenant=physics\ngpus=\n")
	g.expect(holders{"0 4710": 1_000_000, "1 4710": 1_000_000})
	g.write("drop/4710", "job=4710\ntenant=physics\ngpus=0,1\n")
	g.expect(holders{"0 4710/physics": 1_000_000, "1 4710/physics": 1_000_000})
	g.write("drop/4710", "job=4710\ngpu")
	g.open()
	g.expect(holders{"0 4710": 1_000_000, "1 4710": 1_000_000})
}

// The tasks of a step begin one after the other, and each may have its own GPUs.
func TestTasksThatBeginLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, withSlurm)
		g.write("sys/fs/cgroup/cgroup.controllers", "cpu\n")
		for i := range 8 {
			g.write(fmt.Sprintf("proc/40%d/environ", i), fmt.Sprintf("SLURM_JOB_ID=7\x00SLURM_STEP_GPUS=%d\x00", i))
			g.write(fmt.Sprintf(scope1+"job_7/step_0/user/task_%d/cgroup.procs", i), fmt.Sprintf("40%d\n", i))
			time.Sleep(time.Second)
			if n := len(g.read()); n != i+1 {
				t.Errorf("%d of %d boards", n, i+1)
			}
		}
	})
}

func TestEnvironmentsThatMayNotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, withSlurm)
		g.unpack("slurm-extern")
		g.remove(scope1 + "job_4711")
		e := &g.s.finders[0].finder.(*slurm).environ
		e.open = func(path string) (io.ReadCloser, error) {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
		}
		g.run(40*time.Second, nil)
		g.describes("environment of job 4710: permission denied: run as root")
		e.open = openFile
		held := holders{"0 4710": 1_000_000, "1 4710": 1_000_000}
		g.run(2*time.Second, held)
		e.open = func(string) (io.ReadCloser, error) { return nil, fs.ErrPermission }
		g.run(60*time.Second, held) // what was told stays true
	})
}

// The memory of a process that hangs in the kernel may be locked for ever, and
// its environment with it.
func TestEnvironmentsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, withSlurm)
		g.boards = boardsOf(3, nil)
		g.unpack("slurm-extern")
		g.remove(scope1 + "job_4711")
		for i := range 20 {
			g.write(fmt.Sprintf(scope1+"job_%d/step_batch/user/task_0/cgroup.procs", 5000+i), fmt.Sprintf("%d\n", 5000+i))
		}
		release := make(chan struct{})
		var opened atomic.Int32
		g.s.finders[0].finder.(*slurm).environ.open = func(path string) (io.ReadCloser, error) {
			if strings.Contains(path, "/50") {
				opened.Add(1)
				<-release
				return io.NopCloser(strings.NewReader("SLURM_JOB_ID=1\x00")), nil
			}
			return openFile(path)
		}
		before := time.Now()
		g.expect(holders{"0 4710": 1_000_000, "1 4710": 1_000_000, "2 5000": missing})
		if took := time.Since(before); took > time.Second {
			t.Errorf("it took %v", took)
		}
		for range 20 {
			time.Sleep(time.Second)
			g.read()
		}
		if n := opened.Load(); n > maxHung {
			t.Errorf("%d readings hang", n)
		}
		close(release)
		synctest.Wait()
		time.Sleep(time.Minute)
		g.read()
		time.Sleep(time.Second)
		g.expect(holders{"0 4710": 1_000_000, "1 4710": 1_000_000})
	})
}

func TestWhereThereIsNoSlurm(t *testing.T) {
	g := newStage(t, withSlurm)
	g.expect(nil)
	g.describes("no such file or directory")
	g.write("sys/fs/cgroup/cgroup.procs", "1\n")
	g.expect(nil)
	g.describes("there are no control groups")
	g.write("sys/fs/cgroup/cgroup.controllers", "cpu\n") // a container's
	g.expect(nil)
	g.describes("not the control groups of the host")
	g.write("sys/fs/cgroup/system.slice/cgroup.procs", "")
	g.expect(holders{})
	g.describes("no slurmstepd.scope")
	g.write(scope1+"system/cgroup.procs", "17\n")
	g.expect(holders{})
	if strings.Contains(g.s.Describe(), "(") {
		t.Error(g.s.Describe())
	}
	g.remove("sys/fs/cgroup")
	g.write("sys/fs/cgroup/freezer/cgroup.procs", "1\n") // of version 1, before the first job
	g.expect(holders{})
}

func TestMoreJobsThanAHostCanHave(t *testing.T) {
	g := newStage(t, withSlurm)
	g.write("sys/fs/cgroup/cgroup.controllers", "cpu\n")
	for i := range maxSlurmJobs + 1 {
		if err := os.MkdirAll(g.path(fmt.Sprintf(scope1+"job_%d", i)), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	g.expect(nil)
	g.describes("more than 1024 jobs")
}

// The environment of a real process.
func TestARealProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("there is no proc file system")
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("there is no sleep to run")
	}
	c := exec.Command(sleep, "60")
	c.Env = []string{"SLURM_JOB_ID=4711", "SLURM_JOB_ACCOUNT=physics", "JUNK=" + strings.Repeat("x", 100<<10), "SLURM_JOB_GPUS=1,3"}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { c.Process.Kill(); c.Wait() }()
	g := newStage(t, withSlurm)
	g.link("proc", "/proc")
	g.write("sys/fs/cgroup/cgroup.controllers", "cpu\n")
	g.write(scope1+"job_4711/step_batch/user/task_0/cgroup.procs", fmt.Sprintf("%d\n", c.Process.Pid))
	for range 100 { // a process that has just begun has none
		if g.read()["1 4711/physics"] > 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	g.expect(holders{"1 4711/physics": 1_000_000, "3 4711/physics": 1_000_000})
}
