package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/control/api"
	"homefleet/fleet/responder"
)

// What a reply, a wait or the list of interventions says is so.

const twoLamps = `
seed = 4
duration = "2m"
[connect]
session_expiry = "1h"
[[device]]
kind = "light"
id = "lamp-{n}"
count = 2
`

// A device that is busy for too long is not killed, and stays so once it has time; nor is it
// commanded by hand, nor has it a fault, of which the reply says that it has not.
func TestWhatIsRefusedIsNotDoneLater(t *testing.T) {
	inBubble(t, twoLamps, func(h *bubbled) {
		<-h.fleet.Ready()
		busy := func() {
			d, _ := h.fleet.Device("lamp-1")
			d.Tell(func(*responder.Responder) { time.Sleep(17 * time.Second) })
		}
		busy()
		if got := h.do("POST", "/v1/actions/kill", `{"select":{"all":true}}`); !strings.Contains(got, `"done":1,"already":0,"refused":[{"id":"lamp-1","why":"it has not begun in time, and does not any more"}]`) {
			t.Errorf("kill: %s; want lamp-1 refused", got)
		}
		time.Sleep(10 * time.Second)
		busy()
		if status, got := h.ask("POST", "/v1/devices/lamp-1/command", `{"attribute":"power","payload":"ON","via":"hand","timeout":"5s"}`); status != 504 {
			t.Errorf("by hand: %d %s; want 504", status, got)
		}
		if status, got := h.ask("PUT", "/v1/faults/far", `{"select":{"id":"lamp-1"},"latency":"1s"}`); status != 409 {
			t.Errorf("fault: %d %s; want 409", status, got)
		}
		time.Sleep(15 * time.Second)
		var d api.Device
		if err := json.Unmarshal([]byte(h.do("GET", "/v1/devices/lamp-1", "")), &d); err != nil {
			t.Fatal(err)
		}
		if !d.Online || len(d.HeldBy)+len(d.Slow) > 0 || d.Values["power"] != "OFF" {
			t.Errorf("afterwards lamp-1 is %+v; want it online, OFF and quick", d)
		}
		if got := h.do("GET", "/v1/faults", ""); !strings.Contains(got, `"devices":0`) {
			t.Errorf("faults: %s; want one with no device", got)
		}
	})
}

// A kill without an end is not undone by the end of an earlier one, nor is it nothing; a
// third makes no difference, and a revive ends all.
func TestKillsThatOverlap(t *testing.T) {
	inBubble(t, twoLamps, func(h *bubbled) {
		<-h.fleet.Ready()
		kill := func(more, want string) {
			t.Helper()
			if got := h.do("POST", "/v1/actions/kill", `{"select":{"id":"lamp-1"}`+more+`}`); !strings.Contains(got, want) {
				t.Errorf("kill %s: %s; want %s", more, got, want)
			}
		}
		online := func(want bool) {
			t.Helper()
			if d, _ := h.fleet.Device("lamp-1"); d.Online() != want {
				t.Errorf("online: %t; want %t", d.Online(), want)
			}
		}
		kill(`,"for":"1s"`, `"done":1,"already":0`)
		kill(`,"for":"3s"`, `"done":1,"already":0`)
		time.Sleep(2 * time.Second)
		online(false)
		kill(``, `"done":1,"already":0`)
		kill(``, `"done":0,"already":1`)
		kill(`,"for":"1s"`, `"done":0,"already":1`)
		time.Sleep(10 * time.Second)
		online(false)
		h.do("POST", "/v1/actions/revive", `{"select":{"id":"lamp-1"}}`)
		time.Sleep(time.Second)
		online(true)
		for i := range 64 {
			kill(`,"for":"1h"`, fmt.Sprintf(`"intervention":%d`, 7+i))
		}
		if status, got := h.ask("POST", "/v1/actions/kill", `{"select":{"id":"lamp-1"},"for":"2h"}`); status != 409 || !strings.Contains(got, "kept off by 64 kills already") {
			t.Errorf("the 65th kill: %d %s; want it refused", status, got)
		}
	})
}

