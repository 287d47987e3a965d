package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// parting is how long a driver may take to finish when the child is to end.
const parting = time.Second

var errHangs = errors.New("the driver's library hangs; the process ends without it")

// Serve is the child's part: for each byte on in it reads d once and writes a
// frame to out. It returns nil when in ends or ctx does, and closes d, unless a
// call of d hangs: then it returns an error, and the process should end.
//
// A read from in may be left pending.
func Serve(ctx context.Context, d gpu.Driver, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asked := make(chan struct{}, 1)
	go func() {
		defer cancel()
		var b [1]byte
		for {
			if _, err := io.ReadFull(in, b[:]); err != nil {
				return
			}
			select {
			case asked <- struct{}{}:
			default: // asked already
			}
		}
	}()
	done := make(chan error, 1)
	go func() { done <- answerAll(ctx, d, asked, newWriter(out)) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(parting):
		return errHangs
	}
}

// answerAll makes all calls of d.
func answerAll(ctx context.Context, d gpu.Driver, asked <-chan struct{}, out *writer) (err error) {
	defer func() {
		if e := d.Close(); e != nil {
			err = errors.Join(err, fmt.Errorf("close %s: %w", d.Name(), e))
		}
	}()
	var r gpu.Reading
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-asked:
		}
		r.Events, r.Time = r.Events[:0], 0
		err := d.Read(ctx, time.Now(), &r)
		if ctx.Err() != nil {
			return nil
		}
		a := answer{Reading: r}
		if err != nil {
			a.Error = err.Error()
		}
		// What waits in the pipe is not of the time it is taken out.
		if a.Reading.Time == 0 {
			a.Reading.Time = time.Now().UnixMicro()
		}
		if n := len(r.Events); n > maxEvents {
			a.Reading.Events = r.Events[n-maxEvents:]
			a.Reading.Refused = append(r.Refused[:len(r.Refused):len(r.Refused)], fmt.Sprintf("%d events at once; %d are left out", n, n-maxEvents))
		}
		if err := out.write(&a); err != nil {
			return err
		}
	}
}

// sinceVariable is where a child finds what [Since] is.
const sinceVariable = "GIGAWATCH_GPU_EVENTS_SINCE"

// overlap is how much earlier than its newest answer the events of a driver that
// is opened again should begin: one may be written after its time.
const overlap = 10 * time.Second

// Since is the time from which on a child should tell of events, if its library
// remembers any: those that were told before are told apart by their times. Zero
// in a process that is no child.
func Since() time.Time {
	us, err := strconv.ParseInt(os.Getenv(sinceVariable), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMicro(us).Add(-overlap)
}

// Refuse is the child's part where there is no driver, for reasons of one
// sentence each. The child should end then.
func Refuse(out io.Writer, reasons []string) error {
	return newWriter(out).write(&answer{None: true, Reading: gpu.Reading{Refused: reasons}})
}
