package rights_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
)

// text is a file of principals.
func text(lines ...string) string { return "principals:\n" + strings.Join(lines, "\n") + "\n" }

func line(name string, role rights.Role, word string, sites ...string) string {
	return rights.Line(name, role, sites, nil, false, word)
}

// list is a file of principals that changes.
type list struct {
	*rights.Keeper
	t    *testing.T
	path string
	set  *metrics.Set

	mu  sync.Mutex
	log bytes.Buffer
}

func (l *list) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Write(b)
}

func (l *list) said() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.String()
}

func (l *list) write(text string) {
	l.t.Helper()
	if err := os.WriteFile(l.path, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func open(t *testing.T, text string) *list {
	t.Helper()
	l := &list{t: t, path: filepath.Join(t.TempDir(), "principals.yaml"), set: metrics.NewSet()}
	l.write(text)
	var err error
	if l.Keeper, err = rights.Open(l.path, l.set, slog.New(slog.NewTextHandler(l, nil))); err != nil {
		t.Fatal(err)
	}
	return l
}

// follow runs the keeper until the test ends.
func (l *list) follow() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	l.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			l.t.Error(err)
		}
	})
}

func (l *list) await(what string, ok func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("waited in vain: %s; it says\n%s", what, l.said())
		}
	}
}

func TestAListIsFollowed(t *testing.T) {
	t.Parallel()
	annas, anna := rights.NewToken()
	bobs, bob := rights.NewToken()
	_, other := rights.NewToken()
	l := open(t, "contact: desk@example.org\n"+text(line("anna", rights.Viewer, anna, "alfa"), line("bob", rights.Operator, bob, "*")))
	l.follow()
	a, b := l.Token(annas), l.Token(bobs)
	if a == nil || b == nil || a.Name != "anna" || !a.Scope.Site("alfa") || a.Scope.Site("mike") || !b.Scope.Site("mike") || b.Role != rights.Operator || l.Contact() != "desk@example.org" {
		t.Fatalf("anna is %+v, bob %+v, contact %q", a, b, l.Contact())
	}
	for _, shown := range []string{"", "gw_", annas[:len(annas)-1], annas + "x", strings.ToUpper(annas), anna, strings.TrimPrefix(anna, "sha256:"), annas + "\x00"} {
		if p := l.Token(shown); p != nil {
			t.Errorf("%q is %v", shown, p)
		}
	}
	ofA, releaseA := a.Bind(t.Context())
	defer releaseA()
	ofB, releaseB := b.Bind(t.Context())
	defer releaseB()

	// Who stays as they are does not notice.
	l.write(text(line("carol", rights.Energy, other, "alfa"), line("bob", rights.Operator, bob, "*")))
	l.await("anna is struck", func() bool { return l.Token(annas) == nil })
	l.await("what runs for anna ends", func() bool { return ofA.Err() != nil })
	if ofB.Err() != nil || l.Token(bobs) != b {
		t.Errorf("what runs for bob ended with %v, though bob is as he was", ofB.Err())
	}
	if late, release := a.Bind(t.Context()); late.Err() == nil {
		t.Error("who was struck begins something")
	} else {
		release()
	}
	// Who has less from now on begins anew.
	l.write(text(line("bob", rights.Viewer, bob, "alfa")))
	l.await("what runs for bob as an operator ends", func() bool { return ofB.Err() != nil })
	if p := l.Token(bobs); p == nil || p.Role != rights.Viewer || p.Scope.Site("mike") {
		t.Errorf("bob is %+v", p)
	}
	// A list that is not in order changes nothing, and an empty file is none.
	for _, broken := range []string{"", "principals", text(line("bob", rights.Viewer, "sha256:zz", "alfa")), text(line("bob", rights.Viewer, bob, "alfa"), line("bob", rights.Viewer, anna, "alfa"))} {
		before := strings.Count(l.said(), "principals refused")
		l.write(broken)
		l.await("it is refused", func() bool { return strings.Count(l.said(), "principals refused") > before })
		if l.Token(bobs) == nil {
			t.Errorf("%q locks bob out", broken)
		}
	}
	var out bytes.Buffer
	if l.set.WritePrometheus(&out); !strings.Contains(out.String(), "gigawatch_principals 1\n") || !strings.Contains(out.String(), "gigawatch_principals_refused 1\n") || !strings.Contains(out.String(), "gigawatch_principals_revoked_total 3\n") {
		t.Errorf("metrics\n%s", out.String())
	}
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	before := strings.Count(l.said(), "principals refused")
	l.await("it is missed", func() bool { return strings.Count(l.said(), "principals refused") > before })
	if l.Token(bobs) == nil {
		t.Error("without the file bob is locked out")
	}
	// Nobody is let in by a list of nobody.
	l.write("principals: []\n")
	l.await("everybody is struck", func() bool { return l.Token(bobs) == nil })
	if said := l.said(); strings.Contains(said, annas) || strings.Contains(said, bobs) || strings.Contains(said, strings.TrimPrefix(bob, "sha256:")) {
		t.Errorf("it tells a secret:\n%s", said)
	}
}

