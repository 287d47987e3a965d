package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/gigawatch/gigawatch/collector/metric"
	"golang.org/x/sys/unix"
)

// A healthPage is log page 0x02 of an NVMe controller, SMART / Health
// Information (NVM Express base specification):
//
//	  0  critical warnings, bits
//	  1  composite temperature, kelvin
//	  3  available spare, percent      4  its threshold
//	  5  percentage used, at most 255
//	160  media and data integrity errors, 128 bits
type healthPage [512]byte

// health is what is kept of it.
type health struct {
	wear, spare   metric.Raw // ratios
	media, warned metric.Raw
}

var errNoHealth = errors.New("the health log is blank")

// parse reads the page. Drives that only seem to be some, as virtual ones, leave
// it blank.
func (p *healthPage) parse() (health, error) {
	if *p == (healthPage{}) || p[0] == 0xff && p[5] == 0xff {
		return health{}, errNoHealth
	}
	h := health{wear: metric.Of(float64(p[5]) / 100), spare: metric.Missing, media: metric.Missing, warned: metric.Raw(p[0])}
	// A spare of nothing, with nothing as its threshold, is not kept count of.
	if p[3] <= 100 && (p[3] > 0 || p[4] > 0) {
		h.spare = metric.Of(float64(p[3]) / 100)
	}
	if low, high := binary.LittleEndian.Uint64(p[160:]), binary.LittleEndian.Uint64(p[168:]); high == 0 && low < 1<<62 {
		h.media = metric.Raw(low)
	}
	return h, nil
}

// adminCommand is struct nvme_admin_cmd of linux/nvme_ioctl.h.
type adminCommand struct {
	opcode, flags  uint8
	_              uint16
	namespace      uint32
	_, _           uint32
	metadata       uint64
	address        uint64
	metadataLength uint32
	length         uint32
	cdw10          uint32
	_, _, _, _, _  uint32 // cdw11 to cdw15
	timeout        uint32 // milliseconds
	result         uint32
}

const (
	adminIoctl     = 3<<30 | uint(unsafe.Sizeof(adminCommand{}))<<16 | 'N'<<8 | 0x41 // NVME_IOCTL_ADMIN_CMD
	getLogPage     = 0x02
	healthLog      = 0x02
	allNamespaces  = 0xffffffff
	healthPatience = 10_000 // milliseconds
)

// readHealth asks the controller behind a device for its health log.
func readHealth(path string, page *healthPage) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return explain(err)
	}
	defer unix.Close(fd)
	var pinner runtime.Pinner // the kernel is told an address, not a pointer
	pinner.Pin(page)
	defer pinner.Unpin()
	c := &adminCommand{
		opcode: getLogPage, namespace: allNamespaces,
		address: uint64(uintptr(unsafe.Pointer(page))), length: uint32(len(page)),
		cdw10:   uint32(len(page)/4-1)<<16 | healthLog,
		timeout: healthPatience,
	}
	status, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(adminIoctl), uintptr(unsafe.Pointer(c)))
	switch {
	case e != 0:
		return explain(e)
	case status != 0:
		return fmt.Errorf("read health log: status %#x", status)
	}
	return nil
}
