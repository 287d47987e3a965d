package job

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
)

// Bounds of what is looked at: jobs, steps of a job, folders of tasks of a step.
const (
	maxSlurmJobs = 1024
	maxSteps     = 256
	maxTasks     = 512
)

// slurm finds jobs in the control groups that slurmstepd makes, and what they
// hold in the environment of their processes. Device lists of control groups of
// the second version are programs that nobody can read.
//
//	v2  sys/fs/cgroup/system.slice/[node_]slurmstepd.scope/job_N/step_S/user/task_T
//	v1  sys/fs/cgroup/devices/slurm[_node]/uid_U/job_N/step_S[/task_T]
//
// A batch script's environment says what the job holds on this host; a step's
// says what the step's task may use. What was told stays true until the job ends.
type slurm struct {
	tree    tree.Tree
	environ environ
	jobs    map[string]*slurmJob // by the slurmd that runs them and their number; nil: never looked
}

// A slurmJob is a job that has control groups.
type slurmJob struct {
	held     []holding
	told     bool // a process of it has told
	complete bool // its batch script has
	since    time.Time
	steps    map[string]*slurmStep
}

// A slurmStep is a step whose tasks are asked.
type slurmStep struct {
	since, asked time.Time
	told         map[string]bool // tasks, by the folder of their control group
}

func newSlurm(t tree.Tree) *slurm {
	return &slurm{tree: t, environ: environ{path: func(pid string) string { return t.Path("proc", pid, "environ") }, open: openFile}}
}

func (s *slurm) name() string { return "Slurm control groups" }

func (s *slurm) find(now time.Time) (a answer, err error) {
	a.at = now
	scopes, note, err := s.scopes()
	if err != nil {
		return a, err
	}
	if note != "" {
		a.notes = append(a.notes, note)
	}
	s.environ.left = maxEnvirons
	jobs := make(map[string]*slurmJob, len(s.jobs))
	var denied error
	for _, scope := range scopes {
		for _, folder := range subfolders(scope.dir, "job_") {
			id := strings.TrimPrefix(folder, "job_")
			key := scope.slurmd + "/" + id
			j := s.jobs[key]
			if j == nil {
				j = jobs[key]
			}
			if j == nil {
				j = &slurmJob{steps: map[string]*slurmStep{}}
				if s.jobs != nil { // it began while we looked
					j.since = now
				}
			}
			if jobs[key] = j; len(jobs) > maxSlurmJobs {
				return a, fmt.Errorf("there are more than %d jobs", maxSlurmJobs)
			}
			if err := s.ask(j, id, filepath.Join(scope.dir, folder), now); err != nil {
				denied = fmt.Errorf("read the environment of job %s: %w", id, err)
			}
		}
	}
	s.jobs = jobs
	if denied != nil {
		return a, denied
	}
	for _, key := range slices.Sorted(maps.Keys(jobs)) {
		j, id := jobs[key], key[strings.LastIndexByte(key, '/')+1:]
		switch {
		case len(j.held) > 0:
			a.held = append(a.held, j.held...)
		case j.told:
			a.held = append(a.held, holding{job: id})
		case now.Sub(j.since) > forget: // its first step is not only about to begin
			a.held = append(a.held, holding{job: id, unclear: true})
			a.notes = append(a.notes, fmt.Sprintf("job %s has no process that says what it holds", id))
		}
	}
	return a, nil
}

// A scope is a folder with the folders of jobs that one slurmd runs.
type scope struct{ slurmd, dir string }

// controllers of version 1 whose hierarchies show jobs.
var controllers = []string{"devices", "cpuset", "memory", "freezer"}

