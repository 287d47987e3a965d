// Package durable writes the small files in which parts of the aggregator keep what
// they know across restarts.
package durable

import (
	"errors"
	"os"
)

// Replace writes a file in one step: after a power cut it is as it was, or as b.
func Replace(file string, b []byte, mode os.FileMode) error {
	next := file + ".new"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(next, file)
}
