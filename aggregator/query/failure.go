package query

import (
	"encoding/json"
	"errors"
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
)

// status is the HTTP status that goes with r.
func (r Reason) status() int {
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

func refuse(r Reason, format string, args ...any) *Error {
	return &Error{Status: r.status(), Reason: r, Message: fmt.Sprintf(format, args...)}
}

// badParameter names the parameter at fault.
func badParameter(name, format string, args ...any) *Error {
	return refuse(BadData, "parameter %q: %s", name, fmt.Sprintf(format, args...))
}

// envelope is the outside of every JSON answer under /api/v1.
type envelope struct {
	Status   string          `json:"status"`
	Data     json.RawMessage `json:"data,omitempty"`
	Reason   Reason          `json:"errorType,omitempty"`
	Message  string          `json:"error,omitempty"`
	Warnings []string        `json:"warnings,omitempty"`
}

// fail answers with err. What is not an *Error is the server's own fault: it
// is logged, and the caller learns no more than that.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var e *Error
	if !errors.As(err, &e) {
		s.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
		e = refuse(Internal, "internal error; the aggregator's log says more")
	}
	b, err := json.Marshal(envelope{Status: "error", Reason: e.Reason, Message: e.Message})
	if err != nil { // strings always marshal
		s.log.ErrorContext(r.Context(), "error not written", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Status)
	_, _ = w.Write(append(b, '\n')) // the client may have gone; the tally has the status
}

// succeed answers with data.
func (s *Server) succeed(w http.ResponseWriter, r *http.Request, data any) {
	raw, err := json.Marshal(data)
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode answer: %w", err))
		return
	}
	b, err := json.Marshal(envelope{Status: "success", Data: raw})
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // as in fail
}
