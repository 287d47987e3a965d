package setting

import (
	"testing"
	"time"
)

type file struct {
	Name string `yaml:"name"`
	Nest struct {
		Age  *Scalar `yaml:"age"`
		Size *Scalar `yaml:"size"`
	} `yaml:"nest"`
	List []struct {
		Item string `yaml:"item"`
	} `yaml:"list"`
}

func TestComplaintsNameFileLineAndKey(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"nothing at all":          {"", ""},
		"all good":                {"name: x\nnest:\n  age: 15d\n  size: 4 GiB\n", ""},
		"an unknown key":          {"name: x\nnmae: y\n", "f.yaml:2: nmae: no such key"},
		"an unknown nested key":   {"nest:\n  # why\n  aeg: 3s\n", "f.yaml:3: aeg: no such key"},
		"a length below zero":     {"nest:\n  age: -3s\n", `f.yaml:2: nest.age: "-3s" is no length of time above zero, such as 1s, 30m or 15d`},
		"a size in unknown units": {"nest:\n\n  size: 4 GB\n", `f.yaml:3: nest.size: "4 GB" is no size above zero, such as 64MiB`},
		"a size past all disks":   {"nest:\n  size: 9999999999TiB\n", `f.yaml:2: nest.size: "9999999999TiB" is no size above zero, such as 64MiB`},
		"a list for a value":      {"nest:\n  age: [1]\n", "f.yaml:2: want one value"},
		"a list's item":           {"list:\n- item: a\n- item: bad\n", "f.yaml:3: list.1.item: is bad"},
		"a list's item without":   {"list:\n- item: a\n- {}\n", "f.yaml:3: list.1: item: missing"},
		"a list's item in part":   {"list:\n- item: a\n-\n  item: odd\n", "f.yaml:4: list.1.item: is odd"},
		"two documents":           {"name: x\n---\nname: y\n", "f.yaml:2: a second document; there can be one"},
		"no YAML":                 {"name: [\n", "f.yaml:1: did not find expected node content"},
	} {
		var v file
		f, err := Decode("f.yaml", []byte(tc.text), &v)
		if err == nil {
			f.Duration("nest.age", v.Nest.Age, time.Second)
			f.Size("nest.size", v.Nest.Size, 1)
			for i, l := range v.List {
				key := "list." + string(rune('0'+i))
				f.Require(l.Item != "bad", key+".item", "is bad")
				f.Part(key).Require(l.Item != "", "item", "missing")
				f.Part(key).Require(l.Item != "odd", "item", "is %s", l.Item)
			}
			err = f.Err()
		}
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestScalars(t *testing.T) {
	var v file
	f, err := Decode("f.yaml", []byte("nest: {age: 15d, size: 4GiB}"), &v)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Duration("nest.age", v.Nest.Age, 0); got != 15*24*time.Hour {
		t.Errorf("15d is %s", got)
	}
	if got := f.Size("nest.size", v.Nest.Size, 0); got != 4<<30 {
		t.Errorf("4GiB is %d", got)
	}
	if got := f.Duration("left.out", nil, time.Minute); got != time.Minute {
		t.Errorf("left out is %s", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("name: x\nnest: {age: 1s}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v file
		if g, err := Decode("f.yaml", b, &v); err == nil {
			g.Duration("nest.age", v.Nest.Age, 1)
			g.Size("nest.size", v.Nest.Size, 1)
			g.Line("list.0.item")
		}
	})
}
