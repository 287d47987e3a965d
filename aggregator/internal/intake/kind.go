package intake

import (
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Kind is what the values of a meter are.
type Kind uint8

// The kinds. The zero Kind is not said.
const (
	Unsaid   Kind = iota
	Counter       // what the register showed at that time
	Interval      // what was counted in the interval
	Power         // what was drawn on average in the interval
)

var kindNames = [...]string{"", "counter", "interval", "power"}

func (k Kind) String() string { return kindNames[k] }

// ParseKind is the kind called name.
func ParseKind(name string) (Kind, bool) {
	switch name = strings.Join(words(name, false), " "); name {
	case "counter", "register", "cumulative", "index", "zahlerstand", "stand", "meterstand", "lettura", "lectura", "releve", "cumul":
		return Counter, true
	case "interval", "delta", "energy", "consumption", "lastgang", "verbrauch", "consommation", "verbruik", "consumo", "energie", "energia":
		return Interval, true
	case "power", "average", "leistung", "puissance", "vermogen", "potenza", "potencia", "demand":
		return Power, true
	}
	return Unsaid, false
}

// A claim is what a file says of how it knows a value.
type claim uint8

const (
	unclaimed claim = iota
	claimsCorrected
	claimsManual
	claimsMeasured
	claimsEstimated
	refused // the file itself says that it is none
)

// claims are the words and codes that files have for it.
var claims = map[string]claim{
	"corrected": claimsCorrected, "settled": claimsCorrected, "settlement": claimsCorrected, "revised": claimsCorrected, "korrigiert": claimsCorrected, "corrige": claimsCorrected, "gecorrigeerd": claimsCorrected, "corretto": claimsCorrected, "corregido": claimsCorrected,
	"manual": claimsManual, "manuell": claimsManual, "manuel": claimsManual, "handmatig": claimsManual, "manuale": claimsManual,
	"measured": claimsMeasured, "valid": claimsMeasured, "validated": claimsMeasured, "actual": claimsMeasured, "good": claimsMeasured, "ok": claimsMeasured, "w": claimsMeasured, "wahrer wert": claimsMeasured, "gemessen": claimsMeasured, "mesure": claimsMeasured, "mesuree": claimsMeasured, "reel": claimsMeasured, "reelle": claimsMeasured, "brut": claimsMeasured, "brute": claimsMeasured, "gevalideerd": claimsMeasured, "gemeten": claimsMeasured, "uitgelezen": claimsMeasured, "reale": claimsMeasured, "effettiva": claimsMeasured, "real": claimsMeasured, "r": claimsMeasured, "m": claimsMeasured, "a": claimsMeasured, "0": claimsMeasured,
	"estimated": claimsEstimated, "estimate": claimsEstimated, "e": claimsEstimated, "ersatzwert": claimsEstimated, "ersatzwerte": claimsEstimated, "vorlaufig": claimsEstimated, "vorlaufiger wert": claimsEstimated, "v": claimsEstimated, "geschatzt": claimsEstimated, "estime": claimsEstimated, "estimee": claimsEstimated, "geschat": claimsEstimated, "stimata": claimsEstimated, "stima": claimsEstimated, "estimado": claimsEstimated, "estimada": claimsEstimated, "provisional": claimsEstimated, "forecast": claimsEstimated,
	"missing": refused, "invalid": refused, "bad": refused, "fehlt": refused, "manquant": refused, "ontbreekt": refused, "geen verbruik": refused, "mancante": refused, "faulty": refused, "f": refused,
}

// claimOf is what a field of quality says; ok is false if it is not understood.
func claimOf(b []byte) (c claim, ok bool) {
	if len(b) == 0 {
		return unclaimed, true
	}
	c, ok = claims[strings.Join(words(string(b), false), " ")]
	return c, ok
}

// qualities of readings: how each counts beside what was measured. The best comes
// first.
var qualities = [...]metric.Quality{metric.Corrected, metric.Manual, metric.EstimatedProfile}

// quality is that of readings which claim c. What was measured by another's meter
// is not what this site's measured; and what is estimated is that in a settlement,
// too: it takes the place of nothing that was read.
func (c claim) quality(settlement bool) metric.Quality {
	switch {
	case c == claimsEstimated:
		return metric.EstimatedProfile
	case settlement || c == claimsCorrected:
		return metric.Corrected
	}
	return metric.Manual
}

// rank is the place of q in qualities.
func rank(q metric.Quality) int { return slices.Index(qualities[:], q) }

// worse is the one of two qualities that counts for less: what is made of both is
// no better.
func worse(a, b metric.Quality) metric.Quality { return qualities[max(rank(a), rank(b))] }
