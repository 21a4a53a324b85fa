package control_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/control"
	"homefleet/fleet/control/api"
	"homefleet/fleet/events"
	"homefleet/fleet/report"
	"homefleet/fleet/requester"
	"homefleet/fleet/web"
	"homefleet/scenarios"
)

const token = "4f3c2b1a09"

// home is a fleet that runs, and its control on a real socket.
type home struct {
	t     testing.TB
	url   string
	fleet *fleet.Fleet
	api   *control.Server
	over  chan struct{} // closed when the run is
	end   func()        // ends the control, as at the end of a run; once

	broker *broker.Broker
	log    *lines // of the fleet
}

// lines are what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

const block = `
seed = 1
[connect]
session_expiry = "1h"
keep_alive = "60s"
[[device]]
kind  = "light"
homes = 3
count = 2
home  = "flat-{h:2}"
id    = "{home}-light-{n}"
[[device]]
kind = "plug"
id   = "kettle"
load = "kettle"
`

// start runs a scenario with a broker of its own, until the test ends. with changes how it
// is controlled.
func start(t testing.TB, src string, with ...func(*control.Config)) *home {
	t.Helper()
	b, err := broker.New(broker.Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return startAt(t, place{own: b, dial: b.Dial}, src, with...)
}

// place is where a scenario runs.
type place struct {
	own   *broker.Broker // nil: the broker is another's
	dial  func(context.Context) (net.Conn, error)
	shard scenarios.Shard // the zero value: it is the whole
}

// startAt is start in a place.
func startAt(t testing.TB, at place, src string, with ...func(*control.Config)) *home {
	t.Helper()
	sc, faults := scenarios.Load("test.toml", []byte(src))
	if faults.Err() != nil {
		t.Fatal(faults)
	}
	var err error
	if at.shard.N > 0 {
		if sc, err = sc.Shard(at.shard, "test"); err != nil {
			t.Fatal(err)
		}
	}
	h := &home{t: t, broker: at.own, over: make(chan struct{}), log: new(lines)}
	o := fleet.Options{Run: "test", BrokerName: "the test's", Dial: at.dial, Events: events.New("test"), Journals: true, Log: slog.New(slog.NewTextHandler(h.log, nil))}
	if at.own != nil {
		o.Embedded, o.InMemory, o.BrokerControl = true, true, at.own
	}
	f, err := fleet.New(sc, o)
	if err != nil {
		t.Fatal(err)
	}
	h.fleet = f
	config := control.Config{Version: "v0", Fleet: f, Scenario: sc, Run: "test", Brokers: []string{"mqtt://127.0.0.1:1"},
		Stop: f.Stop, Token: token, Phone: requester.NewPhone(requester.PhoneConfig{Name: "test", Dial: at.dial, Patience: time.Minute}), Hosts: []string{"homefleet"}, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up 1") })}
	for _, set := range with {
		set(&config)
	}
	h.api = control.New(config)
	h.end = sync.OnceFunc(h.api.End)
	s := httptest.NewUnstartedServer(nil)
	s.Config = web.NewBounded(128, h.api, slog.New(slog.DiscardHandler))
	s.Start()
	h.url = s.URL
	go func() {
		defer close(h.over)
		_ = f.Run(context.Background()) // the test looks at the result
	}()
	t.Cleanup(func() {
		f.Stop()
		<-h.over
		h.end()
		s.Close()
	})
	select {
	case <-f.Ready():
	case <-time.After(time.Minute):
		t.Fatal("the devices are not up after a minute")
	}
	// A Will of an outage that the auditor did not see from its beginning is not judged.
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if status, body, _ := h.ask("GET", "/readyz", ""); status == http.StatusOK {
			return h
		} else if time.Now().After(end) {
			t.Fatalf("GET /readyz = %d %s after a minute; want 200", status, body)
		}
	}
}

// ask makes a request and returns the status and the body. body is "" or JSON; headers
// are "Name: value", and "Host" is that.
func (h *home) ask(method, path, body string, headers ...string) (int, string, http.Header) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case name == "Host":
			r.Host = value
		case value == "":
			r.Header.Del(name)
		default:
			r.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, string(bytes.TrimSpace(text)), resp.Header
}

