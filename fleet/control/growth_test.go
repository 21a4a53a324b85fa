package control_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/control/api"
)

const growing = `
seed = 4
[connect]
session_expiry = "1h"
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
at = "4s"
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
