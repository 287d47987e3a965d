package bus

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// mostLines bounds what the server has said in a minute: whoever is refused a
// thousand times a second must not fill the log.
const mostLines = 60

// natsLog passes the server's log on; its chatter about starting is debug.
type natsLog struct {
	log *slog.Logger

	mu     sync.Mutex
	since  time.Time // when the minute of lines began
	lines  int
	unsaid int
}

func (l *natsLog) say(level func(string, ...any), format string, v []any) {
	l.mu.Lock()
	now := time.Now()
	left := 0
	if now.Sub(l.since) >= time.Minute {
		left = l.unsaid
		l.since, l.lines, l.unsaid = now, 0, 0
	}
	l.lines++
	say := l.lines <= mostLines
	if !say {
		l.unsaid++
	}
	l.mu.Unlock()
	if left > 0 {
		l.log.Warn("the bus server said more than is logged", "lines_left_out", left)
	}
	if say {
		level("bus server", "message", fmt.Sprintf(format, v...))
	}
}

func (l *natsLog) Noticef(format string, v ...any) {
	l.log.Debug("bus server", "message", fmt.Sprintf(format, v...))
}
func (l *natsLog) Warnf(format string, v ...any)  { l.say(l.log.Warn, format, v) }
func (l *natsLog) Fatalf(format string, v ...any) { l.say(l.log.Error, format, v) }
func (l *natsLog) Errorf(format string, v ...any) { l.say(l.log.Error, format, v) }
func (l *natsLog) Debugf(string, ...any)          {}
func (l *natsLog) Tracef(string, ...any)          {}
