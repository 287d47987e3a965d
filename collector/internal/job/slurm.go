package job

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
)

// slurm finds jobs in the control groups that slurmstepd makes, and what they
// hold in the environment of one of their processes. Device lists of control
// groups of the second version are programs that nobody can read.
type slurm struct {
	tree  tree.Tree
	known map[string][]holding // by job's folder: an environment is read once
}

func (s *slurm) name() string { return "Slurm control groups" }

// Where jobs are, of version 2 and 1.
var slurmFolders = []string{
	"sys/fs/cgroup/system.slice/*slurmstepd.scope/job_*",
	"sys/fs/cgroup/devices/slurm*/uid_*/job_*",
	"sys/fs/cgroup/cpuset/slurm*/uid_*/job_*",
}

func (s *slurm) find(time.Time) (held []holding, err error) {
	seen := map[string]bool{}
	known := make(map[string][]holding, len(s.known))
	var errs []error
	for _, pattern := range slurmFolders {
		dirs, err := filepath.Glob(s.tree.Path(pattern))
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs[:min(len(dirs), maxFiles)] {
			id := strings.TrimPrefix(filepath.Base(dir), "job_")
			if seen[id] {
				continue
			}
			seen[id] = true
			h, ok := s.known[dir]
			if !ok {
				if h, ok, err = s.job(dir, id); err != nil {
					errs = append(errs, err)
				}
			}
			if ok {
				known[dir] = h
			}
			held = append(held, h...)
		}
	}
	s.known = known
	return held, errors.Join(errs...)
}

// job is what the job of the control group dir holds; ok is false while that
// cannot be told yet.
func (s *slurm) job(dir, id string) (held []holding, ok bool, err error) {
	pid := process(dir, 4)
	if pid == "" { // its first step has not begun, or its last has ended
		return nil, false, nil
	}
	env, err := os.ReadFile(s.tree.Path("proc", pid, "environ"))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, false, fmt.Errorf("read the environment of job %s: permission denied: run as root or give CAP_SYS_PTRACE, or use a prolog", id)
	case err != nil: // it has just ended
		return nil, false, nil
	}
	devices, tenant := environment(env)
	for _, d := range devices {
		held = append(held, holding{id, tenant, d, 0})
	}
	return held, true, nil
}

// environment reads who a process of a job is and what its job holds. Inside a
// job CUDA_VISIBLE_DEVICES counts from zero; these do not.
func environment(env []byte) (devices []string, tenant string) {
	var job, step string
	for v := range bytes.SplitSeq(env, []byte{0}) {
		name, value, _ := strings.Cut(string(v), "=")
		switch name {
		case "SLURM_JOB_GPUS":
			job = value
		case "SLURM_STEP_GPUS":
			step = value
		case "SLURM_JOB_ACCOUNT":
			tenant = value
		}
	}
	if job == "" {
		job = step
	}
	return split(job), tenant
}

// process is a process below the control group dir, which may lie so many
// levels deeper; "" if there is none.
func process(dir string, levels int) string {
	if b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs")); err == nil {
		if line, _, _ := bytes.Cut(b, []byte("\n")); len(line) > 0 {
			if _, err := strconv.Atoi(string(line)); err == nil {
				return string(line)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || levels == 0 {
		return ""
	}
	for _, e := range entries {
		// Slurm's own processes carry no environment of the job.
		if !e.IsDir() || e.Name() == "slurm" || e.Name() == "step_extern" {
			continue
		}
		if pid := process(filepath.Join(dir, e.Name()), levels-1); pid != "" {
			return pid
		}
	}
	return ""
}
