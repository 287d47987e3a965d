package agent

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/internal/meter/bacnet"
	"github.com/gigawatch/gigawatch/collector/internal/meter/modbus"
	"github.com/gigawatch/gigawatch/collector/internal/meter/mqtt"
	"github.com/gigawatch/gigawatch/collector/internal/meter/opcua"
	"github.com/gigawatch/gigawatch/collector/internal/meter/redfish"
	"github.com/gigawatch/gigawatch/collector/internal/meter/snmp"
	"github.com/gigawatch/gigawatch/collector/site"
)

// lines are what the meters of a site share: gateways and connections, by
// protocol.
type lines struct {
	modbus  modbus.Gateways
	snmp    snmp.Agents
	redfish redfish.Services
	mqtt    mqtt.Brokers
	opcua   opcua.Servers
}

// of is the reader of a meter, and what tells those that it takes turns with from
// others.
func (l *lines) of(m *site.Meter) (meter.Reader, string, error) {
	switch r := m.Read; {
	case r.Modbus != nil:
		return opened(l.modbus.Of(r.Modbus))
	case r.SNMP != nil:
		return opened(l.snmp.Of(r.SNMP))
	case r.Redfish != nil:
		return opened(l.redfish.Of(m))
	case r.MQTT != nil:
		return opened(l.mqtt.Of(r.MQTT))
	case r.BACnet != nil:
		return opened(bacnet.Of(r.BACnet))
	case r.OPCUA != nil:
		return opened(l.opcua.Of(r.OPCUA))
	default:
		return nil, "", fmt.Errorf("this program does not speak %s", r.Protocol())
	}
}

// opened is r as what the meters' source reads by.
func opened[R meter.Reader](r R, line string, err error) (meter.Reader, string, error) {
	if err != nil {
		return nil, "", err
	}
	return r, line, nil
}

// feeds are those that work by themselves.
func (l *lines) feeds() []meter.Feed {
	return slices.Concat(l.modbus.Feeds(), l.redfish.Feeds(), l.mqtt.Feeds(), l.opcua.Feeds())
}

// A duty is whose a meter is.
type duty uint8

const (
	ours    duty = iota
	others       // another agent reads it
	unnamed      // nobody is named to read it, and this agent is not told to
	files        // its readings are imported
	unread       // nothing is said of how it is read
	duties
)

func (m *MeterConfig) duty(r *site.Read, agent string) duty {
	switch {
	case r == nil:
		return unread
	case r.CSV != nil:
		return files
	case r.By == agent, r.By == "" && m.Unnamed:
		return ours
	case r.By != "":
		return others
	}
	return unnamed
}

// mostRefused is how many meters that were refused are told one by one.
const mostRefused = 100

// openMeters makes the source of the meters that this agent reads, nil if there
// is none. A meter that cannot be read is told, and the others are read. Without a
// folder for its state nothing is remembered.
func openMeters(c *Config, state string, log *slog.Logger) (s *meter.Source, refused, said []string, err error) {
	var count [duties]int
	var list []meter.Meter
	more := 0
	shared := &lines{}
	for i := range c.Facility.Meters {
		m := &c.Facility.Meters[i]
		d := c.Meters.duty(m.Read, c.Agent)
		if count[d]++; d != ours {
			continue
		}
		one, err := openMeter(c.Facility, m, shared)
		if err != nil {
			if len(refused) < mostRefused {
				refused = append(refused, err.Error())
			} else {
				more++
			}
			continue
		}
		list = append(list, one)
	}
	if more > 0 {
		refused = append(refused, fmt.Sprintf("%d more", more))
	}
	if n := meter.Fit(list); n < len(list) {
		refused = append(refused, fmt.Sprintf("%d of %d meters, from %s on, are not read: they are more than one collector can send; write by: of another one in the read: of a part of them, by: %s in that of the others",
			len(list)-n, len(list), list[n].Name, c.Agent))
		list = list[:n]
	}
	said = []string{tell(c, count)}
	if len(list) == 0 {
		return nil, refused, said, nil
	}
	if state != "" {
		state = filepath.Join(state, "meters.json")
	}
	s, err = meter.New(meter.Config{Place: c.Place, Meters: list, Feeds: shared.feeds(), State: state, Simulated: c.Simulated, Logger: log})
	return s, refused, said, err
}

func openMeter(s *site.Site, m *site.Meter, shared *lines) (one meter.Meter, err error) {
	r, line, err := shared.of(m)
	if err != nil {
		return one, fmt.Errorf("meter %s: %w", m.ID, err)
	}
	one = meter.Of(s, m, r, line)
	return one, one.Check()
}

// tell says in one line whose the meters of the file are.
func tell(c *Config, count [duties]int) string {
	parts := []string{fmt.Sprintf("%d of the site's meters are this agent's", count[ours])}
	for _, p := range []struct {
		n    int
		what string
	}{
		{count[others], "are read by others"},
		{count[unnamed], "name nobody who reads them: write by: in the site's file, or sources.meters.all: " + c.Agent + " if that is to be this agent and no other"},
		{count[files], "come as files"}, {count[unread], "have no read:"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, "; ")
}
