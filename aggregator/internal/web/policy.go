package web

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
)

// holding is what of the sites an answer holds, and so how the scope of who asks
// bounds it.
type holding uint8

const (
	unstated    holding = iota
	holdsNone           // nothing
	holdsAll            // what is of all sites at once: only for those who see all
	holdsSeries         // time series: each selector and each read of the store is narrowed
	holdsAlerts         // alerts: those whose labels are within the scope
	holdsSites          // figures of whole sites, of each site within the scope
	holdsSite           // figures of a whole site: the one that is named, or the only one
	holdsJobs           // likewise; who sees tenants only has the lines of their jobs
	holdsParts          // parts of the sites within the scope; who sees tenants only has their jobs
)

var holdingNames = [...]string{"", "none", "all", "series", "alerts", "sites", "site", "jobs", "parts"}

func (h holding) String() string { return holdingNames[h] }

// A policy is who may ask a route, and what comes of a scope there. The zero policy
// is of nobody, and no server is made with it.
type policy struct {
	open    bool        // answered to everybody, without a token
	who     rights.Role // may ask
	changes []string    // methods that do not ask but change something
	changer rights.Role // may do that
	holds   holding
}

// reads is the policy of what everybody let in may ask.
func reads(h holding) policy { return policy{who: rights.Everybody, holds: h} }

// only is the policy of what some roles may ask.
func only(who rights.Role, h holding) policy { return policy{who: who, holds: h} }

// changed adds the methods that change something, and who may do that.
func (p policy) changed(who rights.Role, methods ...string) policy {
	p.changes, p.changer = methods, who
	return p
}

// free is the policy of what is answered to everybody.
func free() policy { return policy{open: true, holds: holdsNone} }

// changing reports whether a method changes something.
func (p *policy) changing(method string) bool { return slices.Contains(p.changes, method) }

// may are the roles that may use a method.
func (p *policy) may(method string) rights.Role {
	if p.changing(method) {
		return p.changer
	}
	return p.who
}

// checkPolicies says which route says nothing of who may ask it, or may be changed
// by everybody.
func checkPolicies(routes []route) error {
	for i := range routes {
		rt, p := &routes[i], &routes[i].policy
		switch {
		case p.holds == unstated:
			return fmt.Errorf("route %s has no policy", rt.path)
		case p.open && (p.holds != holdsNone || len(p.changes) > 0):
			return fmt.Errorf("route %s is open, and holds something or changes it", rt.path)
		}
		for _, m := range rt.methods {
			if !p.open && p.may(m) == 0 {
				return fmt.Errorf("route %s: nobody may %s", rt.path, m)
			}
			if asks := m == http.MethodGet || m == http.MethodHead; asks == p.changing(m) && (asks || m != http.MethodPost) {
				return fmt.Errorf("route %s: %s is not what it says", rt.path, m)
			}
		}
		for _, m := range p.changes {
			if !slices.Contains(rt.methods, m) {
				return fmt.Errorf("route %s does not answer %s, which is to change it", rt.path, m)
			}
		}
	}
	return nil
}
