package rights

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// A Scope is which sites somebody sees, and of these whether all, or only what is
// of some tenants. The zero Scope is none. It does not change.
type Scope struct {
	every    bool     // site there is, and there will be
	sites    []string // else these, sorted
	tenants  []string // only these, sorted; none: all
	common   bool     // with tenants: and what is no tenant's
	matchers []*labels.Matcher
}

// All is the scope of everything.
func All() Scope { return Scope{every: true} }

// anySite stands for every site.
const anySite = "*"

// NewScope is the scope of some sites, "*" being every one, and of some tenants
// of them; without tenants it is of all. common adds to tenants what belongs to
// none: the site, its machines and meters.
func NewScope(sites, tenants []string, common bool) Scope {
	s := Scope{every: slices.Contains(sites, anySite), tenants: slices.Sorted(slices.Values(tenants)), common: common && len(tenants) > 0}
	if !s.every {
		s.sites = slices.Sorted(slices.Values(sites))
		s.matchers = append(s.matchers, among("site", s.sites))
	}
	if len(s.tenants) > 0 {
		values := s.tenants
		if s.common {
			values = append([]string{""}, values...) // a series without the label
		}
		s.matchers = append(s.matchers, among("tenant", values))
	}
	return s
}

// among matches a label that is one of values.
func among(label string, values []string) *labels.Matcher {
	if len(values) == 1 {
		return labels.MustNewMatcher(labels.MatchEqual, label, values[0])
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	if len(values) == 0 { // matches nothing: no name of a site has such a character
		return labels.MustNewMatcher(labels.MatchEqual, label, "\x00")
	}
	return labels.MustNewMatcher(labels.MatchRegexp, label, strings.Join(quoted, "|")) // of quoted text it compiles
}

// Bounded reports whether s is less than everything.
func (s *Scope) Bounded() bool { return !s.every || len(s.tenants) > 0 }

// Sites are the only ones of s; all is true where there is no such bound.
func (s *Scope) Sites() (names []string, all bool) { return s.sites, s.every }

// Site reports whether s has something of a site.
func (s *Scope) Site(name string) bool {
	if s.every {
		return true
	}
	_, ok := slices.BinarySearch(s.sites, name)
	return ok
}

// Whole reports whether s has the figures of a whole site.
func (s *Scope) Whole() bool {
	return (s.every || len(s.sites) > 0) && (len(s.tenants) == 0 || s.common)
}

// Tenants are the only ones of s; all is true where there is no such bound.
func (s *Scope) Tenants() (names []string, all bool) { return s.tenants, len(s.tenants) == 0 }

// Tenant reports whether s has what is of a tenant, of a site that it has. What is
// of nobody is of the tenant "".
func (s *Scope) Tenant(name string) bool {
	if len(s.tenants) == 0 || name == "" && s.common {
		return true
	}
	_, ok := slices.BinarySearch(s.tenants, name)
	return ok
}

// holds reports whether s has what bears these labels, as its matchers say it.
func (s *Scope) holds(label func(name string) string) bool {
	for _, m := range s.matchers {
		if !m.Matches(label(m.Name)) {
			return false
		}
	}
	return s.every || len(s.sites) > 0
}

// Labels reports whether s has what bears these labels.
func (s *Scope) Labels(of map[string]string) bool {
	return s.holds(func(name string) string { return of[name] })
}

// equal reports whether both are of the same.
func (s *Scope) equal(o *Scope) bool {
	return s.every == o.every && s.common == o.common && slices.Equal(s.sites, o.sites) && slices.Equal(s.tenants, o.tenants)
}

// String is s as people read it.
func (s *Scope) String() string {
	out := "every site"
	switch {
	case !s.every && len(s.sites) == 0:
		return "nothing"
	case !s.every && len(s.sites) == 1:
		out = "site " + s.sites[0]
	case !s.every:
		out = "sites " + strings.Join(s.sites, ", ")
	}
	if len(s.tenants) > 0 {
		out += ", there the jobs of " + strings.Join(s.tenants, ", ")
		if s.common {
			out += " and what is no tenant's"
		}
	}
	return out
}
