//go:build !cgo || !linux

package dcgm

import (
	"context"
	"errors"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// A Driver cannot be had without cgo.
type Driver struct{}

// Open fails: the DCGM library is called through cgo, on Linux.
func Open(Config) (*Driver, error) {
	return nil, errors.New("open DCGM: this collector was built without cgo")
}

func (*Driver) Name() string                                        { return "dcgm" }
func (*Driver) Read(context.Context, time.Time, *gpu.Reading) error { return errors.ErrUnsupported }
func (*Driver) Close() error                                        { return nil }