// Who is revived before the moment at which a kill with spread would take it off does not go,
// and neither does who is reset; the moment of a kill that was taken back is not that of another.
func TestSpreadKillsAreTakenBack(t *testing.T) {
	inBubble(t, twoLamps, func(h *bubbled) {
		<-h.fleet.Ready()
		act := func(verb, body, want string) {
			t.Helper()
			if got := h.do("POST", "/v1/actions/"+verb, body); !strings.Contains(got, want) {
				t.Errorf("%s %s: %s; want %s", verb, body, got, want)
			}
		}
		online := func(want ...bool) {
			t.Helper()
			for i := range want {
				if d, _ := h.fleet.Device(fmt.Sprintf("lamp-%d", i+1)); d.Online() != want[i] {
					t.Errorf("%s is online: %t; want %t", d.ID(), d.Online(), want[i])
				}
			}
		}
		all, first := `{"select":{"all":true}`, `{"select":{"id":"lamp-1"}`
		act("kill", all+`,"spread":"10s"}`, `"done":2,"already":0`)
		act("revive", first+`}`, `"done":1,"already":0`)
		act("revive", first+`}`, `"done":0,"already":1`)
		time.Sleep(15 * time.Second)
		online(true, false)
		act("kill", all+`,"spread":"10s"}`, `"done":1,"already":1`)
		act("reset", all+`}`, `"done":2`)
		time.Sleep(15 * time.Second)
		online(true, true)
		act("kill", all+`,"spread":"10s","for":"5s"}`, `"done":2,"already":0`)
		act("revive", all+`}`, `"done":2,"already":0`)
		act("kill", all+`,"spread":"1h"}`, `"done":2,"already":0`)
		time.Sleep(20 * time.Second)
		online(true, true)
		act("kill", first+`}`, `"done":1,"already":0`) // what is planned is not yet so
		time.Sleep(time.Second)
		online(false, true)
	})
}

// A wait is met by what is so: not by a device whose values nobody could read, and not by one
// that was removed.
func TestWaitIsNotMetByNobody(t *testing.T) {
	inBubble(t, twoLamps, func(h *bubbled) {
		<-h.fleet.Ready()
		d, _ := h.fleet.Device("lamp-1")
		d.Tell(func(*responder.Responder) { time.Sleep(12 * time.Second) })
		if got := h.do("POST", "/v1/wait", `{"select":{"id":"lamp-1"},"until":{"values":{"power":""}},"timeout":"1s"}`); !strings.Contains(got, `"met":false`) {
			t.Errorf("wait for a value that nobody could read: %s; want it not met", got)
		}
		time.Sleep(time.Minute / 3)
		go func() {
			time.Sleep(time.Second)
			h.do("POST", "/v1/actions/remove", `{"select":{"id":"lamp-1"}}`)
		}()
		if status, got := h.ask("POST", "/v1/wait", `{"select":{"id":"lamp-1"},"until":{"online":false},"timeout":"5s"}`); status != 409 || !strings.Contains(got, "was removed") {
			t.Errorf("wait for a removed device to be offline: %d %s; want 409", status, got)
		}
		h.do("POST", "/v1/devices", `{"kind":"light","id":"lamp-3"}`)
		h.do("POST", "/v1/wait", `{"select":{"id":"lamp-3"},"until":{"online":true}}`)
		go func() {
			time.Sleep(time.Second)
			h.do("POST", "/v1/actions/remove", `{"select":{"id":"lamp-2"}}`)
		}()
		if got := h.do("POST", "/v1/wait", `{"select":{"id":"lamp-*"},"until":{"online":false,"count":1},"timeout":"5s"}`); !strings.Contains(got, `"met":false`) || !strings.Contains(got, `"selected":1`) {
			t.Errorf("wait for one of two, of which one was removed: %s; want it not met by the other, alone", got)
		}
	})
}

// What is under way as the run ends is in the result all the same, with nobody done.
func TestInterventionUnderWayAtTheEnd(t *testing.T) {
	res := inBubble(t, twoLamps, func(h *bubbled) {
		done := make(chan struct{})
		<-h.fleet.Ready()
		h.do("POST", "/v1/actions/misbehave", `{"select":{"id":"lamp-1"},"drop":"100%"}`)
		go func() {
			defer close(done)
			h.ask("POST", "/v1/devices/lamp-1/command", `{"attribute":"power","payload":"ON","timeout":"1m"}`)
		}()
		time.Sleep(time.Second)
		if got := h.do("GET", "/v1/interventions", ""); !strings.Contains(got, `"op":"command-device lamp-1"`) {
			t.Errorf("interventions: %s; want the command that is under way", got)
		}
		h.do("POST", "/v1/stop", "")
		<-h.fleet.Over()
		all, err := h.fleet.Result()
		if err != nil || len(all.Interventions) != 3 || all.Interventions[1].Op != "command-device lamp-1" || all.Interventions[1].Done != 0 {
			t.Errorf("the result has %+v (%v); want the command among three", all.Interventions, err)
		}
		<-done
	})
	if !res.Attended {
		t.Error("the run is not attended")
	}
}

