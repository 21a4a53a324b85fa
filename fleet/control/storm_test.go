package control_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homefleet/fleet/control/api"
)

// Every verb from eight goroutines while devices flap and viewers come, look on and go:
// each reply is one that the document allows, and afterwards everybody is back and answers.
func TestVerbsInAStorm(t *testing.T) {
	h := start(t, block+"\n[audit]\n[phases]\nmeasure = \"10m\"\n[[controller]]\nname = \"phones\"\nattribute = \"power\"\nrate = \"50/s\"\n")
	must[api.Struck](h, "POST", "/v1/incidents", `{"kind":"flapping","for":"1h","up":"30ms","down":"20ms"}`)
	verbs := []struct{ method, path, body string }{
		{"POST", "/v1/actions/kill", `{"select":{"share":"50%"},"way":"reset","for":"20ms"}`},
		{"POST", "/v1/actions/kill", `{"select":{"kind":"light"},"way":"silence"}`},
		{"POST", "/v1/actions/revive", `{"select":{"all":true},"session":"clean"}`},
		{"POST", "/v1/actions/misbehave", `{"select":{"home":"flat-01"},"late":"50%","duplicate":"50%"}`},
		{"POST", "/v1/actions/behave", `{"select":{"all":true}}`},
		{"POST", "/v1/actions/reset", `{"select":{"home":"flat-02"}}`},
		{"POST", "/v1/actions/command", `{"select":{"all":true},"attribute":"power","payload":"TOGGLE","timeout":"10ms"}`},
		{"POST", "/v1/devices/kettle/command", `{"attribute":"power","payload":"ON","via":"hand"}`},
		{"GET", "/v1/devices?online=true", ""},
		{"GET", "/v1/devices/flat-01-light-1", ""},
		{"GET", "/v1/wills", ""},
		{"GET", "/v1/interventions", ""},
		{"POST", "/v1/incidents", `{"kind":"wifi-loss","for":"20ms","target":{"share":"50%"}}`},
		{"DELETE", "/v1/incidents/2", ""},
		{"POST", "/v1/wait", `{"select":{"all":true},"until":{"online":true},"timeout":"10ms"}`},
		{"GET", "/v1/devices/kettle/journal", ""},
		{"GET", "/v1/exchanges", ""},
		{"GET", "/v1/events?types=exchange,refusal&id=flat-*", ""},
		{"GET", "/v1/events?tick=true&map=all&watch=kettle", ""},
		{"POST", "/v1/devices", `{"kind":"light","id":"new-NUMBER","home":"annex"}`},
		{"POST", "/v1/actions/remove", `{"select":{"home":"annex","share":"30%"},"clear":true}`},
		{"PUT", "/v1/faults/far", `{"select":{"share":"30%"},"latency":"2ms"}`},
		{"PUT", "/v1/faults/lost", `{"select":{"home":"flat-03"},"blackhole":true}`},
		{"DELETE", "/v1/faults/lost", ""},
		{"GET", "/v1/faults", ""},
		{"PATCH", "/v1/load", `{"paused":true}`},
		{"PATCH", "/v1/load/phones", `{"paused":false,"rate":"200/s"}`},
		{"GET", "/v1/load", ""},
		{"GET", "/v1/map", ""},
		{"GET", "/v1/homes", ""},
		{"GET", "/v1/history", ""},
		{"GET", "/v1/result", ""},
		{"GET", "/v1/faces", ""},
		{"GET", "/v1/kinds", ""},
	}
	must[api.Added](h, "POST", "/v1/devices", `{"kind":"light","id":"first","home":"annex"}`)
	must[api.Removed](h, "POST", "/v1/actions/remove", `{"select":{"id":"first"}}`)
	var number atomic.Int64
	viewers := []*listening{h.listen("?most=1000"), h.listen("?types=presence,will"), h.listen("?home=flat-01")}
	until := time.Now().Add(700 * time.Millisecond)
	var asking sync.WaitGroup
	for g := range 8 {
		asking.Go(func() {
			for i := g; time.Now().Before(until); i++ {
				v := verbs[(i*7+g)%len(verbs)]
				body := strings.ReplaceAll(v.body, "NUMBER", strconv.FormatInt(number.Add(1), 10))
				r, err := http.NewRequestWithContext(context.Background(), v.method, h.url+v.path, strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+token)
				r.Header.Set("Content-Type", "application/json")
				reply, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Errorf("%s %s: %v", v.method, v.path, err)
					return
				}
				_ = reply.Body.Close() // a stream ends by that
				if !slices.Contains([]int{200, 201, 404, 409, 503, 504}, reply.StatusCode) {
					t.Errorf("%s %s = %d", v.method, v.path, reply.StatusCode)
				}
			}
		})
	}
	asking.Wait()
	for i, l := range viewers {
		if _, ok := <-l.events; !ok {
			t.Errorf("viewer %d was sent away", i)
		}
	}
	must[api.Struck](h, "DELETE", "/v1/incidents/1", "")
	h.ask("POST", "/v1/actions/revive", `{"select":{"all":true}}`)
	must[api.Bulk](h, "POST", "/v1/actions/reset", `{"select":{"all":true}}`)
	h.wait(`{"select":{"all":true},"until":{"online":true},"timeout":"1m"}`)
	if got := must[api.CommandReply](h, "POST", "/v1/devices/kettle/command", `{"attribute":"power","payload":"ON"}`); got.Value != "ON" {
		t.Errorf("after the storm power answers %q; want ON", got.Value)
	}
	must[api.Stopping](h, "POST", "/v1/stop", "")
	<-h.over
	res, err := h.fleet.Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Check(); err != nil {
		t.Errorf("the books of the storm: %v", err)
	}
	d := res.Devices
	if want := 7 + d.Added - d.Removed; d.Total != want || d.Online != want || d.Added == 0 || d.Removed == 0 {
		t.Errorf("devices: %+v; want 7, those that came and not those that went, all online", d)
	}
	if n := &res.Totals; n.Planned != n.Sent+n.NotSent.Total() {
		t.Errorf("planned %d, sent %d, not sent %d; want a sum", n.Planned, n.Sent, n.NotSent.Total())
	}
}

