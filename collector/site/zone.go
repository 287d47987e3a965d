package site

import "strings"

// A Zone is a bidding zone: the area within which electricity has one price.
type Zone struct {
	Name      string
	EIC       string   // energy identification code
	Countries []string // ISO 3166-1 alpha-2
}

// zones are those of the interconnected market and its neighbours. Ireland's is
// one with Northern Ireland, Luxembourg's with Germany.
var zones = []Zone{
	{"AL", "10YAL-KESH-----5", []string{"AL"}},
	{"AT", "10YAT-APG------L", []string{"AT"}},
	{"BA", "10YBA-JPCC-----D", []string{"BA"}},
	{"BE", "10YBE----------2", []string{"BE"}},
	{"BG", "10YCA-BULGARIA-R", []string{"BG"}},
	{"CH", "10YCH-SWISSGRIDZ", []string{"CH", "LI"}},
	{"CY", "10YCY-1001A0003J", []string{"CY"}},
	{"CZ", "10YCZ-CEPS-----N", []string{"CZ"}},
	{"DE-LU", "10Y1001A1001A82H", []string{"DE", "LU"}},
	{"DK1", "10YDK-1--------W", []string{"DK"}},
	{"DK2", "10YDK-2--------M", []string{"DK"}},
	{"EE", "10Y1001A1001A39I", []string{"EE"}},
	{"ES", "10YES-REE------0", []string{"ES"}},
	{"FI", "10YFI-1--------U", []string{"FI"}},
	{"FR", "10YFR-RTE------C", []string{"FR"}},
	{"GB", "10YGB----------A", []string{"GB"}},
	{"GR", "10YGR-HTSO-----Y", []string{"GR"}},
	{"HR", "10YHR-HEP------M", []string{"HR"}},
	{"HU", "10YHU-MAVIR----U", []string{"HU"}},
	{"IE-SEM", "10Y1001A1001A59C", []string{"IE", "GB"}},
	{"IT-Calabria", "10Y1001C--00096J", []string{"IT"}},
	{"IT-Centre-North", "10Y1001A1001A70O", []string{"IT"}},
	{"IT-Centre-South", "10Y1001A1001A71M", []string{"IT"}},
	{"IT-North", "10Y1001A1001A73I", []string{"IT"}},
	{"IT-Sardinia", "10Y1001A1001A74G", []string{"IT"}},
	{"IT-Sicily", "10Y1001A1001A75E", []string{"IT"}},
	{"IT-South", "10Y1001A1001A788", []string{"IT"}},
	{"LT", "10YLT-1001A0008Q", []string{"LT"}},
	{"LV", "10YLV-1001A00074", []string{"LV"}},
	{"ME", "10YCS-CG-TSO---S", []string{"ME"}},
	{"MK", "10YMK-MEPSO----8", []string{"MK"}},
	{"MT", "10Y1001A1001A93C", []string{"MT"}},
	{"NL", "10YNL----------L", []string{"NL"}},
	{"NO1", "10YNO-1--------2", []string{"NO"}},
	{"NO2", "10YNO-2--------T", []string{"NO"}},
	{"NO3", "10YNO-3--------J", []string{"NO"}},
	{"NO4", "10YNO-4--------9", []string{"NO"}},
	{"NO5", "10Y1001A1001A48H", []string{"NO"}},
	{"PL", "10YPL-AREA-----S", []string{"PL"}},
	{"PT", "10YPT-REN------W", []string{"PT"}},
	{"RO", "10YRO-TEL------P", []string{"RO"}},
	{"RS", "10YCS-SERBIATSOV", []string{"RS"}},
	{"SE1", "10Y1001A1001A44P", []string{"SE"}},
	{"SE2", "10Y1001A1001A45N", []string{"SE"}},
	{"SE3", "10Y1001A1001A46L", []string{"SE"}},
	{"SE4", "10Y1001A1001A47J", []string{"SE"}},
	{"SI", "10YSI-ELES-----O", []string{"SI"}},
	{"SK", "10YSK-SEPS-----K", []string{"SK"}},
	{"TR", "10YTR-TEIAS----W", []string{"TR"}},
	{"UA", "10Y1001C--00003F", []string{"UA"}},
}

// LookupZone is the zone of a name or an EIC.
func LookupZone(name string) (Zone, bool) {
	for _, z := range zones {
		if z.Name == name || z.EIC == name {
			return z, true
		}
	}
	return Zone{}, false
}

// eicLetters are the characters of an energy identification code by their value.
const eicLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"

// ValidEIC reports whether code is an energy identification code: sixteen
// characters, of which the last checks the others (ENTSO-E EIC reference manual).
func ValidEIC(code string) bool {
	if len(code) != 16 {
		return false
	}
	sum := 0
	for i := range 15 {
		v := strings.IndexByte(eicLetters, code[i])
		if v < 0 {
			return false
		}
		sum += v * (16 - i)
	}
	return eicLetters[36-(sum-1)%37] == code[15]
}

// zonesOf are the names of the zones of a country.
func zonesOf(country string) (names []string) {
	for _, z := range zones {
		for _, c := range z.Countries {
			if c == country {
				names = append(names, z.Name)
			}
		}
	}
	return names
}
