package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A ServerConfig describes a server inside this process.
type ServerConfig struct {
	Dir    string // store
	Listen string // host; "" listens nowhere: in-process connections only
	Port   int    // 0 with Listen: any free one
	Store  int64  // bytes that all streams together may take
	Logger *slog.Logger
}

// start bounds how long the server may take to recover its store.
const start = 2 * time.Minute

// Start runs a server until Shutdown. Its store is written through every few
// seconds only: what is not durable at the aggregator is still in the
// collectors' spools, and is sent again.
func Start(c ServerConfig) (*server.Server, error) {
	o := &server.Options{
		ServerName: "gigawatch", NoSigs: true,
		JetStream: true, StoreDir: c.Dir, JetStreamMaxStore: c.Store, SyncInterval: 10 * time.Second,
		DontListen: c.Listen == "", Host: c.Listen, Port: c.Port,
		MaxPayload: 1 << 20,
	}
	if c.Listen != "" && c.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("start bus in %s: %w", c.Dir, err)
	}
	s.SetLoggerV2(natsLog{c.Logger}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(start) {
		s.Shutdown()
		return nil, fmt.Errorf("start bus in %s: not ready after %s", c.Dir, start)
	}
	if !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, fmt.Errorf("start bus in %s: %w", c.Dir, errors.New("its store could not be opened; the log says why"))
	}
	return s, nil
}

// natsLog passes the server's log on; its chatter about starting is debug.
type natsLog struct{ log *slog.Logger }

func (l natsLog) Noticef(format string, v ...any) {
	l.log.Debug("bus server", "message", fmt.Sprintf(format, v...))
}
func (l natsLog) Warnf(format string, v ...any) {
	l.log.Warn("bus server", "message", fmt.Sprintf(format, v...))
}
func (l natsLog) Fatalf(format string, v ...any) {
	l.log.Error("bus server", "message", fmt.Sprintf(format, v...))
}
func (l natsLog) Errorf(format string, v ...any) {
	l.log.Error("bus server", "message", fmt.Sprintf(format, v...))
}
func (l natsLog) Debugf(string, ...any) {}
func (l natsLog) Tracef(string, ...any) {}
