package cmd

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/scenarios"
)

// incidentDocument is an incident as check prints it in JSON.
type incidentDocument struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Devices int    `json:"devices"` // that the first time strikes
	First   string `json:"first,omitempty"`
	Last    string `json:"last,omitempty"`
	At      string `json:"at"`
	For     string `json:"for"`
	Clock   string `json:"clock,omitempty"` // the time of day from which at follows
	Every   string `json:"every,omitempty"`
	Times   int    `json:"times"` // that it happens while measuring
	Chance  string `json:"chance,omitempty"`
	Spread  string `json:"spread,omitempty"`
	Way     string `json:"way,omitempty"`
	Return  string `json:"return,omitempty"`
	Session string `json:"session,omitempty"`
	Rename  bool   `json:"rename,omitempty"`

	Up         string `json:"up,omitempty"` // on average
	Down       string `json:"down,omitempty"`
	Batch      string `json:"batch,omitempty"`
	Latency    string `json:"latency,omitempty"`
	Jitter     string `json:"jitter,omitempty"`
	Bandwidth  string `json:"bandwidth,omitempty"`
	Slice      string `json:"slice,omitempty"`
	SliceDelay string `json:"slice_delay,omitempty"`

	kindSaid bool // by the name
}

// incidentsOf describes the incidents of a scenario.
func incidentsOf(sc *scenarios.Scenario) []incidentDocument {
	times := make([]int, len(sc.Incidents))
	for _, o := range sc.Occurrences(sc.Phases.Measure) {
		times[o.Incident]++
	}
	chosen := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return setting(d)
	}
	var all []incidentDocument
	for i := range sc.Incidents {
		in := &sc.Incidents[i]
		struck := sc.Affected(scenarios.Occurrence{Incident: i})
		d := incidentDocument{
			Name: in.Name, Kind: string(in.Kind), Devices: len(struck), Times: times[i],
			At: setting(in.At), Clock: in.ByClock(), For: setting(in.For), Every: chosen(in.Every), Spread: chosen(in.Spread),
			Way: string(in.Way), Return: string(in.Return), Session: string(in.Session), Rename: in.Rename,
			Up: chosen(in.Up), Down: chosen(in.Down), Latency: chosen(in.Latency), Jitter: chosen(in.Jitter), SliceDelay: chosen(in.SliceDelay),
			kindSaid: strings.HasPrefix(in.Name, string(in.Kind)),
		}
		if len(struck) > 0 {
			d.First, d.Last = sc.Device(struck[0]).ID, sc.Device(struck[len(struck)-1]).ID
		}
		if in.Chance < 1 {
			d.Chance = words.Percent(100*in.Chance, 2)
		}
		if in.Batch > 0 {
			d.Batch = words.Percent(100*in.Batch, 2)
		}
		if in.Bandwidth > 0 {
			d.Bandwidth = plural(in.Bandwidth, "byte") + " a second"
		}
		if in.Slice > 0 {
			d.Slice = plural(in.Slice, "byte")
		}
		all = append(all, d)
	}
	return all
}

// words says in up to three lines what will happen, to whom, and how: "offline:
// 25 devices at 10s, for 20s".
func (d *incidentDocument) words() string {
	at := d.At
	if d.Clock != "" {
		at += " (" + d.Clock + ")"
	}
	text := fmt.Sprintf("%s at %s, for %s", plural(d.Devices, "device"), at, d.For)
	if !d.kindSaid {
		text = d.Kind + ": " + text
	}
	switch {
	case d.Every != "":
		text += fmt.Sprintf(", every %s (%s)", d.Every, plural(d.Times, "time"))
	case d.Times > 1:
		text += ", " + plural(d.Times, "time")
	}
	lines := []string{text}
	switch {
	case d.Devices > 1:
		lines = append(lines, d.First+" … "+d.Last)
	case d.Devices == 1:
		lines = append(lines, d.First)
	}
	var how []string
	for _, x := range []struct{ name, value string }{
		{"chance", d.Chance}, {"spread", d.Spread}, {"way", d.Way}, {"return", d.Return}, {"session", d.Session},
		{"up", d.Up}, {"down", d.Down}, {"batch", d.Batch}, {"latency", d.Latency}, {"jitter", d.Jitter},
		{"bandwidth", d.Bandwidth}, {"slice", d.Slice}, {"slice delay", d.SliceDelay},
	} {
		if x.value != "" {
			how = append(how, x.name+" "+x.value)
		}
	}
	if d.Rename {
		how = append(how, "renamed")
	}
	if how != nil {
		lines = append(lines, strings.Join(how, ", "))
	}
	return strings.Join(lines, "\n")
}

// incidentNames is "power-cut, router-reboot, flapping".
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
