// Package web is the HTTP server that everything of ours stands on which listens
// for HTTP: it bounds what a stranger on the network can make it hold. It knows
// nothing of what is served.
package web

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Deadlines of a connection. A WebSocket has none of them once it is one.
const (
	headerTime = 5 * time.Second  // until a request's header has come
	readTime   = 10 * time.Second // until the request has
	writeTime  = 10 * time.Second // until its answer is written
)

// mostHeader bounds a request's header, in bytes.
const mostHeader = 16 << 10

// NewServer makes a server for a listener. It has deadlines for all that a client
// can draw out, answers one request a connection, has at most so many connections
// that speak HTTP, and answers only to
// the names that are its own: a page of another origin whose name was made to
// point here (DNS rebinding) gets 421.
//
// These names are every IP address, localhost, the host that the listener was asked
// for, and, beyond this machine, names without a dot.
func NewServer(l net.Listener, host string, most int, h http.Handler, log *slog.Logger) *http.Server {
	local := true
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		local = addr.IP.IsLoopback()
	}
	return NewBounded(most, own(local, host, h), log)
}

// NewBounded is NewServer for a handler that looks at the name by itself.
func NewBounded(most int, h http.Handler, log *slog.Logger) *http.Server {
	conns := &connections{most: most, all: make(map[net.Conn]*connection)}
	s := &http.Server{
		Handler:           conns.served(h),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		MaxHeaderBytes:    mostHeader,
		ConnContext:       conns.open,
		ConnState:         conns.change,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	// Whoever sends requests one behind the other would have them all answered,
	// however long that takes, before others have a turn.
	s.SetKeepAlivesEnabled(false)
	return s
}

// own serves requests that were meant for this server.
func own(local bool, host string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, here := HostOf(r)
		switch {
		case here, host != "" && strings.EqualFold(name, host):
		case !local && name != "" && !strings.Contains(strings.TrimSuffix(name, "."), "."):
		default:
			http.Error(w, "this server does not go by that name", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// HostOf returns the name that a request was meant for, without its port; here is that it
// is an IP address or localhost, which no name server can have point elsewhere.
func HostOf(r *http.Request) (name string, here bool) {
	name = r.Host
	if n, _, err := net.SplitHostPort(name); err == nil {
		name = n
	}
	name = strings.Trim(name, "[]")
	_, err := netip.ParseAddr(name)
	return name, err == nil || strings.EqualFold(name, "localhost")
}

// connections counts those that speak HTTP.
type connections struct {
	most   int
	mu     sync.Mutex
	opened uint64
	all    map[net.Conn]*connection
}

// connection is one of them.
type connection struct {
	nc      net.Conn
	number  uint64 // in the order of opening
	serving bool   // a request is whole and is being answered
}

// key is what a connection is found by in the context of its requests.
type key struct{}

// open notes a connection for those who serve its requests.
func (c *connections) open(ctx context.Context, nc net.Conn) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened++
	one := &connection{nc: nc, number: c.opened}
	c.all[nc] = one
	return context.WithValue(ctx, key{}, one)
}

// change is told of every connection. Where there is one too many, the one goes
// that can be spared most, so that whoever fills all of them, and sends or reads
// nothing, does not keep others out.
func (c *connections) change(nc net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s == http.StateClosed || s == http.StateHijacked {
		delete(c.all, nc)
		return
	}
	one := c.all[nc]
	if one == nil { // it had to go
		return
	}
	if s != http.StateNew || len(c.all) <= c.most {
		return
	}
	var surplus *connection
	for _, other := range c.all {
		if other != one && (surplus == nil || other.before(surplus)) {
			surplus = other
		}
	}
	delete(c.all, surplus.nc)
	_ = surplus.nc.Close() // nobody is there to be told
}

// before reports whether a connection can be spared rather than another: one whose
// request is not whole rather than one whose answer is not taken, and of equals the
// older.
func (c *connection) before(other *connection) bool {
	if c.serving != other.serving {
		return other.serving
	}
	return c.number < other.number
}

// served notes that a request is whole, as long as it is being answered.
func (c *connections) served(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one, ok := r.Context().Value(key{}).(*connection)
		note := func(serving bool) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if ok {
				one.serving = serving
			}
		}
		note(true)
		defer note(false)
		h.ServeHTTP(w, r)
	})
}

// Buffered makes answers whole before any of it is written, so that a handler that
// serves a few at a time is not held by a client who does not read, and makes one
// at a time. Requests that come meanwhile and ask for the same share the next one,
// which is made after they have come: however many ask, it takes little more work.
// What is asked for is told by the method, the URL, and what may be accepted.
func Buffered(h http.Handler) http.Handler {
	var (
		making = make(chan struct{}, 1) // full while one is made
		mu     sync.Mutex
		next   = make(map[string]*shared) // guarded by mu
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := strings.Join([]string{r.Method, r.URL.String(), r.Header.Get("Accept"), r.Header.Get("Accept-Encoding")}, "\n")
		mu.Lock()
		a := next[asked]
		first := a == nil
		if first {
			a = &shared{made: make(chan struct{})}
			next[asked] = a
		}
		mu.Unlock()
		if first {
			making <- struct{}{}
			mu.Lock()
			delete(next, asked)
			mu.Unlock()
			func() {
				defer func() { <-making }() // also if it goes down
				a.make(h, r)
			}()
		}
		<-a.made
		maps.Copy(w.Header(), a.header)
		w.WriteHeader(a.code)
		_, _ = w.Write(a.body.Bytes()) // the client may be gone
	})
}

// shared is an answer for all who wait for it.
type shared struct {
	buffered
	made chan struct{}
}

// make makes the answer, which is an error if the handler goes down with it.
func (a *shared) make(h http.Handler, r *http.Request) {
	defer close(a.made)
	a.header, a.code = make(http.Header), http.StatusInternalServerError
	one := buffered{header: a.header, code: http.StatusOK}
	h.ServeHTTP(&one, r)
	a.buffered = one
}

type buffered struct {
	header http.Header
	code   int
	wrote  bool
	body   bytes.Buffer
}

func (b *buffered) Header() http.Header { return b.header }

func (b *buffered) WriteHeader(code int) {
	if !b.wrote {
		b.code, b.wrote = code, true
	}
}

func (b *buffered) Write(p []byte) (int, error) {
	b.wrote = true
	return b.body.Write(p)
}
