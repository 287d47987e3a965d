package job

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/tree"
)

// A thing is what a device's name stands for.
type thing struct {
	board int    // index of the boards; -1: the host
	part  string // of the board; "" : all of it
	size  int64  // of the part, in millionths of the board; 0: not known
}

// A verdict says what a name has to do with the boards.
type verdict uint8

const (
	ours      verdict = iota
	elsewhere         // the name of another thing, for certain
	nowhere           // may be any of the boards
	inside            // may be a part of any that is divided
)

// A register knows the boards of the host by their names.
type register struct {
	tree   tree.Tree
	boards []gpu.Identity
	things map[string]thing // by name in lower case, without its replica's number
	minors map[string]int   // boards by NVIDIA's device minor; nil: not looked for yet
}

// use makes r know boards. It reports whether they are others than before.
func (r *register) use(boards []gpu.Identity) bool {
	if r.things != nil && slices.EqualFunc(boards, r.boards, alike) {
		return false
	}
	r.boards, r.minors, r.things = boards, nil, map[string]thing{}
	serials := map[string]int{}
	for _, b := range boards {
		serials[b.Serial]++
	}
	for i, b := range boards { // of two in one place the later one is there
		whole := thing{board: i, size: Whole}
		if a, ok := address(b.PCI); ok {
			r.things[a] = whole
		}
		if len(b.Serial) > 5 && serials[b.Serial] == 1 { // one of fewer digits is no serial number but an index
			r.things[strings.ToLower(b.Serial)] = whole
		}
		r.divide(i)
	}
	r.number()
	for i, b := range boards {
		r.things[strings.ToLower(b.UUID)] = thing{board: i, size: Whole}
		if id, ok := strings.CutPrefix(b.UUID, "AMD-"); ok { // as ROCm spells it
			r.things["gpu-"+strings.ToLower(id)] = thing{board: i, size: Whole}
		}
	}
	return true
}

// divide makes the instances of a board known.
func (r *register) divide(board int) {
	b := &r.boards[board]
	sizes := sizesOf(b.Instances)
	many, all := map[int]int{}, map[int]int64{} // of each GPU instance: compute instances, size
	for k, in := range b.Instances {
		many[in.Index]++
		all[in.Index] += sizes[k]
	}
	for k, in := range b.Instances {
		part := thing{board: board, part: strconv.Itoa(in.Index), size: sizes[k]}
		switch {
		case in.Index == gpu.Unlisted:
			part.part = strings.ToLower(in.UUID)
		case many[in.Index] > 1:
			part.part = fmt.Sprintf("%d/%d", in.Index, in.Compute)
		}
		if in.UUID != "" {
			r.things[strings.ToLower(in.UUID)] = part
		}
		if in.Index == gpu.Unlisted {
			continue
		}
		uuid := strings.ToLower(b.UUID)
		r.things[fmt.Sprintf("mig-%s/%d/%d", uuid, in.Index, in.Compute)] = part
		part.part, part.size = strconv.Itoa(in.Index), all[in.Index]
		r.things[fmt.Sprintf("mig-%s/%d", uuid, in.Index)] = part
		r.things[fmt.Sprintf("%d.%d", b.Index, in.Index)] = part
	}
}

// number makes the boards known by their numbers. Where boards of AMD are
// divided, ROCm and Slurm count each partition as a GPU.
func (r *register) number() {
	amd := func(b gpu.Identity) bool { return strings.HasPrefix(b.UUID, "AMD-") && len(b.Instances) > 0 }
	if !slices.ContainsFunc(r.boards, amd) {
		for i, b := range r.boards {
			r.things[strconv.Itoa(b.Index)] = thing{board: i, size: Whole}
		}
		return
	}
	order := make([]int, len(r.boards))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, k int) int { return r.boards[i].Index - r.boards[k].Index })
	n := 0
	for _, i := range order {
		b := r.boards[i]
		if !amd(b) {
			r.things[strconv.Itoa(n)] = thing{board: i, size: Whole}
			n++
			continue
		}
		sizes := sizesOf(b.Instances)
		for k, in := range b.Instances {
			if in.Index == gpu.Unlisted {
				return // which are after it nobody knows
			}
			r.things[strconv.Itoa(n)] = thing{board: i, part: strconv.Itoa(in.Index), size: sizes[k]}
			n++
		}
	}
}

func alike(a, b gpu.Identity) bool {
	return a.UUID == b.UUID && a.Index == b.Index && a.Model == b.Model && a.PCI == b.PCI && a.Serial == b.Serial && slices.Equal(a.Instances, b.Instances)
}

// sizesOf are the sizes of all instances of a board, in millionths of it. Those
// of which nobody knows it take alike what the others leave.
func sizesOf(list []gpu.Instance) []int64 {
	known := func(in gpu.Instance, of int) bool { return in.Of == of && in.Parts > 0 && in.Parts <= of }
	of, parts := 0, 0
	for _, in := range list {
		of = max(of, min(in.Of, 1024))
	}
	unknown := int64(0)
	for _, in := range list {
		if known(in, of) {
			parts += in.Parts
		} else {
			unknown++
		}
	}
	sizes := make([]int64, len(list))
	from, all := int64(0), int64(max(of, parts, 1))
	for i, in := range list {
		if known(in, of) {
			sizes[i] = Whole*(from+int64(in.Parts))/all - Whole*from/all
			from += int64(in.Parts)
		}
	}
	left, k := Whole-Whole*from/all, int64(0)
	for i, in := range list {
		if !known(in, of) {
			sizes[i] = left*(k+1)/unknown - left*k/unknown
			k++
		}
	}
	return sizes
}

