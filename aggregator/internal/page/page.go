package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:static
var static embed.FS

// policy lets the page use nothing but this origin: no inline script or style,
// no other host, and no frame of a stranger around it.
const policy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// contentTypes are the kinds of file the page is made of. The table is ours
// because the system's differs from machine to machine.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

// Handler serves the page and its files, and an error in JSON for every other path.
// Mount it at "/".
func Handler() http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		return unavailable(err)
	}
	h, err := newHandler(files)
	if err != nil {
		return unavailable(err)
	}
	return h
}

// unavailable answers when the embedded files cannot be read.
func unavailable(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusInternalServerError, "internal", err.Error())
	})
}

// refuse answers with an error as all of the aggregator's are.
func refuse(w http.ResponseWriter, code int, kind, message string) {
	b, err := json.Marshal(map[string]string{"status": "error", "errorType": kind, "error": message})
	if err != nil { // strings always marshal
		b = nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n')) // the client may have gone
}

// file is one file ready to be sent.
type file struct {
	body        []byte
	contentType string
	etag        string
}

// handler holds every file by its URL path; it never changes once built.
type handler struct {
	files map[string]file
}

// newHandler reads all files of fsys that have a known kind.
func newHandler(fsys fs.FS) (*handler, error) {
	h := &handler{files: make(map[string]file)}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		kind, known := contentTypes[path.Ext(name)]
		if d.IsDir() || !known {
			return nil
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		h.files["/"+name] = file{body: body, contentType: kind, etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
		return nil
	})
	if err != nil {
		return nil, err
	}
	h.files["/"] = h.files["/index.html"]
	if f, ok := h.files["/report.html"]; ok {
		h.files["/report"] = f
	}
	return h, nil
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "method_not_allowed", r.URL.Path+" does not answer "+r.Method)
		return
	}
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	f, ok := h.files[r.URL.Path]
	if !ok {
		refuse(w, http.StatusNotFound, "not_found", "no such path: "+strings.ToValidUTF8(r.URL.Path, "?"))
		return
	}
	header.Set("Content-Type", f.contentType)
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "no-referrer")
	// Names carry no version, so a browser asks each time, and is told "not modified".
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", f.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
}
