package web

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// Bounds of an import.
const (
	maxImport     = 64 << 20 // bytes of a file
	importTimeout = 5 * time.Minute
	importQueue   = 4
)

// openFile parses the query and leaves the body, a file of at most limit bytes,
// to the handler.
func (s *Server) openFile(a *answer, r *http.Request, limit int64) (err error) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !slices.Contains([]string{"text/csv", "text/plain", "application/octet-stream"}, t) {
		a.Header().Set("Connection", "close")
		return refuse(query.BadEncoding, "a body must be text/csv")
	}
	if r.ContentLength > limit {
		a.Header().Set("Connection", "close")
		return refuse(query.TooLarge, "the file is longer than the limit of %d bytes", limit)
	}
	if r.Form, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return refuse(query.BadData, "parse parameters: %v", err)
	}
	r.Body = http.MaxBytesReader(a.ResponseWriter, r.Body, limit)
	return nil
}

// allow gives an import its time on the connection; done ends it.
func (s *Server) allow(a *answer, timeout time.Duration) (done func()) {
	c := http.NewResponseController(a)
	_ = c.SetReadDeadline(time.Now().Add(timeout)) // not every writer can; the server's can
	_ = c.SetWriteDeadline(time.Now().Add(timeout + 30*time.Second))
	return func() { _ = c.SetReadDeadline(time.Time{}) }
}
