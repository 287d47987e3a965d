package authority

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
)

// Who may what, of each kind of subject, to a host n1, an operator anna, a leaf, a
// simulator and a teller of site s1, and a hub. H A O L S T U stand for the roles; who
// is not named is refused.
const (
	mayPublish = `
		telemetry.s1.n1                                HS
		ledger.s1.n1                                   HS
		telemetry.s1.n2                                S
		ledger.s1.n2                                   S
		telemetry.s1                                   -
		telemetry.s1.n1.more                           -
		telemetry.s2.n1                                -
		ledger.s2.n1                                   -
		ctl.s1.n1.ack                                  A
		ctl.s1.n2.ack                                  A
		ctl.s1.n1.other                                -
		ctl.s1.all.rate                                A
		site.s1.rollup.rack                            ALT
		site.s1.rollup.rack.more                       AL
		site.s1.alert.fire                             AL
		site.s1.other                                  L
		site.s2.rollup.rack                            A
		site.s2.other                                  -
		hub.s1.have                                    U
		hub.s2.have                                    U
		hub.s1.x                                       -
		hub.have                                       -
		_INBOX.x                                       -
		_INBOX_aggregator.x                            -
		_INBOX_operator_anna.x                         -
		$JS.API.INFO                                   AO
		$JS.API.STREAM.NAMES                           O
		$JS.API.STREAM.LIST                            O
		$JS.API.STREAM.INFO.LEDGER                     AO
		$JS.API.STREAM.INFO.OTHER                      O
		$JS.API.STREAM.CREATE.LEDGER                   A
		$JS.API.STREAM.CREATE.OTHER                    -
		$JS.API.STREAM.UPDATE.TELEMETRY                A
		$JS.API.STREAM.UPDATE.OTHER                    -
		$JS.API.STREAM.DELETE.LEDGER                   -
		$JS.API.STREAM.PURGE.LEDGER                    -
		$JS.API.STREAM.MSG.DELETE.LEDGER               -
		$JS.API.STREAM.MSG.GET.LEDGER                  -
		$JS.API.STREAM.SNAPSHOT.LEDGER                 -
		$JS.API.STREAM.RESTORE.LEDGER                  -
		$JS.API.STREAM.LEADER.STEPDOWN.LEDGER          -
		$JS.API.STREAM.PEER.REMOVE.LEDGER              -
		$JS.API.DIRECT.GET.LEDGER                      -
		$JS.API.CONSUMER.CREATE.LEDGER.x               A
		$JS.API.CONSUMER.CREATE.LEDGER.x.ledger.s1.n1  A
		$JS.API.CONSUMER.CREATE.OTHER.x                -
		$JS.API.CONSUMER.DURABLE.CREATE.LEDGER.x       -
		$JS.API.CONSUMER.DELETE.LEDGER.x               A
		$JS.API.CONSUMER.INFO.LEDGER.x                 AO
		$JS.API.CONSUMER.LIST.LEDGER                   O
		$JS.API.CONSUMER.NAMES.LEDGER                  O
		$JS.API.CONSUMER.PAUSE.LEDGER.x                -
		$JS.API.CONSUMER.MSG.NEXT.LEDGER.x             A
		$JS.API.META.LEADER.STEPDOWN                   -
		$JS.API.ACCOUNT.PURGE.A                        -
		$JS.ACK.LEDGER.x.1.1.1.1.0                     -
		$JS.ACK._.h.LEDGER.x.1.1.1.1.0                 -
		$JS.FC.LEDGER.x.1                              -
		$KV.b.k                                        -
		$SYS.REQ.SERVER.PING                           -
		$SYS.REQ.CLAIMS.UPDATE                         -
		$SYS.REQ.USER.INFO                             -
		something.else                                 -`

	maySubscribe = `
		telemetry.s1.n1           AO
		telemetry.s1.n2           AO
		telemetry.*.*             AO
		telemetry.>               AO
		ledger.s1.n1              AO
		ledger.*.*                AO
		ledger.>                  AO
		ctl.s1.n1.ack             HOS
		ctl.s1.n2.ack             OS
		ctl.s1.*.ack              OS
		ctl.s1.n1.*               O
		ctl.s1.n1.>               O
		ctl.s1.all.rate           HOS
		ctl.s1.all.*              HOS
		ctl.s1.all.>              HOS
		ctl.*.all.rate            O
		ctl.*.all.canary          AO
		ctl.s2.all.rate           O
		ctl.s2.n1.ack             O
		ctl.>                     O
		site.s1.rollup.rack       OU
		site.*.rollup.*           OU
		site.s1.alert.fire        O
		site.>                    O
		_INBOX.>                  -
		_INBOX.x                  -
		_INBOX_aggregator.>       A
		_INBOX_aggregator.x       A
		_INBOX_operator_anna.>    O
		_INBOX_operator_anna.x    O
		_INBOX_operator_bert.>    -
		*.x                       -
		>                         L
		*.*.*                     L
		*.s1.n1                   -
		$JS.API.>                 -
		$JS.ACK.>                 -
		$JS.EVENT.ADVISORY.>      -
		$SYS.>                    -
		$KV.>                     -
		hub.s1.have               ALT
		hub.s2.have               A
		hub.*.have                AL
		hub.>                     L
		hub.s1.x                  L
		hub.s2.x                  -
		something.else            -`
)