// scopes are the folders that have jobs in them. An error means that jobs could
// not be seen if there were any.
func (s *slurm) scopes() (found []scope, note string, err error) {
	top := s.tree.Path("sys/fs/cgroup")
	entries, err := os.ReadDir(top)
	if err != nil {
		return nil, "", err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 { // of version 1 some are links
			names = append(names, e.Name())
		}
	}
	if s.tree.Exists("sys/fs/cgroup/cgroup.controllers") {
		seen := false
		for _, slice := range names {
			if !strings.HasSuffix(slice, ".slice") {
				continue
			}
			seen = true
			for _, name := range subfolders(filepath.Join(top, slice), "") {
				if strings.HasSuffix(name, "slurmstepd.scope") {
					found = append(found, scope{name, filepath.Join(top, slice, name)})
				}
			}
		}
		if !seen {
			return nil, "", errors.New("these are not the control groups of the host: has the container its own?")
		}
		if found == nil {
			note = "no slurmstepd.scope: no slurmd has run here, or its control groups lie elsewhere"
		}
		return found, note, nil
	}
	seen := false
	for _, controller := range controllers {
		if !slices.Contains(names, controller) {
			continue
		}
		seen = true
		for _, name := range subfolders(filepath.Join(top, controller), "slurm") {
			for _, user := range subfolders(filepath.Join(top, controller, name), "uid_") {
				found = append(found, scope{name, filepath.Join(top, controller, name, user)})
			}
		}
	}
	if !seen {
		return nil, "", errors.New("there are no control groups")
	}
	return found, "", nil
}

// subfolders are the names of folders in dir that begin with prefix, sorted;
// none if dir is gone.
func subfolders(dir, prefix string) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names
}

// ask asks the processes of a job in the control group dir that were not asked
// before. An error means that it is not permitted.
func (s *slurm) ask(j *slurmJob, id, dir string, now time.Time) error {
	if j.complete {
		return nil
	}
	steps := subfolders(dir, "step_")
	for _, name := range steps[:min(len(steps), maxSteps)] {
		if name == "step_extern" { // knows nothing of the job's devices
			continue
		}
		path := filepath.Join(dir, name)
		step := j.steps[path]
		if step == nil {
			step = &slurmStep{since: now, told: map[string]bool{}}
			j.steps[path] = step
		}
		if now.Sub(step.since) > forget && (len(step.told) > 0 || now.Sub(step.asked) < forget) { // all its tasks have begun
			continue
		}
		step.asked = now
		whole := name == "step_batch" || name == "step_interactive"
		for _, task := range tasks(path) {
			if step.told[task] || len(step.told) >= maxTasks {
				continue
			}
			words, err := s.environ.of(task)
			if err != nil {
				step.since = now // to be tried at each reading
				return err
			}
			for _, w := range words {
				step.told[task] = true
				if j.add(id, w, whole); whole {
					j.complete = true
					return nil
				}
			}
		}
	}
	for path := range j.steps { // of steps that have ended nothing is asked any more
		if !slices.Contains(steps, filepath.Base(path)) && filepath.Dir(path) == dir {
			delete(j.steps, path)
		}
	}
	return nil
}

// add notes what a process of the job says. What a batch script says is all.
func (j *slurmJob) add(id string, w words, whole bool) {
	if j.told = true; whole {
		j.held = nil
	}
	for _, d := range w.devices(whole) {
		if !slices.ContainsFunc(j.held, func(h holding) bool { return h.device == d }) && len(j.held) < maxDevices {
			j.held = append(j.held, holding{job: id, tenant: w.account, device: d})
		}
	}
}

// tasks are the folders with processes below the control group of a step, save
// those of Slurm itself.
func tasks(step string) (dirs []string) {
	var walk func(dir string, levels int)
	walk = func(dir string, levels int) {
		if len(pids(dir)) > 0 {
			dirs = append(dirs, dir)
		}
		if levels == 0 {
			return
		}
		for _, name := range subfolders(dir, "") {
			if name != "slurm" && len(dirs) < maxTasks {
				walk(filepath.Join(dir, name), levels-1)
			}
		}
	}
	walk(step, 3)
	return dirs
}
