// Package durable writes the small files in which parts of the aggregator keep what
// they know across restarts.
package durable

import (
	"errors"
	"io"
	"os"
	"syscall"
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

// Lock waits until nobody else holds a file, which is made if there is none, and
// holds it until it is closed: processes that read, change and replace what stands
// beside it take turns.
func Lock(file string, mode os.FileMode) (io.Closer, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, mode)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