// problemOf is the last word of a problem's type.
func problemOf(t *testing.T, body string) string {
	t.Helper()
	var p struct{ Type string }
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Errorf("%s is no problem: %v", body, err)
	}
	return strings.TrimPrefix(p.Type, "/problems/")
}

// Who may ask: by every name that a request can come with, from every origin, with and
// without the token.
func TestWhoMayAsk(t *testing.T) {
	h := start(t, block)
	port := h.url[strings.LastIndexByte(h.url, ':'):]
	for _, tt := range []struct {
		name         string
		method, path string
		headers      []string
		status       int
		problem      string
	}{
		{"token", "GET", "/v1", nil, 200, ""},
		{"no token", "GET", "/v1", []string{"Authorization: "}, 401, "unauthorized"},
		{"wrong token", "GET", "/v1", []string{"Authorization: Bearer " + token + "x"}, 401, "unauthorized"},
		{"beginning of the token", "GET", "/v1", []string{"Authorization: Bearer " + token[:4]}, 401, "unauthorized"},
		{"empty token", "GET", "/v1", []string{"Authorization: Bearer"}, 401, "unauthorized"},
		{"another scheme", "GET", "/v1", []string{"Authorization: Basic " + token}, 401, "unauthorized"},
		{"what is not there", "GET", "/v2", []string{"Authorization: "}, 401, "unauthorized"},
		{"around the path", "GET", "/healthz/../v1", []string{"Authorization: "}, 401, "unauthorized"},
		{"metrics without", "GET", "/metrics", []string{"Authorization: "}, 401, "unauthorized"},
		{"metrics with", "GET", "/metrics", nil, 200, ""},
		{"health", "GET", "/healthz", []string{"Authorization: "}, 200, ""},
		{"ready", "GET", "/readyz", []string{"Authorization: "}, 200, ""},
		{"document", "GET", "/openapi.json", []string{"Authorization: "}, 200, ""},
		{"a problem's page", "GET", "/problems/not-now", []string{"Authorization: "}, 200, ""},
		{"localhost", "GET", "/v1", []string{"Host: localhost" + port}, 200, ""},
		{"IPv6", "GET", "/v1", []string{"Host: [::1]" + port}, 200, ""},
		{"a name of its own", "GET", "/v1", []string{"Host: HomeFleet" + port}, 200, ""},
		{"another name", "GET", "/v1", []string{"Host: evil.example" + port}, 403, "host-not-allowed"},
		{"a name without a dot", "GET", "/healthz", []string{"Host: evil"}, 403, "host-not-allowed"},
		{"localhost as a part", "GET", "/healthz", []string{"Host: localhost.evil.example"}, 403, "host-not-allowed"},
		{"same origin", "POST", "/v1/stop?", []string{"Origin: " + h.url, "Authorization: "}, 401, "unauthorized"},
		{"another origin reads", "GET", "/v1", []string{"Origin: https://evil.example"}, 403, "cross-origin"},
		{"another port reads", "GET", "/v1", []string{"Origin: http://127.0.0.1:1"}, 403, "cross-origin"},
		{"no origin", "GET", "/v1", []string{"Origin: null"}, 403, "cross-origin"},
		{"another origin writes", "POST", "/v1/stop", []string{"Origin: https://evil.example"}, 403, "cross-origin"},
		{"another site", "GET", "/v1", []string{"Sec-Fetch-Site: cross-site"}, 403, "cross-origin"},
		{"the same site", "GET", "/v1", []string{"Sec-Fetch-Site: same-site"}, 403, "cross-origin"},
		{"the same origin", "GET", "/v1", []string{"Sec-Fetch-Site: same-origin"}, 200, ""},
		{"a method", "PUT", "/v1", nil, 405, "bad-method"},
		{"a path", "GET", "/v1/stpo", nil, 404, "no-such-page"},
		{"a query", "GET", "/v1?x=1", nil, 422, "bad-query"},
	} {
		status, body, header := h.ask(tt.method, tt.path, "", tt.headers...)
		problem := ""
		if status >= 400 {
			problem = problemOf(t, body)
			if got := header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("%s: Content-Type is %q; want application/problem+json", tt.name, got)
			}
		}
		if status != tt.status || problem != tt.problem {
			t.Errorf("%s: %s %s = %d %q; want %d %q", tt.name, tt.method, tt.path, status, problem, tt.status, tt.problem)
		}
		if strings.Contains(body, token) {
			t.Errorf("%s: the reply has the token", tt.name)
		}
	}
	select {
	case <-h.over:
		t.Error("the run has ended, which nobody had the right to ask for")
	default:
	}
}

