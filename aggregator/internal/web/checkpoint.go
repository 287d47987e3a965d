package web

import (
	"errors"
	"net/http"
	"os"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// checkpoint answers with how far the log of a site's ledger reaches, as it was
// signed: the newest, or the newest that a witness signed too.
func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) {
	if s.c.Checkpoint == nil {
		s.notYet(w, r)
		return
	}
	if err := known(r.Form, "site", "witnessed"); err != nil {
		s.fail(w, r, err)
		return
	}
	site := r.Form.Get("site")
	if site == "" {
		sites := visible(r.Context(), s.c.Ledger.Sites())
		if len(sites) != 1 {
			s.fail(w, r, badParameter("site", "needed, as the ledger holds %d sites", len(sites)))
			return
		}
		site = sites[0]
	} else if err := s.checkSite(site); err != nil {
		s.fail(w, r, err)
		return
	}
	witnessed := r.Form.Get("witnessed")
	if witnessed != "" && witnessed != "true" && witnessed != "false" {
		s.fail(w, r, badParameter("witnessed", "%q is neither true nor false", witnessed))
		return
	}
	b, err := s.c.Checkpoint(site, witnessed == "true")
	switch {
	case errors.Is(err, os.ErrNotExist) && witnessed == "true":
		err = refuse(query.NotFound, "no witness has signed the log of %s yet", site)
	case errors.Is(err, os.ErrNotExist):
		err = refuse(query.NotFound, "the log of %s is signed when its first hour is sealed", site)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(b) // as in fail
}
