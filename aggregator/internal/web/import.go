package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// parseImport is the inverse of the question's Values.
func parseImport(v url.Values) (q query.ImportQuestion, err error) {
	names := []string{"dry", "registers", "totals", "columns"}
	names = slices.AppendSeq(slices.AppendSeq(names, maps.Keys(q.Texts())), maps.Keys(q.Flags()))
	slices.Sort(names)
	if err := known(v, names...); err != nil {
		return q, err
	}
	for _, name := range names {
		if s := v.Get(name); len(s) > 4096 || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			return q, badParameter(name, "it is longer than 4096 bytes, or not text")
		}
	}
	for _, name := range []string{"id", "reason"} {
		if s := v.Get(name); len(s) > metric.MaxText || strings.Contains(s, "\n") {
			return q, badParameter(name, "it is longer than %d bytes, or not one line", metric.MaxText)
		}
	}
	for name, s := range q.Texts() {
		*s = v.Get(name)
	}
	flags := q.Flags()
	dry := true
	flags["dry"] = &dry
	for name, is := range flags {
		switch s := v.Get(name); s {
		case "":
		case "1", "true":
			*is = true
		case "0", "false":
			*is = false
		default:
			return q, badParameter(name, "%q is neither 0 nor 1", s)
		}
	}
	q.Apply = !dry
	list := func(name string) []string {
		return slices.DeleteFunc(strings.Split(v.Get(name), "\n"), func(s string) bool { return s == "" })
	}
	q.Registers, q.Totals = list("registers"), list("totals")
	for _, c := range list("columns") {
		name, text, ok := strings.Cut(c, "=")
		if !ok {
			return q, badParameter("columns", "%q is not NAME=HEADER", c)
		}
		if q.Columns == nil {
			q.Columns = map[string]string{}
		}
		q.Columns[name] = text
	}
	return q, nil
}

// imports takes in a file, or lists what was.
func (s *Server) imports(w http.ResponseWriter, r *http.Request) {
	if s.c.Imports == nil {
		s.notYet(w, r)
		return
	}
	if r.Method == http.MethodGet {
		s.importList(w, r)
		return
	}
	q, err := parseImport(r.Form)
	if err == nil {
		err = s.importSite(&q.Site)
	}
	if err == nil {
		err = sameOrigin(r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a, err := s.c.Imports.Import(r.Context(), q, r.Body)
	if err != nil {
		s.fail(w, r, importFailure(err))
		return
	}
	s.succeed(w, r, a)
}

func (s *Server) importList(w http.ResponseWriter, r *http.Request) {
	site := r.Form.Get("site")
	err := known(r.Form, "site")
	if err == nil {
		err = s.importSite(&site)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a, err := s.c.Imports.Imports(r.Context(), site)
	if err != nil {
		s.fail(w, r, importFailure(err))
		return
	}
	s.succeed(w, r, a)
}

// importRevert takes an import back.
func (s *Server) importRevert(w http.ResponseWriter, r *http.Request) {
	if s.c.Imports == nil {
		s.notYet(w, r)
		return
	}
	site := r.Form.Get("site")
	err := known(r.Form, "site")
	if err == nil {
		err = s.importSite(&site)
	}
	if err == nil {
		err = sameOrigin(r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a, err := s.c.Imports.RevertImport(r.Context(), site, r.PathValue("id"))
	if err != nil {
		s.fail(w, r, importFailure(err))
		return
	}
	s.succeed(w, r, a)
}

// importSite fills in the only site, or checks the one that was named.
func (s *Server) importSite(site *string) error {
	if *site != "" {
		return s.checkSite(*site)
	}
	sites := s.c.Ledger.Sites()
	if len(sites) != 1 {
		return badParameter("site", "needed, as the ledger holds %d sites", len(sites))
	}
	*site = sites[0]
	return nil
}

// sameOrigin refuses what a page of another origin makes a browser send.
func sameOrigin(r *http.Request) error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return refuse(query.Forbidden, "%v", err)
	}
	return nil
}

func importFailure(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refuse(query.TooLarge, "the file is longer than the limit of %d bytes: divide it, or use aggregator import -data on a stopped aggregator", large.Limit)
	case errors.Is(err, query.ErrRoom), errors.Is(err, context.DeadlineExceeded):
		return refuse(query.Unavailable, "%v", err)
	case errors.Is(err, context.Canceled):
		return refuse(query.Canceled, "the client went away")
	case errors.Is(err, query.ErrFile):
		return refuse(query.BadData, "%v", err)
	case errors.Is(err, query.ErrNoImport), errors.Is(err, query.ErrNoSite):
		return refuse(query.NotFound, "%v", err)
	}
	return fmt.Errorf("import readings: %w", err)
}
