package sim

import (
	"math"
	"time"
)

// Where the site stands, for the sun: Frankfurt am Main.
const (
	northing  = 50.1 // degrees
	latitude  = northing * math.Pi / 180
	longitude = 8.7 // degrees east; the sun is this much of 15 ahead of UTC in hours
)

// intensitySlot is how long the grid's figures hold, as its providers publish
// them; in milliseconds.
const intensitySlot = 5 * 60 * 1000

// A sky is what lies outside the site: weather, and the grid that it drives.
type sky struct {
	rng       source
	warmth    float64 // slow noise of the outside temperature, K
	wind      float64 // slow noise, about -1 to 1
	haze      float64 // slow noise of the clouds, about -1 to 1
	gust      float64 // fast noise of the clouds
	outside   float64 // °C
	sun       float64 // sine of the sun's height, 0 at night
	cloud     float64 // 0 to 1, the share of the sunlight that is kept off
	slot      int64
	lifecycle float64 // g/kWh
	direct    float64 // g/kWh
	price     float64 // EUR/MWh
	hour      float64 // local solar time, 0 to 24
}

// at moves the sky on by dt seconds to the time ms.
func (s *sky) at(ms int64, dt float64) {
	t := time.UnixMilli(ms).UTC()
	day := float64(t.YearDay()) + float64(ms%86_400_000)/86_400_000
	s.hour = math.Mod(float64(ms%86_400_000)/3_600_000+longitude/15+24, 24)

	s.warmth = drift(s.warmth, dt, 4*3600, &s.rng)
	s.wind = drift(s.wind, dt, 6*3600, &s.rng)
	s.haze = drift(s.haze, dt, 2*3600, &s.rng)
	s.gust = drift(s.gust, dt, 90, &s.rng)

	season := -math.Cos(2 * math.Pi * (day - 20) / 365.25) // -1 in January, 1 in July
	s.outside = 10.5 + 9.5*season - (2.5+2*season*season)*math.Cos(2*math.Pi*(s.hour-3)/24) + 2.2*s.warmth

	tilt := -0.4093 * math.Cos(2*math.Pi*(day+10)/365.25)
	s.sun = max(0, math.Sin(latitude)*math.Sin(tilt)+math.Cos(latitude)*math.Cos(tilt)*math.Cos(math.Pi*(s.hour-12)/12))
	s.cloud = min(0.92, max(0, 0.3+0.3*s.haze+0.12*s.gust))

	if slot := ms / intensitySlot; slot != s.slot {
		s.slot = slot
		s.publish()
	}
}

// publish sets what the grid's providers say of the slot that begins.
func (s *sky) publish() {
	// Over a whole country clouds matter less than over one roof.
	sun := s.sun * (1 - 0.35*s.cloud)
	evening := hump(s.hour, 19.5, 3)
	morning := hump(s.hour, 8, 2.5)
	lifecycle := min(720, max(85, 425-300*sun-70*s.wind+75*evening+20*morning))
	s.lifecycle = math.Round(lifecycle*10) / 10
	s.direct = math.Round(max(20, 0.87*lifecycle-38)*10) / 10
	s.price = math.Round((96-125*sun-24*s.wind+58*evening+30*morning)*100) / 100
}

// drift is an Ornstein-Uhlenbeck walk of variance one half or so and
// correlation time tau.
func drift(x, dt, tau float64, r *source) float64 {
	a := toward(dt, tau)
	return x*(1-a) + 1.9*math.Sqrt(a)*r.bell()
}

// hump is 1 at the hour centre and falls to 0 width hours either side.
func hump(hour, centre, width float64) float64 {
	d := (hour - centre) / width
	if d < -1 || d > 1 {
		return 0
	}
	return (1 - d*d) * (1 - d*d)
}

// daily is the demand for inference over the local day, 0 to 1: least at 4,
// most at 16.
func daily(hour float64) float64 { return 0.5 - 0.5*math.Cos(2*math.Pi*(hour-4)/24) }

// insolation is the share of its peak that a solar field yields.
func (s *sky) insolation() float64 {
	return s.sun * (0.75 + 0.25*s.sun) * (1 - 0.85*s.cloud)
}

// freeCooling is the share of the heat that needs no chiller: all of it below
// 12 °C outside, none above 22 °C.
func (s *sky) freeCooling() float64 { return min(1, max(0, (22-s.outside)/10)) }

// cop is the chillers' coefficient of performance.
func (s *sky) cop() float64 { return min(8, max(2.5, 3.1+0.13*(35-s.outside))) }
