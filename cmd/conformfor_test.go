package cmd

import (
	"strings"
	"testing"

	"homefleet/fleet/conformance"
	"homefleet/scenarios"
)

func shippedScenario(t *testing.T, name string) *scenarios.Scenario {
	t.Helper()
	src, ok := scenarios.ReadShipped(name)
	if !ok {
		t.Fatalf("there is no scenario %q", name)
	}
	sc, faults := scenarios.Load(name, src)
	if faults.Err() != nil {
		t.Fatal(faults.Err())
	}
	return sc
}

// What a fleet needs of a broker are statements that there are, and each part of a scenario is
// one that some shipped scenario has.
func TestPartsOfScenarios(t *testing.T) {
	known := make(map[string]bool)
	for _, s := range conformance.Statements() {
		known[s.Name()] = true
	}
	var shipped []*scenarios.Scenario
	for _, s := range scenarios.Shipped() {
		shipped = append(shipped, shippedScenario(t, s.Name))
	}
	for i := range parts {
		p := &parts[i]
		for _, name := range p.statements {
			if !known[name] {
				t.Errorf("%s: %q is no statement", p.why, name)
			}
		}
		has := 0
		for _, s := range shipped {
			if p.has(s) {
				has++
			}
		}
		if has == 0 {
			t.Errorf("no shipped scenario is such that %s", p.why)
		}
	}
}

// A fleet needs what its scenario rests upon, and no more.
func TestFleetOf(t *testing.T) {
	const (
		wills   = "3.1.2-8 the Will after RST"
		delayed = "3.1.2-8 a Will Delay passes"
		answers = "4.10.1 a request and its response"
		twice   = "4.3.3-10 QoS 2: a repeated PUBLISH is not delivered again"
		shared  = "4.8.2 shared: each message to one of the group"
		resumed = "3.1.2-5 Clean Start 0 resumes the session"
		old     = "3.1.1: 4.3 every QoS to every QoS"
		always  = "3.3.4 a message comes as it was sent, and once"
	)
	for _, tt := range []struct{ scenario, needs, not string }{
		{"mass-offline", "wills delayed resumed always", "answers twice shared old"},
		{"request-response", "wills answers always", "delayed twice shared old"},
		{"flapping", "wills delayed answers twice resumed", "shared old"},
		{"fan-in", "shared", "answers twice delayed"},
		{"before-mqtt5", "old", "shared"},
	} {
		names := map[string]string{"wills": wills, "delayed": delayed, "answers": answers, "twice": twice, "shared": shared, "resumed": resumed, "old": old, "always": always}
		c := fleetOf(shippedScenario(t, tt.scenario))
		for word := range strings.FieldsSeq(tt.needs) {
			if c.Requires[names[word]] == "" {
				t.Errorf("%s does not need %q; want that", tt.scenario, names[word])
			}
		}
		for word := range strings.FieldsSeq(tt.not) {
			if why := c.Requires[names[word]]; why != "" {
				t.Errorf("%s needs %q, since %s; want not", tt.scenario, names[word], why)
			}
		}
	}
}

// A broker is fit for a fleet that keeps all that it needs; the first line says why one is
// not, and what for.
func TestReadyForFleet(t *testing.T) {
	client := fleetOf(shippedScenario(t, "mass-offline"))
	report := &conformance.Report{}
	for _, s := range client.Statements() {
		report.Results = append(report.Results, conformance.Result{Statement: s, Status: conformance.Conforms})
	}
	ready := func() string { d := client.Ready(report); return d.String() }
	if got, want := ready(), "ready for the scenario mass-offline: yes"; got != want {
		t.Errorf("all conform: %q; want %q", got, want)
	}
	lost := &report.Results[len(report.Results)-1]
	lost.Status, lost.Seen, lost.Expected = conformance.Deviates, "nothing", "a Will"
	want := "ready for the scenario mass-offline: no, because " + lost.Title + " (" + lost.Clause + "): nothing; wanted is a Will; " + client.Requires[lost.Name()]
	if got := ready(); got != want {
		t.Errorf("one deviates: %q; want %q", got, want)
	}
	report.Results = report.Results[:len(report.Results)-1]
	if got, want := ready(), "ready for the scenario mass-offline: not decided, because 1 statement was not looked at"; got != want {
		t.Errorf("one was left out: %q; want %q", got, want)
	}
	report.Facts.OldOnly = true
	if got, want := ready(), "ready for the scenario mass-offline: no, because the broker speaks MQTT 3.1.1 only, and the scenario mass-offline speaks MQTT 5 only"; got != want {
		t.Errorf("it speaks no MQTT 5: %q; want %q", got, want)
	}
}
