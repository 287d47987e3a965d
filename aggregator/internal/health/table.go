package health

import (
	_ "embed"
	"fmt"
	"os"
	"time"

	"github.com/gigawatch/gigawatch/collector/setting"
)

//go:embed xid.yaml
var catalogue []byte

// A Table says what XIDs mean.
type Table struct {
	Date time.Time
	xids map[uint32]xid
}

// xid is one line of the table.
type xid struct {
	Meaning, Then string
	State         State
	Action        Action
	Heals         bool
	Cleanup       bool // follows something else
	Silent        bool
}

// rawTable mirrors the file.
type rawTable struct {
	Date string `yaml:"date"`
	XIDs []struct {
		XID     uint32 `yaml:"xid"`
		State   string `yaml:"state"`
		Action  string `yaml:"action"`
		Heals   bool   `yaml:"heals"`
		Meaning string `yaml:"meaning"`
		Then    string `yaml:"then"`
	} `yaml:"xids"`
}

var actions = map[Action]bool{
	None: true, RestartApp: true, RestartEngine: true, ResetAtNext: true, CheckCabling: true, CheckHost: true, ResetGPU: true,
	DrainAndReset: true, Reboot: true, ContactSupport: true, ReplaceDisk: true,
}

// LoadTable is the table that comes with the program, with the lines of the file
// at path, if there is one, in place of its own.
func LoadTable(path string) (*Table, error) {
	t := &Table{xids: map[uint32]xid{}}
	if err := t.read("xid.yaml", catalogue); err != nil {
		return nil, err
	}
	if path == "" {
		return t, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read XID table: %w", err)
	}
	if err := t.read(path, b); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Table) read(name string, b []byte) error {
	var r rawTable
	f, err := setting.Decode(name, b, &r)
	if err != nil {
		return err
	}
	date, err := time.Parse(time.DateOnly, r.Date)
	f.Require(err == nil, "date", "%q is not of the form 2025-10-29", r.Date)
	t.Date = date
	for i, x := range r.XIDs {
		key := fmt.Sprintf("xids.%d", i)
		y := xid{Meaning: x.Meaning, Then: x.Then, Action: Action(x.Action), Heals: x.Heals}
		switch x.State {
		case "none":
			y.Silent = true
		case "cleanup":
			y.Cleanup, y.State = true, Watch
		case "watch", "degraded", "failed":
			_ = y.State.UnmarshalText([]byte(x.State)) // one of the three
		default:
			f.Complain(key, "state %q is not none, cleanup, watch, degraded or failed", x.State)
		}
		f.Require(actions[y.Action], key, "action %q is unknown", x.Action)
		f.Require(x.XID > 0 && x.Meaning != "", key, "an xid and its meaning are needed")
		t.xids[x.XID] = y
	}
	return f.Err()
}

// of is the line of a code; one that the table lacks is worth a look.
func (t *Table) of(code uint32) xid {
	if x, ok := t.xids[code]; ok {
		return x
	}
	return xid{Meaning: "not in the table of " + t.Date.Format(time.DateOnly), Then: "look it up in NVIDIA's catalogue", State: Degraded, Action: None, Heals: true}
}