// find is the thing that device names:
//
//	3              a board by its index           MIG-8a2c…        an instance by its uuid
//	3.1            an instance, by its index      MIG-GPU-8a2c…/1/0  of drivers before 470
//	GPU-8a2c…      a board by its uuid            nvidia3, nvidia3/gi1   by the number of its file in /dev
//	0000:3b:00.0   by its bus address             nvidia3/1g10gb   a part of so many slices
//	AN2034…        by its serial number           card3            by the number of its DRM file
//	                                              amdgpu_xcp_3     a partition of AMD's
//
// Of a board of AMD that is divided the bus address is that of its first
// partition, and a number that of a partition of any board.
//
// A replica's number may follow: GPU-8a2c…::0, GPU-8a2c…-0, …/vgpu0, …-slice-0.
func (r *register) find(device string) (thing, verdict) {
	name := strings.ToLower(device)
	for _, mark := range []string{"::", "/vgpu", "-slice-"} {
		name, _, _ = strings.Cut(name, mark)
	}
	if t, ok := r.things[name]; ok {
		return t, ours
	}
	if a, ok := address(name); ok {
		if t, ok := r.things[a]; ok {
			return t, ours
		}
		return thing{}, elsewhere
	}
	number := func(prefix string) (n int, rest string, ok bool) {
		s, ok := strings.CutPrefix(name, prefix)
		s, rest, _ = strings.Cut(s, "/")
		n, err := strconv.Atoi(s)
		return n, rest, ok && err == nil && s == strconv.Itoa(n)
	}
	if n, part, ok := number("nvidia"); ok {
		if board, ok := r.minor(n); ok {
			return r.partOf(board, part)
		}
		return thing{}, nowhere
	}
	if _, _, ok := number("card"); ok {
		target := r.tree.Target("sys/class/drm", name, "device")
		if t, ok := r.things[target]; ok { // a partition
			return t, ours
		}
		if a, ok := address(target); ok {
			return r.find(a)
		}
		return thing{}, nowhere
	}
	switch {
	case strings.HasPrefix(name, "mig-gpu-"):
		if i := strings.LastIndexByte(name, '/'); i > 0 {
			if t, ok := r.things[name[:i]]; ok {
				return t, ours
			}
		}
		return thing{}, inside
	case strings.HasPrefix(name, "mig-"):
		return thing{}, inside
	case strings.HasPrefix(name, "gpu-"):
		if i := strings.LastIndexByte(name, '-'); strings.Count(name, "-") > 5 {
			if t, ok := r.things[name[:i]]; ok {
				return t, ours
			}
		}
		return thing{}, elsewhere
	}
	// An instance that is not listed, of a board that is.
	if index, part, _ := strings.Cut(name, "."); part != "" {
		if t, ok := r.things[index]; ok && t.part == "" {
			return thing{board: t.board, part: part}, ours
		}
	}
	return thing{}, nowhere
}

// partOf is a part of a board: "" all of it, gi1 an instance, 1g10gb some of its
// slices.
func (r *register) partOf(board int, part string) (thing, verdict) {
	b := &r.boards[board]
	if part == "" {
		return thing{board: board, size: Whole}, ours
	}
	if gi, ok := strings.CutPrefix(part, "gi"); ok {
		if gi == "" {
			return thing{}, nowhere
		}
		if t, ok := r.things[fmt.Sprintf("%d.%s", b.Index, gi)]; ok && t.board == board {
			return t, ours
		}
		return thing{board: board, part: gi}, ours
	}
	t := thing{board: board, part: part}
	slices, _, ok := strings.Cut(part, "g")
	if n, err := strconv.Atoi(slices); ok && err == nil && n > 0 {
		of := 0
		for _, in := range b.Instances {
			of = max(of, in.Of)
		}
		if of == 0 {
			of = 7 // as all have that are divided so, save the A30
		}
		t.size = Whole * int64(min(n, of)) / int64(of)
	}
	return t, ours
}

// minor is the board with NVIDIA's device minor n: the n-th where the driver
// does not say.
func (r *register) minor(n int) (board int, ok bool) {
	if r.minors == nil {
		r.minors = map[string]int{}
		for _, dir := range r.tree.List("proc/driver/nvidia/gpus") {
			a, ok := address(dir)
			t, here := r.things[a]
			text := make([]byte, 4096)
			size, err := r.tree.ReadFile(r.tree.Path("proc/driver/nvidia/gpus", dir, "information"), text)
			if !ok || !here || err != nil {
				continue
			}
			for line := range strings.Lines(string(text[:size])) {
				if minor, ok := strings.CutPrefix(line, "Device Minor:"); ok {
					r.minors[strings.TrimSpace(minor)] = t.board
				}
			}
		}
	}
	if len(r.minors) > 0 {
		board, ok = r.minors[strconv.Itoa(n)]
		return board, ok
	}
	t, ok := r.things[strconv.Itoa(n)]
	return t.board, ok
}

// address is a bus address in one spelling: 0000:3b:00.0, 00000000:3B:00.0,
// 3b:00.0 are the same.
func address(s string) (string, bool) {
	rest, function, dotted := strings.Cut(s, ".")
	parts := strings.Split(rest, ":")
	if len(parts) == 2 {
		parts = append([]string{"0"}, parts...)
	}
	if !dotted || len(parts) != 3 {
		return "", false
	}
	var v [4]uint64
	for i, p := range append(parts, function) {
		n, err := strconv.ParseUint(p, 16, [4]int{32, 8, 8, 4}[i])
		if err != nil {
			return "", false
		}
		v[i] = n
	}
	return fmt.Sprintf("%04x:%02x:%02x.%x", v[0], v[1], v[2], v[3]), true
}
