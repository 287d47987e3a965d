package mqtt

import (
	"encoding/json"
	"strings"
)

// A presence is what a gateway's status says of it.
type presence uint8

const (
	unsaid presence = iota
	online
	offline
)

// Words by which gateways say that they are there, and by which their wills say
// that they are not.
const (
	onlineWords  = " online connected ready up alive available active running true yes on ok 1 "
	offlineWords = " offline disconnected lost down dead unavailable unreachable inactive stopped false no off 0 "
)

// stateKeys are members that hold the word, where it stands in an object.
var stateKeys = [...]string{"state", "status", "online", "connected", "available", "availability", "value"}

// presenceOf is what a message on a status topic says.
func presenceOf(b []byte) presence {
	m, err := parse(b)
	if err != nil {
		if len(b) > longestShown {
			return unsaid
		}
		m = string(b)
	}
	for range 2 {
		word := ""
		switch t := m.(type) {
		case string:
			word = strings.ToLower(strings.Trim(t, " \t\r\n\x00"))
		case bool, json.Number:
			word = sort(t)
		case map[string]any:
			for _, k := range stateKeys {
				if v, ok := t[k]; ok {
					m = v
					break
				}
			}
			continue
		}
		switch {
		case word == "" || strings.Contains(word, " "):
			return unsaid
		case strings.Contains(onlineWords, " "+word+" "):
			return online
		case strings.Contains(offlineWords, " "+word+" "):
			return offline
		}
		return unsaid
	}
	return unsaid
}
