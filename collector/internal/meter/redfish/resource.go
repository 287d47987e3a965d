package redfish

import (
	"errors"
	"fmt"

	"github.com/gigawatch/gigawatch/collector/internal/odata"
)

// A resource is any one, as far as it matters here.
type resource struct {
	SerialNumber string
	Status       struct{ State string }
	Members      []odata.Link
	Next         string `json:"Members@odata.nextLink"`

	// Of equipment.
	Metrics, EnvironmentMetrics                          odata.Link
	Mains                                                odata.Link
	PrimaryCoolantConnectors, SecondaryCoolantConnectors odata.Link

	// Of what is metered.
	PowerWatts, EnergykWh, EnergyJoules                                                    odata.Excerpt
	HeatRemovedkW, FlowLitersPerMinute, SupplyTemperatureCelsius, ReturnTemperatureCelsius odata.Excerpt
}

// shows reports whether r has one of the members at all, be it null.
func shows(list ...odata.Excerpt) bool {
	for _, e := range list {
		for _, n := range []odata.Number{e.Reading, e.LifetimeReading} {
			if _, err := n.Text(); !errors.Is(err, odata.ErrAbsent) {
				return true
			}
		}
	}
	return false
}

func (r *resource) electric() bool { return shows(r.PowerWatts, r.EnergykWh, r.EnergyJoules) }

func (r *resource) connector() bool {
	return shows(r.HeatRemovedkW, r.FlowLitersPerMinute, r.SupplyTemperatureCelsius, r.ReturnTemperatureCelsius)
}

// gone reports whether nothing is there, or nothing that is in use.
func (r *resource) gone() bool { return r.Status.State == "Absent" || r.Status.State == "Disabled" }

// state is why nothing that r says is to be believed.
func (r *resource) state() error {
	switch r.Status.State {
	case "Absent", "Disabled", "UnavailableOffline", "Starting":
		return fmt.Errorf("its state is %s", r.Status.State)
	}
	return nil
}
