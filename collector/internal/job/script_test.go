package job

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// shells are those of this machine that a script may be run by.
func shells(t *testing.T) (found [][]string) {
	for _, s := range [][]string{{"sh"}, {"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		if path, err := exec.LookPath(s[0]); err == nil {
			found = append(found, append([]string{path}, s[1:]...))
		}
	}
	if found == nil {
		t.Skip("there is no shell")
	}
	return found
}

// slurmd runs a script as slurmd does: without a search path.
func slurmd(shell []string, script string, env ...string) error {
	path, err := filepath.Abs(filepath.Join("../../../deploy/slurm", script))
	if err != nil {
		return err
	}
	c := exec.Command(shell[0], append(shell[1:len(shell):len(shell)], path)...)
	c.Env = env
	c.Dir = "/"
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		return fmt.Errorf("%s of %s: %v: %s", script, shell, err, out)
	}
	return nil
}

func TestPrologTellsAndEpilogForgets(t *testing.T) {
	for _, shell := range shells(t) {
		for name, tc := range map[string]struct {
			env  []string
			want holders
		}{
			"boards by number": {[]string{"SLURM_JOB_ID=4711", "SLURM_JOB_ACCOUNT=physics", "SLURM_JOB_USER=alice", "SLURM_JOB_GPUS=0,3", "CUDA_VISIBLE_DEVICES=0,3", "GPU_DEVICE_ORDINAL=0,3"},
				holders{"0 4711/physics": 1_000_000, "3 4711/physics": 1_000_000}},
			"no account": {[]string{"SLURM_JOB_ID=4711", "SLURM_JOB_USER=alice", "SLURM_JOB_GPUS=1"}, holders{"1 4711/alice": 1_000_000}},
			// Slurm numbers MIG devices by themselves: 4 is not board 4.
			"parts of boards":      {[]string{"SLURM_JOB_ID=4711", "SLURM_JOB_GPUS=4,5", "CUDA_VISIBLE_DEVICES=MIG-1,MIG-2"}, holders{"2 4711": 1_000_000}},
			"boards by uuid":       {[]string{"SLURM_JOB_ID=4711", "SLURM_JOB_GPUS=1", "CUDA_VISIBLE_DEVICES=" + uuid(1)}, holders{"1 4711": 1_000_000}},
			"AMD's":                {[]string{"SLURM_JOB_ID=4711", "SLURM_JOB_GPUS=2", "ROCR_VISIBLE_DEVICES=2"}, holders{"2 4711": 1_000_000}},
			"older Slurm":          {[]string{"SLURM_JOB_ID=4711", "CUDA_VISIBLE_DEVICES=2"}, holders{"2 4711": 1_000_000}},
			"older Slurm, no GPU":  {[]string{"SLURM_JOB_ID=4711", "CUDA_VISIBLE_DEVICES=NoDevFiles"}, holders{}},
			"no GPU":               {[]string{"SLURM_JOB_ID=4711", "SLURM_JOB_ACCOUNT=physics"}, holders{}},
			"names that are words": {[]string{"SLURM_JOB_ID=4711", `SLURM_JOB_ACCOUNT=a b $(id) \n\\ * "'`, "SLURM_JOB_GPUS=0"}, holders{`0 4711/a b $(id) \n\\ * "'`: 1_000_000}},
		} {
			t.Run(strings.Join(shell, " ")+" "+name, func(t *testing.T) {
				g := newStage(t, withDrop)
				g.boards = boardsOf(6, nil)
				g.boards[2].Instances = mig()
				env := append(tc.env, "GIGAWATCH_JOBS="+g.c.Drop)
				if err := slurmd(shell, "prolog.sh", env...); err != nil {
					t.Fatal(err)
				}
				g.expect(tc.want)
				if strings.Contains(g.s.Describe(), "not understood") || strings.Contains(g.s.Describe(), `"`) {
					t.Error(g.s.Describe())
				}
				if err := slurmd(shell, "epilog.sh", env...); err != nil {
					t.Fatal(err)
				}
				g.expect(holders{})
				if left, err := os.ReadDir(g.c.Drop); err != nil || len(left) > 0 {
					t.Error(left, err)
				}
			})
		}
	}
}

// A prolog or an epilog that fails drains the node.
func TestScriptsNeverFail(t *testing.T) {
	for _, shell := range shells(t) {
		dir := t.TempDir()
		taken := filepath.Join(dir, "taken")
		if err := os.WriteFile(taken, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		for _, env := range [][]string{
			nil,
			{"GIGAWATCH_JOBS=" + dir},
			{"GIGAWATCH_JOBS=" + dir, "SLURM_JOB_ID="},
			{"GIGAWATCH_JOBS=" + dir, "SLURM_JOB_ID=../../etc/passwd"},
			{"GIGAWATCH_JOBS=" + dir, "SLURM_JOB_ID=-rf"},
			{"GIGAWATCH_JOBS=" + filepath.Join(dir, "made", "anew"), "SLURM_JOB_ID=4711"},
			{"GIGAWATCH_JOBS=" + filepath.Join(dir, "a folder"), "SLURM_JOB_ID=4711"},
			{"GIGAWATCH_JOBS=" + taken, "SLURM_JOB_ID=4711"},
		} {
			for _, script := range []string{"prolog.sh", "epilog.sh"} {
				if err := slurmd(shell, script, env...); err != nil && !strings.Contains(err.Error(), "<nil>") {
					t.Error(env, err)
				}
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 3 {
			t.Error(left, err)
		}
	}
}

// Many jobs begin and end at once on a busy node; no reading sees half of one.
func TestScriptsAndReaderAtOnce(t *testing.T) {
	shell := shells(t)[0]
	g := newStage(t, withDrop)
	var done sync.WaitGroup
	ended := make(chan struct{})
	for i := range 8 {
		done.Go(func() {
			for k := range 4 {
				env := []string{"GIGAWATCH_JOBS=" + g.c.Drop, fmt.Sprintf("SLURM_JOB_ID=%d%d", i, k), "SLURM_JOB_ACCOUNT=physics", fmt.Sprintf("SLURM_JOB_GPUS=%d", i)}
				for _, script := range []string{"prolog.sh", "epilog.sh"} {
					if err := slurmd(shell, script, env...); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	go func() { done.Wait(); close(ended) }()
	for running := true; running; {
		select {
		case <-ended:
			running = false
		default:
		}
		for k, v := range g.read() {
			if v != Whole || k[0] != k[2] || !strings.HasSuffix(k, "/physics") {
				t.Errorf("%s: %d", k, v)
			}
		}
		if strings.Contains(g.s.Describe(), `"`) {
			t.Error(g.s.Describe())
		}
	}
	g.expect(holders{})
}
