package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

func refuse(r query.Reason, format string, args ...any) *query.Error {
	return &query.Error{Status: r.Status(), Reason: r, Message: fmt.Sprintf(format, args...)}
}

// badParameter names the parameter at fault.
func badParameter(name, format string, args ...any) *query.Error {
	return refuse(query.BadData, "parameter %q: %s", name, fmt.Sprintf(format, args...))
}

// fail answers with err. What is not a *query.Error is the server's own fault: it
// is logged, and the caller learns no more than that.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var e *query.Error
	if !errors.As(err, &e) {
		s.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
		e = refuse(query.Internal, "internal error; the aggregator's log says more")
	}
	b, err := json.Marshal(query.Envelope{Status: "error", Reason: e.Reason, Message: e.Message})
	if err != nil { // strings always marshal
		s.log.ErrorContext(r.Context(), "error not written", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Status)
	_, _ = w.Write(append(b, '\n')) // the client may have gone; the tally has the status
}

// succeed answers with data.
func (s *Server) succeed(w http.ResponseWriter, r *http.Request, data any) {
	s.succeedWith(w, r, data, nil)
}

// succeedWith has warnings beside the answer.
func (s *Server) succeedWith(w http.ResponseWriter, r *http.Request, data any, warnings []string) {
	raw, err := json.Marshal(data)
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode answer: %w", err))
		return
	}
	b, err := json.Marshal(query.Envelope{Status: "success", Data: raw, Warnings: warnings})
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // as in fail
}
