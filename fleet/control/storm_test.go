package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homefleet/fleet/control/api"
)

// Every verb from eight goroutines while devices flap and viewers come, look on and go:
// each reply is one that the document allows, and afterwards everybody is back and answers.
func TestVerbsInAStorm(t *testing.T) {
	h := start(t, block+"\n[audit]\n")
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
	}
	viewers := []*listening{h.listen("?most=1000"), h.listen("?types=presence,will"), h.listen("?home=flat-01")}
	until := time.Now().Add(700 * time.Millisecond)
	var asking sync.WaitGroup
	for g := range 8 {
		asking.Go(func() {
			for i := g; time.Now().Before(until); i++ {
				v := verbs[(i*7+g)%len(verbs)]
				r, err := http.NewRequestWithContext(context.Background(), v.method, h.url+v.path, strings.NewReader(v.body))
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
	must[api.Bulk](h, "POST", "/v1/actions/revive", `{"select":{"all":true}}`)
	must[api.Bulk](h, "POST", "/v1/actions/reset", `{"select":{"all":true}}`)
	h.wait(`{"select":{"all":true},"until":{"online":true},"timeout":"1m"}`)
	if got := must[api.CommandReply](h, "POST", "/v1/devices/kettle/command", `{"attribute":"power","payload":"ON"}`); got.Value != "ON" {
		t.Errorf("after the storm power answers %q; want ON", got.Value)
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

// Each operation of the document is called, and what it replies is what the document says.
func TestEveryOperation(t *testing.T) {
	h := start(t, block+"\n[audit]\n[[controller]]\nname = \"phones\"\nattribute = \"power\"\nrate = \"10/s\"\n")
	calls := map[string][2]string{ // by operation, the path and the body
		"health": {"/healthz"}, "ready": {"/readyz"}, "status": {"/v1"},
		"list-devices": {"/v1/devices"}, "get-device": {"/v1/devices/kettle"}, "list-kinds": {"/v1/kinds"},
		"command-device": {"/v1/devices/kettle/command", `{"attribute":"power","payload":"ON"}`},
		"command":        {"/v1/actions/command", `{"select":{"id":"kettle"},"attribute":"power","payload":"ON"}`},
		"kill":           {"/v1/actions/kill", `{"select":{"home":"flat-01"}}`},
		"revive":         {"/v1/actions/revive", `{"select":{"home":"flat-01"}}`},
		"misbehave":      {"/v1/actions/misbehave", `{"select":{"home":"flat-01"},"drop":"1%"}`},
		"add-devices":    {"/v1/devices", `{"kind":"light","id":"new-{n}","count":2,"brightness":10}`},
		"remove":         {"/v1/actions/remove", `{"select":{"id":"flat-03-light-2"},"clear":true}`},
		"put-fault":      {"/v1/faults/far", `{"select":{"home":"flat-01"},"latency":"1ms"}`}, "get-fault": {"/v1/faults/far"},
		"list-faults": {"/v1/faults"}, "delete-fault": {"/v1/faults/far"},
		"behave":         {"/v1/actions/behave", `{"select":{"home":"flat-01"}}`},
		"reset":          {"/v1/actions/reset", `{"select":{"home":"flat-01"}}`},
		"wait":           {"/v1/wait", `{"select":{"all":true},"until":{"online":true,"values":{"power":"ON"}},"timeout":"10ms"}`},
		"strike":         {"/v1/incidents", `{"kind":"power-cut","for":"1h","target":{"home":"flat-02"}}`},
		"list-incidents": {"/v1/incidents"}, "get-incident": {"/v1/incidents/1"}, "end-incident": {"/v1/incidents/1"},
		"get-journal": {"/v1/devices/kettle/journal"}, "list-exchanges": {"/v1/exchanges"}, "get-map": {"/v1/map"}, "list-homes": {"/v1/homes"},
		"get-history": {"/v1/history?after=0"}, "get-result": {"/v1/result"},
		"get-load": {"/v1/load"}, "load": {"/v1/load", `{"paused":true}`}, "load-group": {"/v1/load/phones", `{"paused":false,"factor":2}`},
		"list-wills": {"/v1/wills"}, "list-interventions": {"/v1/interventions"}, "stop": {"/v1/stop"},
	}
	doc := h.document()
	if doc.OpenAPI != "3.1.0" || len(doc.Paths) < 15 {
		t.Fatalf("the document is of OpenAPI %q and has %d paths", doc.OpenAPI, len(doc.Paths))
	}
	order := func(id string) int { // what is there is looked at while it is, and the end is last
		if at := slices.Index([]string{"strike", "list-incidents", "get-incident", "end-incident", "put-fault", "get-fault", "list-faults", "delete-fault"}, id); at >= 0 {
			return at - 8
		}
		if id == "stop" {
			return 1
		}
		return 0
	}
	type one struct{ method, path, id string }
	var all []one
	for path, methods := range doc.Paths {
		for method, op := range methods {
			all = append(all, one{strings.ToUpper(method), path, op.ID})
		}
	}
	slices.SortFunc(all, func(a, b one) int {
		if d := order(a.id) - order(b.id); d != 0 {
			return d
		}
		return strings.Compare(a.id, b.id)
	})
	for _, o := range all {
		if o.id == "events" {
			continue // see TestEvents
		}
		call, ok := calls[o.id]
		if !ok {
			t.Errorf("%s %s (%s) is in the document, and nobody calls it", o.method, o.path, o.id)
			continue
		}
		delete(calls, o.id)
		status, reply, _ := h.ask(o.method, call[0], call[1])
		documented, ok := doc.Paths[o.path][strings.ToLower(o.method)].Responses[fmt.Sprint(status)]
		if status >= 300 || !ok {
			t.Errorf("%s %s = %d %s; want what the document has", o.method, call[0], status, reply)
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(reply), &v); err != nil {
			t.Errorf("%s: %v", o.id, err)
			continue
		}
		doc.check(t, o.id, documented.Content["application/json"].Schema, v)
	}
	for id := range calls {
		t.Errorf("the document lacks %s", id)
	}
}

// document returns that of the API.
func (h *home) document() (doc document) {
	h.t.Helper()
	_, text, _ := h.ask("GET", "/openapi.json", "", "Authorization: ")
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		h.t.Fatal(err)
	}
	return doc
}

// document is as much of an OpenAPI document as is looked at.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		ID        string `json:"operationId"`
		Responses map[string]struct {
			Description string
			Content     map[string]struct{ Schema schema }
		}
	}
	Components struct{ Schemas map[string]schema }
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Properties map[string]schema
	Required   []string
	Items      *schema
	Enum       []any
}

// check checks a value against its schema, and that nothing is in it that the schema does
// not have.
func (d *document) check(t *testing.T, at string, s schema, v any) {
	t.Helper()
	if s.Ref != "" {
		name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		one, ok := d.Components.Schemas[name]
		if !ok {
			t.Errorf("%s: the document lacks the schema %s", at, name)
			return
		}
		s = one
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		t.Errorf("%s is %v; the document has %v", at, v, s.Enum)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				t.Errorf("%s lacks %s, which the document requires", at, name)
			}
		}
		for name, value := range v {
			if of, ok := s.Properties[name]; ok {
				d.check(t, at+"."+name, of, value)
			} else if len(s.Properties) > 0 {
				t.Errorf("%s has %s, which the document does not", at, name)
			}
		}
	case []any:
		for i, value := range v {
			if s.Items != nil {
				d.check(t, fmt.Sprintf("%s[%d]", at, i), *s.Items, value)
			}
		}
	case nil:
		t.Errorf("%s is null", at)
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
