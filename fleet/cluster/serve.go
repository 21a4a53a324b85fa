package cluster

import (
	"bytes"
	"compress/gzip"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"homefleet/fleet/metrics"
)

// MostResult bounds the result of a shard, in bytes of JSON: that of ten thousand devices has less
// than one million.
const MostResult = 64 << 20

// resultTime is how long a result may take to come, over a slow link.
const resultTime = 2 * time.Minute

// resultsAtOnce bounds the results that are read at a time; others come again a little later.
const resultsAtOnce = 4

// Handler serves the collector over HTTP; see docs of the package's protocol in README.md.
func (c *Collector) Handler() http.Handler {
	mux := http.NewServeMux()
	reading := make(chan struct{}, resultsAtOnce)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /v1/run", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, c.gathering())
	})
	mux.HandleFunc("POST /v1/clock", func(w http.ResponseWriter, _ *http.Request) {
		received := c.nanos(time.Now())
		reply(w, clockAnswer{Received: received, Sent: c.nanos(time.Now())})
	})
	mux.HandleFunc("POST /v1/ready", func(w http.ResponseWriter, r *http.Request) {
		var q readyQuestion
		if ask(w, r, &q) {
			c.serveReady(w, r, &q)
		}
	})
	mux.HandleFunc("POST /v1/progress", func(w http.ResponseWriter, r *http.Request) {
		var q progressQuestion
		if !ask(w, r, &q) {
			return
		}
		a, err := c.hears(&q, time.Now())
		answer(w, a, err)
	})
	mux.HandleFunc("PUT /v1/result", func(w http.ResponseWriter, r *http.Request) {
		select {
		case reading <- struct{}{}:
			defer func() { <-reading }()
			c.serveResult(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			fail(w, http.StatusServiceUnavailable, "several results are being read; come again")
		}
	})
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		probe := *r
		probe.Method = http.MethodPost // what is behind the token is nobody's from elsewhere
		if err := origins.Check(&probe); err != nil {
			fail(w, http.StatusForbidden, "the request comes from a page of another origin")
			return
		}
		if r.URL.Path != "/healthz" && !c.authorized(r) {
			fail(w, http.StatusUnauthorized, "no token, or a wrong one; want Authorization: Bearer TOKEN")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (c *Collector) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	right := subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(c.config.Token)) == 1
	return c.config.Token == "" || right && strings.EqualFold(scheme, "Bearer")
}

// serveReady holds its answer back until something is otherwise, so that nobody has to ask often.
func (c *Collector) serveReady(w http.ResponseWriter, r *http.Request, q *readyQuestion) {
	until := time.NewTimer(holdBack)
	defer until.Stop()
	for {
		a, changed, err := c.ready(q, time.Now())
		if err != nil || changed == nil {
			answer(w, a, err)
			return
		}
		select {
		case <-changed:
		case <-until.C:
			reply(w, a)
			return
		case <-r.Context().Done():
			c.left(&q.Member)
			return
		}
	}
}

// serveResult reads a result and who it is from, which stands in the head of the request.
func (c *Collector) serveResult(w http.ResponseWriter, r *http.Request) {
	var from Member
	if err := json.Unmarshal([]byte(r.Header.Get(memberHeader)), &from); err != nil {
		fail(w, http.StatusBadRequest, "who the result is from is not said: "+memberHeader+" holds no member")
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(resultTime)) // where a server has none, it waits
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(resultTime + askFor))
	body := io.Reader(http.MaxBytesReader(w, r.Body, MostResult))
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			fail(w, http.StatusBadRequest, "the result is not the gzip that it says it is")
			return
		}
		body = unzipped
	}
	text, err := io.ReadAll(io.LimitReader(body, MostResult+1))
	switch {
	case err != nil:
		fail(w, http.StatusBadRequest, "reading the result: "+err.Error())
		return
	case len(text) > MostResult:
		fail(w, http.StatusRequestEntityTooLarge, "the result is larger than 64 MiB")
		return
	}
	results, _, err := metrics.DecodeResults(bytes.NewReader(text))
	switch {
	case err != nil:
		fail(w, http.StatusUnprocessableEntity, err.Error())
	case len(results) != 1:
		fail(w, http.StatusUnprocessableEntity, "want the result of one run")
	default:
		answer(w, struct{}{}, c.take(&from, results[0], time.Now()))
	}
}

// ask reads a question; it is false where that is not one, and the answer is written.
func ask(w http.ResponseWriter, r *http.Request, to any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostQuestion))
	if err := d.Decode(to); err != nil {
		fail(w, http.StatusBadRequest, "this is no question: "+err.Error())
		return false
	}
	return true
}

func answer(w http.ResponseWriter, a any, err error) {
	if why, ok := errors.AsType[*refusal](err); ok {
		fail(w, why.status, why.what)
		return
	}
	reply(w, a)
}

func reply(w http.ResponseWriter, a any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a) // to somebody who is gone
}

func fail(w http.ResponseWriter, status int, what string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{Title: http.StatusText(status), Status: status, Detail: what})
}

// memberHeader says whose result it is.
const memberHeader = "Homefleet-Member"
