package site

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// identity reads what and where the site is.
func (s *Site) identity(r *reader, top *section) {
	v := top.get("site")
	s.Token = v.text()
	switch {
	case s.Token == "":
		r.wrong(place{key: "site"}, "write site: my-site, as in the settings of the collectors", "missing: the name of the site in all figures")
	case !metric.ValidName(s.Token):
		v.wrong("use 1 to 63 of A-Z a-z 0-9 _ -; name: takes any text", "%q is no name", short(s.Token))
	}
	s.Name = top.get("name").text()
	s.Operator = top.get("operator").text()
	c := s.readCountry(top.get("country"))
	s.readTimeZone(r, top.get("time_zone"), c, top.get("zone").text())
	s.readZone(top.get("zone"), c)
	s.zoneSaid = top.has("zone")
	s.readCoordinates(top.get("coordinates"), c)
	grid := top.get("grid").section()
	if p, ok := powers.take(grid.get("connection")); ok {
		s.Grid.Connection = Power(p)
	}
	if u, ok := voltages.take(grid.get("voltage")); ok {
		s.Grid.Voltage = Voltage(u)
	}
	s.Grid.Factor = grid.get("carbon_factor").choice("lifecycle", "direct")
	grid.end()
	s.marks["grid"] = grid.mark()
}

func (s *Site) readCountry(v value) *country {
	code := v.text()
	if code == "" {
		return nil
	}
	if c, ok := countryOf(code); ok {
		s.Country = code
		return &c
	}
	if right, ok := written[strings.ToUpper(code)]; ok {
		v.wrong("write "+right, "%q is no ISO 3166 code of a country", short(code))
		return nil
	}
	if up := strings.ToUpper(code); up != code {
		if _, ok := countryOf(up); ok {
			v.wrong("write "+up, "%q is no ISO 3166 code of a country", short(code))
			return nil
		}
	}
	for _, c := range countries {
		if strings.EqualFold(c.name, code) {
			v.wrong("write "+c.code, "%q is no ISO 3166 code of a country", short(code))
			return nil
		}
	}
	if len(code) != 2 || !letter(code[0]) || !letter(code[1]) || strings.ToUpper(code) != code {
		v.wrong("write two letters, such as DE", "%q is no ISO 3166 code of a country", short(code))
		return nil
	}
	s.Country = code
	v.r.warn(v.place, "check it; elsewhere figures of the grid come from what you configure", "%s is no country whose grid is known here", code)
	return nil
}

func (s *Site) readTimeZone(r *reader, v value, c *country, zone string) {
	name := v.text()
	if name == "" {
		fix := "write time_zone: Europe/Paris, or what applies"
		if c != nil {
			fix = "write time_zone: " + c.time()
		} else if z, ok := LookupZone(zone); ok {
			if of, ok := countryOf(z.Countries[0]); ok {
				fix = "write time_zone: " + of.time()
			}
		}
		r.wrong(place{key: "time_zone"}, fix, "missing: days, months and years of all figures are cut at the site's midnight")
		return
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		var known []string
		for _, c := range countries {
			known = append(known, strings.Fields(c.times)...)
		}
		fix := r.nearest(name, known)
		if fix == "" {
			fix = "write it by its city, such as Europe/Brussels, or write UTC"
		}
		v.wrong(fix, "%q is no time zone of the IANA database", short(name))
		return
	}
	s.TimeZone, r.loc.loc = loc, loc
	if c != nil && !c.keeps(name) {
		r.warn(v.place, "write "+c.time(), "%s is no time zone of %s: the calendar year would begin at another hour than there", name, c.name)
	}
}

func (s *Site) readZone(v value, c *country) {
	name := v.text()
	if name == "" {
		return
	}
	var of []string
	if c != nil {
		of = zonesOf(c.code)
	}
	z, ok := LookupZone(name)
	if !ok && ValidEIC(name) {
		s.Zone = Zone{Name: name, EIC: name}
		v.r.warn(v.place, "check it against the list of ENTSO-E", "%s is a valid EIC, of a zone that is not known here", name)
		return
	}
	if !ok {
		fix := ""
		if len(of) > 0 {
			fix = "in " + c.name + " there is " + strings.Join(of, ", ")
		} else {
			var known []string
			for _, z := range zones {
				known = append(known, z.Name)
			}
			fix = v.r.nearest(name, known)
		}
		if len(name) == 16 {
			fix = "copy the code again: its last character checks the others, and does not fit"
		}
		v.wrong(fix, "%q is no bidding zone and no EIC", short(name))
		return
	}
	s.Zone = z
	if c != nil && len(of) > 0 && !strings.Contains(" "+strings.Join(of, " ")+" ", " "+z.Name+" ") {
		v.r.warn(v.place, "in "+c.name+" there is "+strings.Join(of, ", "), "%s is no bidding zone of %s: prices and carbon would be another grid's", z.Name, c.name)
	}
}

func (s *Site) readCoordinates(v value, c *country) {
	if !v.given() {
		return
	}
	at := v.section()
	lat, ok1 := at.get("latitude").degrees(90)
	long, ok2 := at.get("longitude").degrees(180)
	at.end()
	if !ok1 || !ok2 {
		return
	}
	s.Coordinates = &Coordinates{lat, long}
	if c == nil || c.holds(*s.Coordinates) {
		return
	}
	fix := "check them; north and east are above zero"
	if c.holds(Coordinates{long, lat}) {
		fix = "exchange the two"
	}
	v.r.warn(v.place, fix, "%s, %s is not in %s: the weather would be another place's", degrees(lat), degrees(long), c.name)
}

func degrees(d float64) string { return strconv.FormatFloat(d, 'f', -1, 64) }

// degrees is v as an angle of up to most either way; ok is false if it was left
// out or is none.
func (v value) degrees(most float64) (d float64, ok bool) {
	t := v.text()
	if t == "" {
		v.wrong("write both, such as latitude: 49.61", "missing")
		return 0, false
	}
	d, err := strconv.ParseFloat(t, 64)
	if err != nil || math.Abs(d) > most || math.IsNaN(d) {
		v.wrong("write degrees with a point, such as 49.61", "%q is no angle of up to %g degrees", short(t), most)
		return 0, false
	}
	return d, true
}
