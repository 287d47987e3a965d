package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
)

var errQuit = errors.New("quit")

const help = `lose N        GPU N falls off the bus        return N     it is back
detach N      its driver is detached         reset N      its energy counter begins again
xid N CODE    an XID happens on it           xids N A B   two, a millisecond apart
mig N PARTS   it is divided                  whole        no GPU is
stop          as after XID 119: all blank    go           the driver is called again
hold          the poller stands still        move         it goes on
freeze        calls do not return            thaw         they do
kill          the engine ends                start        it is started, and knows nothing
cut           connections are cut            forget F...  an older engine, without fields
idle, busy    the load                       quit`

// do makes a fault happen, or end.
func (e *engine) do(line string, now time.Time) error {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil
	}
	var n []int
	for _, w := range words[1:] {
		v, err := strconv.Atoi(w)
		if err != nil {
			return fmt.Errorf("%s: %s is no number", words[0], w)
		}
		n = append(n, v)
	}
	if want := map[string]int{"lose": 1, "return": 1, "detach": 1, "reset": 1, "xid": 2, "xids": 3, "mig": 2}[words[0]]; want > 0 {
		if len(n) != want || n[0] < 0 || n[0] >= e.GPUs() {
			return fmt.Errorf("%s: want a GPU below %d, and %d numbers in all", words[0], e.GPUs(), want)
		}
	}
	switch words[0] {
	case "lose":
		e.XID(double.KindGPU, n[0], 79, now)
		e.GPU(n[0]).Status = double.Lost
	case "return":
		e.GPU(n[0]).Status = double.OK
	case "detach":
		e.GPU(n[0]).Status = double.Detached
	case "reset":
		e.GPU(n[0]).Power(now, 70, 0)
	case "xid":
		e.XID(double.KindGPU, n[0], int64(n[1]), now)
	case "xids":
		e.XID(double.KindGPU, n[0], int64(n[1]), now)
		e.XID(double.KindGPU, n[0], int64(n[2]), now.Add(time.Millisecond))
	case "mig":
		for gi := range min(n[1], 7) {
			e.Divide(e.GPU(n[0]), int32(gi+1), 1)
		}
	case "whole":
		e.Undivide()
	case "stop":
		e.XID(double.KindGPU, 0, 119, now)
		e.Stopped = 1
	case "go":
		e.Stopped = 0
	case "hold":
		e.Held = now.UnixMicro()
	case "move":
		e.Held = 0
	case "freeze":
		e.Frozen = 1
	case "thaw":
		e.Frozen = 0
	case "kill":
		e.close()
		e.Down = 1
		e.Restart()
	case "start":
		if err := e.listen(); err != nil {
			return err
		}
		e.Down = 0
	case "cut":
		e.Cut++
	case "forget":
		fields := make([]int32, len(n))
		for i := range n {
			fields[i] = int32(n[i])
		}
		e.Forget("4.2.0", fields...)
	case "idle", "busy":
		e.load.busy = words[0] == "busy"
	case "help":
		return errors.New(help)
	case "quit":
		return errQuit
	default:
		return fmt.Errorf("%s: not known; help lists what is", words[0])
	}
	return nil
}
