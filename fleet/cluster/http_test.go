package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// Over HTTP: the token, other origins, questions that are none, and results that are none.
func TestHandler(t *testing.T) {
	c := New(Config{Shards: 2, Run: "r", Token: "secret"})
	s := httptest.NewServer(c.Handler())
	defer s.Close()
	member, _ := json.Marshal(aMember(1, 2))
	const right = "Bearer secret"
	for _, tt := range []struct {
		method, path, body string
		header             map[string]string
		want               int
	}{
		{"GET", "/healthz", "", nil, 200},
		{"GET", "/v1/run", "", nil, 401},
		{"GET", "/v1/run", "", map[string]string{"Authorization": "Bearer wrong"}, 401},
		{"GET", "/v1/run", "", map[string]string{"Authorization": right}, 200},
		{"GET", "/v1/run", "", map[string]string{"Authorization": right, "Origin": "http://evil.example"}, 403},
		{"POST", "/v1/ready", "{", map[string]string{"Authorization": right}, 400},
		{"POST", "/v1/progress", `"` + strings.Repeat("x", mostQuestion) + `"`, map[string]string{"Authorization": right}, 400},
		{"PUT", "/v1/result", "{}", map[string]string{"Authorization": right}, 400},
		{"PUT", "/v1/result", "{}", map[string]string{"Authorization": right, memberHeader: string(member)}, 422},
		{"PUT", "/v1/result", "no gzip", map[string]string{"Authorization": right, memberHeader: string(member), "Content-Encoding": "gzip"}, 400},
		{"DELETE", "/v1/result", "", map[string]string{"Authorization": right}, 405},
		{"GET", "/", "", map[string]string{"Authorization": right}, 404},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, s.URL+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range tt.header {
			r.Header.Set(k, v)
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != tt.want {
			t.Errorf("%s %s with %v = %d; want %d", tt.method, tt.path, tt.header, a.StatusCode, tt.want)
		}
	}
}

// Three shards over real connections, whose wall clocks are hours apart: one moment for all, and
// results that add up to one.
func TestThreeClients(t *testing.T) {
	c := New(Config{Shards: 3, Run: "r", Token: "secret", Lead: 50 * time.Millisecond, Barrier: time.Minute, Patience: time.Minute})
	s := httptest.NewServer(c.Handler())
	defer s.Close()
	begun := make(chan time.Time, 3)
	for k := 1; k <= 3; k++ {
		go func() {
			client, err := NewClient(s.URL, func() string { return "secret" })
			if err != nil {
				t.Error(err)
			}
			client.Member = aMember(k, 3)
			client.wall += int64(k) * int64(time.Hour)
			if of, err := client.Run(t.Context(), time.Minute); of.Run != "r" || of.Shards != 3 || slices.Contains(of.Delivered, k) || err != nil {
				t.Errorf("Run() = %+v, %v; want r, of 3, and nothing delivered of shard %d", of, err, k)
			}
			b, err := client.Begin(t.Context(), time.Minute, func([]string) {})
			if err != nil {
				t.Error(err)
			}
			var text bytes.Buffer
			if err := errors.Join(aResult(client.Member).Encode(&text), client.Deliver(context.Background(), text.Bytes(), time.Minute)); err != nil {
				t.Error(err)
			}
			if of, err := client.Run(t.Context(), time.Minute); !slices.Contains(of.Delivered, k) || err != nil {
				t.Errorf("Run() after delivery = %+v, %v; want shard %d in what is delivered", of, err, k)
			}
			begun <- b.At
		}()
	}
	first := <-begun
	for range 2 {
		if apart := (<-begun).Sub(first).Abs(); apart > time.Minute { // of hours; all are on one clock here
			t.Errorf("two shards find the moment %v apart", apart)
		}
	}
	<-c.Done()
	if res, lost, err := c.Outcome(); err != nil || len(lost) > 0 || len(res.Shards) != 3 {
		t.Errorf("outcome = %v, lost %v; want three shards", err, lost)
	}
}

// What answers and is no collector, and what has another token, is told.
func TestNoCollector(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	moved := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	defer moved.Close()
	shut := httptest.NewServer(New(Config{Shards: 1, Run: "r", Token: "secret"}).Handler())
	defer shut.Close()
	for _, tt := range []struct{ url, want string }{
		{other.URL, "404"},
		{moved.URL, "302"},
		{"http://127.0.0.1:1", "connection refused"},
	} {
		client, err := NewClient(tt.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Run(t.Context(), 0)
		if no, ok := errors.AsType[*Unreachable](err); !ok || !strings.Contains(no.Error(), tt.want) {
			t.Errorf("Run at %s = %v; want it to say %s", tt.url, err, tt.want)
		}
	}
	client, err := NewClient(shut.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Run(t.Context(), 0)
	if no, ok := errors.AsType[*Refused](err); !ok || !strings.Contains(no.What, "no token, or a wrong one") {
		t.Errorf("Run without the token = %v; want it refused", err)
	}
	for _, bad := range []string{"", "127.0.0.1:7677", "mqtt://h:1", "http://u:p@h", "http://h/x", "http://h?token=x"} {
		if _, err := NewClient(bad, nil); err == nil {
			t.Errorf("NewClient(%q) takes that; want an error", bad)
		}
	}
}
