//go:build !linux

package guard

import (
	"os"
	"syscall"
)

// Stdio is what a child talks to its parent over: its standard input and output.
func Stdio() (in, out *os.File, err error) { return os.Stdin, os.Stdout, nil }

// apart leaves a child to find out by its standard input that its parent ended.
func apart() *syscall.SysProcAttr { return nil }
