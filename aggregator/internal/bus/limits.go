package bus

import (
	"fmt"
	"syscall"
	"time"
)

// What a lane keeps at most.
const (
	TelemetryAge     = 30 * time.Minute // and longer in a stream that was made so
	telemetryMessage = 64 << 10
	ledgerAge        = 48 * time.Hour
	ledgerMessage    = 64 << 10 // as large as a batch can be: what is refused here nobody hears of
)

// Bounds of a lane's bytes.
const (
	LeastBytes         = 64 << 20
	MostTelemetryBytes = 40 << 30
	MostLedgerBytes    = 120 << 30
)

// Measured sizes in the store, for the limits' arithmetic: a host of 8 GPUs and
// some 50 values of its own, with the store's own 40 bytes a message.
const (
	telemetryPerHost = 800 // bytes a second
	ledgerPerHost    = 80  // bytes a second: 800 every ten
)

// Limits are the bytes that the streams may take on disk, each on every replica.
type Limits struct{ Telemetry, Ledger int64 }

// MaxStore is what the server's store may hold: the hard limits of both streams.
// It does not follow the disk, because the server refuses to open streams that
// were promised more than it.
const MaxStore = MostTelemetryBytes + MostLedgerBytes + 1<<30

// LimitsFor is what hosts need, half as much again, within the hard limits. hosts
// zero stands for unknown: as much as allowed.
func LimitsFor(hosts int) Limits {
	l := Limits{MostTelemetryBytes, MostLedgerBytes}
	if hosts > 0 {
		l.Telemetry = min(l.Telemetry, int64(hosts)*telemetryPerHost*int64(TelemetryAge/time.Second)*3/2)
		l.Ledger = min(l.Ledger, int64(hosts)*ledgerPerHost*int64(ledgerAge/time.Second)*3/2)
	}
	return Limits{max(LeastBytes, l.Telemetry), max(LeastBytes, l.Ledger)}
}

// On is l within half of what is free on the disk of dir.
func (l Limits) On(dir string) (Limits, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return Limits{}, fmt.Errorf("ask for free space of %s: %w", dir, err)
	}
	return l.within(int64(fs.Bavail) * fs.Bsize), nil
}

func (l Limits) within(free int64) Limits {
	return Limits{max(LeastBytes, min(l.Telemetry, free/4)), max(LeastBytes, min(l.Ledger, free/4))}
}