// More requests than are served at a time are refused, and those that wait for a client
// who has gone do not stay.
func TestTooManyAtATime(t *testing.T) {
	h := start(t, block)
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	var mu sync.Mutex
	count := make(map[int]int)
	var asking sync.WaitGroup
	for range 70 {
		asking.Go(func() {
			r, err := http.NewRequestWithContext(ctx, "POST", h.url+"/v1/wait", strings.NewReader(`{"select":{"all":true},"until":{"online":false},"timeout":"10m"}`))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Content-Type", "application/json")
			if reply, err := http.DefaultClient.Do(r); err == nil {
				mu.Lock()
				count[reply.StatusCode]++
				mu.Unlock()
				_ = reply.Body.Close()
			}
		})
	}
	refused := func() int {
		mu.Lock()
		defer mu.Unlock()
		return count[503]
	}
	for until := time.Now().Add(time.Minute); refused() < 6 && time.Now().Before(until); {
		time.Sleep(5 * time.Millisecond)
	}
	if got := refused(); got != 6 {
		t.Errorf("%d of 70 requests are refused; want 6", got)
	}
	leave()
	asking.Wait()
	for until := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		status, body, _ := h.ask("GET", "/v1", "")
		if status == 200 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("when all have gone GET /v1 = %d %s; want 200", status, body)
		}
	}
}

// What fuzzers find goes in as a body, and comes out as a problem or a reply: the run goes on.
func FuzzBodies(f *testing.F) {
	h := start(f, block)
	f.Add("kill", `{"select":{"share":"50%"},"way":"cut","for":"1ms"}`)
	f.Add("misbehave", `{"select":{"ids":["kettle"]},"late":"50%"}`)
	f.Add("command", `{"select":{"id":"flat-*"},"attribute":"power","via":"hand"}`)
	f.Add("revive", `{"select":{"online":false},"rename":true}`)
	f.Fuzz(func(t *testing.T, verb, body string) {
		if !slices.Contains([]string{"kill", "revive", "misbehave", "behave", "reset", "command"}, verb) || strings.Contains(body, "mqtt") {
			return
		}
		mine := *h
		mine.t = t
		status, reply, _ := mine.ask("POST", "/v1/actions/"+verb+"?dry_run=true", body, "Content-Type: application/json")
		if status >= 500 {
			t.Errorf("%s %q = %d %s", verb, body, status, reply)
		}
		if !json.Valid([]byte(reply)) {
			t.Errorf("%s %q: %q is no JSON", verb, body, reply)
		}
	})
}
