package control_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/control/api"
)

// must asks for something that works and reads the reply.
func must[T any](h *home, method, path, body string, headers ...string) (out T) {
	h.t.Helper()
	status, text, _ := h.ask(method, path, body, headers...)
	if status >= 300 {
		h.t.Fatalf("%s %s %s = %d %s", method, path, body, status, text)
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		h.t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return out
}

// wait waits for devices and fails if they are not so in time.
func (h *home) wait(body string) api.WaitReply {
	h.t.Helper()
	out := must[api.WaitReply](h, "POST", "/v1/wait", body)
	if !out.Met {
		h.t.Fatalf("wait %s: %+v; want it met", body, out)
	}
	return out
}

// A dry run says how many devices an incident would affect: as many as it does, though a
// share is drawn anew each time.
func TestForetoldIsWhatHappens(t *testing.T) {
	h := start(t, `
[[device]]
kind  = "light"
homes = 3
count = 20
`)
	for i, share := range []string{"7%", "31%", "50%", "11%", "83%"} {
		body := fmt.Sprintf(`{"kind":"wifi-loss","for":"1h","target":{"share":%q,"home":"home-*"}}`, share)
		want := must[api.Struck](h, "POST", "/v1/incidents?dry_run=true", body)
		got := must[api.Struck](h, "POST", "/v1/incidents", body)
		if got.Incident.Devices != want.Incident.Devices || want.Incident.Devices == 0 {
			t.Errorf("incident %d of a share of %s: it affects %d devices; it was said before that it would affect %d", i+1, share, got.Incident.Devices, want.Incident.Devices)
		}
	}
}

// A day with a block of flats, as a test in any language goes through it.
func TestFromListToStop(t *testing.T) {
	h := start(t, block)
	if got := must[api.Devices](h, "GET", "/v1/devices?home=flat-02", ""); got.Total != 2 || got.Devices[0].ID != "flat-02-light-1" || !got.Devices[1].Online {
		t.Errorf("list of flat-02: %+v; want its two lights, online", got)
	}
	page := must[api.Devices](h, "GET", "/v1/devices?limit=4", "")
	rest := must[api.Devices](h, "GET", "/v1/devices?limit=4&cursor="+page.Next, "")
	if page.Total != 7 || len(page.Devices) != 4 || len(rest.Devices) != 3 || rest.Next != "" || rest.Devices[2].ID != "kettle" {
		t.Errorf("pages: %+v, %+v; want 4 and 3 of 7", page, rest)
	}

	on := must[api.CommandReply](h, "POST", "/v1/devices/flat-01-light-1/command", `{"attribute":"power","payload":"ON"}`)
	if on.Value != "ON" || on.Request.Topic != "cmnd/flat-01-light-1/power" || on.Response.Topic != on.Request.ResponseTopic ||
		on.Request.CorrelationData == "" || on.Response.CorrelationData != on.Request.CorrelationData || on.RoundTrip == "" {
		t.Errorf("command: %+v; want ON with its correlation data on the response topic", on)
	}
	hand := must[api.CommandReply](h, "POST", "/v1/devices/flat-01-light-1/command", `{"attribute":"brightness","payload":"40","via":"hand"}`)
	if hand.Value != "40" || hand.RoundTrip != "" {
		t.Errorf("by hand: %+v; want 40", hand)
	}
	one := must[api.Device](h, "GET", "/v1/devices/flat-01-light-1", "")
	if one.Values["power"] != "ON" || one.Values["brightness"] != "40" || !one.Online || len(one.HeldBy) != 0 || one.ClientID != "flat-01-light-1" || !json.Valid(one.Telemetry) {
		t.Errorf("device: %+v; want it ON at 40", one)
	}

	lights := `{"select":{"kind":"light"}`
	if got := must[api.Bulk](h, "POST", "/v1/actions/kill?dry_run=true", lights+`,"way":"cut"}`); got.Selected != 6 || got.Done != 0 || len(got.IDs) != 6 || got.Intervention != 0 {
		t.Errorf("dry run: %+v; want six and nothing done", got)
	}
	if got := must[api.Bulk](h, "POST", "/v1/actions/kill", lights+`,"way":"cut"}`); got.Selected != 6 || got.Done != 6 {
		t.Errorf("kill: %+v; want six done", got)
	}
	if got := must[api.Bulk](h, "POST", "/v1/actions/kill", lights+`,"way":"reset"}`); got.Already != 6 {
		t.Errorf("kill again: %+v; want it done already", got)
	}
	h.wait(lights + `,"until":{"online":false}}`)
	if got := must[api.Device](h, "GET", "/v1/devices/flat-01-light-1", ""); got.Online || !slices.Equal(got.HeldBy, []string{"hand"}) {
		t.Errorf("killed: %+v; want it held by hand", got)
	}
	if got := must[api.Devices](h, "GET", "/v1/devices?online=true", ""); got.Total != 1 || got.Devices[0].ID != "kettle" {
		t.Errorf("online: %+v; want the kettle alone", got)
	}
	if status, body, _ := h.ask("POST", "/v1/devices/flat-01-light-1/command", `{"attribute":"power","timeout":"50ms"}`); status != 504 || !strings.Contains(body, "flat-01-light-1 is offline") {
		t.Errorf("command to a dead device = %d %s; want 504, offline", status, body)
	}
	if got := must[api.Bulk](h, "POST", "/v1/actions/revive", lights+`}`); got.Done != 6 {
		t.Errorf("revive: %+v; want six done", got)
	}
	h.wait(lights + `,"until":{"online":true}}`)

	struck := must[api.Struck](h, "POST", "/v1/incidents", `{"kind":"power-cut","target":{"home":"flat-03"},"for":"1h"}`)
	if struck.Incident.State != "running" || struck.Incident.Devices != 2 || !struck.Incident.ByHand {
		t.Errorf("strike: %+v; want two devices", struck)
	}
	h.wait(`{"select":{"home":"flat-03"},"until":{"online":false}}`)
	if status, body, _ := h.ask("POST", "/v1/actions/revive", `{"select":{"home":"flat-03"}}`); status != 409 || problemOf(t, body) != "all-refused" || !strings.Contains(body, "kept off by incident") {
		t.Errorf("revive in an incident = %d %s; want a refusal", status, body)
	}
	path := fmt.Sprintf("/v1/incidents/%d", struck.Incident.Number)
	if got := must[api.Struck](h, "DELETE", path, ""); got.Incident.State != "over" || !got.Incident.Ended || got.Intervention == 0 {
		t.Errorf("end: %+v; want it over", got)
	}
	h.wait(`{"select":{"home":"flat-03"},"until":{"online":true}}`)
	if got := must[api.Struck](h, "DELETE", path, ""); got.Intervention != 0 || got.Incident.State != "over" {
		t.Errorf("end again: %+v; want nothing done", got)
	}
	if got := must[api.Incidents](h, "GET", "/v1/incidents", ""); len(got.Incidents) != 1 || got.Incidents[0].Kind != "power-cut" {
		t.Errorf("incidents: %+v; want the power cut", got)
	}

	log := must[api.Interventions](h, "GET", "/v1/interventions", "")
	var ops []string
	for i, one := range log.Interventions {
		if one.N <= i {
			t.Errorf("intervention %d has the number %d", i, one.N)
		}
		ops = append(ops, one.Op)
	}
	want := []string{"command-device flat-01-light-1", "command-device flat-01-light-1", "kill", "kill", "command-device flat-01-light-1", "revive", "strike", "revive", "end-incident 1"}
	if !slices.Equal(ops, want) {
		t.Errorf("interventions: %q; want %q", ops, want)
	}
	must[api.Stopping](h, "POST", "/v1/stop", "")
	<-h.over
	res, err := h.fleet.Result()
	if err != nil || !res.Attended || len(res.Interventions) != len(want)+1 {
		t.Errorf("the result has %d interventions, attended: %v, %v; want %d", len(res.Interventions), res.Attended, err, len(want)+1)
	}
	for _, in := range res.Incidents {
		if time.Duration(in.To) > time.Minute {
			t.Errorf("the incident that was ended lasts until %v; want its end", in.To)
		}
	}
}

// What devices do wrong on request they do, and reset takes it off one home and no other.
func TestMisbehaveBehaveReset(t *testing.T) {
	h := start(t, block)
	all := `{"select":{"kind":"light"}`
	if got := must[api.Bulk](h, "POST", "/v1/actions/misbehave", all+`,"drop":"100%"}`); got.Done != 6 {
		t.Errorf("misbehave: %+v; want six", got)
	}
	if got := must[api.Bulk](h, "POST", "/v1/actions/misbehave", all+`,"drop":"100%"}`); got.Already != 6 {
		t.Errorf("misbehave again: %+v; want six already", got)
	}
	if status, body, _ := h.ask("POST", "/v1/devices/flat-01-light-1/command", `{"attribute":"power","payload":"ON","timeout":"50ms"}`); status != 504 {
		t.Errorf("command to a device that drops its answers = %d %s; want 504", status, body)
	}
	h.wait(`{"select":{"id":"flat-01-light-1"},"until":{"values":{"power":"ON"}}}`) // it obeyed
	if got := must[api.Device](h, "GET", "/v1/devices/flat-01-light-1", ""); !maps.Equal(got.Misbehaves, map[string]string{"drop": "100%"}) {
		t.Errorf("misbehaves: %v; want drop", got.Misbehaves)
	}
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"home":"flat-01"},"way":"silence"}`)
	if got := must[api.Bulk](h, "POST", "/v1/actions/reset", `{"select":{"home":"flat-01"}}`); got.Done != 2 {
		t.Errorf("reset: %+v; want two", got)
	}
	h.wait(`{"select":{"home":"flat-01"},"until":{"online":true,"values":{"power":"OFF"}}}`)
	if got := must[api.CommandReply](h, "POST", "/v1/devices/flat-01-light-1/command", `{"attribute":"power","payload":"TOGGLE"}`); got.Value != "ON" {
		t.Errorf("after reset power answers %q; want ON", got.Value)
	}
	if got := must[api.Device](h, "GET", "/v1/devices/flat-02-light-1", ""); got.Misbehaves == nil {
		t.Error("reset of flat-01 has flat-02 behave, too")
	}
	if got := must[api.Bulk](h, "POST", "/v1/actions/behave", all+`}`); got.Done != 4 || got.Already != 2 {
		t.Errorf("behave: %+v; want four, and two that do", got)
	}
	// A kill for a time ends by itself, and a revive before does not leave the end of the
	// first kill to the second.
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"kettle"},"for":"300ms"}`)
	must[api.Bulk](h, "POST", "/v1/actions/revive", `{"select":{"id":"kettle"}}`)
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"kettle"},"for":"1h"}`)
	time.Sleep(600 * time.Millisecond)
	if got := must[api.Device](h, "GET", "/v1/devices/kettle", ""); got.Online {
		t.Error("the kettle is back by the end of a kill that was revived from")
	}
	must[api.Bulk](h, "POST", "/v1/actions/revive", `{"select":{"id":"kettle"}}`)
	h.wait(`{"select":{"id":"kettle"},"until":{"online":true}}`)
	l := h.listen("?types=presence&id=kettle")
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"kettle"},"for":"100ms","spread":"100ms"}`)
	for _, online := range []bool{false, true} {
		if p, _ := next[api.PresenceChange](l, "presence"); p.Online != online {
			t.Errorf("killed for 100 ms the kettle is %+v; want it offline, and then online", p)
		}
	}
}

