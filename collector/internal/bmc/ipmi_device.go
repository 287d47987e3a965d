package bmc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A device carries requests through the kernel's IPMI driver.
type device struct {
	path    string
	timeout time.Duration

	file  *os.File
	open  func(path string) (*os.File, error)
	ioctl func(fd uintptr, request uint, arg unsafe.Pointer) error // the kernel's
	ready func(fd uintptr, within time.Duration) (bool, error)     // an answer has come
}

// The driver's structures, as in linux/ipmi.h.
type (
	ipmiAddress struct {
		kind    int32
		channel int16
		lun     byte
		_       [25]byte // room for the longest kind
	}
	ipmiMessage struct {
		function, command byte
		length            uint16
		bytes             unsafe.Pointer
	}
	ipmiRequest struct {
		address       unsafe.Pointer
		addressLength uint32
		id            int // a C long
		message       ipmiMessage
	}
	ipmiAnswer struct {
		kind          int32
		address       unsafe.Pointer
		addressLength uint32
		id            int
		message       ipmiMessage
	}
)

const (
	systemInterface = 0x0c // kind of address
	systemAddress   = 8    // its length
	bmcChannel      = 0xf
	isResponse      = 1 // kind of answer
)

// ioctl numbers: _IOR('i', 13, struct ipmi_req), _IOWR('i', 11, struct ipmi_recv).
const (
	sendCommand    = 2<<30 | uint(unsafe.Sizeof(ipmiRequest{}))<<16 | 'i'<<8 | 13
	receiveMessage = 3<<30 | uint(unsafe.Sizeof(ipmiAnswer{}))<<16 | 'i'<<8 | 11
)

func newDevice(path string, timeout time.Duration) *device {
	open := func(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR, 0) }
	return &device{path: path, timeout: timeout, open: open, ioctl: ioctl, ready: ready}
}

func (d *device) where() string { return d.path }

func (d *device) close(context.Context) {
	if d.file != nil {
		d.file.Close()
		d.file = nil
	}
}

// exchange is what the kernel is given pointers into: on the heap, where it does
// not move.
type exchange struct {
	address ipmiAddress
	request ipmiRequest
	answer  ipmiAnswer
	out     [64]byte
	in      [272]byte
}

// send asks the controller. An answer to an earlier request, that came too late
// for it, is passed over.
func (d *device) send(ctx context.Context, function, command byte, request []byte) ([]byte, error) {
	if d.file == nil {
		f, err := d.open(d.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, absent{fmt.Errorf("there is no %s", d.path)}
		case errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("%w: run as root, or give the agent's group the device", err)
		case err != nil:
			return nil, err
		}
		d.file = f
	}
	answer, err := d.exchange(ctx, d.file.Fd(), function, command, request)
	if err != nil {
		d.close(ctx) // and with it what is still on its way
		return nil, fmt.Errorf("ask %s: %w", d.path, err)
	}
	return answer, nil
}

func (d *device) exchange(ctx context.Context, fd uintptr, function, command byte, request []byte) ([]byte, error) {
	x := &exchange{address: ipmiAddress{kind: systemInterface, channel: bmcChannel}}
	defer runtime.KeepAlive(x)
	x.request = ipmiRequest{
		address: unsafe.Pointer(&x.address), addressLength: systemAddress, id: int(rand.Int32()),
		message: ipmiMessage{function: function, command: command, length: uint16(copy(x.out[:], request)), bytes: unsafe.Pointer(&x.out)},
	}
	if err := d.ioctl(fd, sendCommand, unsafe.Pointer(&x.request)); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	for end := time.Now().Add(d.timeout); time.Now().Before(end); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch ok, err := d.ready(fd, 250*time.Millisecond); {
		case err != nil:
			return nil, fmt.Errorf("wait: %w", err)
		case !ok:
			continue
		}
		x.answer = ipmiAnswer{
			address: unsafe.Pointer(&x.address), addressLength: uint32(unsafe.Sizeof(x.address)),
			message: ipmiMessage{length: uint16(len(x.in)), bytes: unsafe.Pointer(&x.in)},
		}
		if err := d.ioctl(fd, receiveMessage, unsafe.Pointer(&x.answer)); errors.Is(err, unix.EAGAIN) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("receive: %w", err)
		}
		a := &x.answer
		if a.kind != isResponse || a.id != x.request.id || a.message.command != command {
			continue
		}
		return append([]byte(nil), x.in[:min(int(a.message.length), len(x.in))]...), nil
	}
	return nil, fmt.Errorf("no answer in %v", d.timeout)
}

// ioctl is the system call, again if a signal interrupted it.
func ioctl(fd uintptr, request uint, arg unsafe.Pointer) error {
	for {
		_, _, e := unix.Syscall(unix.SYS_IOCTL, fd, uintptr(request), uintptr(arg))
		if e == 0 {
			return nil
		}
		if e != unix.EINTR {
			return e
		}
	}
}

// ready waits for something to be read.
func ready(fd uintptr, within time.Duration) (bool, error) {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(within.Milliseconds()))
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return n > 0, err
}