// rows are the lines of a table: a subject, and the letters of who may.
func rows(table string) (out [][2]string) {
	for line := range strings.Lines(strings.TrimSpace(table)) {
		f := strings.Fields(line)
		out = append(out, [2]string{f[0], strings.Trim(f[1], "-")})
	}
	return out
}

func TestRolesPublishWhatTheTableSays(t *testing.T) {
	g := newGrounds(t)
	heard := make(chan *nats.Msg, 8192)
	for _, subject := range []string{">", "site.s1.>"} { // a leaf hands on what is asked for within its rights
		if _, err := g.all.ChanSubscribe(subject, heard); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.all.Flush(); err != nil {
		t.Fatal(err)
	}
	for role, c := range g.cast() {
		refused := map[string]bool{}
		for _, row := range rows(mayPublish) {
			if err := c.Publish(row[0], []byte(role+" "+row[0])); err != nil {
				t.Fatal(err)
			}
			refused[row[0]] = !strings.Contains(row[1], role)
		}
		if role == "L" { // its own server takes everything, and tells it nothing
			time.Sleep(50 * time.Millisecond)
		} else if d := cmp.Diff(refused, c.complaints(t, refused)); d != "" {
			t.Errorf("%s: what the server refuses is not what it should:\n%s", role, d)
		}
		last := []byte("the last of " + role)
		end := g.all
		if role == "L" {
			end = c // on the way of the others
		}
		if err := end.Publish("site.s1.rollup.end", last); err != nil {
			t.Fatal(err)
		}
		arrived := map[string]bool{}
		for {
			var m *nats.Msg
			select {
			case m = <-heard:
			case <-time.After(20 * time.Second):
				t.Fatalf("nothing of %s arrives any more", role)
			}
			if string(m.Data) == string(last) {
				break
			}
			if string(m.Data) == role+" "+m.Subject {
				arrived[m.Subject] = true
			}
		}
		for subject, not := range refused {
			if arrived[subject] == not {
				t.Errorf("%s publishes %s: may %v, arrived %v", role, subject, !not, arrived[subject])
			}
		}
	}
}

func TestRolesSubscribeToWhatTheTableSays(t *testing.T) {
	g := newGrounds(t)
	for role, c := range g.cast() {
		for _, queue := range []string{"", "q-"} { // a queue is no way past
			refused, subs := map[string]bool{}, map[string]*nats.Subscription{}
			for _, row := range rows(maySubscribe) {
				group := queue
				if group != "" {
					group += strconv.Itoa(len(subs)) // each hears all
				}
				sub, err := c.QueueSubscribeSync(row[0], group)
				if err != nil {
					t.Fatal(err)
				}
				refused[row[0]], subs[row[0]] = !strings.Contains(row[1], role), sub
			}
			if role != "L" {
				if d := cmp.Diff(refused, c.complaints(t, refused)); d != "" {
					t.Errorf("%s: what the server refuses is not what it should:\n%s", role, d)
				}
			}
			deaf := func() bool { // to what may be heard: a leaf's server has yet to ask the bus for it
				for subject, sub := range subs {
					if n, _, _ := sub.Pending(); n == 0 && !refused[subject] {
						return true
					}
				}
				return false
			}
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				for subject := range subs {
					if err := g.all.Publish(strings.NewReplacer("*", "w", ">", "w.w").Replace(subject), []byte("{}")); err != nil {
						t.Fatal(err)
					}
				}
				for _, conn := range []*caller{g.all, c} { // what the first has sent has been sent to the other before it answers
					if err := conn.Flush(); err != nil {
						t.Fatal(err)
					}
				}
				if role != "L" || !deaf() || time.Now().After(end) {
					break
				}
			}
			for subject, sub := range subs {
				n, _, err := sub.Pending()
				if heard := err == nil && n > 0; heard == refused[subject] {
					t.Errorf("%s hears %s: may %v, heard %v (queue %q)", role, subject, !refused[subject], heard, queue)
				}
				for range n { // of a leaf's wildcards the bus brings what it may hear
					if m, err := sub.NextMsg(time.Second); err == nil && role == "L" && !strings.HasPrefix(m.Subject, "hub.s1.") {
						t.Errorf("L hears %s by %s", m.Subject, subject)
					}
				}
				_ = sub.Unsubscribe() // is gone already where it was refused
			}
		}
	}
}

