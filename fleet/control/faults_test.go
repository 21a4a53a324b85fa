package control_test

import (
	"strings"
	"testing"
	"time"

	"homefleet/fleet/control/api"
)

// A named fault makes connections slow or lets nothing pass until it is taken away, put again
// it takes the place of the first, and reset takes it off a device.
func TestNamedFaults(t *testing.T) {
	h := start(t, block)
	took := func(id string) time.Duration {
		t.Helper()
		began := time.Now()
		must[api.CommandReply](h, "POST", "/v1/devices/"+id+"/command", `{"attribute":"power","payload":"TOGGLE"}`)
		return time.Since(began)
	}
	put := func(body string) api.Bulk {
		t.Helper()
		return must[api.Bulk](h, "PUT", "/v1/faults/far", body)
	}
	// A device without a fault answers at once, or soon where this machine is busy with something
	// else; one with a fault never does.
	isFast := func(id, what string) {
		t.Helper()
		least := took(id)
		for end := time.Now().Add(20 * time.Second); least > 100*time.Millisecond && time.Now().Before(end); {
			least = min(least, took(id))
		}
		if least > 100*time.Millisecond {
			t.Errorf("%s it took %v at least; want no fault", what, least)
		}
	}
	took("kettle") // the requester has its connection
	if got := put(`{"select":{"home":"flat-*"},"latency":"80ms"}`); got.Done != 6 || got.Intervention == 0 {
		t.Errorf("put: %+v; want 6 done", got)
	}
	isFast("kettle", "without the fault")
	if slow := took("flat-01-light-1"); slow < 150*time.Millisecond {
		t.Errorf("with the fault it took %v; want 160ms", slow)
	}
	if d := must[api.Device](h, "GET", "/v1/devices/flat-01-light-1", ""); len(d.Slow) != 1 || d.Slow[0] != "hand" {
		t.Errorf("the device says that it is slow by %q; want hand", d.Slow)
	}
	put(`{"select":{"id":"kettle"},"latency":"80ms","jitter":"10ms"}`)
	isFast("flat-01-light-1", "put again elsewhere,")
	if slow := took("kettle"); slow < 130*time.Millisecond {
		t.Errorf("put again it took %v; want 140ms and more", slow)
	}
	if all := must[api.NamedFaults](h, "GET", "/v1/faults", "").Faults; len(all) != 1 || all[0].Name != "far" || all[0].Devices != 1 || all[0].Fault.Latency != "80ms" || all[0].Fault.Jitter != "10ms" {
		t.Errorf("there are %+v; want the second alone", all)
	}
	must[api.Bulk](h, "POST", "/v1/actions/reset", `{"select":{"id":"kettle"}}`)
	isFast("kettle", "after reset")
	put(`{"select":{"id":"kettle"},"blackhole":true}`)
	if status, text, _ := h.ask("POST", "/v1/devices/kettle/command", `{"attribute":"power","payload":"ON","timeout":"300ms"}`); status != 504 {
		t.Errorf("through a black hole came %d %s", status, text)
	}
	if got := must[api.Bulk](h, "DELETE", "/v1/faults/far", ""); got.Done != 1 {
		t.Errorf("deleted: %+v; want 1", got)
	}
	h.wait(`{"select":{"id":"kettle"},"until":{"online":true},"timeout":"1m"}`)
	took("kettle")
	if got := must[api.Bulk](h, "DELETE", "/v1/faults/far", ""); got.Done != 0 || got.Intervention != 0 {
		t.Errorf("deleted again: %+v; want nothing done", got)
	}
	for _, tt := range []struct{ method, path, body, problem, word string }{
		{"PUT", "/v1/faults/x", `{"select":{"all":true}}`, "bad-body", "a fault that does nothing"},
		{"PUT", "/v1/faults/x", `{"select":{"all":true},"latensy":"1s"}`, "bad-body", `did you mean \"latency\"?`},
		{"PUT", "/v1/faults/x", `{"select":{"all":true},"latency":"1s","jitter":"2s"}`, "bad-body", "want at most latency, 1s, around"},
		{"PUT", "/v1/faults/x", `{"latency":"1s"}`, "bad-selector", "nobody is selected"},
		{"PUT", "/v1/faults/%20", `{"select":{"all":true},"latency":"1s"}`, "bad-body", "the name of a fault"},
		{"GET", "/v1/faults/fra", "", "no-such-fault", "no fault"},
	} {
		if status, text, _ := h.ask(tt.method, tt.path, tt.body); status < 400 || problemOf(t, text) != tt.problem || !strings.Contains(text, tt.word) {
			t.Errorf("%s %s %s = %d %s; want %s, %s", tt.method, tt.path, tt.body, status, text, tt.problem, tt.word)
		}
	}
}
