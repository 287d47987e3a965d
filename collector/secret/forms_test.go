package secret_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func forms(word string, quoted ...string) map[string]string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth("root", word)
	m := map[string]string{
		"as it is":             word,
		"in a query":           url.Values{"key": {word}}.Encode(),
		"in a path":            url.PathEscape(word),
		"quoted":               strconv.Quote(word),
		"quoted in ASCII":      strconv.QuoteToASCII(word),
		"in hex":               hex.EncodeToString([]byte(word)),
		"in HEX":               fmt.Sprintf("%X", word),
		"as bytes":             fmt.Sprint([]byte(word)),
		"in base64":            base64.StdEncoding.EncodeToString([]byte(word)),
		"in base64 of URLs":    base64.RawURLEncoding.EncodeToString([]byte(word)),
		"in basic credentials": strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "),
	}
	for i := range 5 {
		m[fmt.Sprint("in base64 behind ", i)] = base64.StdEncoding.EncodeToString([]byte("12345"[:i] + word + "678"))
	}
	for i, q := range quoted {
		m[fmt.Sprint("as JSON ", i)] = q
	}
	return m
}
