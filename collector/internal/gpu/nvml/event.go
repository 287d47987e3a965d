//go:build cgo

package nvml

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

const (
	waitFor    = 500 * time.Millisecond // for an event: how long Close may take
	waitAgain  = time.Second            // after a wait that failed
	queuedXIDs = 256                    // between two readings
)

// A watch waits for XIDs in a goroutine of its own.
type watch struct {
	d       *Driver
	log     *slog.Logger
	set     nvidia.EventSet
	queue   chan gpu.Event
	dropped atomic.Uint64 // did not fit into the queue
	stop    chan struct{}
	done    chan struct{}

	registered map[nvidia.Device]bool // by the reader

	mu  sync.Mutex // guards who
	who map[nvidia.Device]gpu.Event
}

// watchXIDs begins to wait; there is no watch if the library lacks a symbol of
// it. The error says why there are no XIDs.
func watchXIDs(d *Driver) (*watch, error) {
	for _, c := range []call{callEventCreate, callEventWait, callEventFree, callEventTypes, callEventRegister} {
		if !d.have[c] {
			return nil, nil
		}
	}
	set, ret := d.api.EventSetCreate()
	if ret != nvidia.SUCCESS {
		return nil, fmt.Errorf("no XIDs by NVML (%s); the kernel's log has them", words(ret))
	}
	w := &watch{
		d: d, log: d.log, set: set, queue: make(chan gpu.Event, queuedXIDs),
		stop: make(chan struct{}), done: make(chan struct{}), registered: map[nvidia.Device]bool{},
	}
	go w.run()
	return w, nil
}

// know registers the devices of boards that are new.
func (w *watch) know(boards []*board) {
	who := map[nvidia.Device]gpu.Event{}
	for _, b := range boards {
		if b.device == nil {
			continue
		}
		who[b.device] = gpu.Event{PCI: b.PCI, UUID: b.UUID}
		if w.registered[b.device] {
			continue
		}
		types, ret := b.device.GetSupportedEventTypes()
		if ret == nvidia.SUCCESS && types&nvidia.EventTypeXidCriticalError != 0 {
			ret = b.device.RegisterEvents(nvidia.EventTypeXidCriticalError, w.set)
		} else if ret == nvidia.SUCCESS {
			ret = nvidia.ERROR_NOT_SUPPORTED
		}
		if ret == nvidia.SUCCESS {
			w.registered[b.device] = true
			continue
		}
		w.d.refused = append(w.d.refused, fmt.Sprintf("%s reports no XIDs by NVML (%s); the kernel's log has them", b.PCI, words(ret)))
	}
	for device := range w.registered { // who comes back is registered anew
		if _, ok := who[device]; !ok {
			delete(w.registered, device)
		}
	}
	w.mu.Lock()
	w.who = who
	w.mu.Unlock()
}

// run waits until close.
func (w *watch) run() {
	defer close(w.done)
	said := nvidia.SUCCESS
	for {
		select {
		case <-w.stop:
			return
		default:
		}
		switch data, ret := w.set.Wait(uint32(waitFor.Milliseconds())); ret {
		case nvidia.SUCCESS:
			said = ret
			if data.EventType&nvidia.EventTypeXidCriticalError != 0 {
				w.add(data)
			}
		case nvidia.ERROR_TIMEOUT:
			said = nvidia.SUCCESS
		default:
			// A lost board makes every wait fail; the others' XIDs still come.
			if ret != said {
				w.log.Warn("wait for XIDs failed", "cause", words(ret))
				said = ret
			}
			select {
			case <-w.stop:
			case <-time.After(waitAgain):
			}
		}
	}
}

// add hands an event on.
func (w *watch) add(data nvidia.EventData) {
	w.mu.Lock()
	e, ok := w.who[data.Device]
	w.mu.Unlock()
	if !ok && w.d.have[callPCI] {
		if pci, ret := data.Device.GetPciInfo(); ret == nvidia.SUCCESS {
			e.PCI = address(pci)
		}
	}
	e.Code, e.Time = uint32(data.EventData), time.Now().UnixMicro()
	select {
	case w.queue <- e:
	default:
		w.dropped.Add(1)
	}
}

// take appends what came since it was called last.
func (w *watch) take(events []gpu.Event) []gpu.Event {
	for {
		select {
		case e := <-w.queue:
			events = append(events, e)
		default:
			return events
		}
	}
}

// close ends the wait.
func (w *watch) close() {
	close(w.stop)
	<-w.done
	w.set.Free()
}
