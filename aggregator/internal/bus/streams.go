package bus

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Names of the streams.
const (
	Telemetry = "TELEMETRY"
	Ledger    = "LEDGER"
)

// What a lane keeps at most.
const (
	telemetryAge     = 30 * time.Minute
	telemetryBytes   = 40 << 30
	telemetryMessage = 64 << 10
	ledgerAge        = 48 * time.Hour
	ledgerBytes      = 120 << 30
	ledgerMessage    = 64 << 10 // as large as a batch can be: what is refused here nobody hears of
)

// Measured sizes in the store, for the limits' arithmetic: a host of 8 GPUs and
// some 50 values of its own, with the store's own 40 bytes a message.
const (
	telemetryPerHost = 800 // bytes a second
	ledgerPerHost    = 80  // bytes a second: 800 every ten
)

// Limits are the bytes that the streams may take on disk.
type Limits struct{ Telemetry, Ledger int64 }

// MaxStore is what the server's store may hold: the hard limits of both streams.
// It does not follow the disk, because the server refuses to open streams that
// were promised more than it.
const MaxStore = telemetryBytes + ledgerBytes + 1<<30

// LimitsFor is what hosts need, half as much again, within the hard limits and
// within half of what is free on the disk of dir. hosts zero stands for unknown:
// as much as allowed.
func LimitsFor(dir string, hosts int) (Limits, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return Limits{}, fmt.Errorf("ask for free space of %s: %w", dir, err)
	}
	return limits(int64(fs.Bavail)*fs.Bsize, hosts), nil
}

func limits(free int64, hosts int) Limits {
	l := Limits{telemetryBytes, ledgerBytes}
	if hosts > 0 {
		l.Telemetry = min(l.Telemetry, int64(hosts)*telemetryPerHost*int64(telemetryAge/time.Second)*3/2)
		l.Ledger = min(l.Ledger, int64(hosts)*ledgerPerHost*int64(ledgerAge/time.Second)*3/2)
	}
	const least = 64 << 20
	return Limits{max(least, min(l.Telemetry, free/4)), max(least, min(l.Ledger, free/4))}
}

// Ensure creates the streams, or brings those that exist up to these limits. A
// site is one token; no sites stands for all.
func Ensure(ctx context.Context, js jetstream.JetStream, sites []string, l Limits) error {
	if len(sites) == 0 {
		sites = []string{"*"}
	}
	var telemetry, ledger []string
	for _, s := range sites {
		telemetry = append(telemetry, "telemetry."+s+".*")
		ledger = append(ledger, "ledger."+s+".*")
	}
	for _, c := range []jetstream.StreamConfig{{
		Name: Telemetry, Subjects: telemetry, Storage: jetstream.FileStorage, NoAck: true,
		Discard: jetstream.DiscardOld, MaxAge: telemetryAge, MaxBytes: l.Telemetry, MaxMsgSize: telemetryMessage,
		DenyDelete: true, Replicas: 1, Duplicates: time.Second,
	}, {
		// The newest is refused when full, so that the missing acknowledgement
		// keeps it in its spool.
		Name: Ledger, Subjects: ledger, Storage: jetstream.FileStorage, NoAck: true,
		Discard: jetstream.DiscardNew, MaxAge: ledgerAge, MaxBytes: l.Ledger, MaxMsgSize: ledgerMessage,
		DenyDelete: true, DenyPurge: true, Replicas: 1, Duplicates: time.Second,
	}} {
		if s, err := js.Stream(ctx, c.Name); err == nil {
			// What was promised stays, and what an operator chose for a cluster.
			known := s.CachedInfo().Config
			c.MaxBytes, c.Replicas = max(c.MaxBytes, known.MaxBytes), known.Replicas
		}
		if _, err := js.CreateOrUpdateStream(ctx, c); err != nil {
			return fmt.Errorf("create stream %s of %d bytes: %w", c.Name, c.MaxBytes, err)
		}
	}
	return nil
}
