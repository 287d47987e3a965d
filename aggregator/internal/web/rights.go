package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// who is whose request r is, or why it is nobody's.
func (s *Server) who(r *http.Request) (p *rights.Principal, why rejection, err error) {
	if !s.asks() {
		// A page of the open web can make a browser ask us under its own name
		// (DNS rebinding); without a token, the name is what tells it apart.
		if !s.c.Insecure && onLoopback(r) && !loopbackHost(r.Host) {
			return nil, rejectHost, refuse(query.Misdirected, "host %q is not a name of the loopback interface, and no token is configured", r.Host)
		}
		return s.master, 0, nil
	}
	switch said := r.Header.Values("Authorization"); {
	case len(said) == 1:
		token := shown(r)
		if s.c.Token.Matches(token) {
			return s.master, 0, nil
		}
		if s.c.Rights != nil {
			p = s.c.Rights.Token(token)
		}
	// A certificate counts where no token is shown: who shows a wrong one is told.
	case len(said) == 0 && s.c.Rights != nil && r.TLS != nil && len(r.TLS.VerifiedChains) > 0:
		p = s.c.Rights.Certificate(r.TLS.VerifiedChains[0][0])
	}
	if p == nil {
		return nil, rejectToken, refuse(query.Unauthorized, "a bearer token is needed")
	}
	return p, 0, nil
}

// lacks refuses p something.
func (s *Server) lacks(p *rights.Principal, format string, args ...any) *query.Error {
	return refuse(query.Forbidden, "%v %s%s", p, fmt.Sprintf(format, args...), s.c.Rights.Ask())
}

// allowed says why p may not use a method of rt, nil if they may.
func (s *Server) allowed(rt *route, p *rights.Principal, method string) error {
	if may := rt.policy.may(method); !p.Role.Has(may) {
		what := "ask"
		if rt.policy.changing(method) {
			what = method
		}
		return s.lacks(p, "may not %s %s; that takes the role %s", what, rt.path, strings.ReplaceAll(may.String(), ", ", " or "))
	}
	return nil
}

// within says why what v asks of rt is not within p's scope, nil if it is, and
// fills in the site if there is but one that they see. What is said is the same
// whether there is such a site or not.
func (s *Server) within(rt *route, p *rights.Principal, v url.Values) error {
	scope := &p.Scope
	if !scope.Bounded() {
		return nil
	}
	h := rt.policy.holds
	switch h {
	case holdsNone, holdsSeries, holdsAlerts: // which the readers of these narrow
		return nil
	case holdsSites, holdsSite:
		if !scope.Whole() {
			return s.lacks(p, "sees %v; figures of a whole site are not among that", scope)
		}
	case holdsJobs, holdsParts:
	default:
		return s.lacks(p, "sees %v; %s is of all sites at once", scope, rt.path)
	}
	sites, all := scope.Sites()
	switch named := v["site"]; {
	case all:
	case len(named) > 1:
		return badParameter("site", "given %d times", len(named))
	case len(named) == 1 && named[0] != "":
		if !scope.Site(named[0]) {
			return s.lacks(p, "sees %v, and not site %.70q", scope, named[0])
		}
	case len(sites) == 1:
		v.Set("site", sites[0])
	case h == holdsSite || h == holdsJobs:
		return badParameter("site", "needed, as you may see %s", strings.Join(sites, ", "))
	}
	return nil
}

// visible are the sites, of those there are, that whoever asks sees.
func visible(ctx context.Context, sites []string) []string {
	p := rights.From(ctx)
	return slices.DeleteFunc(slices.Clone(sites), func(name string) bool { return p == nil || !p.Scope.Site(name) })
}

// scopeOf is the scope of whoever asks; without anybody, it is of nothing.
func scopeOf(ctx context.Context) *rights.Scope {
	if p := rights.From(ctx); p != nil {
		return &p.Scope
	}
	return &rights.Scope{}
}

// signed is the name under which something is changed: a principal's own, and what
// they say besides.
func signed(ctx context.Context, said string) string {
	p := rights.From(ctx)
	switch {
	case p == nil || p.Name == "" || said == p.Name:
		return said
	case said == "":
		return p.Name
	}
	return p.Name + " for " + said
}

// ownJobs says why energy by a level is not within the scope of who asks, and
// narrows the question where they see the jobs of one tenant only.
func (s *Server) ownJobs(ctx context.Context, by account.Level, of *account.Selection) error {
	scope := scopeOf(ctx)
	tenants, all := scope.Tenants()
	switch {
	case all || !by.ByJobs() && scope.Whole():
		return nil
	case !by.ByJobs():
		return s.lacks(rights.From(ctx), "sees %v; energy by job and by tenant is among that, by %v is not", scope, by)
	case of.Tenant != "" && !scope.Tenant(of.Tenant):
		return s.lacks(rights.From(ctx), "sees %v, and not tenant %.70q", scope, of.Tenant)
	case of.Tenant == "" && len(tenants) == 1 && !scope.Whole():
		of.Tenant = tenants[0]
	}
	return nil
}

// notRecorded is all that who sees tenants only is told of what is nobody's.
const notRecorded = "nothing of it in this time, or no record of jobs"

// seen are the lines that are within a scope. Whoever sees tenants only is told that
// something may be missing, and not of how many hosts.
func seen(scope *rights.Scope, by account.Level, lines []account.Line) []account.Line {
	if _, all := scope.Tenants(); all || !by.ByJobs() {
		return lines
	}
	out := lines[:0]
	for _, l := range lines {
		if !scope.Tenant(l.Tenant) {
			if l.Allocation != account.Unrecorded || l.Tenant != "" {
				continue
			}
			l = account.Line{From: l.From, To: l.To, Allocation: l.Allocation, Final: l.Final, Recorded: l.Recorded, Drawn: l.Drawn, Reason: notRecorded}
		}
		out = append(out, l)
	}
	return out
}
