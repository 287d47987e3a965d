package bus

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/conf"
	"github.com/nats-io/nats-server/v2/server"
)

// userKeys are what a file of users says, all of it: it is no place to change the
// server by.
var userKeys = [...]string{"operator", "system_account", "resolver", "resolver_preload"}

// readUsers reads who may speak.
func readUsers(file string) (*server.Options, error) {
	said, err := conf.ParseFile(file)
	if err != nil {
		return nil, fmt.Errorf("read users of the bus: %w", err)
	}
	for key := range said {
		if !slices.Contains(userKeys[:], key) {
			return nil, fmt.Errorf("read users of the bus: %s: %s is not what aggregator bus writes there", file, key)
		}
	}
	for _, key := range userKeys {
		if said[key] == nil {
			return nil, fmt.Errorf("read users of the bus: %s: %s is missing; aggregator bus init makes such a file", file, key)
		}
	}
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		return nil, fmt.Errorf("read users of the bus: %w", err)
	}
	o.ConfigFile = ""
	return o, nil
}

// CheckUsers says what is wrong with a file of users.
func CheckUsers(file string) error {
	_, err := readUsers(file)
	return err
}

// lookEvery is how often the file of users is looked at.
const lookEvery = 250 * time.Millisecond

// Users watches the file of users of a server.
type Users struct {
	c     ServerConfig
	taken stamp
}

// WatchUsers begins to watch the file of users of c, from before [Start] reads it on.
func WatchUsers(c ServerConfig) *Users { return &Users{c, stampOf(c.Users)} }

// Run takes the file anew when it has changed, on SIGHUP at once, until ctx ends. Who
// was revoked is cut off; nobody else is. Who connects in the moment of it may have to
// try again.
func (u *Users) Run(ctx context.Context, s *server.Server) error {
	if u.c.Users == "" {
		<-ctx.Done()
		return nil
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if now := stampOf(u.c.Users); now != u.taken {
			u.taken = now
			u.c.take(s)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			u.taken = stamp{}
		case <-tick.C:
		}
	}
}

// take brings the users into force. A file that is not in order changes nothing.
func (c *ServerConfig) take(s *server.Server) {
	o, err := c.options()
	if err == nil {
		err = s.ReloadOptions(o)
	}
	if err != nil {
		c.Logger.Error("users of the bus refused, who was let in before still is", "file", c.Users, "error", err)
		return
	}
	c.Logger.Info("users of the bus taken", "file", c.Users)
}

// stamp tells whether a file has changed.
type stamp struct {
	size  int64
	time  time.Time
	inode uint64
}

func stampOf(file string) (s stamp) {
	if i, err := os.Stat(file); err == nil {
		s = stamp{size: i.Size(), time: i.ModTime()}
		if u, ok := i.Sys().(*syscall.Stat_t); ok {
			s.inode = u.Ino
		}
	}
	return s
}
