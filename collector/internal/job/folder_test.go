package job

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

func withMapping(c *Config) { c.Mapping = "map" }
func withDrop(c *Config)    { c.Drop = "drop" }

func TestMappingFolder(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  holders
	}{
		"nothing":                         {nil, holders{}},
		"a file a board":                  {map[string]string{"0": "4711\n", "1": "4712\n"}, holders{"0 4711": 1_000_000, "1 4712": 1_000_000}},
		"a line a job":                    {map[string]string{"2": "job1\njob2\njob3\n"}, holders{"2 job1": 333_333, "2 job2": 333_333, "2 job3": 333_334}},
		"an empty file":                   {map[string]string{"0": ""}, holders{}},
		"blank lines and other ends":      {map[string]string{"0": "\r\n 4711 \r\n\t\n"}, holders{"0 4711": 1_000_000}},
		"a job and who runs it":           {map[string]string{"0": "4711 1000\n"}, holders{"0 4711/1000": 1_000_000}},
		"by index and by uuid, the same":  {map[string]string{"0": "4711 1000\n", uuid(0): "4711 1000\n"}, holders{"0 4711/1000": 1_000_000}},
		"an instance by index":            {map[string]string{"1.1": "4711\n"}, holders{"1 4711": 428_571}},
		"an instance by uuid":             {map[string]string{"MIG-4a": "4711 1000\n"}, holders{"1 4711/1000": 571_429}},
		"an instance that nobody knows":   {map[string]string{"MIG-5c": "4711 1000\n"}, holders{"1 4711/1000": missing}},
		"what another program keeps":      {map[string]string{"README": "jobs of GPUs\n", "lock": ""}, holders{}},
		"what is being written or edited": {map[string]string{".0.swp": "4711\n", "0~": "4711\n", ".0": "4711\n"}, holders{}},
		"too many jobs for one board":     {map[string]string{"0": strings.Repeat("4711\n", 65), "1": "4712\n"}, holders{"0 job": missing, "1 4712": 1_000_000}},
		"64 KiB":                          {map[string]string{"0": strings.Repeat(" ", 64<<10-5) + "4711\n"}, holders{"0 4711": 1_000_000}},
		"more than 64 KiB":                {map[string]string{"0": strings.Repeat("\n", 64<<10+1), "1": "4712\n"}, holders{"0 job": missing, "1 4712": 1_000_000}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t, withMapping)
			g.boards = boardsOf(4, map[int][]gpu.Instance{1: {{Index: 1, Parts: 3, Of: 7}, {UUID: "MIG-4a", Index: 2, Parts: 4, Of: 7}}})
			for file, text := range tc.files {
				g.write("map/"+file, text)
			}
			if name == "an empty file" {
				g.finish("map/0")
			}
			g.expect(tc.want)
		})
	}
}

// A writer who takes two calls to write a file shows half of it in between.
func TestHalfAMappingFileIsNotBelieved(t *testing.T) {
	g := newStage(t, withMapping)
	g.write("map/0", "4710\n")
	g.expect(holders{"0 4710": 1_000_000})
	g.write("map/0", "") // what > does
	g.expect(holders{"0 4710": 1_000_000})
	g.write("map/0", "47")
	g.expect(holders{"0 4710": 1_000_000})
	g.write("map/0", "4711\n")
	g.expect(holders{"0 4711": 1_000_000})
	g.write("map/1", "48") // a new one
	g.expect(holders{"0 4711": 1_000_000})
	g.finish("map/1") // its writer writes no line's end
	g.expect(holders{"0 4711": 1_000_000, "1 48": 1_000_000})
	g.write("map/0", "")
	g.finish("map/0")
	g.expect(holders{"1 48": 1_000_000})
}

