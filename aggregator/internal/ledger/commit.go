package ledger

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// freezeAtOnce bounds how many hours one commit seals: after a long silence
// there are many.
const freezeAtOnce = 24

// Commit makes everything that was applied durable, then seals the hours that
// are due at now. It returns the watermarks that moved: they may be
// acknowledged. After an error nothing can be told of the disk, and the ledger
// must be opened anew.
func (l *Ledger) Commit(now time.Time) ([]account.Watermark, error) {
	start := time.Now()
	l.mu.Lock()
	if l.damaged != nil {
		defer l.mu.Unlock()
		return nil, l.damaged
	}
	l.now = max(l.now, now.UnixMilli())
	if l.opened == 0 {
		l.opened = l.now
	}
	frozen := l.state.Freeze(l.now, l.opened, freezeAtOnce)
	l.more = len(frozen) == freezeAtOnce
	if !l.changed && len(frozen) == 0 {
		l.mu.Unlock()
		return nil, nil
	}
	// The content of a frozen hour and the state that is written agree, so that a
	// crash after this finds the same.
	contents := l.contents()
	moved := l.state.Moved()
	b, err := l.encode()
	l.changed = false
	amended := l.amended
	l.mu.Unlock()
	if err == nil {
		l.buffer = withSum(b)
		err = l.writeSlot(l.buffer)
	}
	if err == nil {
		err = l.seal(contents)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.damaged = fmt.Errorf("commit ledger: %w", err)
		return nil, l.damaged
	}
	l.kept = amended
	for _, w := range moved {
		l.durable[agentKey{w.Site, w.Agent}] = w
	}
	l.tally.commits.UpdateDuration(start)
	return moved, nil
}

// More reports whether the last commit sealed as many hours as one may: others
// can be due as well.
func (l *Ledger) More() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.more
}

// contents are the hours that are frozen.
func (l *Ledger) contents() []*account.Hour {
	var hs []*account.Hour
	for _, r := range l.state.Closing() {
		hs = append(hs, l.state.Content(r))
	}
	return hs
}

// encode is the next snapshot.
func (l *Ledger) encode() ([]byte, error) {
	s := snapshot{generation: l.generation + 1, stream: l.stream, sequence: l.sequence}
	for _, site := range l.sites() {
		if g := l.logs[site]; g != nil {
			m, err := g.mark()
			if err != nil {
				return nil, err
			}
			s.logs = append(s.logs, m)
		}
	}
	l.buffer = s.append(l.buffer[:0], l.state.Append)
	return l.buffer, nil
}

// writeSlot writes a snapshot over the older one.
func (l *Ledger) writeSlot(b []byte) error {
	slot := 1 - max(0, l.slot)
	if l.slot < 0 {
		slot = 0
	}
	if err := replace(l.disk, ledgerDir, slotName(slot), b); err != nil {
		return err
	}
	l.slot = slot
	l.generation++
	l.tally.snapshotBytes.Set(float64(len(b)))
	return nil
}

// sealFrozen seals what a crash left frozen.
func (l *Ledger) sealFrozen() error {
	contents := l.contents()
	if len(contents) > 0 {
		l.changed = true
	}
	return l.seal(contents)
}

// seal writes frozen hours to files and leaves, and drops them from the state.
func (l *Ledger) seal(contents []*account.Hour) error {
	for _, h := range contents {
		start := time.Now()
		ref := account.Ref{Site: h.Site, Number: h.Number, Late: h.Late, Subject: h.Subject}
		g := l.logs[h.Site]
		if g == nil {
			g = newSiteLog(h.Site)
		}
		if err := l.called(h); err != nil {
			return fmt.Errorf("seal %s of %s: %w", hourName(ref.Number), ref.Site, err)
		}
		x, b, err := l.settle(g, h)
		if err != nil {
			return fmt.Errorf("seal %s of %s: %w", hourName(ref.Number), ref.Site, err)
		}
		if b != nil {
			if err = l.writeHour(g, &x, b); err == nil {
				err = g.write(l.disk, x)
			}
			if err != nil {
				return fmt.Errorf("seal %s of %s: %w", hourName(ref.Number), ref.Site, err)
			}
		}
		if err := l.drop(g, ref, b != nil, x); err != nil {
			return fmt.Errorf("seal %s of %s: %w", hourName(ref.Number), ref.Site, err)
		}
		l.tally.sealed(ref.Late, start)
		l.log.Info("hour sealed", "site", ref.Site, "hour", hourName(ref.Number), "restatement", ref.Late, "subject", ref.Subject.String(),
			"devices", len(h.Devices), "bytes", len(b), "agents_expected", h.Expected, "agents_seen", h.Seen)
	}
	return nil
}

