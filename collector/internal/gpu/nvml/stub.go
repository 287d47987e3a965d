//go:build !cgo

package nvml

import (
	"context"
	"errors"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

var errNoCgo = errors.New("open NVML: this program was built without cgo (CGO_ENABLED=0)")

// A Driver of a program built without cgo reads nothing.
type Driver struct{}

var _ gpu.Driver = (*Driver)(nil)

// Open fails.
func Open(Config) (*Driver, error) { return nil, errNoCgo }

// Name is the driver's name.
func (*Driver) Name() string { return "nvml" }

// Read fails.
func (*Driver) Read(context.Context, time.Time, *gpu.Reading) error { return errNoCgo }

// Close does nothing.
func (*Driver) Close() error { return nil }
