package authority

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
)

// grounds are a bus with users, which also takes leaf connections, and its streams.
type grounds struct {
	t      *testing.T
	book   *Book
	server *server.Server
	all    *caller // may everything, as nobody else
	js     jetstream.JetStream
}

func newGrounds(t *testing.T) *grounds {
	t.Helper()
	k := begun(t, "s1", "s2")
	o, err := server.ProcessConfigFile(filepath.Join(k.dir, UsersFile))
	if err != nil {
		t.Fatal(err)
	}
	o.Host, o.Port, o.NoLog, o.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, true
	o.JetStream, o.StoreDir, o.JetStreamMaxStore = true, t.TempDir(), 1<<30
	o.LeafNode.Host, o.LeafNode.Port = "127.0.0.1", server.RANDOM_PORT
	g := &grounds{t: t, book: k, server: started(t, o)}
	g.all = g.open(g.master())
	if g.js, err = jetstream.New(g.all.Conn); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Ensure(t.Context(), g.js, bus.Wanted{Sites: []string{"s1", "s2"}, Limits: bus.Limits{Telemetry: 64 << 20, Ledger: 64 << 20}}); err != nil {
		t.Fatal(err)
	}
	return g
}

func started(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s
}

// master is the file of a user that the account itself signed, and that may
// everything. The program makes no such user.
func (g *grounds) master() string {
	g.t.Helper()
	account, err := nkeys.FromSeed([]byte(g.book.b.Account))
	if err != nil {
		g.t.Fatal(err)
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		g.t.Fatal(err)
	}
	key, _ := user.PublicKey()
	c := jwt.NewUserClaims(key)
	c.Pub.Allow.Add(">")
	c.Sub.Allow.Add(">")
	token, err := c.Encode(account)
	if err != nil {
		g.t.Fatal(err)
	}
	seed, _ := user.Seed()
	text, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		g.t.Fatal(err)
	}
	file := filepath.Join(g.t.TempDir(), "all.creds")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		g.t.Fatal(err)
	}
	return file
}

// credentials is the file of a new user.
func (g *grounds) credentials(role, site, name string) string {
	g.t.Helper()
	done, err := g.book.Add(Wish{Role: role, Site: site, Names: []string{name}, Valid: time.Hour, Renew: true})
	if err != nil {
		g.t.Fatal(err)
	}
	return done.Files[0]
}

// caller is a connection that remembers what it was refused.
type caller struct {
	*nats.Conn
	mu      sync.Mutex
	refused []string
}

func (g *grounds) dial(url, credentials string, more ...nats.Option) (*caller, error) {
	c := &caller{}
	options := append([]nats.Option{
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.refused = append(c.refused, err.Error())
		}),
	}, more...)
	if credentials != "" {
		options = append(options, nats.UserCredentials(credentials))
	}
	nc, err := nats.Connect(url, options...)
	if err != nil {
		return nil, err
	}
	c.Conn = nc
	g.t.Cleanup(nc.Close)
	return c, nil
}

func (g *grounds) open(credentials string, more ...nats.Option) *caller {
	g.t.Helper()
	c, err := g.dial(g.server.ClientURL(), credentials, more...)
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

// as is a connection of a new user.
func (g *grounds) as(role, site, name string) *caller {
	g.t.Helper()
	return g.open(g.credentials(role, site, name))
}

// complaints are, of what was tried, what the server refused since the last call; as
// many as are expected are waited for.
func (c *caller) complaints(t *testing.T, tried map[string]bool) map[string]bool {
	t.Helper()
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	expected := 0
	for _, refused := range tried {
		if refused {
			expected++
		}
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) { // the handler is called beside
		c.mu.Lock()
		n := len(c.refused)
		c.mu.Unlock()
		if n >= expected || time.Now().After(deadline) {
			break
		}
	}
	time.Sleep(10 * time.Millisecond) // more than that would be wrong
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]bool{}
	for subject := range tried {
		out[subject] = false
	}
	for _, text := range c.refused {
		_, subject, _ := strings.Cut(text, `"`)
		subject, _, _ = strings.Cut(subject, `"`)
		out[subject] = true
	}
	c.refused = nil
	return out
}

// leaf is a connection to a server of its own that is a leaf of the bus; nil if the
// bus has not taken it after a while.
func (g *grounds) leaf(credentials string, while time.Duration) *caller {
	g.t.Helper()
	remote := &server.RemoteLeafOpts{URLs: server.RoutesFromStr("nats://" + g.leafAddress()), Credentials: credentials, NoRandomize: true}
	s := started(g.t, &server.Options{
		ServerName: "leaf-" + strings.ToLower(nats.NewInbox()[7:]), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		LeafNode: server.LeafNodeOpts{Remotes: []*server.RemoteLeafOpts{remote}, ReconnectInterval: 50 * time.Millisecond},
	})
	for deadline := time.Now().Add(while); s.NumLeafNodes() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return nil
		}
	}
	time.Sleep(100 * time.Millisecond) // one that is refused was a connection for a moment
	if s.NumLeafNodes() == 0 {
		return nil
	}
	c, err := g.dial(s.ClientURL(), "")
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

func (g *grounds) leafAddress() string {
	g.t.Helper()
	v, err := g.server.Varz(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(v.LeafNode.Port))
}

// word is the JWT of a new user, without the key that proves it.
func (g *grounds) word(role, site, name string) (string, error) {
	text, err := os.ReadFile(g.credentials(role, site, name))
	if err != nil {
		return "", err
	}
	return jwt.ParseDecoratedJWT(text)
}