func TestDropFolder(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want holders
		says string // what Describe says if it cannot be read
	}{
		"all that can be said":         {"job=4711\ntenant=physics\ngpus=0,GPU-8a2c0000-1111-2222-3333-000000000003\ngpu_share=0.5\nhost_share=0.25\n", holders{"0 4711/physics": 500_000, "3 4711/physics": 500_000, "host 4711/physics": 250_000}, ""},
		"named by its file":            {"gpus=1\n", holders{"1 file": 1_000_000}, ""},
		"blanks, comments, lines' end": {"# by hand\r\n\r\n job = 4711 \r\n gpus = 0 , 1 2\r\n", holders{"0 4711": 1_000_000, "1 4711": 1_000_000, "2 4711": 1_000_000}, ""},
		"a board twice":                {"gpus=0,0," + uuid(0) + "\n", holders{"0 file": 1_000_000}, ""},
		"no board":                     {"job=4711\ntenant=\ngpus=\n", holders{}, ""},
		"of the host only":             {"host_share=1\n", holders{"host file": 1_000_000}, ""},
		"half of a line":               {"job=4711\ngpus=0,1", nil, "being written"},
		"half of the lines":            {"job=4711\n", nil, "neither gpus nor host_share"},
		"nothing":                      {"", nil, "being written"},
		"no key":                       {"4711\n", nil, "key=value"},
		"an unknown key":               {"gpu=0\n", nil, `unknown key "gpu"`},
		"a key twice":                  {"gpus=0\ngpus=1\n", nil, "gpus is said twice"},
		"a share of nothing":           {"gpus=0\ngpu_share=0\n", nil, "not above 0 and at most 1"},
		"a share of no number":         {"gpus=0\ngpu_share=NaN\n", nil, "not above 0 and at most 1"},
		"a share above all":            {"host_share=1.01\n", nil, "not above 0 and at most 1"},
		"devices without end":          {"gpus=" + strings.Repeat("9,", 10) + devices(300) + "\n", nil, "more than 256 devices"},
		"more than 64 KiB":             {"gpus=0\n" + strings.Repeat("#", 64<<10) + "\n", nil, "longer than 65536 bytes"},
		"bytes that are no text":       {"job=\xff\x00\ngpus=0\n", holders{"0 _\x00": 1_000_000}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t, withDrop)
			g.boards = boardsOf(4, nil)
			g.write("drop/file", tc.text)
			if tc.want == nil { // somebody holds something
				tc.want = holders{"0 file": missing, "1 file": missing, "2 file": missing, "3 file": missing}
			}
			g.expect(tc.want)
			g.describes(tc.says)
		})
	}
}

func devices(n int) string {
	var s []string
	for i := range n {
		s = append(s, fmt.Sprintf("x%d", i))
	}
	return strings.Join(s, ",")
}

// One file that cannot be read does not hide the others, is believed for a while
// as it was, and then makes missing what its job may hold.
func TestAFileThatBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, withDrop)
		g.boards = boardsOf(3, nil)
		g.write("drop/a", "gpus=0\n")
		g.write("drop/b", "gpus=1\n")
		both := holders{"0 a": 1_000_000, "1 b": 1_000_000}
		g.run(3*time.Second, both)
		g.write("drop/a", "gpus=")
		g.run(30*time.Second, both)
		g.run(3*time.Second, holders{"0 a": missing, "1 b": 1_000_000, "2 a": missing})
		g.describes(`"a": its last line has no end`, "of 2 boards it is not known who holds them")
		g.write("drop/a", "gpus=2\n")
		g.run(3*time.Second, holders{"2 a": 1_000_000, "1 b": 1_000_000})
		g.write("drop/c", "gpus=") // a new one
		g.run(31*time.Second, holders{"2 a": 1_000_000, "1 b": 1_000_000})
		g.run(3*time.Second, holders{"2 a": 1_000_000, "1 b": 1_000_000, "0 c": missing})
		g.remove("drop/c")
		g.run(3*time.Second, holders{"2 a": 1_000_000, "1 b": 1_000_000})
	})
}

func TestAFolderThatVanishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, withDrop, withMapping)
		g.write("drop/a", "gpus=0\n")
		g.run(3*time.Second, holders{"0 a": 1_000_000})
		g.remove("drop")
		g.run(30*time.Second, holders{"0 a": 1_000_000})
		g.run(3*time.Second, nil)
		g.describes("drop folder", "it is not there")
		g.write("drop/b", "gpus=1\n")
		g.run(3*time.Second, holders{"1 b": 1_000_000})
	})
}

// What lies in a folder besides small files is not read, waited for or followed
// out of it.
func TestWhatIsNoFile(t *testing.T) {
	g := newStage(t, withDrop, withMapping)
	g.write("secret", "gpus=5\n")
	for _, dir := range []string{"drop", "map"} {
		g.write(dir+"/4711d/0", "gpus=1\n")
		g.link(dir+"/7", g.path("secret"))
		g.link(dir+"/6", "../secret")
		g.link(dir+"/5", "5")
		if err := syscall.Mkfifo(g.path(dir+"/4"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkdir(g.path(dir+"/3"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	g.write("drop/1", "gpus=1,0\n")
	g.link("drop/2", "1") // within the folder: the same again, of a job called 2
	held := g.read()
	for _, k := range []string{"0 1", "0 2", "1 1", "1 2"} {
		if held[k] != 500_000 {
			t.Errorf("%s: %d", k, held[k])
		}
	}
	for k, v := range held {
		if strings.HasPrefix(k, "5 ") && v > 0 {
			t.Errorf("%s: %d, by a link that leads out", k, v)
		}
	}
	for _, f := range g.s.finders {
		notes := strings.Join(f.notes, "; ")
		for _, want := range []string{`"3": it is no regular file`, `"4": it is no regular file`, `"6": openat 6: path escapes from parent`, `"7": openat 7: path escapes from parent`} {
			if !strings.Contains(notes, want) {
				t.Errorf("%s does not say %s: %s", f.name(), want, notes)
			}
		}
	}
}

func TestThousandsOfFiles(t *testing.T) {
	g := newStage(t, withDrop)
	for i := range maxFiles {
		g.write(fmt.Sprintf("drop/%d", i), "gpus=\n")
		g.write(fmt.Sprintf("drop/.%d", i), "gpus=0\n") // left by a prolog that was killed
	}
	g.expect(holders{})
	g.write("drop/one more", "gpus=\n")
	g.open()
	g.expect(nil)
	g.describes("more than 1024 files")
}

func TestMegabytesOfFiles(t *testing.T) {
	g := newStage(t, withDrop)
	for i := range 17 {
		g.write(fmt.Sprintf("drop/%d", i), "gpus=\n"+strings.Repeat("#\n", 31<<10))
	}
	g.expect(nil)
	g.describes("more than 1048576 bytes together")
}

// Jobs begin and end while they are read: what is read is what was there at some
// time, and nothing breaks.
func TestFilesComeAndGoWhileTheyAreRead(t *testing.T) {
	g := newStage(t, withDrop)
	g.boards = boardsOf(4, nil)
	stop := make(chan struct{})
	var done sync.WaitGroup
	for i := range 4 {
		done.Go(func() {
			name := g.path(fmt.Sprintf("drop/%d", i))
			for {
				select {
				case <-stop:
					return
				default:
				}
				temporary := filepath.Join(filepath.Dir(name), "."+filepath.Base(name))
				if os.WriteFile(temporary, fmt.Appendf(nil, "gpus=%d\n", i), 0o666) == nil {
					os.Rename(temporary, name)
				}
				os.Remove(name)
			}
		})
	}
	for range 300 {
		for k, v := range g.read() {
			if v != Whole || k[0] != k[2] {
				t.Errorf("%s: %d", k, v)
			}
		}
		if strings.Contains(g.s.Describe(), `"`) {
			t.Error(g.s.Describe())
		}
	}
	close(stop)
	done.Wait()
}
