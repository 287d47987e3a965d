package web

import (
	"context"
	"errors"
	"mime"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &answer{ResponseWriter: w, route: unmatched}
	done := s.tally.begin(a)
	defer done()
	h := a.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if r.ContentLength != 0 { // known to be there, or chunked: the server reads it to its end, whoever refuses the request
		_ = http.NewResponseController(a).SetReadDeadline(time.Now().Add(s.l.BodyTime)) // not every writer can; the server's can
	}
	if !canonical(r) {
		s.reject(a, r, rejectPath, refuse(query.BadData, "path is not in canonical form"))
	} else {
		s.mux.ServeHTTP(a, r)
	}
	a.finished = true
}

// canonical reports whether the path of r reads the same to everybody: no
// second spelling of a character, no empty, dot or dot-dot element.
func canonical(r *http.Request) bool {
	p := r.URL.Path
	if r.URL.RawPath != "" || p == "" || p[0] != '/' || path.Clean(p) != p {
		return false
	}
	return !strings.ContainsFunc(p, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' })
}

// guard is rt's handler behind everything that a request must pass.
func (s *Server) guard(rt *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := w.(*answer)
		a.route = rt.path
		if !slices.Contains(rt.methods, r.Method) {
			a.Header().Set("Allow", strings.Join(rt.methods, ", "))
			s.reject(a, r, rejectMethod, refuse(query.BadMethod, "%s does not answer %s", r.URL.Path, r.Method))
			return
		}
		ctx := r.Context()
		var p *rights.Principal
		if !rt.policy.open {
			if p = s.admit(a, r, rt); p == nil {
				return
			}
			var release func()
			ctx, release = p.Bind(ctx)
			defer release()
		}
		read := s.readForm
		if rt.lane == importLane && r.Method == http.MethodPost {
			read = s.openFile
		}
		if rt.lane == receiptLane {
			read = s.openReceipt
		}
		if rt.lane == reportLane && r.Method == http.MethodPost {
			read = s.openStep
		}
		err := plain(a, r)
		if err == nil {
			err = read(a, r, rt.body)
		}
		if err == nil {
			err = ofPath(r)
		}
		if err != nil {
			s.reject(a, r, rejectBody, err)
			return
		}
		if p != nil {
			if err := s.within(rt, p, r.Form); err != nil {
				s.reject(a, r, rejectRights, err)
				return
			}
		}
		if g := s.gates[rt.lane]; g != nil {
			if err := g.enter(r.Context()); err != nil {
				s.shed(a, r, g, err)
				return
			}
			defer g.leave()
		}
		if rt.lane == importLane || rt.lane == reportLane {
			defer s.allow(a, rt.timeout)()
		}
		if p != nil && rt.policy.changing(r.Method) {
			kept, err := s.keep(rt, p, r)
			if err != nil {
				s.fail(a, r, err)
				return
			}
			defer kept(a)
		}
		ctx, cancel := context.WithTimeout(ctx, rt.timeout)
		defer cancel()
		rt.serve(a, r.WithContext(ctx))
	})
}

// admit is whose request r is; nil if it was answered, as they may not make it.
func (s *Server) admit(a *answer, r *http.Request, rt *route) *rights.Principal {
	p, why, err := s.who(r)
	if err == nil && rt.policy.changing(r.Method) {
		why, err = rejectHost, sameOrigin(r)
	}
	if err == nil {
		why, err = rejectRights, s.allowed(rt, p, r.Method)
	}
	if err == nil {
		return p
	}
	if why == rejectToken {
		a.Header()["Www-Authenticate"] = []string{`Bearer realm="gigawatch"`, `Basic realm="gigawatch", charset="UTF-8"`}
	}
	s.reject(a, r, why, err)
	return nil
}

// shown is the token that r carries. Browsers, which send no bearer token of
// their own, show it as the password of any user.
func shown(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return token
	}
	_, password, _ := r.BasicAuth()
	return password
}

// plain refuses bodies that are compressed: nothing here unpacks what a stranger sent.
func plain(a *answer, r *http.Request) error {
	if c := r.Header.Get("Content-Encoding"); c != "" && !strings.EqualFold(c, "identity") && r.ContentLength != 0 {
		a.Header().Set("Connection", "close")
		return refuse(query.BadEncoding, "a body must not be compressed")
	}
	return nil
}

// readForm parses the query and, where the route takes one, a body of at most
// limit bytes.
func (s *Server) readForm(a *answer, r *http.Request, limit int64) (err error) {
	if r.ContentLength != 0 {
		defer func() {
			if err == nil { // all is read; the deadline must not end the query
				_ = http.NewResponseController(a).SetReadDeadline(time.Time{})
				return
			}
			a.Header().Set("Connection", "close") // the deadline stays for what was not read
		}()
		if limit == 0 || r.Method != http.MethodPost {
			return refuse(query.BadData, "%s %s takes no body", r.Method, r.URL.Path)
		}
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/x-www-form-urlencoded" {
			return refuse(query.BadEncoding, "a body must be application/x-www-form-urlencoded")
		}
		// Unwrapped, so that the server is told to close the connection.
		r.Body = http.MaxBytesReader(a.ResponseWriter, r.Body, limit)
	}
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return refuse(query.TooLarge, "body is longer than the limit of %d bytes", tooLarge.Limit)
		}
		return refuse(query.BadData, "parse parameters: %v", err)
	}
	return nil
}

// shed answers a request that its gate turned away.
func (s *Server) shed(a *answer, r *http.Request, g *gate, err error) {
	switch {
	case errors.Is(err, errQueueFull) || errors.Is(err, errQueueLong):
		a.Header().Set("Retry-After", "2")
		s.reject(a, r, rejectBusy, refuse(query.Unavailable, "busy: %v; of the lane %s %d run at once, and %d wait now", err, g.lane, cap(g.slots), max(0, g.waiting.Load())))
	default:
		s.reject(a, r, rejectGone, refuse(query.Canceled, "the client went away while waiting"))
	}
}

func (s *Server) reject(a *answer, r *http.Request, why rejection, err error) {
	s.tally.rejected[why].Inc()
	s.fail(a, r, err)
}

// onLoopback reports whether r came in over the loopback interface.
func onLoopback(r *http.Request) bool {
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return addr != nil && loopbackHost(addr.String())
}

// loopbackHost reports whether hostport, with or without a port, names this
// machine to itself.
func loopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}
