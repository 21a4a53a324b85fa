package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"homefleet/fleet/mosquitto"
	"homefleet/scenarios"
)

const everything = block + "\n[audit]\n[[controller]]\nname = \"phones\"\nattribute = \"power\"\nrate = \"10/s\"\n"

// Each operation of the document is called, and what it replies is what the document says:
// of a run with a broker of its own, with Mosquitto, and of a shard.
func TestEveryOperation(t *testing.T) {
	for _, tt := range []struct {
		name    string
		at      place
		refused map[string]string // operations that are, and why
	}{
		{name: "Mosquitto"},
		{name: "first shard", at: place{shard: scenarios.Shard{K: 1, N: 2}}, refused: map[string]string{"add-devices": "the run is a shard"}},
		{name: "second shard", at: place{shard: scenarios.Shard{K: 2, N: 2}}, refused: map[string]string{
			"add-devices": "the run is a shard", "load": "the run has no controllers", "load-group": "the run has no controllers"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.at.dial = startMosquitto(t)
			everyOperation(t, startAt(t, tt.at, everything), tt.refused)
		})
	}
	t.Run("its own broker", func(t *testing.T) { everyOperation(t, start(t, everything), nil) })
}

// startMosquitto starts Debian's Mosquitto, until the test ends, and returns a way to reach it.
// Where it is not installed the test is skipped, unless HOMEFLEET_INTEROP=1 makes that a
// failure.
func startMosquitto(t *testing.T) func(context.Context) (net.Conn, error) {
	t.Helper()
	if _, err := mosquitto.Find(); err != nil {
		if os.Getenv("HOMEFLEET_INTEROP") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	b, err := mosquitto.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", b.Address())
	}
}

// ids are ids of devices of a run, and its homes, in the place of those of everything: a
// shard has a part of them.
func (h *home) ids() *strings.Replacer {
	var homes []string
	light := ""
	for _, d := range h.fleet.Devices() {
		if d.Home() != "" {
			light = d.ID()
		}
		if d.Home() != "" && !slices.Contains(homes, d.Home()) {
			homes = append(homes, d.Home())
		}
	}
	for len(homes) < 3 {
		homes = append(homes, homes[len(homes)-1])
	}
	kettle := h.fleet.Devices()[0].ID()
	return strings.NewReplacer("flat-03-light-2", light, "kettle", kettle, "flat-01", homes[0], "flat-02", homes[1], "flat-03", homes[2])
}

// everyOperation calls each operation.
func everyOperation(t *testing.T, h *home, refused map[string]string) {
	t.Helper()
	calls := map[string][2]string{ // by operation, the path and the body
		"health": {"/healthz"}, "ready": {"/readyz"}, "status": {"/v1"},
		"list-devices": {"/v1/devices"}, "list-faces": {"/v1/faces"}, "get-device": {"/v1/devices/kettle"}, "list-kinds": {"/v1/kinds"},
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
	mine := h.ids()
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
		status, reply, _ := h.ask(o.method, mine.Replace(call[0]), mine.Replace(call[1]))
		if why := refused[o.id]; why != "" {
			if status != 409 || !strings.Contains(reply, why) {
				t.Errorf("%s %s = %d %s; want 409, %s", o.method, call[0], status, reply, why)
			}
			continue
		}
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
