package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Names of series stay as they are while others come and go: they follow from a
// series' own labels, and from how many sites were asked about, never from what
// was answered.

// within are the things that stand in a host or a rack, outer to inner.
func within() []string {
	return []string{"device", "port", "mount", "sensor", "meter", "point", "zone"}
}

// named is what a series is called: by what its labels say, outer to inner. The
// site is said where several are asked about, hall and rack where no host says
// them. name is for what has no such labels.
func named(name string, labels map[string]string, several bool) string {
	var parts []string
	said := map[string]bool{"site": true, "simulated": true, "__name__": true, "hall": true, "rack": true, "host": true, "gpu": true, "uuid": true, "model": true}
	say := func(keys ...string) {
		for _, k := range keys {
			if said[k] = true; labels[k] != "" {
				parts = append(parts, labels[k])
			}
		}
	}
	if several {
		say("site")
	}
	say("job", "tenant")
	if labels["host"] == "" {
		say("hall", "rack")
	}
	say("host")
	if gpu := labels["gpu"]; gpu != "" {
		parts = append(parts, "gpu "+gpu)
	} else {
		say("uuid")
	}
	say(within()...)
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if !said[k] {
			say(k)
		}
	}
	if len(parts) == 0 {
		say("model")
	}
	if len(parts) == 0 {
		return name
	}
	return strings.Join(parts, " ")
}

// tellApart adds to names that are alike what tells their series apart, by all labels but
// some.
func tellApart(list []series, but ...string) {
	alike := map[string][]int{}
	for i := range list {
		alike[list[i].display] = append(alike[list[i].display], i)
	}
	for _, at := range alike {
		if len(at) < 2 {
			continue
		}
		keys := map[string]bool{}
		for _, i := range at {
			for k, v := range list[i].labels {
				differs := v != list[at[0]].labels[k] || i == at[0] && slices.ContainsFunc(at, func(j int) bool { return list[j].labels[k] != v })
				if differs && !slices.Contains(but, k) {
					keys[k] = true
				}
			}
		}
		for _, i := range at {
			for _, k := range slices.Sorted(maps.Keys(keys)) {
				if v := list[i].labels[k]; v != "" {
					list[i].display += " " + v
				}
			}
		}
	}
}

// metricTitle is what people call a metric where it is plain of what it is.
func metricTitle(d *metric.Def) string {
	written := map[string]string{"pcie": "PCIe", "nvlink": "NVLink", "nvme": "NVMe", "nvswitch": "NVSwitch", "gpus": "GPUs"}
	name := strings.TrimPrefix(d.Name, d.Entity.String()+"_")
	name = strings.TrimSuffix(strings.TrimSuffix(name, "_total"), "_"+string(d.Unit))
	words := strings.Split(name, "_")
	for i, w := range words {
		switch {
		case slices.Contains([]string{"cpu", "gpu", "sm", "sram", "ecc", "xid", "pdu", "pue", "wue", "cue", "erf", "ref"}, w):
			words[i] = strings.ToUpper(w)
		case written[w] != "":
			words[i] = written[w]
		}
	}
	title := strings.Join(words, " ")
	if title == "" {
		return d.Name
	}
	return strings.ToUpper(title[:1]) + title[1:]
}
