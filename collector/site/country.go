package site

import "strings"

// A country is what a site's entries are held against.
type country struct {
	code, name string
	times      string   // its time zones, the most usual first
	box        [4]int16 // whole degrees: south, north, west, east; the mainland and near islands
}

// countries are those of the interconnected market and its neighbours.
var countries = []country{
	{"AL", "Albania", "Europe/Tirane", [4]int16{39, 43, 19, 22}},
	{"AT", "Austria", "Europe/Vienna", [4]int16{46, 50, 9, 18}},
	{"BA", "Bosnia and Herzegovina", "Europe/Sarajevo", [4]int16{42, 46, 15, 20}},
	{"BE", "Belgium", "Europe/Brussels", [4]int16{49, 52, 2, 7}},
	{"BG", "Bulgaria", "Europe/Sofia", [4]int16{41, 45, 22, 29}},
	{"CH", "Switzerland", "Europe/Zurich Europe/Busingen", [4]int16{45, 48, 5, 11}},
	{"CY", "Cyprus", "Asia/Nicosia Europe/Nicosia Asia/Famagusta", [4]int16{34, 36, 32, 35}},
	{"CZ", "Czechia", "Europe/Prague", [4]int16{48, 52, 12, 19}},
	{"DE", "Germany", "Europe/Berlin Europe/Busingen", [4]int16{47, 56, 5, 16}},
	{"DK", "Denmark", "Europe/Copenhagen", [4]int16{54, 58, 8, 16}},
	{"EE", "Estonia", "Europe/Tallinn", [4]int16{57, 60, 21, 29}},
	{"ES", "Spain", "Europe/Madrid Africa/Ceuta Atlantic/Canary", [4]int16{27, 44, -19, 5}},
	{"FI", "Finland", "Europe/Helsinki Europe/Mariehamn", [4]int16{59, 71, 19, 32}},
	{"FR", "France", "Europe/Paris", [4]int16{41, 52, -6, 10}},
	{"GB", "United Kingdom", "Europe/London Europe/Belfast", [4]int16{49, 61, -9, 2}},
	{"GR", "Greece", "Europe/Athens", [4]int16{34, 42, 19, 30}},
	{"HR", "Croatia", "Europe/Zagreb", [4]int16{42, 47, 13, 20}},
	{"HU", "Hungary", "Europe/Budapest", [4]int16{45, 49, 16, 23}},
	{"IE", "Ireland", "Europe/Dublin", [4]int16{51, 56, -11, -5}},
	{"IS", "Iceland", "Atlantic/Reykjavik", [4]int16{63, 67, -25, -13}},
	{"IT", "Italy", "Europe/Rome", [4]int16{35, 48, 6, 19}},
	{"LI", "Liechtenstein", "Europe/Vaduz", [4]int16{47, 48, 9, 10}},
	{"LT", "Lithuania", "Europe/Vilnius", [4]int16{53, 57, 20, 27}},
	{"LU", "Luxembourg", "Europe/Luxembourg", [4]int16{49, 51, 5, 7}},
	{"LV", "Latvia", "Europe/Riga", [4]int16{55, 59, 20, 29}},
	{"ME", "Montenegro", "Europe/Podgorica", [4]int16{41, 44, 18, 21}},
	{"MK", "North Macedonia", "Europe/Skopje", [4]int16{40, 43, 20, 24}},
	{"MT", "Malta", "Europe/Malta", [4]int16{35, 37, 14, 15}},
	{"NL", "Netherlands", "Europe/Amsterdam", [4]int16{50, 54, 3, 8}},
	{"NO", "Norway", "Europe/Oslo Arctic/Longyearbyen", [4]int16{57, 81, 4, 32}},
	{"PL", "Poland", "Europe/Warsaw", [4]int16{48, 55, 14, 25}},
	{"PT", "Portugal", "Europe/Lisbon Atlantic/Madeira Atlantic/Azores", [4]int16{29, 43, -32, -6}},
	{"RO", "Romania", "Europe/Bucharest", [4]int16{43, 49, 20, 30}},
	{"RS", "Serbia", "Europe/Belgrade", [4]int16{41, 47, 18, 24}},
	{"SE", "Sweden", "Europe/Stockholm", [4]int16{55, 70, 10, 25}},
	{"SI", "Slovenia", "Europe/Ljubljana", [4]int16{45, 47, 13, 17}},
	{"SK", "Slovakia", "Europe/Bratislava", [4]int16{47, 50, 16, 23}},
	{"TR", "Turkey", "Europe/Istanbul", [4]int16{35, 43, 25, 45}},
	{"UA", "Ukraine", "Europe/Kyiv Europe/Kiev Europe/Uzhgorod Europe/Zaporozhye Europe/Simferopol", [4]int16{44, 53, 22, 41}},
}

// written are codes that people write for others.
var written = map[string]string{"UK": "GB", "EL": "GR"}

func countryOf(code string) (country, bool) {
	for _, c := range countries {
		if c.code == code {
			return c, true
		}
	}
	return country{}, false
}

// keeps reports whether a time zone is one of c's.
func (c *country) keeps(zone string) bool {
	return strings.Contains(" "+c.times+" ", " "+zone+" ")
}

// time is the usual time zone of c.
func (c *country) time() string {
	first, _, _ := strings.Cut(c.times, " ")
	return first
}

// holds reports whether a point may lie in c.
func (c *country) holds(at Coordinates) bool {
	return at.Latitude >= float64(c.box[0]) && at.Latitude <= float64(c.box[1]) &&
		at.Longitude >= float64(c.box[2]) && at.Longitude <= float64(c.box[3])
}