// cast is a connection of each role, by its letter.
func (g *grounds) cast() map[string]*caller {
	g.t.Helper()
	out := map[string]*caller{
		"H": g.as("host", "s1", "n1"), "A": g.as("aggregator", "", "aggregator"), "O": g.as("operator", "", "anna"),
		"S": g.as("simulator", "s1", "sim"), "L": g.leaf(g.credentials("leaf", "s1", "s1"), 30*time.Second),
		"T": g.as("site", "s1", "s1"), "U": g.as("hub", "", "hub"),
	}
	if out["L"] == nil {
		g.t.Fatal("the leaf is not let in")
	}
	if len(out) != len(Roles()) {
		g.t.Fatalf("there are roles %v, and %d of them are tried", roleNames(), len(out))
	}
	return out
}

// Who shows nothing, or another's word without its key, is not let in.
func TestNobodyElseIsLetIn(t *testing.T) {
	g := newGrounds(t)
	url := g.server.ClientURL()
	other := begun(t, "s1")
	foreign, err := other.Add(Wish{Role: "host", Site: "s1", Names: []string{"n1"}, Valid: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := RoleOf("host")
	_, late, err := g.book.credentials(&r, "s1", "n9", -time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for who, way := range map[string]nats.Option{
		"nobody":                nil,
		"a user and password":   nats.UserInfo("n1", "secret"),
		"a token":               nats.Token("secret"),
		"of another authority":  nats.UserCredentials(foreign.Files[0]),
		"whose time is over":    nats.UserCredentialBytes(late),
		"with the word alone":   nats.UserJWT(func() (string, error) { return g.word("host", "s1", "n1") }, func([]byte) ([]byte, error) { return []byte("x"), nil }),
		"of a leaf as a client": nats.UserCredentials(g.credentials("leaf", "s1", "s1")),
	} {
		options := []nats.Option{}
		if way != nil {
			options = append(options, way)
		}
		if nc, err := nats.Connect(url, options...); err == nil {
			nc.Close()
			t.Errorf("%s is let in", who)
		}
	}
	for _, role := range []string{"host", "aggregator", "operator", "simulator", "site", "hub"} {
		r, _ := RoleOf(role)
		site := ""
		if r.OfASite {
			site = "s1"
		}
		if g.leaf(g.credentials(role, site, "x"), 300*time.Millisecond) != nil {
			t.Errorf("%s is let in as a leaf", role)
		}
	}
}