// Interventions that end in another order than they began in are each told once.
func TestInterventionsAreEachTold(t *testing.T) {
	h := start(t, block)
	l := h.listen("?types=intervention")
	must[api.Bulk](h, "POST", "/v1/actions/misbehave", `{"select":{"id":"kettle"},"drop":"100%"}`)
	slow := make(chan struct{})
	go func() {
		defer close(slow)
		h.ask("POST", "/v1/devices/kettle/command", `{"attribute":"power","payload":"ON","timeout":"700ms"}`)
	}()
	time.Sleep(100 * time.Millisecond)
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"home":"flat-01"}}`)
	<-slow
	must[api.Bulk](h, "POST", "/v1/actions/revive", `{"select":{"home":"flat-01"}}`)
	var told []int
	for len(told) < 4 {
		e, ok := <-l.events
		if !ok {
			t.Fatalf("told of %v, and no more", told)
		}
		var one api.Intervention
		if e.event != "intervention" {
			continue
		}
		if err := json.Unmarshal([]byte(e.data), &one); err != nil {
			t.Fatal(err)
		}
		told = append(told, one.N)
	}
	if slices.Sort(told); !slices.Equal(told, []int{1, 2, 3, 4}) {
		t.Errorf("told of interventions %v; want each once", told)
	}
}

// A client that goes away does not undo what it has asked for: who asks again with the same
// key hears what became of it.
func TestClientThatGoesAway(t *testing.T) {
	h := start(t, block)
	l := h.listen("?types=exchange")
	must[api.Bulk](h, "POST", "/v1/actions/misbehave", `{"select":{"id":"kettle"},"late":"100%","late_min":"300ms","late_max":"300ms"}`)
	toggle, before := `{"attribute":"power","payload":"TOGGLE"}`, must[api.Device](h, "GET", "/v1/devices/kettle", "").Values["power"]
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, "POST", h.url+"/v1/devices/kettle/command", strings.NewReader(toggle))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "once")
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if reply, err := http.DefaultClient.Do(r); err == nil { // on a machine that stood still
			_ = reply.Body.Close()
		}
	}()
	for e := range l.events {
		if e.event == "exchange" {
			break // the device has heard of it, and holds its answer back
		}
	}
	leave()
	<-gone
	again := must[api.CommandReply](h, "POST", "/v1/devices/kettle/command", toggle, "Idempotency-Key: once")
	if d := must[api.Device](h, "GET", "/v1/devices/kettle", ""); again.Value == before || d.Values["power"] == before {
		t.Errorf("the second answer is %+v, and the kettle %v; want it switched once", again, d.Values)
	}
	all := must[api.Interventions](h, "GET", "/v1/interventions", "").Interventions
	if len(all) != 2 || all[1].Done != 1 {
		t.Errorf("interventions: %+v; want the command, done", all)
	}
}

// A fault has as many devices as have it: not those that were reset or removed since.
func TestFaultsCountWhoHasThem(t *testing.T) {
	h := start(t, block)
	must[api.Bulk](h, "PUT", "/v1/faults/far", `{"select":{"kind":"light"},"latency":"5ms"}`)
	must[api.Bulk](h, "POST", "/v1/actions/reset", `{"select":{"home":"flat-01"}}`)
	must[api.Removed](h, "POST", "/v1/actions/remove", `{"select":{"id":"flat-02-light-1"}}`)
	if got := must[api.NamedFault](h, "GET", "/v1/faults/far", ""); got.Devices != 3 {
		t.Errorf("the fault has %d devices; want 3", got.Devices)
	}
	if got := must[api.Bulk](h, "DELETE", "/v1/faults/far", ""); got.Selected != 3 || got.Done != 3 {
		t.Errorf("deleted: %+v; want 3", got)
	}
	for _, d := range must[api.Devices](h, "GET", "/v1/devices", "").Devices {
		if one := must[api.Device](h, "GET", "/v1/devices/"+d.ID, ""); len(one.Slow) > 0 {
			t.Errorf("%s is slow by %v", d.ID, one.Slow)
		}
	}
}
