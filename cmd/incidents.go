package cmd

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/scenarios"
)

// incidentDocument is an incident as check prints it in JSON.
type incidentDocument struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Devices int    `json:"devices"` // that the first time strikes
	At      string `json:"at"`
	For     string `json:"for"`
	Every   string `json:"every,omitempty"`
	Times   int    `json:"times"` // that it happens while measuring
	Way     string `json:"way,omitempty"`
	Return  string `json:"return,omitempty"`
}

// incidentsOf describes the incidents of a scenario.
func incidentsOf(sc *scenarios.Scenario) []incidentDocument {
	times := make([]int, len(sc.Incidents))
	for _, o := range sc.Occurrences(sc.Phases.Measure) {
		times[o.Incident]++
	}
	var all []incidentDocument
	for i := range sc.Incidents {
		in := &sc.Incidents[i]
		d := incidentDocument{Name: in.Name, Kind: string(in.Kind), At: setting(in.At), For: setting(in.For),
			Devices: len(sc.Affected(scenarios.Occurrence{Incident: i})), Times: times[i], Way: string(in.Way), Return: string(in.Return)}
		if in.Every > 0 {
			d.Every = setting(in.Every)
		}
		all = append(all, d)
	}
	return all
}

// words says what will happen: "power-cut  25 devices at 10s, for 20s".
func (d *incidentDocument) words() string {
	text := fmt.Sprintf("%s at %s, for %s", plural(d.Devices, "device"), d.At, d.For)
	if d.Every != "" {
		text += fmt.Sprintf(", every %s (%s)", d.Every, plural(d.Times, "time"))
	}
	if d.Way != "" {
		text += "; way " + d.Way
	}
	return text
}

// incidentNames is "3: power-cut, router-reboot, flapping".
func incidentNames(sc *scenarios.Scenario) string {
	var names []string
	for i := range sc.Incidents {
		if n := printable(sc.Incidents[i].Name); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	const most = 8
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}
