package guard

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Stdio is what a child talks to its parent over: its standard input and output.
// What else writes to standard output, as C libraries do, goes to standard error
// from now on. No thread waits for input.
func Stdio() (in, out *os.File, err error) {
	from, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err == nil {
		err = unix.SetNonblock(from, true)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("take standard input: %w", err)
	}
	to, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err == nil {
		err = unix.Dup3(2, 1, 0)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("take standard output: %w", err)
	}
	return os.NewFile(uintptr(from), "requests"), os.NewFile(uintptr(to), "answers"), nil
}

// apart makes a child end with its parent, and not by a signal from the
// terminal, which is the parent's.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
