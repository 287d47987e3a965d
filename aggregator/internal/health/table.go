package health

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/setting"
)

//go:embed xid.yaml
var catalogue []byte

// A Table says what XIDs mean.
type Table struct {
	date     time.Time // of the catalogue
	override time.Time // of the operator's own lines; zero: there are none
	xids     map[uint32]xid
}

// xid is one line of the table.
type xid struct {
	meaning, then string
	state         State
	action        Action
	heals         bool
	host          bool // events of all GPUs of a host are one line
	silent        bool
}

// rawTable mirrors the file.
type rawTable struct {
	Date string `yaml:"date"`
	XIDs []struct {
		XID     uint32 `yaml:"xid"`
		State   string `yaml:"state"`
		Action  string `yaml:"action"`
		Heals   bool   `yaml:"heals"`
		Host    bool   `yaml:"host"`
		Meaning string `yaml:"meaning"`
		Then    string `yaml:"then"`
	} `yaml:"xids"`
}

// LoadTable is the table that comes with the program, with the lines of the file
// at path, if there is one, in place of its own.
func LoadTable(path string) (*Table, error) {
	t := &Table{xids: map[uint32]xid{}}
	var err error
	if t.date, err = t.read("xid.yaml", catalogue); err != nil {
		return nil, fmt.Errorf("read XID table: %w", err)
	}
	if path == "" {
		return t, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read XID table: %w", err)
	}
	if t.override, err = t.read(path, b); err != nil {
		return nil, fmt.Errorf("read XID table: %w", err)
	}
	return t, nil
}

// String says which table it is.
func (t *Table) String() string {
	s := t.date.Format(time.DateOnly)
	if !t.override.IsZero() {
		s += ", with lines of " + t.override.Format(time.DateOnly)
	}
	return s
}

// mostText bounds a text of the table, in bytes.
const mostText = 500

func (t *Table) read(name string, b []byte) (date time.Time, err error) {
	var r rawTable
	f, err := setting.Decode(name, b, &r)
	if err != nil {
		return date, err
	}
	date, err = time.Parse(time.DateOnly, r.Date)
	f.Require(err == nil, "date", "%q is not of the form 2025-10-29", r.Date)
	read := map[uint32]bool{}
	for i, x := range r.XIDs {
		item := fmt.Sprintf("xids.%d", i)
		require := func(ok bool, key, format string, args ...any) {
			if key = item + "." + key; !ok && f.Line(key) == 0 { // left out: the item has a line
				f.Complain(item, format, args...)
			} else {
				f.Require(ok, key, format, args...)
			}
		}
		y := xid{meaning: x.Meaning, then: x.Then, action: Action(x.Action), heals: x.Heals, host: x.Host}
		switch x.State {
		case "none":
			y.silent = true
		case "watch", "degraded", "failed":
			_ = y.state.UnmarshalText([]byte(x.State)) // one of the three
		default:
			require(false, "state", "state %q is none of none, watch, degraded, failed", x.State)
		}
		require(slices.Contains(actions, y.action), "action", "action %q is none of %v", x.Action, actions)
		require(x.XID > 0, "xid", "an xid above zero is needed")
		require(!read[x.XID], "xid", "xid %d stands twice", x.XID)
		require(x.Meaning != "" && len(x.Meaning) <= mostText, "meaning", "a meaning is needed, of at most %d bytes", mostText)
		require(len(x.Then) <= mostText, "then", "then is longer than %d bytes", mostText)
		if y.then == "" {
			y.then = "for the record; if it repeats, contact support."
		}
		read[x.XID] = true
		t.xids[x.XID] = y
	}
	return date, f.Err()
}

// of is the line of a code; one that the table lacks is worth a look.
func (t *Table) of(code uint32) xid {
	if x, ok := t.xids[code]; ok {
		return x
	}
	return xid{meaning: "not in the table of " + t.String(), then: "look it up in NVIDIA's Xid catalogue.", state: Degraded, action: CheckHost, heals: true}
}