// drop takes a sealed hour out of the state: from here on it is answered from
// its file.
func (l *Ledger) drop(g *siteLog, r account.Ref, written bool, x leaf) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if written {
		if err := g.add(x); err != nil {
			return err
		}
	}
	l.logs[r.Site] = g
	if r.Subject == account.Counted {
		for _, i := range g.hours[r.Number] {
			delete(g.pending, i)
		}
	}
	l.state.Drop(r)
	l.changed = true // the state on disk still holds the hour
	return nil
}

// settle decides what is to be written so that the log holds hour h, and
// returns its leaf and file; no file if the log holds it already.
func (l *Ledger) settle(g *siteLog, h *account.Hour) (leaf, []byte, error) {
	b := appendHour(nil, h)
	sum := sha256.Sum256(b)
	if h.Subject != account.Counted {
		return l.settleOverlay(g, h, b, sum)
	}
	unknown := g.unknown(h.Number)
	if len(unknown) == 0 && h.Late && h.Empty() {
		return leaf{}, nil, nil
	}
	if len(unknown) == 1 && g.leaves[unknown[0]].file == sum {
		// A crash came between the leaf and the next state; the file is there too,
		// for it came first, unless it was lost since.
		name := g.file(unknown[0])
		if have, err := l.disk.ReadFile(name); err != nil || !bytes.Equal(have, b) {
			l.log.Error("a file of an hour was damaged, and is made again of the state", "file", name, "error", err)
			dir := hoursDir(h.Site)
			return leaf{}, nil, replace(l.disk, dir, name[len(dir)+1:], b)
		}
		return leaf{}, nil, nil
	}
	if len(unknown) > 0 {
		// The state was read from its older slot, and came to another end.
		have := make([]*account.Hour, 0, len(unknown))
		for _, i := range unknown {
			x, err := l.hour(g, i)
			if err != nil {
				return leaf{}, nil, err
			}
			have = append(have, x)
		}
		if h = account.Difference(h, have); h == nil {
			return leaf{}, nil, nil
		}
		b = appendHour(nil, h)
		sum = sha256.Sum256(b)
	}
	return leafOf(h, sum, g.newest(h.Number)), b, nil
}

// settleOverlay does so of what lies over an hour.
func (l *Ledger) settleOverlay(g *siteLog, h *account.Hour, b []byte, sum [sha256.Size]byte) (leaf, []byte, error) {
	s := account.NewSheet(h.Number, nil)
	for _, i := range g.hours[h.Number] {
		if g.leaves[i].file == sum { // a crash came between the leaf and the next state
			return leaf{}, nil, nil
		}
		x, err := readFrontOf(l.disk, g.file(i))
		if err != nil {
			return leaf{}, nil, err
		}
		s.Add(x)
	}
	return overlayLeaf(h, s, sum, g.newest(h.Number)), b, nil
}

// newest is the hash of the newest file of an hour.
func (l *siteLog) newest(number int64) string {
	all := l.hours[number]
	if len(all) == 0 {
		return "-"
	}
	return l.leaves[all[len(all)-1]].hash()
}

// writeHour writes the file that leaf x will stand for.
func (l *Ledger) writeHour(g *siteLog, x *leaf, b []byte) error {
	dir := hoursDir(x.site)
	if len(g.leaves) == 0 {
		if err := l.disk.MkdirAll(dir); err != nil {
			return fmt.Errorf("make folder %s: %w", dir, err)
		}
	}
	name := hourFile(x.site, x.number, len(g.hours[x.number]))
	return replace(l.disk, dir, name[len(dir)+1:], b)
}
