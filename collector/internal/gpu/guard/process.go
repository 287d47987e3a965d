package guard

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// A process is one child, from its start to its end.
type process struct {
	cmd     *exec.Cmd
	ask     *os.File      // its standard input
	answers chan *answer  // closed when no more will come
	quit    chan struct{} // closed when nobody takes answers any longer
	ended   chan struct{} // closed last

	// Once answers is closed.
	nonsense error // why; nil if its output just ended

	// Once ended is.
	exit  error
	lines *lines // of its standard error
}

// drain is how long the last words of a child that ended may take.
const drain = time.Second

// start starts command.
func start(command, env []string, log *slog.Logger) (*process, error) {
	if len(command) == 0 {
		return nil, errors.New("start child: there is no command")
	}
	p := &process{
		cmd:     exec.Command(command[0], command[1:]...),
		answers: make(chan *answer, 1), quit: make(chan struct{}), ended: make(chan struct{}), lines: &lines{log: log},
	}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = apart()
	var ours, theirs [3]*os.File
	shut := func(fs [3]*os.File) {
		for _, f := range fs {
			if f != nil {
				f.Close()
			}
		}
	}
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			shut(ours)
			shut(theirs)
			return nil, fmt.Errorf("start child: %w", err)
		}
		ours[i], theirs[i] = r, w
	}
	ours[0], theirs[0] = theirs[0], ours[0] // the child reads this one
	p.ask = ours[0]
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1], theirs[2]

	started := make(chan error)
	go func() {
		// The signal that a child gets when its parent ends is sent when the parent's
		// thread that started it does: this one stays.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		shut(theirs)
		started <- err
		if err != nil {
			return
		}
		said := make(chan struct{})
		heard := make(chan struct{})
		go func() { defer close(heard); p.hear(ours[1]) }()
		go func() { defer close(said); p.lines.read(ours[2]) }()
		p.exit = p.cmd.Wait()
		// What it said last is heard to its end, save where something that it started
		// holds its output open, or nobody takes its answers.
		part := func() { shut(ours); close(p.quit) }
		late := time.AfterFunc(drain, part)
		<-said
		<-heard
		if late.Stop() {
			part()
		}
		close(p.ended)
	}()
	if err := <-started; err != nil {
		shut(ours)
		return nil, fmt.Errorf("start child: %w", err)
	}
	return p, nil
}

// hear passes on what the child answers.
func (p *process) hear(out io.Reader) {
	defer close(p.answers)
	frames := newReader(out)
	for {
		a, err := frames.read()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, os.ErrClosed) {
				p.nonsense = err
			}
			return
		}
		select {
		case p.answers <- a:
		case <-p.quit:
			return
		}
	}
}

// over reports whether the child has ended.
func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// why is why a child that has ended did.
func (p *process) why() string {
	exit := "it ended by itself"
	if p.exit != nil {
		exit = p.exit.Error()
	}
	last := p.lines.telling()
	if symbol, ok := missing(last); ok && p.cmd.ProcessState.ExitCode() == 127 {
		return symbol
	}
	if last != "" {
		exit += ": " + last
	}
	return exit
}
