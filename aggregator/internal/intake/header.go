package intake

import (
	"slices"
	"strings"
	"unicode"
)

// A column is what the fields of one are.
type column uint8

const (
	noColumn column = iota
	meterColumn
	timeColumn  // or the first of two: of the day, if there is a clock column
	clockColumn // time of day
	endColumn
	endClockColumn
	valueColumn
	unitColumn
	kindColumn
	qualityColumn
	registerColumn
	columns
)

var columnNames = [columns]string{"", "meter", "time", "clock", "end", "end_clock", "value", "unit", "kind", "quality", "register"}

func (c column) String() string { return columnNames[c] }

// headers are the words by which columns are called, as words leaves them: in
// German, French, Dutch, Italian, Spanish and English, and in the exports of grid
// operators. A name of two words goes before its parts.
var headers = map[column][]string{
	meterColumn: {"meter id", "meter", "meter name", "metering point", "ean", "ean code", "ean number", "gsrn", "mpan", "prm", "pod", "cups", "pdl", "malo", "melo",
		"zahler", "zahlernummer", "zahlpunkt", "zahlpunktbezeichnung", "zahlerbezeichnung", "messlokation", "marktlokation", "messstelle", "messpunkt", "lieferstelle",
		"compteur", "point de livraison", "point de mesure", "numero de compteur", "identifiant prm", "no compteur",
		"meetpunt", "meternummer", "aansluiting", "meter nummer", "ean nummer",
		"contatore", "punto di prelievo", "codice pod", "matricola",
		"contador", "punto de suministro", "codigo cups", "id", "device", "sensor"},
	timeColumn: {"timestamp", "time", "datetime", "date time", "date and time", "date", "day", "from", "start", "start time", "period start", "begin", "interval start", "from date", "start date", "utc", "reading date", "month",
		"zeit", "zeitstempel", "zeitpunkt", "datum", "datum uhrzeit", "datum zeit", "von", "beginn", "ab", "startzeit", "zeit von", "datum von", "ablesedatum", "ablesezeitpunkt", "tag", "monat", "messzeitpunkt", "von zeitstempel",
		"horodate", "horodatage", "date heure", "date et heure", "date de debut", "debut", "du", "date de releve", "date de mesure", "jour", "mois",
		"tijd", "tijdstip", "datum tijd", "datum en tijd", "van", "van datum", "begin datum", "begindatum", "startdatum", "datum van", "meetdatum", "maand",
		"data", "data ora", "data e ora", "data inizio", "inizio", "dal", "data lettura", "giorno", "mese",
		"fecha", "fecha hora", "fecha y hora", "fecha inicio", "desde", "inicio", "fecha de lectura", "dia", "mes"},
	clockColumn: {"time of day", "hour", "clock", "from time", "uhrzeit", "zeit uhrzeit", "uhrzeit von", "stunde", "heure", "heure de debut", "tijdstip van", "van tijdstip", "van tijd", "uur", "ora", "ora inizio", "hora", "hora inicio"},
	endColumn: {"to", "until", "end", "end time", "period end", "interval end", "to date", "end date",
		"bis", "ende", "zeit bis", "datum bis", "endzeit", "bis zeitstempel",
		"fin", "date de fin", "au", "date fin",
		"tot", "tot datum", "tot en met", "einddatum", "eind", "datum tot",
		"data fine", "fine", "al", "hasta", "fecha fin", "fecha hasta"},
	endClockColumn: {"to time", "uhrzeit bis", "heure de fin", "tot tijdstip", "tot tijd", "ora fine", "hora fin", "hora hasta"},
	valueColumn: {"value", "reading", "energy", "consumption", "usage", "volume", "amount", "quantity", "power", "demand", "load", "active energy", "import", "register reading", "index", "counter",
		"wert", "messwert", "verbrauch", "menge", "energie", "arbeit", "wirkarbeit", "bezug", "lastgang", "leistung", "zahlerstand", "stand", "wirkleistung", "netzbezug", "strombezug", "strommenge", "energiemenge", "wirkenergie", "wasserverbrauch",
		"valeur", "consommation", "energie active", "energie soutiree", "soutirage", "puissance", "puissance active", "puissance moyenne", "index de consommation", "releve",
		"waarde", "verbruik", "afname", "hoeveelheid", "vermogen", "meterstand", "meetwaarde", "levering",
		"valore", "consumo", "energia", "energia attiva", "prelievo", "potenza", "lettura", "quantita", "misura",
		"valor", "consumo energia", "energia activa", "potencia", "lectura", "cantidad", "ae", "as"},
	unitColumn:     {"unit", "uom", "units", "einheit", "masseinheit", "unite", "eenheid", "unita", "unita di misura", "unidad", "unidades"},
	kindColumn:     {"kind", "art", "wertart", "reading type", "nature", "soort", "tipo", "tipo lettura", "tipo lectura"},
	qualityColumn:  {"quality", "status", "validation status", "flag", "qualitat", "wertstatus", "ersatzwert", "plausibilitatskennzeichen", "qualite", "statut", "nature de la donnee", "kwaliteit", "validatiestatus", "qualita", "stato", "calidad", "estado", "metodo obtencion", "metodo de obtencion"},
	registerColumn: {"register", "obis", "obis code", "obis kennzahl", "kennzahl", "channel", "direction", "energierichtung", "kanal", "registre", "grandeur metier", "grandeur physique", "sens", "registro", "magnitud", "canale"},
}

