package snmp

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every digest and cipher, against a real agent.
func TestUsers(t *testing.T) {
	d := serve(t, apc)
	k := keys(t)
	for _, user := range append(slices.Sorted(maps.Keys(users)), "") {
		t.Run(user+" "+strings.Fields(users[user] + " -")[0], func(t *testing.T) {
			r := reader(t, agent(t, k.as(d.addr, user)), "apc-rpdu2", "1")
			for range 2 { // the second by what is remembered of the first
				if got, err := r.Read(within(t, 10*time.Second)); err != nil || len(got) != 2 || got[0].Number != 5120 {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
}

func TestWhoIsNotLetIn(t *testing.T) {
	d := serve(t, apc)
	k := keys(t)
	other := filepath.Join(t.TempDir(), "other")
	write(t, other, "s3cretAnotherOne\n")
	for name, tc := range map[string]struct {
		as    string
		but   func(c *AgentConfig)
		says  []string
		times time.Duration // for a reading; 0: it fails at once
	}{
		"the wrong community":              {"", func(c *AgentConfig) { c.CommunityFile = other }, []string{"no answer", "its community is not the one in " + other}, 400 * time.Millisecond},
		"an unknown user":                  {"meter", func(c *AgentConfig) { c.User = "nobody" }, []string{"it knows no user nobody"}, 0},
		"an unknown user without password": {"plain", func(c *AgentConfig) { c.User = "nobody" }, []string{"it knows no user nobody"}, 0},
		"the wrong auth password":          {"meter", func(c *AgentConfig) { c.AuthFile = other }, []string{"it does not accept the password of user meter", "in " + other, "auth_protocol is not SHA-256"}, 0},
		"the wrong auth protocol":          {"meter", func(c *AgentConfig) { c.AuthProtocol = "SHA" }, []string{"it does not accept the password of user meter", "in " + k.auth, "auth_protocol is not SHA"}, 0},
		"the wrong priv password":          {"meter", func(c *AgentConfig) { c.PrivFile = other }, []string{"the password in " + other, "priv_protocol is not AES"}, 500 * time.Millisecond},
		"the wrong priv protocol":          {"meter", func(c *AgentConfig) { c.PrivProtocol = "DES" }, []string{"the password in " + k.priv, "priv_protocol is not DES"}, 500 * time.Millisecond},
		"encryption that it has not":       {"signed", func(c *AgentConfig) { c.PrivFile = k.priv }, []string{"it does not let user signed ask with encryption"}, 0},
		"authentication that it has not":   {"plain", func(c *AgentConfig) { c.AuthFile = k.auth }, []string{"it does not let user plain ask with authentication and no encryption"}, 0},
		"less than it asks for":            {"meter", func(c *AgentConfig) { c.PrivFile = "" }, []string{"the agent does not let us read it as whom we ask, or asks for encryption (AuthorizationError)"}, 0},
		"a file that is not there":         {"meter", func(c *AgentConfig) { c.AuthFile = other + "x" }, []string{"auth password: read credentials: open " + other + "x: no such file"}, 0},
		"another file that is not there":   {"meter", func(c *AgentConfig) { c.PrivFile = other + "x" }, []string{"priv password: read credentials: open " + other + "x: no such file"}, 0},
		"no file of the community":         {"", func(c *AgentConfig) { c.CommunityFile = other + "x" }, []string{"community: read credentials: open " + other + "x: no such file"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := k.as(d.addr, tc.as)
			tc.but(&c)
			wait := 20 * time.Second
			if tc.times > 0 {
				wait = tc.times
			}
			got, err := reader(t, agent(t, c), "apc-rpdu2", "1").Read(within(t, wait))
			if len(got) != 0 || err == nil {
				t.Fatalf("%+v, %v", got, err)
			}
			for _, says := range tc.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%v; want %q", err, says)
				}
			}
			if !strings.HasPrefix(err.Error(), "snmp "+d.addr+": ") {
				t.Error(err)
			}
			secretless(t, err.Error())
			secretless(t, strings.ReplaceAll(err.Error(), other, ""))
		})
	}
}

func TestSecretsThatAreNone(t *testing.T) {
	k := keys(t)
	for text, says := range map[string]string{
		"":                       "is empty",
		"short":                  "are 5 bytes, and the protocol asks for 8",
		strings.Repeat("x", 200): "are 200 bytes, and 127 are allowed",
	} {
		write(t, k.priv, text+"\n")
		_, err := reader(t, agent(t, k.as("127.0.0.1:9", "meter")), "apc-rpdu2", "1").Read(within(t, time.Second))
		if err == nil || !strings.Contains(err.Error(), says) || text != "" && strings.Contains(err.Error(), text) {
			t.Error(err)
		}
	}
}

func TestAPasswordIsPutRight(t *testing.T) {
	d := serve(t, apc)
	k := keys(t)
	write(t, k.auth, "s3cretAnotherOne\n")
	r := reader(t, agent(t, k.as(d.addr, "meter")), "apc-rpdu2", "1")
	if _, err := r.Read(within(t, 10*time.Second)); err == nil {
		t.Fatal("a wrong password does")
	}
	write(t, k.auth, authPassword+"\n")
	if got, err := r.Read(within(t, 10*time.Second)); err != nil || len(got) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

// An agent that is started anew counts its starts, or has another name; either is
// found out within one reading.
func TestAnAgentIsStartedAnew(t *testing.T) {
	for name, forgets := range map[string]bool{"and goes on counting its starts": false, "and has another name": true} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, apc)
			a := agent(t, keys(t).as(d.addr, "meter"))
			r := reader(t, a, "apc-rpdu2", "1")
			read := func() {
				t.Helper()
				if got, err := r.Read(within(t, 10*time.Second)); err != nil || len(got) != 2 {
					t.Fatalf("%+v, %v", got, err)
				}
			}
			read()
			before := a.engine
			d.stop()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, err := r.Read(ctx); err == nil || !strings.Contains(err.Error(), "nothing listens there") {
				t.Error(err)
			}
			if forgets {
				d.state += "-new"
			}
			a.engine, a.told = before, time.Now() // as if nobody had asked meanwhile
			d.start()
			read()
			same := a.engine.AuthoritativeEngineID == before.AuthoritativeEngineID
			if same == forgets || same && a.engine.AuthoritativeEngineBoots <= before.AuthoritativeEngineBoots {
				t.Errorf("it has the same name: %v; started %d times, then %d", same, before.AuthoritativeEngineBoots, a.engine.AuthoritativeEngineBoots)
			}
		})
	}
}

// What was remembered long ago is still in time.
func TestAnAgentThatIsSeldomAsked(t *testing.T) {
	d := serve(t, apc)
	k := keys(t)
	relay := relayTo(t, d.addr)
	a := agent(t, k.as(relay.addr, "meter"))
	r := reader(t, a, "apc-rpdu2", "1")
	asked := func() int {
		if _, err := r.Read(within(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
		relay.mu.Lock()
		defer relay.mu.Unlock()
		n := relay.asked
		relay.asked = 0
		return n
	}
	if n := asked(); n != 2 && n != 3 {
		t.Errorf("%d requests, of which one to find out its name", n)
	}
	if n := asked(); n != 1 {
		t.Errorf("%d requests of what is known", n)
	}
	a.engine.AuthoritativeEngineTime += 1000 // it runs slow
	if n := asked(); n != 2 {
		t.Errorf("%d requests where the time was wrong", n)
	}
}