func TestAListTakenAtOnce(t *testing.T) {
	tokens, word := rights.NewToken()
	l := open(t, text(line("anna", rights.Viewer, word, "alfa")))
	l.write("principals: []\n")
	if l.Token(tokens) == nil {
		t.Error("the file is read though nobody said so")
	}
	if l.Reload(); l.Token(tokens) != nil {
		t.Error("after Reload who is struck is still let in")
	}
	if err := os.Chmod(l.path, 0o666); err != nil {
		t.Fatal(err)
	}
	l.write(text(line("anna", rights.Admin, word, "*")))
	if l.Reload(); l.Token(tokens) != nil || !strings.Contains(l.said(), "may be written by everybody") {
		t.Errorf("a file that everybody may write is taken:\n%s", l.said())
	}
}

func TestCertificatesAreToldByTheirSubjects(t *testing.T) {
	l := open(t, text(`  - {name: anna, role: energy, sites: [alfa], certificate: "CN=anna,O=Example"}`))
	subject := func(cn string, org ...string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: cn, Organization: org}}
	}
	if p := l.Certificate(subject("anna", "Example")); p == nil || p.Name != "anna" {
		t.Errorf("anna is %v", p)
	}
	for _, c := range []*x509.Certificate{subject("anna"), subject("anna", "Else"), subject("anna,O=Example"), subject("ANNA", "Example"), subject("", "Example"), subject("anna", "Example", "Else")} {
		if p := l.Certificate(c); p != nil {
			t.Errorf("%q is %v", c.Subject, p)
		}
	}
	if p := l.Token(""); p != nil {
		t.Errorf("who shows nothing is %v", p)
	}
}

func TestWhatIsWrongWithAListIsSaid(t *testing.T) {
	const zero = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	for name, tt := range map[string]struct{ text, want string }{
		"in order":               {"contact: anna\nprincipals:\n- {name: a, role: viewer, sites: [b, c], tenants: [\"the first\"], site_wide: true, token: \"" + zero + "\"}\n- {name: b, role: admin, sites: [\"*\"], certificate: CN=b}\n", ""},
		"nobody":                 {"principals: []\n", ""},
		"empty":                  {"", "principals: missing: for nobody, write principals: []"},
		"no list":                {"contact: anna\n", "principals: missing"},
		"an unknown key":         {"principals:\n- {name: a, rights: all}\n", "l.yaml:2: rights: no such key"},
		"a token as it is":       {"principals:\n- {name: a, role: viewer, sites: [b], token: gw_canary}\n", "l.yaml:2: principals.0.token: is not sha256: and 64 hexadecimal digits"},
		"half a hash":            {"principals:\n- {name: a, role: viewer, sites: [b], token: \"sha256:00ff\"}\n", "l.yaml:2: principals.0.token: is not sha256: and"},
		"no way in":              {"principals:\n- {name: a, role: viewer, sites: [b]}\n", "l.yaml:2: principals.0: token: missing, and certificate is too"},
		"no sites":               {"principals:\n- {name: a, role: viewer, token: \"" + zero + "\"}\n", "l.yaml:2: principals.0: sites: missing: name them, or write [\"*\"]"},
		"all sites and one":      {"principals:\n- {name: a, role: viewer, sites: [\"*\", b], token: \"" + zero + "\"}\n", "nor the only one and *"},
		"no site's name":         {"principals:\n- {name: a, role: viewer, sites: [\"b|c\"], token: \"" + zero + "\"}\n", `"b|c" is not a site's name`},
		"no role":                {"principals:\n- {name: a, sites: [b], token: \"" + zero + "\"}\n", `role: "" is none of viewer, operator, energy, admin`},
		"two roles":              {"principals:\n- {name: a, role: \"viewer, admin\", sites: [b], token: \"" + zero + "\"}\n", `"viewer, admin" is none of`},
		"an admin of a tenant":   {"principals:\n- {name: a, role: admin, sites: [b], tenants: [c], token: \"" + zero + "\"}\n", "only a viewer is bound to tenants"},
		"the tenant of no name":  {"principals:\n- {name: a, role: viewer, sites: [b], tenants: [\"\"], token: \"" + zero + "\"}\n", `"" is not a tenant's name`},
		"every tenant":           {"principals:\n- {name: a, role: viewer, sites: [b], tenants: [\"*\"], token: \"" + zero + "\"}\n", "for all of them leave tenants out"},
		"site-wide without one":  {"principals:\n- {name: a, role: viewer, sites: [b], site_wide: true, token: \"" + zero + "\"}\n", "site_wide: goes with tenants"},
		"a name twice":           {"principals:\n- {name: a, role: viewer, sites: [b], token: \"" + zero + "\"}\n- {name: a, role: viewer, sites: [b], certificate: CN=a}\n", `l.yaml:3: principals.1.name: "a" stands twice`},
		"a token twice":          {"principals:\n- {name: a, role: viewer, sites: [b], token: \"" + zero + "\"}\n- {name: c, role: viewer, sites: [b], token: \"" + zero + "\"}\n", "l.yaml:3: principals.1.token: another has the same"},
		"a certificate twice":    {"principals:\n- {name: a, role: viewer, sites: [b], certificate: CN=a}\n- {name: c, role: viewer, sites: [b], certificate: CN=a}\n", "principals.1.certificate: another has the same"},
		"no subject":             {"principals:\n- {name: a, role: viewer, sites: [b], certificate: anna}\n", "is not a subject such as"},
		"a name that is no name": {"principals:\n- {name: \"a\\nb\", role: viewer, sites: [b], certificate: CN=a}\n", `name: "a\nb" is not 1 to 63 of`},
		"a contact of two lines": {"contact: \"a\\nb\"\nprincipals: []\n", "contact: is not one line of text"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "l.yaml")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := rights.Check(path)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error holds the token: %v", err)
			}
		})
	}
	if err := rights.Check(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no file is in order")
	}
}

