package rights

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/setting"
)

const (
	mostPrincipals = 10_000
	mostBytes      = 4 << 20 // of a file
)

// entry is what a principal shows.
type entry struct {
	token       hash
	byToken     bool
	certificate string // its subject, as RFC 2253 writes it; "": none
}

// A book is what a file of principals says.
type book struct {
	contact      string
	list         []*Principal
	tokens       map[[4]byte][]*Principal // by how their hashes begin
	certificates map[string]*Principal    // by subject
}

type rawBook struct {
	Contact    string         `yaml:"contact"`
	Principals []rawPrincipal `yaml:"principals"`
}

type rawPrincipal struct {
	Name        string   `yaml:"name"`
	Role        string   `yaml:"role"`
	Sites       []string `yaml:"sites"`
	Tenants     []string `yaml:"tenants"`
	Common      bool     `yaml:"site_wide"`
	Token       string   `yaml:"token"`
	Certificate string   `yaml:"certificate"`
}

// parseBook reads the text of a file; errors say file, line and key, and no token.
func parseBook(name string, b []byte) (*book, error) {
	var r rawBook
	f, err := setting.Decode(name, b, &r)
	if err != nil {
		return nil, err
	}
	k := &book{contact: r.Contact, tokens: map[[4]byte][]*Principal{}, certificates: map[string]*Principal{}}
	// An editor's half-written file is not a list of nobody.
	f.Require(f.Line("principals") > 0, "principals", "missing: for nobody, write principals: []")
	f.Require(plain(r.Contact, 200), "contact", "is not one line of text")
	f.Require(len(r.Principals) <= mostPrincipals, "principals", "more than %d", mostPrincipals)
	names := map[string]bool{}
	for i := range r.Principals[:min(len(r.Principals), mostPrincipals)] {
		x := &r.Principals[i]
		part := f.Part("principals." + strconv.Itoa(i))
		part.Require(ValidName(x.Name), "name", "%.80q is not 1 to 63 of A-Z a-z 0-9 _ - . @", x.Name)
		part.Require(!names[x.Name], "name", "%.80q stands twice", x.Name)
		names[x.Name] = true
		k.take(part, x)
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	return k, nil
}

// take adds the principal that x describes.
func (k *book) take(part setting.Part, x *rawPrincipal) {
	p := &Principal{Name: x.Name, shows: entry{certificate: x.Certificate}}
	var err error
	if p.Role, err = ParseRole(x.Role); err != nil {
		part.Complain("role", "%v", err)
	}
	part.Require(len(x.Sites) > 0, "sites", "missing: name them, or write [\"*\"] for every one")
	for _, s := range x.Sites {
		part.Require(metric.ValidName(s) || s == anySite && len(x.Sites) == 1, "sites", "%.80q is not a site's name, nor the only one and *", s)
	}
	for _, t := range x.Tenants {
		part.Require(t != "" && t != anySite && plain(t, metric.MaxText), "tenants", "%.80q is not a tenant's name; for all of them leave tenants out", t)
	}
	part.Require(len(x.Tenants) == 0 || p.Role == Viewer, "tenants", "only a viewer is bound to tenants")
	part.Require(!x.Common || len(x.Tenants) > 0, "site_wide", "goes with tenants; without them it is so")
	p.Scope = NewScope(x.Sites, x.Tenants, x.Common)
	part.Require(x.Token != "" || x.Certificate != "", "token", "missing, and certificate is too: there is no way in")
	if x.Token != "" {
		if p.shows.token, err = parseHash(x.Token); err != nil {
			part.Complain("token", "%v", err)
		}
		p.shows.byToken = true
		part.Require(k.find(&p.shows.token) == nil, "token", "another has the same")
		begin := [4]byte(p.shows.token[:])
		k.tokens[begin] = append(k.tokens[begin], p)
	}
	if c := x.Certificate; c != "" {
		part.Require(plain(c, 1000) && strings.Contains(c, "="), "certificate", "is not a subject such as CN=grafana,O=Example")
		part.Require(k.certificates[c] == nil, "certificate", "another has the same")
		k.certificates[c] = p
	}
	k.list = append(k.list, p)
}

// find is whose token has that hash. How it begins is compared openly: nobody can
// make a token whose hash begins as they wish and gain by it.
func (k *book) find(h *hash) (found *Principal) {
	for _, p := range k.tokens[[4]byte(h[:])] {
		if p.shows.token.matches(h) {
			found = p
		}
	}
	return found
}

// succeed takes over from before who is the same as there, and says who is not any
// more.
func (k *book) succeed(before *book) (struck []*Principal) {
	same := map[*Principal]bool{}
	if before != nil {
		byName := map[string]*Principal{}
		for _, p := range before.list {
			byName[p.Name] = p
		}
		for i, p := range k.list {
			if o := byName[p.Name]; o != nil && o.Role == p.Role && o.shows == p.shows && o.Scope.equal(&p.Scope) {
				k.replace(i, o)
				same[o] = true
			}
		}
		for _, o := range before.list {
			if !same[o] {
				struck = append(struck, o)
			}
		}
	}
	for _, p := range k.list {
		if !same[p] {
			p.gone, p.revoke = context.WithCancel(context.Background())
		}
	}
	return struck
}

// replace puts o in the place of the one at i, who shows the same.
func (k *book) replace(i int, o *Principal) {
	p := k.list[i]
	k.list[i] = o
	if p.shows.byToken {
		list := k.tokens[[4]byte(p.shows.token[:])]
		list[slices.Index(list, p)] = o
	}
	if p.shows.certificate != "" {
		k.certificates[p.shows.certificate] = o
	}
}

// ValidName reports whether a principal may be called so.
func ValidName(s string) bool {
	return s != "" && len(s) <= 63 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.@", r)))
	})
}

// plain reports whether s is one line of text of at most some bytes.
func plain(s string, most int) bool {
	return len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
}

// subject is how a certificate is told from others.
func subject(c *x509.Certificate) string { return c.Subject.String() }

// Line is what stands for a principal in the file.
func Line(name string, role Role, sites, tenants []string, common bool, word string) string {
	quoted := func(list []string) string {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	line := fmt.Sprintf("  - {name: %q, role: %s, sites: %s", name, role, quoted(sites))
	if len(tenants) > 0 {
		line += ", tenants: " + quoted(tenants)
	}
	if common {
		line += ", site_wide: true"
	}
	return line + fmt.Sprintf(", token: %q}", word)
}
