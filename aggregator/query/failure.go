package query

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// A Reason says which kind of error an answer is; the errorType of the JSON.
type Reason string

// Reasons; the first ones are Prometheus' own.
const (
	BadData        Reason = "bad_data"
	Execution      Reason = "execution"
	Canceled       Reason = "canceled"
	Timeout        Reason = "timeout"
	Internal       Reason = "internal"
	Unavailable    Reason = "unavailable"
	NotFound       Reason = "not_found"
	NotImplemented Reason = "not_implemented"
	Unauthorized   Reason = "unauthorized"
	Forbidden      Reason = "forbidden"
	Misdirected    Reason = "misdirected"
	BadMethod      Reason = "method_not_allowed"
	TooLarge       Reason = "too_large"
	BadEncoding    Reason = "unsupported_media_type"
	Conflict       Reason = "conflict"
)

// Status is the HTTP status that goes with r.
func (r Reason) Status() int {
	switch r {
	case BadData:
		return http.StatusBadRequest
	case Execution:
		return http.StatusUnprocessableEntity
	case Canceled:
		return 499 // as nginx and Prometheus have it: the client went away
	case Timeout, Unavailable:
		return http.StatusServiceUnavailable
	case NotFound:
		return http.StatusNotFound
	case NotImplemented:
		return http.StatusNotImplemented
	case Unauthorized:
		return http.StatusUnauthorized
	case Forbidden:
		return http.StatusForbidden
	case Misdirected:
		return http.StatusMisdirectedRequest
	case BadMethod:
		return http.StatusMethodNotAllowed
	case TooLarge:
		return http.StatusRequestEntityTooLarge
	case Conflict:
		return http.StatusConflict
	case BadEncoding:
		return http.StatusUnsupportedMediaType
	}
	return http.StatusInternalServerError
}

// An Error is an answer that says no. The client returns it as it came.
type Error struct {
	Status  int    // HTTP status
	Reason  Reason // errorType
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Reason, e.Message) }

// An Envelope is the outside of every JSON answer under /api/v1.
type Envelope struct {
	Status   string          `json:"status"`
	Data     json.RawMessage `json:"data,omitempty"`
	Reason   Reason          `json:"errorType,omitempty"`
	Message  string          `json:"error,omitempty"`
	Warnings []string        `json:"warnings,omitempty"`
}
