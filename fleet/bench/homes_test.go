//go:build linux

package bench

import (
	"fmt"
	"strings"

	"homefleet/scenarios"
)

// perHome is how many devices a home has.
const perHome = 25

// homes makes the scenario that is measured: the homes of the shipped scenario
// apartment-block, twelve lights, five thermostats and eight plugs each, with
// Wills that have a Response Topic and everything else that a device can have.
// States are not retained, so that an answer can stand for the state message
// where the Response Topic is the state topic.
func homes(j *job, more string) (*scenarios.Scenario, error) {
	sc, faults := scenarios.Load("bench", []byte(homesText(j)+more))
	if sc == nil || faults.Err() != nil {
		return nil, fmt.Errorf("the bench's own scenario: %w", faults.Err())
	}
	return sc, nil
}

// lightsText is the scenario of plain lights, as a file.
func lightsText(j *job) string {
	if j.Face != "" {
		return fmt.Sprintf("seed = 1\n[connect]\nkeep_alive = \"%ds\"\ntimeout = \"60s\"\n", j.KeepAlive) + lightsIn(j.Face, j.Lights)
	}
	text := fmt.Sprintf("seed = 1\n[connect]\nkeep_alive = \"%ds\"\ntimeout = \"60s\"\n[[device]]\nkind = \"light\"\nid = \"flat-light-{n}\"\ncount = %d\nqos = %d\n",
		j.KeepAlive, j.Lights, j.QoS)
	if j.Every != "" {
		text += fmt.Sprintf("telemetry = %q\n", j.Every)
	}
	return text
}

// homesText is that scenario as a file.
func homesText(j *job) string {
	if j.Lights > 0 {
		return lightsText(j)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "seed = 1\n[connect]\nsession_expiry = \"1h\"\nkeep_alive = \"%ds\"\ntimeout = \"60s\"\n", j.KeepAlive)
	group := func(kind, params, id string, count int) {
		fmt.Fprintf(&b, `
[[device]]
kind = %q
%s
homes = %d
count = %d
home = "flat-{h:4}"
id = "{home}-%s"
`, kind, params, j.Homes, count, id)
		if j.Telemetry > 0 {
			fmt.Fprintf(&b, "telemetry = \"%ds\"\n", j.Telemetry)
		}
		b.WriteString(`[device.will]
delay = "5s"
response_topic = "will/seen/{id}"
correlation_data = "{id}/{run}"
[device.will.user_properties]
home = "{home}"
`)
	}
	group("light", "", "light-{n:2}", 12)
	group("thermostat", "", "room-{n}", 5)
	for _, load := range []string{"fridge", "kettle", "washing-machine", "tv", "router"} {
		group("plug", fmt.Sprintf("load = %q", load), load, 1)
	}
	group("plug", `load = "lamp"`, "lamp-{n}", 3)
	return b.String()
}

// names returns the ids of all devices, in order.
func names(j *job) ([]string, error) {
	sc, err := homes(j, "")
	if err != nil {
		return nil, err
	}
	var ids []string
	for d := range sc.Devices() {
		ids = append(ids, d.ID)
	}
	return ids, nil
}
