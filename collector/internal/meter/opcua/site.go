package opcua

import (
	"fmt"

	"github.com/gopcua/opcua/ua"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/site"
)

// stamps are whose times a site file may name.
var stamps = map[string]stamp{"": ofServer, "server": ofServer, "source": ofSource, "arrival": ofArrival}

// Of is the reader of nodes as a site's file describes them, and what tells the
// meters from others that are asked by turns with it.
func (l *Servers) Of(d *site.OPCUA) (r *Reader, line string, err error) {
	s, err := l.Open(ServerConfig{Endpoint: d.Endpoint, Policy: d.Policy, Mode: d.Mode, Cert: d.Cert, Key: d.Key, ServerCert: d.ServerCert, User: d.User, PasswordFile: d.PasswordFile})
	if err != nil {
		return nil, "", err
	}
	r = &Reader{s: s, most: max(1, len(d.Nodes))}
	var ok bool
	if r.stamp, ok = stamps[d.Timestamps]; !ok {
		return nil, "", fmt.Errorf("OPC UA server %s: timestamps of %q", d.Endpoint, d.Timestamps)
	}
	for i := range d.Nodes {
		n, err := nodeOf(&d.Nodes[i])
		if err != nil {
			return nil, "", fmt.Errorf("OPC UA server %s: node %s: %w", d.Endpoint, d.Nodes[i].ID, err)
		}
		r.nodes = append(r.nodes, n)
	}
	return r, "opcua " + d.Endpoint, nil
}

func nodeOf(f *site.OPCUANode) (n node, err error) {
	if n.id, err = ua.ParseNodeID(f.ID); err != nil {
		return n, err
	}
	q, ok := meter.ParseQuantity(string(f.Measures))
	if !ok {
		return n, fmt.Errorf("%q is no quantity", f.Measures)
	}
	factor := f.Scale
	if factor == "" {
		factor = "1"
	}
	n.kind, n.invert, n.modulus = meter.Kind{Quantity: q, Point: f.Point}, f.Invert, f.RollsOverAt
	n.scale, err = meter.NewScale(q, factor, f.Unit)
	return n, err
}
