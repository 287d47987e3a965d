package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Names of the streams.
const (
	Telemetry = "TELEMETRY"
	Ledger    = "LEDGER"
)

// Wanted is what the streams are to be. What exists is never made less: not its
// bytes, its age or its copies.
type Wanted struct {
	Sites    []string // that may speak; empty: all
	Limits   Limits   // what was worked out; as much of it as the server has room for
	Set      Limits   // what an operator asked for, in place of Limits; zero: nothing
	Replicas int      // of each stream; 0: as it is, one if it is made now
}

// A Stream is a lane's stream as it has become.
type Stream struct {
	Name     string
	Subjects []string
	Bytes    int64 // it may take on each replica; below zero: no limit
	Replicas int
	Kept     string // what it keeps beyond what an operator asked for; "" if nothing
}

// Ensure creates the streams, or brings those that exist up to what is wanted.
func Ensure(ctx context.Context, js jetstream.JetStream, w Wanted) ([]Stream, error) {
	sites := w.Sites
	if len(sites) == 0 {
		sites = []string{"*"}
	}
	var telemetry, ledger []string
	for _, s := range sites {
		telemetry = append(telemetry, "telemetry."+s+".*")
		ledger = append(ledger, "ledger."+s+".*")
	}
	replicas := max(1, w.Replicas)
	var out []Stream
	for _, lane := range []struct {
		set int64
		c   jetstream.StreamConfig
	}{
		// The ledger's first: where room is short, it is the one to have some. Its
		// newest is refused when full, so that the missing acknowledgement keeps it in
		// its spool.
		{w.Set.Ledger, jetstream.StreamConfig{
			Name: Ledger, Subjects: ledger, Storage: jetstream.FileStorage, NoAck: true,
			Discard: jetstream.DiscardNew, MaxAge: ledgerAge, MaxBytes: cmp.Or(w.Set.Ledger, w.Limits.Ledger), MaxMsgSize: ledgerMessage,
			DenyDelete: true, DenyPurge: true, Replicas: replicas, Duplicates: time.Second,
		}},
		{w.Set.Telemetry, jetstream.StreamConfig{
			Name: Telemetry, Subjects: telemetry, Storage: jetstream.FileStorage, NoAck: true,
			Discard: jetstream.DiscardOld, MaxAge: TelemetryAge, MaxBytes: cmp.Or(w.Set.Telemetry, w.Limits.Telemetry), MaxMsgSize: telemetryMessage,
			DenyDelete: true, Replicas: replicas, Duplicates: time.Second,
		}},
	} {
		s, err := ensure(ctx, js, lane.c, lane.set, w.Replicas)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// ensure creates stream c or brings it up to c. Of bytes that nobody asked for,
// set zero, it takes what there is room for.
func ensure(ctx context.Context, js jetstream.JetStream, c jetstream.StreamConfig, set int64, replicas int) (Stream, error) {
	var known *jetstream.StreamConfig
	short := false
	switch found, err := js.Stream(ctx, c.Name); {
	case err == nil:
		known = &found.CachedInfo().Config
		c = raise(*known, c)
	case !errors.Is(err, jetstream.ErrStreamNotFound): // it may be there and be larger
		return Stream{}, fmt.Errorf("find stream %s: %w", c.Name, err)
	}
	made, err := js.CreateOrUpdateStream(ctx, c)
	for ; err != nil; made, err = js.CreateOrUpdateStream(ctx, c) {
		smaller := max(c.MaxBytes/2, LeastBytes)
		if known != nil {
			smaller = max(smaller, known.MaxBytes)
		}
		if set > 0 || !noRoom(err) || smaller >= c.MaxBytes {
			return Stream{}, fmt.Errorf("make stream %s of %d bytes on each of %d servers: %w", c.Name, c.MaxBytes, c.Replicas, err)
		}
		c.MaxBytes = smaller
		short = true
	}
	if known == nil && short { // half of what there is room for, so that the other lane finds some
		c.MaxBytes = max(c.MaxBytes/2, LeastBytes)
		if made, err = js.UpdateStream(ctx, c); err != nil {
			return Stream{}, fmt.Errorf("leave room beside stream %s: %w", c.Name, err)
		}
	}
	c = made.CachedInfo().Config
	s := Stream{Name: c.Name, Subjects: c.Subjects, Bytes: c.MaxBytes, Replicas: c.Replicas}
	var kept []string
	if set > 0 && s.Bytes != set {
		kept = append(kept, fmt.Sprintf("its %d bytes", s.Bytes))
		if s.Bytes < 0 {
			kept[0] = "having no limit of bytes"
		}
	}
	if replicas > 0 && s.Replicas != replicas {
		kept = append(kept, fmt.Sprintf("its %d replicas", s.Replicas))
	}
	s.Kept = strings.Join(kept, " and ")
	return s, nil
}

// raise is what is known of a stream with what the product needs of it. What was
// promised stays, and what an operator chose for a cluster.
func raise(known, c jetstream.StreamConfig) jetstream.StreamConfig {
	out := known
	out.Subjects, out.NoAck, out.Discard = c.Subjects, c.NoAck, c.Discard
	out.MaxMsgSize, out.Duplicates = c.MaxMsgSize, c.Duplicates
	out.AllowRollup = false // one message must not end all before it
	out.DenyDelete, out.DenyPurge = known.DenyDelete || c.DenyDelete, known.DenyPurge || c.DenyPurge
	out.Replicas = max(known.Replicas, c.Replicas)
	if known.MaxBytes > 0 { // else it has no limit
		out.MaxBytes = max(known.MaxBytes, c.MaxBytes)
	}
	if known.MaxAge > 0 {
		out.MaxAge = max(known.MaxAge, c.MaxAge)
	}
	return out
}

// noRoom reports whether the server has less storage than was asked for.
func noRoom(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case 10002, 10023, 10047: // of the account, of the cluster, of the server
		return true
	case 10005: // no peers; why not is in the text alone
		return strings.Contains(api.Description, "insufficient storage")
	}
	return false
}