// Whoever waits in vain is told how things are.
func TestWaitInVain(t *testing.T) {
	h := start(t, block)
	got := must[api.WaitReply](h, "POST", "/v1/wait", `{"select":{"kind":"light"},"until":{"values":{"power":"ON"},"count":2},"timeout":"60ms"}`)
	if got.Met || got.Selected != 6 || got.Matching != 0 || len(got.Nearest) != 5 || got.Nearest[0].Values["power"] != "OFF" {
		t.Errorf("wait: %+v; want it not met, and five that are OFF", got)
	}
	start := time.Now()
	go func() {
		time.Sleep(50 * time.Millisecond)
		h.ask("POST", "/v1/actions/command", `{"select":{"home":"flat-0*"},"attribute":"power","payload":"ON"}`)
	}()
	if got := h.wait(`{"select":{"kind":"light"},"until":{"values":{"POWER":"ON"},"count":2},"timeout":"1m"}`); got.Matching < 2 || time.Since(start) > 50*time.Second {
		t.Errorf("wait: %+v; want two soon", got)
	}
}

// Each mistake is told in the words of the command line, with its place and what was meant.
func TestMistakes(t *testing.T) {
	h := start(t, block)
	for _, tt := range []struct {
		method, path, body string
		status             int
		problem            string
		words              string
	}{
		{"GET", "/v1/devices/flat-01-lihgt-1", "", 404, "no-such-device", `did you mean \"flat-01-light-1\"?`},
		{"GET", "/v1/devices?limit=0", "", 422, "bad-query", `limit is \"0\"; want a whole number from 1 to 1000`},
		{"GET", "/v1/devices?knid=light", "", 422, "bad-query", `did you mean \"kind\"?`},
		{"GET", "/v1/devices?kind=lihgt", "", 422, "bad-query", `did you mean \"light\"?`},
		{"GET", "/v1/wills", "", 409, "not-here", "nobody audits"},
		{"GET", "/v1/incidents/7", "", 404, "no-such-incident", "no incident"},
		{"DELETE", "/v1/incidents/x", "", 404, "no-such-incident", "no incident"},
		{"POST", "/v1/devices/kettle/command", `{"attribute":"pwoer"}`, 404, "no-such-attribute", `did you mean \"power\"?`},
		{"POST", "/v1/devices/kettle/command", `{"attribute":"power","payload":"MAYBE","via":"hand"}`, 422, "bad-payload", "ON, OFF or TOGGLE"},
		{"POST", "/v1/devices/kettle/command", `{"payload":"ON"}`, 422, "bad-body", `"pointer":"/attribute"`},
		{"POST", "/v1/devices/kettle/command", `{"attribute":"power","select":{}}`, 422, "bad-body", `unknown key \"select\"`},
		{"POST", "/v1/actions/kill", `{}`, 422, "bad-selector", `nobody is selected`},
		{"POST", "/v1/actions/kill", ``, 422, "bad-selector", `nobody is selected`},
		{"POST", "/v1/actions/kill", `[]`, 422, "bad-body", `want a JSON object`},
		{"POST", "/v1/actions/kill", `{"select":{"home":"flat-9"}}`, 409, "nothing-selected", `no device is in a home like`},
		{"POST", "/v1/actions/kill", `{"select":{"ids":["kettel"]}}`, 404, "no-such-device", `did you mean \"kettle\"?`},
		{"POST", "/v1/actions/kill", `{"select":{"online":false}}`, 409, "nothing-selected", `none of 7 devices is offline`},
		{"POST", "/v1/actions/kill?dry_run=yes", `{"select":{"all":true}}`, 422, "bad-query", `want true or false`},
		{"POST", "/v1/actions/misbehave", `{"select":{"all":true},"drop":"200%"}`, 422, "bad-body", `"pointer":"/drop"`},
		{"POST", "/v1/wait", `{"select":{"all":true},"until":{"values":{"brightness":"1"}}}`, 404, "no-such-attribute", `a plug has no attribute`},
		{"POST", "/v1/wait", `{"select":{"all":true},"until":{"will":"late"}}`, 409, "not-here", `nobody audits`},
		{"POST", "/v1/incidents", `{"kind":"powercut","for":"5s"}`, 422, "bad-incident", `did you mean \"power-cut\"?`},
		{"POST", "/v1/incidents", `{"kind":"power-cut"}`, 422, "bad-incident", `an incident without a length`},
		{"POST", "/v1/incidents", `{"kind":"slow-link","for":"5s"}`, 422, "bad-incident", `a slow-link that is not slow`},
		{"POST", "/v1/incidents", `{"kind":"power-cut","for":"5s","target":{"home":"flat-9"}}`, 409, "nothing-selected", `no device is in a home like`},
		{"POST", "/v1/actions/kill", `{"select":{"all":true},"x":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "too-large", "1048576 bytes"},
	} {
		status, body, _ := h.ask(tt.method, tt.path, tt.body)
		if got := problemOf(t, body); status != tt.status || got != tt.problem || !strings.Contains(body, tt.words) {
			t.Errorf("%s %s %.80s = %d %s; want %d %s with %q", tt.method, tt.path, tt.body, status, body, tt.status, tt.problem, tt.words)
		}
	}
	if status, body, _ := h.ask("POST", "/v1/actions/kill", `{"select":{"all":true}}`, "Content-Type: application/x-www-form-urlencoded"); status != 415 {
		t.Errorf("a form = %d %s; want 415", status, body)
	}
	if got := must[api.Interventions](h, "GET", "/v1/interventions", ""); len(got.Interventions) != 1 || got.Interventions[0].Done != 0 {
		t.Errorf("interventions after mistakes: %+v; want the command that the kettle refused", got)
	}
}

// A repeat with the same Idempotency-Key does nothing; another request with it is refused.
func TestIdempotencyKey(t *testing.T) {
	h := start(t, block)
	toggle := `{"attribute":"power","payload":"TOGGLE"}`
	first := must[api.CommandReply](h, "POST", "/v1/devices/kettle/command", toggle, "Idempotency-Key: a")
	again := must[api.CommandReply](h, "POST", "/v1/devices/kettle/command", toggle, "Idempotency-Key: a")
	if first.Value != again.Value || first.Intervention != again.Intervention {
		t.Errorf("the repeat is %+v after %+v; want the same reply", again, first)
	}
	if other := must[api.CommandReply](h, "POST", "/v1/devices/kettle/command", toggle, "Idempotency-Key: b"); other.Value == first.Value {
		t.Errorf("another key: %+v; want it toggled", other)
	}
	if status, body, _ := h.ask("POST", "/v1/devices/kettle/command", `{"attribute":"power","payload":"ON"}`, "Idempotency-Key: a"); status != 409 || problemOf(t, body) != "key-reused" {
		t.Errorf("another request with the key = %d %s; want 409 key-reused", status, body)
	}
}

// The Will of a device that was cut off can be waited for, and listed.
func TestWills(t *testing.T) {
	h := start(t, block+"\n[audit]\n")
	if got := must[api.Status](h, "GET", "/v1", ""); !slices.Contains(got.Abilities, "wills") {
		t.Errorf("abilities: %q; want wills", got.Abilities)
	}
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"home":"flat-02"},"way":"cut"}`)
	h.wait(`{"select":{"home":"flat-02"},"until":{"will":"on-time"},"timeout":"20s"}`)
	got := must[api.Wills](h, "GET", "/v1/wills?verdict=on-time&home=flat-02", "")
	if len(got.Wills) != 2 || got.Wills[0].Way != "cut" || got.Wills[0].Seen != 1 || got.Wills[0].SeenAt == "" {
		t.Errorf("wills: %+v; want two on time", got)
	}
	if want := (api.WillCount{Way: "cut", Verdict: "on-time", Count: 2}); len(got.Counts) != 1 || got.Counts[0] != want {
		t.Errorf("counts of wills: %+v; want %+v", got.Counts, want)
	}
	if got := must[api.Wills](h, "GET", "/v1/wills?verdict=missing", ""); len(got.Wills) != 0 {
		t.Errorf("missing wills: %+v; want none", got)
	}
	if status, body, _ := h.ask("GET", "/v1/wills?verdict=mising", ""); status != 422 || !strings.Contains(body, "did you mean") {
		t.Errorf("a misspelt verdict = %d %s", status, body)
	}
}
