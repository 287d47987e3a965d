package mqtt

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	random "math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// A Broker is a connection that meters share. Run keeps it up.
type Broker struct {
	c    account
	name string

	mu      sync.Mutex           // guards the rest
	meters  map[string][]*Reader // by topic
	states  map[string][]*Reader // by status topic
	trouble string               // "" while it is connected
	failed  bool                 // no connection came about, and readers were told so
	since   time.Time            // when it was
	denied  map[string]bool      // topics
	word    secret.Text          // that the broker was told

	shortest, longest time.Duration // between connections
}

// Pauses between connections. One that lasted for longest begins with shortest
// again.
const (
	shortest = time.Second
	longest  = time.Minute
)

// Run connects, and does so again whenever the connection is lost, until ctx ends.
func (b *Broker) Run(ctx context.Context) error {
	pause := b.shortest
	for {
		began := time.Now()
		err := b.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case refused(err): // whoever asks too often is locked out
			pause = b.longest
		case time.Since(began) >= b.longest:
			pause = b.shortest
		}
		b.down(fmt.Sprintf("broker %s: %v", b.name, err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause/2 + random.N(pause/2)): // all collectors are thrown out at once
		}
		pause = min(2*pause, b.longest)
	}
}

// session is one connection. It ends with ctx, or says why it was lost or did not
// come about.
func (b *Broker) session(ctx context.Context) error {
	password, err := b.c.password()
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.word = password
	b.mu.Unlock()
	var dialed error
	stop := func() bool { return true }
	lost := make(chan error, 1)
	o := paho.NewClientOptions()
	o.Servers = []*url.URL{{Scheme: "tcp", Host: b.c.address}}
	o.SetClientID("gigawatch-" + strings.ToLower(rand.Text()[:12])).SetUsername(b.c.user).SetPassword(password.Reveal())
	o.SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false)
	o.SetKeepAlive(20 * time.Second).SetPingTimeout(10 * time.Second).SetConnectTimeout(connecting).SetWriteTimeout(connecting)
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		c, err := b.c.dial(ctx)
		if dialed = err; err != nil {
			return nil, err
		}
		stop = context.AfterFunc(ctx, func() { c.Close() })
		return frame(c), nil
	})
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
		b.take(m.Topic(), m.Payload(), m.Retained(), time.Now())
	})
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err }) // called once at most
	client := paho.NewClient(o)
	token := client.Connect()
	<-token.Done() // within its time; the end of ctx closes what it waits for
	stop()
	if err := cmp.Or(dialed, token.Error()); err != nil {
		return b.c.explain(err)
	}
	defer client.Disconnect(250)
	b.mu.Lock()
	b.trouble, b.since, b.denied = "", time.Now(), nil
	b.mu.Unlock()
	if err := b.subscribe(ctx, client, lost); err != nil {
		return err
	}
	select {
	case err := <-lost:
		return fmt.Errorf("the connection was lost: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// subscribe asks for all topics.
func (b *Broker) subscribe(ctx context.Context, client paho.Client, lost <-chan error) error {
	b.mu.Lock()
	topics := map[string]paho.Token{}
	for _, by := range []map[string][]*Reader{b.meters, b.states} {
		for t := range by {
			topics[t] = nil
		}
	}
	b.mu.Unlock()
	for t := range topics {
		topics[t] = client.Subscribe(t, 1, nil)
	}
	late := time.NewTimer(connecting)
	defer late.Stop()
	denied := map[string]bool{}
	for t, token := range topics {
		select {
		case <-token.Done():
		case err := <-lost:
			return fmt.Errorf("the connection was lost: %w", err)
		case <-late.C:
			return fmt.Errorf("no answer to a subscription within %v", connecting)
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := token.Error(); err != nil {
			return fmt.Errorf("subscribe to %s: %w", t, err)
		}
		if s, ok := token.(*paho.SubscribeToken); ok && s.Result()[t] > 2 {
			denied[t] = true
		}
	}
	b.mu.Lock()
	tell := b.failed || len(denied) > 0 // else what is sent is waited for
	b.denied, b.failed = denied, false
	b.mu.Unlock()
	if tell {
		for _, r := range b.readers() {
			r.wake()
		}
	}
	return nil
}

func (b *Broker) readers() []*Reader {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Concat(slices.Collect(maps.Values(b.meters))...)
}

// down says why there is no connection.
func (b *Broker) down(why string) {
	b.mu.Lock()
	b.trouble, b.failed = why, true
	b.mu.Unlock()
	now := time.Now()
	for _, r := range b.readers() {
		r.lost(now)
	}
}

// A link is how a meter is connected.
type link struct {
	word   secret.Text // that the broker was told, and may say back
	down   string      // why there is no connection; "": there is one
	since  time.Time   // when it came about
	denied string      // what it may not read
}

// link is that of topics.
func (b *Broker) link(topics ...string) link {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := link{b.word, b.trouble, b.since, ""}
	for _, t := range topics {
		if b.denied[t] {
			l.denied = fmt.Sprintf("broker %s does not let %s read topic %s", b.name, b.c.who(), t)
		}
	}
	return l
}

// take passes on a message.
func (b *Broker) take(topic string, said []byte, retained bool, now time.Time) {
	b.mu.Lock()
	meters, states := b.meters[topic], b.states[topic]
	b.mu.Unlock()
	if len(meters) > 0 {
		m, err := parse(said)
		for _, r := range meters {
			r.arrive(m, err, retained, now)
		}
	}
	if len(states) > 0 {
		p := presenceOf(said)
		for _, r := range states {
			r.present(p, string(said[:min(len(said), longestShown+1)]), now)
		}
	}
}