// How long a refusal takes does not tell how much of a token is right: the hashes are
// compared, all of both, and no token is.
func TestTokensThatBeginAlikeAreToldApart(t *testing.T) {
	_, word := rights.NewToken()
	var lines []string
	for i := range 200 { // that begin as the first does, as their entries are found by that
		lines = append(lines, line(fmt.Sprint("p", i), rights.Viewer, word[:len(word)-4]+fmt.Sprintf("%04x", i), "alfa"))
	}
	shown, own := rights.NewToken()
	l := open(t, text(append(lines, line("anna", rights.Viewer, own, "alfa"))...))
	if p := l.Token(shown); p == nil || p.Name != "anna" {
		t.Errorf("anna is %v", p)
	}
}

func TestScopesSayWhatTheyHold(t *testing.T) {
	for name, tt := range map[string]struct {
		scope           rights.Scope
		says            string
		bounded, whole  bool
		alfa, zulu      bool
		physics, nobody bool
	}{
		"nothing":             {rights.Scope{}, "nothing", true, false, false, false, true, true},
		"everything":          {rights.All(), "every site", false, true, true, true, true, true},
		"a site":              {rights.NewScope([]string{"alfa"}, nil, true), "site alfa", true, true, true, false, true, true},
		"sites":               {rights.NewScope([]string{"mike", "alfa"}, nil, false), "sites alfa, mike", true, true, true, false, true, true},
		"a tenant":            {rights.NewScope([]string{"alfa"}, []string{"physics"}, false), "site alfa, there the jobs of physics", true, false, true, false, true, false},
		"a tenant and more":   {rights.NewScope([]string{"alfa"}, []string{"physics"}, true), "site alfa, there the jobs of physics and what is no tenant's", true, true, true, false, true, true},
		"tenants everywhere":  {rights.NewScope([]string{"*"}, []string{"zoology", "botany"}, false), "every site, there the jobs of botany, zoology", true, false, true, true, false, false},
		"a site with no name": {rights.NewScope(nil, nil, false), "nothing", true, false, false, false, true, true},
	} {
		s := tt.scope
		if s.String() != tt.says || s.Bounded() != tt.bounded || s.Whole() != tt.whole || s.Site("alfa") != tt.alfa || s.Site("zulu") != tt.zulu || s.Tenant("physics") != tt.physics || s.Tenant("") != tt.nobody {
			t.Errorf("%s: %q, bounded %t, whole %t, alfa %t, zulu %t, physics %t, nobody %t", name, s.String(), s.Bounded(), s.Whole(), s.Site("alfa"), s.Site("zulu"), s.Tenant("physics"), s.Tenant(""))
		}
		for _, l := range []map[string]string{nil, {"site": "alfa"}, {"site": "zulu"}, {"site": "alfa", "tenant": "physics"}, {"site": "alfa", "tenant": "zoology"}} {
			want := s.Site(l["site"]) && s.Tenant(l["tenant"])
			if got := s.Labels(l); got != want {
				t.Errorf("%s: of %v it has %t, want %t", name, l, got, want)
			}
		}
	}
}

func BenchmarkToken(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var lines []string
			var shown string
			for i := range n {
				token, word := rights.NewToken()
				shown = token
				lines = append(lines, line(fmt.Sprint("p", i), rights.Viewer, word, "alfa"))
			}
			path := filepath.Join(b.TempDir(), "l.yaml")
			if err := os.WriteFile(path, []byte(text(lines...)), 0o600); err != nil {
				b.Fatal(err)
			}
			k, err := rights.Open(path, metrics.NewSet(), slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for b.Loop() {
				if k.Token(shown) == nil {
					b.Fatal("nobody")
				}
			}
		})
	}
}
