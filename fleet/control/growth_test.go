package control_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/control/api"
	"homefleet/scenarios"
)

const growing = `
seed = 4
[connect]
session_expiry = "1h"
rate = "50/s"
[[device]]
kind = "light"
id = "old-{n}"
count = 2
retain = true
[phases]
measure = "12s"
[audit]
[[controller]]
target = { id = "old-1" }
attribute = "power"
payload = "TOGGLE"
rate = "10/s"
qos = 1
[[incident]]
kind = "power-cut"
at = "4030ms"
for = "1s"
`

// Devices come and go while the run is measured and audited: those that came are struck like
// the others, those that went are missed by nobody, and the books add up.
func TestDevicesComeAndGo(t *testing.T) {
	var added api.Added
	var removed api.Removed
	var list api.Devices
	read := func(text string, out any) {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	online := func(h *bubbled) (up api.Presence) {
		var s api.Status
		read(h.do("GET", "/v1", ""), &s)
		return s.Devices
	}
	res := inBubble(t, growing, func(h *bubbled) {
		h.at(time.Second)
		read(h.do("POST", "/v1/devices?dry_run=true", `{"kind":"thermostat","id":"new-{n}","count":3}`), &added)
		if up := online(h); added.Devices != 3 || !added.DryRun || up.Total != 2 {
			t.Errorf("tried out: %+v, then there are %+v; want 3, and nobody came", added, up)
		}
		added = api.Added{}
		read(h.do("POST", "/v1/devices", `{"kind":"thermostat","id":"new-{n}","count":3,"home":"flat"}`), &added)
		if want := []string{"new-1", "new-2", "new-3"}; !slices.Equal(added.IDs, want) || added.First != 2 || added.Intervention != 1 || !added.Present {
			t.Errorf("added %+v; want %v from number 2", added, want)
		}
		h.do("POST", "/v1/wait", `{"select":{"home":"flat"},"until":{"online":true,"count":3},"timeout":"2s"}`)
		if up := online(h); up.Total != 5 || up.Online != 5 || up.Seen != 5 {
			t.Errorf("with them there are %+v; want 5 online", up)
		}
		h.do("POST", "/v1/devices", `{"kind":"plug","id":"boxed","present":false}`)
		if up := online(h); up.Total != 5 || up.NotPresent != 1 {
			t.Errorf("with one that is not present there are %+v; want 5, and it", up)
		}
		h.do("POST", "/v1/devices/new-2/command", `{"attribute":"target","payload":"22"}`)
		h.at(4500 * time.Millisecond)
		if up := online(h); up.Online != 0 {
			t.Errorf("in the power cut %d are online; want none", up.Online)
		}
		h.do("POST", "/v1/actions/remove", `{"select":{"id":"new-1"}}`) // while it is away
		h.at(7 * time.Second)
		read(h.do("POST", "/v1/actions/remove", `{"select":{"ids":["new-2","boxed"]},"clear":true}`), &removed)
		if removed.Selected != 2 || removed.Done != 2 || removed.Retained == nil || removed.Retained.Held == 0 || removed.Retained.Left != 0 {
			t.Errorf("removed %+v, %+v; want two, and nothing left of them", removed.Bulk, removed.Retained)
		}
		if up := online(h); up.Total != 3 || up.Online != 3 || up.Seen != 3 || up.NotPresent != 0 {
			t.Errorf("then there are %+v; want 3 online", up)
		}
		read(h.do("GET", "/v1/devices", ""), &list)
		if list.Total != 3 || list.Devices[2].ID != "new-3" || list.Devices[2].Number != 4 {
			t.Errorf("the list has %+v; want new-3 with its number, 4", list)
		}
		if status, text := h.ask("GET", "/v1/devices/new-2", ""); status != 404 || !strings.Contains(text, "new-2 was removed") {
			t.Errorf("a removed device is %d %s", status, text)
		}
		if status, text := h.ask("POST", "/v1/actions/kill", `{"select":{"id":"new-1"}}`); status != 409 || !strings.Contains(text, "was removed") {
			t.Errorf("to kill a removed device is %d %s", status, text)
		}
		read(h.do("POST", "/v1/devices", `{"kind":"light","id":"last"}`), &added)
		if added.First != 6 {
			t.Errorf("the next has number %d; want 6, which none had", added.First)
		}
	})
	if d := res.Devices; d.Total != 4 || d.Online != 4 || d.Seen != 4 || d.Added != 5 || d.Removed != 3 {
		t.Errorf("at the end %+v; want 4 of 4 online, 5 added, 3 removed", d)
	}
	for _, r := range res.Recoveries {
		if strings.Contains(r.Incident, "power-cut") && (r.Online.Count != r.Affected || r.Affected == 0) {
			t.Errorf("%s: of %d in %q, %d are back", r.Incident, r.Affected, r.Group, r.Online.Count)
		}
	}
	w := res.Audit.Wills
	if w.Missing+w.Late+w.Early+w.Unexpected > 0 || w.OnTime == 0 {
		t.Errorf("Wills: %+v; want those of the power cut on time, and no more", w)
	}
	if r := res.Audit.Retained; r == nil || r.Checked == 0 || r.Right != r.Checked {
		t.Errorf("retained: %+v; want all of it right", r)
	}
	if len(res.Interventions) != 6 || !res.Attended {
		t.Errorf("%d interventions; want 6", len(res.Interventions))
	}
}

// Devices that come and go, named faults, and what was done by keys in a terminal are done
// again like all else. None of it is at a moment at which something else happens as well, such
// as a request: of two timers of one moment, either may be the first.
func TestReplayOfGrowthAndFaults(t *testing.T) {
	first := inBubble(t, growing, func(h *bubbled) {
		h.at(1137 * time.Millisecond)
		h.do("POST", "/v1/devices", `{"kind":"light","id":"new-{n}","count":3,"retain":true}`)
		h.do("POST", "/v1/devices", `{"kind":"plug","id":"boxed","present":false}`)
		h.at(1537 * time.Millisecond)
		h.do("PUT", "/v1/faults/far", `{"select":{"share":"60%"},"latency":"40ms","jitter":"20ms"}`)
		h.at(2137 * time.Millisecond)
		h.do("POST", "/v1/actions/revive", `{"select":{"id":"boxed"}}`)
		h.do("POST", "/v1/actions/kill", `{"select":{"ids":["new-3"]},"way":"cut"}`)
		h.at(2537 * time.Millisecond)
		h.do("PUT", "/v1/faults/far", `{"select":{"id":"old-1"},"bandwidth":"4KiB/s"}`)
		h.do("POST", "/v1/actions/remove", `{"select":{"id":"new-1"}}`)
		h.at(3137 * time.Millisecond)
		h.do("POST", "/v1/devices/old-2/command", `{"attribute":"power","payload":"TOGGLE","via":"hand"}`)
		h.do("POST", "/v1/actions/remove", `{"select":{"ids":["new-3","boxed"]},"clear":true}`)
		h.at(6137 * time.Millisecond)
		h.do("PUT", "/v1/faults/lost", `{"select":{"id":"old-2"},"blackhole":true}`)
		h.do("DELETE", "/v1/faults/far", "")
		h.at(7137 * time.Millisecond)
		h.do("POST", "/v1/actions/reset", `{"select":{"all":true}}`)
		h.do("DELETE", "/v1/faults/lost", "")
	})
	if n := len(first.Interventions); n != 13 || first.Devices.Added != 4 || first.Devices.Removed != 3 {
		t.Fatalf("%d interventions, %+v; want 13, 4 devices added and 3 removed", n, first.Devices)
	}
	for i := range first.Interventions {
		if one := &first.Interventions[i]; one.Op == "kill" || one.Op == "command-device old-2" {
			one.By = "terminal"
		}
	}
	replayTwice(t, growing, first)
}

// What is removed leaves nothing of itself with the broker, however it had gone, in both
// versions of MQTT; and its Will comes, or does not, as with any other device.
func TestRemovedLeaveTheBrokerClean(t *testing.T) {
	for version, more := range map[string]string{"5": "[device.will]\ndelay = \"4s\"\n", "3.1.1": "[broker]\nmqtt = \"3.1.1\"\n"} {
		res := inBubble(t, leaving+more, func(h *bubbled) {
			h.at(time.Second)
			before := h.broker.Stats().Sessions
			for i, way := range scenarios.OfflineModes() {
				h.do("POST", "/v1/actions/kill", fmt.Sprintf(`{"select":{"id":"lamp-%d"},"way":%q}`, i+1, way))
			}
			h.at(2 * time.Second)
			h.do("PUT", "/v1/faults/slow", `{"select":{"id":"lamp-9"},"latency":"100ms"}`)
			if got := h.broker.Stats().Sessions; got != before {
				t.Errorf("MQTT %s: %d sessions with seven devices away; want %d, as before", version, got, before)
			}
			for n := 1; n <= 9; n++ { // the eighth and ninth are online
				h.do("POST", "/v1/actions/remove", fmt.Sprintf(`{"select":{"id":"lamp-%d"},"clear":true}`, n))
			}
			if got := h.broker.Stats(); got.Sessions != before-9 || got.Clients != got.Sessions {
				t.Errorf("MQTT %s: %d sessions, %d clients with nine devices removed; want %d, all connected", version, got.Sessions, got.Clients, before-9)
			}
		})
		if w := res.Audit.Wills; w.Missing+w.Late+w.Early+w.Unexpected > 0 || w.OnTime < 5 {
			t.Errorf("MQTT %s: Wills %+v; want those of the ways that have one, on time", version, w)
		}
		if d := res.Devices; d.Total != 3 || d.Online != 3 || d.Removed != 9 {
			t.Errorf("MQTT %s: at the end %+v; want 3 of 3, 9 removed", version, d)
		}
	}
}

const leaving = `
seed = 4
[phases]
measure = "20s"
[audit]
[connect]
session_expiry = "1h"
[[device]]
kind = "light"
id = "lamp-{n}"
count = 12
retain = true
`

// A device that the broker has refused for good can be removed, and is in no figure then.
func TestRemoveWhoGaveUp(t *testing.T) {
	inBubble(t, twoLamps, func(h *bubbled) {
		<-h.fleet.Ready()
		if got := h.do("GET", "/v1", ""); !strings.Contains(got, `"total":2,"online":1,"seen":1,"gave_up":1`) {
			t.Errorf("at first %s; want one that gave up", got)
		}
		if status, _ := h.ask("GET", "/readyz", ""); status != 503 {
			t.Errorf("ready = %d with a device that gave up; want 503", status)
		}
		if got := h.do("POST", "/v1/actions/remove", `{"select":{"id":"lamp-2"}}`); !strings.Contains(got, `"done":1`) {
			t.Errorf("remove: %s; want it done", got)
		}
		if got := h.do("GET", "/v1", ""); !strings.Contains(got, `"total":1,"online":1,"seen":1,"gave_up":0`) {
			t.Errorf("then %s; want one device", got)
		}
		if status, body := h.ask("GET", "/readyz", ""); status != 200 {
			t.Errorf("ready = %d %s; want 200", status, body)
		}
		if status, _ := h.ask("POST", "/v1/actions/remove", `{"select":{"id":"lamp-2"}}`); status != 409 {
			t.Errorf("removed again: %d; want 409", status)
		}
	}, func(b *bubbling) {
		b.broker.Admit = func(i broker.ConnectInfo) byte {
			if i.ClientID == "lamp-2" {
				return 0x87
			}
			return 0
		}
	})
}

// A shard takes no devices, nor what the auditor would not hear of, each with a sentence that
// says why; and nothing is noted.
func TestAddRefused(t *testing.T) {
	add := func(h *bubbled, body string) string {
		t.Helper()
		for _, path := range []string{"/v1/devices?dry_run=true", "/v1/devices"} {
			status, text := h.ask("POST", path, body)
			if status != 409 || !strings.Contains(text, "/problems/not-here") {
				t.Errorf("POST %s %s = %d %s; want 409, not here", path, body, status, text)
			}
			if path == "/v1/devices" {
				return text
			}
		}
		return ""
	}
	res := inBubble(t, growing, func(h *bubbled) {
		h.at(time.Second)
		if got := add(h, `{"kind":"light","id":"x","will":{"topic":"elsewhere/{id}"}}`); !strings.Contains(got, "the auditor does not hear of those on elsewhere/+") {
			t.Errorf("a Will elsewhere: %s", got)
		}
		if got := add(h, `{"kind":"light","id":"x","mqtt":"3.1.1"}`); !strings.Contains(got, "the devices would speak MQTT 3.1.1") {
			t.Errorf("MQTT 3.1.1: %s", got)
		}
		h.do("POST", "/v1/devices", `{"kind":"light","id":"y-{n}","count":9999,"present":false}`)
		if got := add0(h, `{"kind":"light","id":"z-{n}","count":2}`); !strings.Contains(got, "that makes 10001 devices that were added to the run; want at most 10000") {
			t.Errorf("more than there may be: %s", got)
		}
	})
	if len(res.Interventions) != 1 {
		t.Errorf("%d interventions; want the one that was done", len(res.Interventions))
	}
	inBubble(t, "[phases]\nmeasure = \"5s\"\n[[device]]\nkind = \"light\"\ncount = 4\n[[controller]]\nattribute = \"power\"\nrate = \"10/s\"\n", func(h *bubbled) {
		h.at(time.Second)
		if got := add(h, `{"kind":"light","id":"x"}`); !strings.Contains(got, "the run is a shard") || !strings.Contains(got, "present = false") {
			t.Errorf("on a shard: %s", got)
		}
	}, func(b *bubbling) { b.shard = scenarios.Shard{K: 1, N: 2} })
}

// add0 asks for devices and returns the reply, whatever it is.
func add0(h *bubbled, body string) string {
	_, text := h.ask("POST", "/v1/devices", body)
	return text
}
