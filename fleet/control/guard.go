package control

import (
	"bytes"
	"crypto/subtle"
	"io"
	"net/http"
	"slices"
	"strings"

	"homefleet/fleet/web"
)

// atOnce bounds the requests that are served at a time; others get a 503.
const atOnce = 64

// guarded serves requests that may be served.
func (s *Server) guarded(h http.Handler) http.Handler {
	running := make(chan struct{}, atOnce)
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if name, here := web.HostOf(r); !here && !slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(h, name) }) {
			writeProblem(w, hostNotAllowed.because("--control-host NAME adds a name", "this server does not go by the name %q", short(name)))
			return
		}
		// The protection lets GET pass, since nothing changes by it; but what is behind
		// the token is nobody's from elsewhere.
		probe := *r
		if private(r) {
			probe.Method = http.MethodPost
		}
		if err := origins.Check(&probe); err != nil {
			writeProblem(w, crossOrigin.because("", "the request comes from a page of another origin"))
			return
		}
		switch {
		case !private(r): // whether the run lives is told however many ask for something else
			h.ServeHTTP(w, r)
			return
		case !s.authorized(r):
			writeProblem(w, unauthorized.because("the token of a run is in its ready file", "no token, or a wrong one; want Authorization: Bearer TOKEN"))
			return
		}
		arrived(r) // who is slow to send it takes no place
		select {
		case running <- struct{}{}:
			defer func() { <-running }()
			h.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			writeProblem(w, tooMany.because("", "%d requests are being served, which is the most", atOnce))
		}
	})
}

// arrived waits for the body of a request, as far as that is read: its end, or what is wrong
// with it, is found where it is read. The server's deadline bounds the time.
func arrived(r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostBody+1))
	if err == nil {
		err = io.EOF
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), failed{err}), r.Body}
}

// failed is a reader of nothing but an error.
type failed struct{ error }

func (f failed) Read([]byte) (int, error) { return 0, f.error }

// private reports whether a request wants the token.
func private(r *http.Request) bool {
	switch path := r.URL.Path; path {
	case "/healthz", "/readyz", "/openapi.json", "/":
		return false
	default:
		return !strings.HasPrefix(path, "/problems/") && !strings.HasPrefix(path, "/page/")
	}
}

func (s *Server) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	right := subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(s.Token)) == 1
	return right && s.Token != "" && strings.EqualFold(scheme, "Bearer")
}
