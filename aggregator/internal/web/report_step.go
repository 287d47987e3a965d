package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// openStep reads a body of JSON, of at most limit bytes, for the handler: taking a
// step may last longer than a client has to say which. A browser sends such a body
// to another origin only if that lets it, and this one lets none.
func (s *Server) openStep(a *answer, r *http.Request, limit int64) (err error) {
	defer func() {
		if err != nil {
			a.Header().Set("Connection", "close")
		}
	}()
	if r.ContentLength > limit {
		return refuse(query.TooLarge, "body is longer than the limit of %d bytes", limit)
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return refuse(query.BadEncoding, "a body must be application/json")
	}
	b, err := io.ReadAll(http.MaxBytesReader(a.ResponseWriter, r.Body, limit))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return refuse(query.TooLarge, "body is longer than the limit of %d bytes", limit)
		}
		return refuse(query.BadData, "read body: %v", err)
	}
	_ = http.NewResponseController(a).SetReadDeadline(time.Time{}) // as in readForm
	r.Body = io.NopCloser(bytes.NewReader(b))
	if r.Form, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return refuse(query.BadData, "parse parameters: %v", err)
	}
	return nil
}

// mostText bounds a receipt and a reason, in bytes.
const mostText = 2000

// parseSigned reads what a step is on.
func parseSigned(body io.Reader) (x query.ReportStep, err error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil {
		return x, refuse(query.BadData, "body: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return x, refuse(query.BadData, "body: there is more than one object")
	}
	x.Text = strings.TrimSpace(x.Text)
	switch {
	case x.Version < 1:
		return x, refuse(query.BadData, "body: version is missing: the one that you looked at")
	case len(x.SHA256) != 64:
		return x, refuse(query.BadData, "body: record_sha256 is missing: that of the record that you looked at")
	case len(x.Text) > mostText || !utf8.ValidString(x.Text) || strings.ContainsFunc(x.Text, unicode.IsControl):
		return x, refuse(query.BadData, "body: text is longer than %d bytes, or not one line", mostText)
	}
	return x, nil
}

// reportStep takes a step, in the name of whom the server knows by their token or
// certificate; nothing that they say changes that.
func (s *Server) reportStep(action string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := s.askedReport(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		x, err := parseSigned(r.Body)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		x.Site, x.Year, x.Action = q.Site, q.Year, action
		a, err := s.c.Reports.Step(r.Context(), x, asking(r.Context()))
		if err != nil {
			s.fail(w, r, reportFailure(err))
			return
		}
		s.succeed(w, r, a)
	}
}
