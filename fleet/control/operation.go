package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/control/api"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// mostBody bounds the body of a request, in bytes.
const mostBody = 1 << 20

// operation is one thing that can be asked for. The routes and the document at
// /openapi.json are made from the table of them.
type operation struct {
	method, path string
	id           string // in the document, and in interventions
	summary      string
	query        []parameter
	body         []scenarios.KeyFacts // nil: there is none
	openBody     bool                 // the body has further keys than these
	keyed        bool                 // a repeat does harm, so that an Idempotency-Key is looked at
	reply        any                  // a value of its type
	status       int                  // of the reply; 0: 200
	open         bool                 // it wants no token
	problems     []problem            // beside those of all
	stream       []eventBody          // the reply is a stream of these events
	do           func(*call) (any, error)
}

// eventBody is a type of event on a stream, and what it says: a value of its type.
type eventBody struct {
	event string
	says  any
}

// parameter is one of the query.
type parameter struct{ name, doc string }

// call is one request to an operation.
type call struct {
	*Server
	op   *operation
	w    http.ResponseWriter
	r    *http.Request
	body []byte

	asked   time.Duration         // when it was asked for, on the run's clock
	ticks   bool                  // the stream has points of the history
	ticked  int                   // number of the last
	reports bool                  // the stream ends with the report
	preset  int                   // number of the intervention that it repeats; 0: it repeats none
	by      string                // how that one came; "": by this API
	entry   *metrics.Intervention // the one that it is, once it is entered
}

// mux routes requests to the operations.
func (s *Server) mux() http.Handler {
	m := http.NewServeMux()
	allowed := make(map[string][]string)
	for i := range s.ops {
		op := &s.ops[i]
		m.HandleFunc(op.method+" "+op.path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, op) })
		allowed[op.path] = append(allowed[op.path], op.method)
	}
	document := sync.OnceValue(s.document) // who asks for it waits, and not every run as it begins
	page := func(path string, h http.HandlerFunc) {
		m.HandleFunc("GET "+path, h)
		allowed[path] = append(allowed[path], "GET")
	}
	page("/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document())
	})
	page("/problems/{type}", s.servePage)
	if s.Page != nil {
		page("/{$}", s.Page.ServeHTTP)
		page("/page/{file...}", s.Page.ServeHTTP)
	} else {
		page("/{$}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, "homefleet: the API is described at /openapi.json\n")
		})
	}
	if s.Metrics != nil {
		page("/metrics", s.Metrics.ServeHTTP)
	}
	for path, methods := range allowed {
		m.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			writeProblem(w, badMethod.because("", "%s does not go with %s; want %s", r.Method, path, strings.Join(methods, " or ")))
		})
	}
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		var paths []string
		for path := range allowed {
			paths = append(paths, path)
		}
		slices.Sort(paths)
		hint := "/openapi.json lists what there is"
		if near, ok := words.Nearest(r.URL.Path, paths); ok {
			hint = "did you mean " + near + "?"
		}
		writeProblem(w, noSuchPage.because(hint, "there is nothing at %s", short(r.URL.Path)))
	})
	return m
}

// serve carries out an operation.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, op *operation) {
	c := &call{Server: s, op: op, w: w, r: r, asked: s.clock()}
	if err := c.prepare(); err != nil {
		writeProblem(w, asProblem(err))
		return
	}
	if op.changes() {
		ctx, cancel := lasting(r.Context())
		defer cancel()
		c.r = r.WithContext(ctx)
	}
	if key := r.Header.Get("Idempotency-Key"); op.keyed && key != "" {
		s.replies.once(w, c, key)
		return
	}
	status, reply := c.answer()
	write(w, status, reply)
}

// lasting is the context of what changes something: it is done although the client goes,
// so that a client who asks again, with the same Idempotency-Key, hears what became of it,
// and the result says what was done. One that has gone is no reason to wait for long.
func lasting(of context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(of))
	leave := context.AfterFunc(of, func() {
		select {
		case <-time.After(patience):
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() { leave(); cancel() }
}

// answer does what is asked for; reply is nil where it has been written already.
func (c *call) answer() (status int, reply any) {
	v, err := c.op.do(c)
	if err != nil {
		p := asProblem(err)
		if p.Status == broken.status {
			c.Log.Error("control: " + c.op.id + ": " + p.Detail)
		}
		return p.Status, p
	}
	if ready, ok := v.(*api.Ready); ok && !ready.Ready {
		return http.StatusServiceUnavailable, v
	}
	return cmp.Or(c.op.status, http.StatusOK), v
}

// write writes a reply.
func write(w http.ResponseWriter, status int, reply any) {
	if reply == nil {
		return
	}
	if p, ok := reply.(*api.Problem); ok {
		writeProblem(w, p)
		return
	}
	text, err := json.Marshal(reply)
	if err != nil {
		writeProblem(w, broken.because("", "the reply cannot be written as JSON: %v", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a client that went away is no concern of ours
}

// prepare reads the body and looks at the query.
func (c *call) prepare() error {
	for name, values := range c.r.URL.Query() {
		known := make([]string, len(c.op.query))
		for i, p := range c.op.query {
			known[i] = p.name
		}
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return badQuery.because("", "%s takes no query, and there is %q", c.op.path, short(name))
		case !slices.Contains(known, name):
			return badQuery.because(cmp.Or(tomlfault.DidYouMean(name, known), "there is "+strings.Join(known, ", ")), "there is no %q in the query of %s", short(name), c.op.path)
		case len(values) > 1:
			return badQuery.because("", "%s stands there %d times; want it once", name, len(values))
		}
	}
	if c.op.body == nil {
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, mostBody))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return err
		}
		return badBody.because("", "the body did not come whole")
	}
	if len(body) == 0 {
		body = []byte("{}")
	} else if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return badType.because("", "Content-Type is %q; want application/json", short(c.r.Header.Get("Content-Type")))
	}
	c.body = body
	return nil
}

// flag reads true or false from the query; absent is false.
func (c *call) flag(name string) (bool, error) {
	switch v := c.r.URL.Query().Get(name); v {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, badQuery.because("", "%s is %q; want true or false", name, short(v))
	}
}

// patient leaves a request the time that it needs, beyond the deadlines of the server.
func (c *call) patient(until time.Time) {
	rc := http.NewResponseController(c.w)
	_ = rc.SetReadDeadline(until) // who cannot do that has none
	_ = rc.SetWriteDeadline(until)
}

// short cuts foreign text to a bearable length.
func short(text string) string { return words.Short(text) }
