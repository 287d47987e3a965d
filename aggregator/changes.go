package main

import (
	"log/slog"

	"github.com/gigawatch/gigawatch/aggregator/internal/changes"
)

// openChanges opens the log of who changed what. One that was tampered with does not keep
// the aggregator from starting; it is said, now and by verify.
func openChanges(data string, log *slog.Logger) (*changes.Log, error) {
	l, broken, err := changes.Open(data)
	if err != nil {
		return nil, err
	}
	if broken != nil {
		log.Error("the log of changes is not what was written; aggregator verify says more", "file", changes.File(data), "error", broken)
	}
	return l, nil
}