// kindWords are words of a value's header that tell what kind it is of.
var kindWords = map[string]Kind{
	"zahlerstand": Counter, "stand": Counter, "index": Counter, "meterstand": Counter, "lettura": Counter, "lectura": Counter, "register reading": Counter, "counter": Counter,
	"index de consommation": Counter, "releve": Counter,
	"leistung": Power, "wirkleistung": Power, "puissance": Power, "puissance active": Power, "puissance moyenne": Power, "vermogen": Power, "potenza": Power, "potencia": Power, "power": Power, "demand": Power,
	"verbrauch": Interval, "consommation": Interval, "verbruik": Interval, "consumo": Interval, "consumption": Interval, "usage": Interval, "lastgang": Interval,
	"arbeit": Interval, "wirkarbeit": Interval, "energie active": Interval, "energia attiva": Interval, "energia activa": Interval, "active energy": Interval,
	"menge": Interval, "volume": Interval, "hoeveelheid": Interval, "quantity": Interval, "quantita": Interval, "cantidad": Interval,
	"energiemenge": Interval, "strommenge": Interval, "afname": Interval, "prelievo": Interval, "soutirage": Interval,
}

// folded are letters without what stands above or below them.
var folded = strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "ss", "à", "a", "á", "a", "â", "a", "ã", "a", "è", "e", "é", "e", "ê", "e", "ë", "e",
	"ì", "i", "í", "i", "î", "i", "ï", "i", "ò", "o", "ó", "o", "ô", "o", "ù", "u", "ú", "u", "û", "u", "ç", "c", "ñ", "n", "œ", "oe", "’", " ", "'", " ")

// words are those of a header in small plain letters. With all, also those in
// brackets and units, as they were written.
func words(header string, all bool) []string {
	if !all {
		for _, pair := range []string{"[]", "()", "{}"} {
			if i := strings.IndexByte(header, pair[0]); i > 0 {
				if n := strings.IndexByte(header[i:], pair[1]); n > 0 {
					header = header[:i] + " " + header[i+n+1:]
				}
			}
		}
		header = folded.Replace(strings.ToLower(header))
	}
	var out []string
	for _, w := range strings.FieldsFunc(header, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '³' && r != '€' && r != '°' && r != '%'
	}) {
		if !all {
			if _, ok := unitOf(w); ok && len(w) > 1 {
				continue
			}
		}
		out = append(out, w)
	}
	return out
}

var unbracketed = strings.NewReplacer("(", " ", ")", " ", "[", " ", "]", " ", "{", " ", "}", " ")

// columnOf is what the column called header is.
func columnOf(header string) (column, string) {
	ws := words(header, false)
	if whole := words(unbracketed.Replace(header), false); len(whole) > len(ws) { // Van (datum)
		name := strings.Join(whole, " ")
		for c := meterColumn; c < columns; c++ {
			if slices.Contains(headers[c], name) {
				return c, name
			}
		}
	}
	for len(ws) > 0 {
		name := strings.Join(ws, " ")
		for c := meterColumn; c < columns; c++ {
			if slices.Contains(headers[c], name) {
				return c, name
			}
		}
		ws = ws[:len(ws)-1] // Wert Nord 1 is a value
	}
	if _, ok := unitOf(header); ok && len(header) > 1 { // a column that is called kWh
		return valueColumn, ""
	}
	if u, _ := unitIn(header); u.of != ofNothing {
		return valueColumn, ""
	}
	return noColumn, ""
}

// sums and totals are how rows begin that sum others, or say else what they are
// together.
var (
	sums   = []string{"summe", "gesamt", "gesamtsumme", "total", "totale", "totaal", "som", "somme", "somma", "suma", "sum", "grand total"}
	totals = []string{"sub total", "zwischensumme", "subtotal", "minimum", "maximum", "mittelwert", "moyenne", "gemiddelde", "media", "average", "ende", "end of file", "fin"}
)

// isTotal reports whether a field begins a row that sums others.
func isTotal(field []byte) bool {
	if len(field) == 0 || len(field) > longestInText || field[0] >= '0' && field[0] <= '9' {
		return false
	}
	return isSum(field) || begins(field, totals)
}

// isSum reports whether a field begins a row that sums all others.
func isSum(field []byte) bool { return len(field) <= longestInText && begins(field, sums) }

// begins reports whether a field is one of names, or its first word is.
func begins(field []byte, names []string) bool {
	ws := words(string(field), false)
	return len(ws) > 0 && (slices.Contains(names, ws[0]) || slices.Contains(names, strings.Join(ws, " ")))
}