// Whoever has the token and is slow to send what he asks for keeps nobody out, however many
// of them there are.
func TestSlowBodiesKeepNobodyOut(t *testing.T) {
	h := start(t, block)
	slow := make([]net.Conn, 80) // 64 are served at a time
	for i := range slow {
		nc, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		const body = `{"attribute":"power","payload":"ON"}`
		fmt.Fprintf(nc, "POST /v1/devices/kettle/command HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", token, len(body), body[:20])
		slow[i] = nc
	}
	time.Sleep(20 * time.Millisecond) // they are there
	began := time.Now()
	must[api.Status](h, "GET", "/v1", "")
	if took := time.Since(began); took > 8*time.Second { // a body may take ten
		t.Errorf("beside %d bodies that have come in part an answer takes %v", len(slow), took)
	}
	fmt.Fprint(slow[0], `{"attribute":"power","payload":"ON"}`[20:])
	answer, err := http.ReadResponse(bufio.NewReader(slow[0]), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("when the rest comes: %v (%v); want 200", answer, err)
	}
}

// Whoever stops the run has intervened.
func TestStopIsInTheResult(t *testing.T) {
	h := start(t, block)
	if status, body, _ := h.ask("POST", "/v1/stop", ""); status != 202 || body != `{"intervention":1,"phase":"run"}` {
		t.Errorf("POST /v1/stop = %d %s", status, body)
	}
	<-h.over
	res, err := h.fleet.Result()
	if err != nil {
		t.Fatal(err)
	}
	if !res.Attended || len(res.Interventions) != 1 || res.Interventions[0].Op != "stop" || res.Interventions[0].N != 1 || res.Interventions[0].At <= 0 {
		t.Errorf("attended: %v, %+v; want one intervention, stop", res.Attended, res.Interventions)
	}
	var text bytes.Buffer
	if err := res.Encode(&text); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), token) {
		t.Error("the result has the token")
	}
	text.Reset()
	if err := report.Text(&text, res, report.TextOptions{Width: 100}); err != nil || !strings.Contains(text.String(), "somebody intervened 1 time while it ran") {
		t.Errorf("the report does not say that somebody intervened: %v\n%s", err, &text)
	}
	if status, body, _ := h.ask("GET", "/readyz", ""); status != 503 || !strings.Contains(body, "the run is over") {
		t.Errorf("GET /readyz = %d %s; want 503, over", status, body)
	}
}

// Each problem has a page that says what it means.
func TestProblemsHavePages(t *testing.T) {
	h := start(t, block)
	_, body, _ := h.ask("GET", "/v1/x", "")
	var p struct{ Type string }
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	if status, page, header := h.ask("GET", p.Type, ""); status != 200 || !strings.HasPrefix(page, "No such page (404)") || header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("GET %s = %d %q", p.Type, status, page)
	}
	if status, _, _ := h.ask("GET", "/problems/none", ""); status != 404 {
		t.Errorf("GET /problems/none = %d; want 404", status)
	}
}
