package energy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Lives tell the lifetimes of registers apart, and remember across restarts of
// the agent how often each began anew without the machine doing so.
type Lives struct {
	path string
	boot string
	kept lives
	last map[string]uint64
}

// lives is the file.
type lives struct {
	Boot string         `json:"boot"`
	Fell map[string]int `json:"fell"`
}

// OpenLives reads what the file at path remembers of this boot; path may be
// empty: then nothing is remembered. The error says why it could not be read;
// the Lives are good even so.
func OpenLives(path, boot string) (*Lives, error) {
	l := &Lives{path: path, boot: boot, kept: lives{boot, map[string]int{}}, last: map[string]uint64{}}
	if path == "" {
		return l, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("read lives of counters: %w", err)
	}
	var kept lives
	if err := json.Unmarshal(b, &kept); err != nil {
		return l, fmt.Errorf("read lives of counters from %s: %w", path, err)
	}
	if kept.Boot == boot && kept.Fell != nil {
		l.kept = kept
	}
	return l, nil
}

// Epoch is the lifetime in which the register of device, as its driver of that
// version counts it, shows value. The error says why a fall will not be
// remembered.
func (l *Lives) Epoch(device, driver string, value uint64) (metric.Raw, error) {
	var err error
	if last, ok := l.last[device]; ok && value < last {
		l.kept.Fell[device]++
		err = l.save()
	}
	l.last[device] = value
	return Epoch("register", device, l.boot, driver, l.kept.Fell[device]), err
}

// save replaces the file in one step.
func (l *Lives) save() error {
	if l.path == "" {
		return nil
	}
	b, err := json.Marshal(l.kept)
	if err == nil {
		err = os.WriteFile(l.path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(l.path+".new", l.path)
	}
	if err != nil {
		return fmt.Errorf("remember that a counter began anew: %w", err)
	}
	return nil
}
