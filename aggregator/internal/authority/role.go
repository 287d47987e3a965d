package authority

import (
	"slices"
	"strings"

	"github.com/nats-io/jwt/v2"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
)

// A Role is what a kind of user may do on the bus.
type Role struct {
	Name    string
	Who     string // in plain words
	OfASite bool   // there is one of each site, which alone it may name

	// Publish and Subscribe are all that is allowed. {site} stands for the site's
	// name, {name} for the user's. No subscription ends in *, which to NATS allows >
	// at its place.
	Publish, Subscribe []string

	connections []string // kinds of
	subs        int64    // at once on a connection
	message     int64    // bytes
}

const (
	unlimited = jwt.NoLimit
	oneBatch  = 64 << 10 // the most bytes that a lane's stream takes
)

// Roles are all there are.
func Roles() []Role {
	client := []string{jwt.ConnectionTypeStandard, jwt.ConnectionTypeInProcess}
	return []Role{
		{
			Name: "host", Who: "the collector of one host", OfASite: true,
			Publish:     []string{"telemetry.{site}.{name}", "ledger.{site}.{name}"},
			Subscribe:   []string{"ctl.{site}.{name}.ack", "ctl.{site}.all.>"},
			connections: client, subs: 8, message: oneBatch,
		},
		{
			Name: "aggregator", Who: "the aggregator of the bus",
			Publish:     append([]string{"ctl.*.*.ack", "ctl.*.all.*", "site.*.rollup.>", "site.*.alert.>"}, ofStreams()...),
			Subscribe:   []string{"telemetry.>", "ledger.>", "ctl.*.all.canary", "hub.*.have", "_INBOX_aggregator.>"},
			connections: client, subs: unlimited, message: unlimited,
		},
		{
			Name: "operator", Who: "a person who looks at the bus with NATS's own tools, and changes nothing",
			Publish: []string{
				"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.*",
				"$JS.API.CONSUMER.NAMES.*", "$JS.API.CONSUMER.LIST.*", "$JS.API.CONSUMER.INFO.*.*",
			},
			Subscribe:   []string{"telemetry.>", "ledger.>", "ctl.>", "site.>", "_INBOX_operator_{name}.>"},
			connections: client[:1], subs: 64, message: oneBatch,
		},
		{
			Name: "leaf", Who: "a site's bus that brings the site's roll-ups and alerts to this one, a hub's", OfASite: true,
			Publish:     []string{"site.{site}.>"},
			Subscribe:   []string{"hub.{site}.>"}, // were all denied, NATS would let nothing through either way
			connections: []string{jwt.ConnectionTypeLeafnode}, subs: unlimited, message: unlimited,
		},
		{
			Name: "site", Who: "the aggregator of a site that tells this bus, a hub's, of the site itself, without a leaf connection", OfASite: true,
			Publish:     []string{"site.{site}.rollup.*"},
			Subscribe:   []string{"hub.{site}.have"},
			connections: client, subs: 8, message: unlimited,
		},
		{
			Name: "hub", Who: "the hub, which hears what sites tell of themselves and says how far it has come",
			Publish:     []string{"hub.*.have"},
			Subscribe:   []string{"site.*.rollup.>"},
			connections: client, subs: 8, message: oneBatch,
		},
		{
			Name: "simulator", Who: "a simulated site, which speaks for all of its hosts: never for a site that is real", OfASite: true,
			Publish:     []string{"telemetry.{site}.*", "ledger.{site}.*"},
			Subscribe:   []string{"ctl.{site}.*.ack", "ctl.{site}.all.>"},
			connections: client, subs: 64, message: oneBatch,
		},
	}
}

// ofStreams is what the aggregator asks of JetStream: to make and raise the lanes'
// streams and to read them. Not to delete one, or anything in it.
func ofStreams() []string {
	api := []string{"$JS.API.INFO"}
	for _, s := range []string{bus.Telemetry, bus.Ledger} {
		for _, verb := range []string{"STREAM.INFO.", "STREAM.CREATE.", "STREAM.UPDATE."} {
			api = append(api, "$JS.API."+verb+s)
		}
		api = append(api, "$JS.API.CONSUMER.CREATE."+s+".>", "$JS.API.CONSUMER.INFO."+s+".*", "$JS.API.CONSUMER.DELETE."+s+".*", "$JS.API.CONSUMER.MSG.NEXT."+s+".*")
	}
	return api
}

// RoleOf is the role of a name.
func RoleOf(name string) (Role, bool) {
	all := Roles()
	if i := slices.IndexFunc(all, func(r Role) bool { return r.Name == name }); i >= 0 {
		return all[i], true
	}
	return Role{}, false
}

// roleNames are those of all roles.
func roleNames() (names []string) {
	for _, r := range Roles() {
		names = append(names, r.Name)
	}
	return names
}

// scope is the template of the role's users of a site, for the key that signs them.
func (r *Role) scope(site, key string) *jwt.UserScope {
	s := jwt.NewUserScope()
	s.Key, s.Role = key, slot(r, site)
	s.Description = r.Who
	s.Template.Pub, s.Template.Sub = permission(r.Publish, site), permission(r.Subscribe, site)
	s.Template.AllowedConnectionTypes = r.connections
	s.Template.Subs, s.Template.Payload = r.subs, r.message
	return s
}

// permission allows subjects and nothing else: none at all would allow everything.
func permission(subjects []string, site string) (p jwt.Permission) {
	for _, s := range subjects {
		p.Allow.Add(strings.NewReplacer("{site}", site, "{name}", "{{name()}}").Replace(s))
	}
	return p
}

// slot names the key that signs a role's users of a site.
func slot(r *Role, site string) string {
	if r.OfASite {
		return r.Name + "/" + site
	}
	return r.Name
}
