package cmd

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Imports point one way: devices <- scenarios <- fleet <- cmd <- main. What a
// package of ours may import of ours; a package that is not listed here may
// import nothing.
var mayImport = map[string][]string{
	"homefleet":                          {"cmd"},
	"homefleet/cmd":                      {"devices", "devices/words", "scenarios", "scenarios/tomlfault", "fleet", "fleet/broker", "fleet/metrics", "fleet/wire", "fleet/export", "fleet/exporter", "fleet/files", "fleet/report", "fleet/transport", "fleet/web"},
	"homefleet/devices":                  {"devices/words"},
	"homefleet/devices/words":            {},
	"homefleet/scenarios":                {"devices", "devices/words", "scenarios/tomlfault", "fleet/metrics"},
	"homefleet/scenarios/tomlfault":      {"devices/words"},
	"homefleet/fleet":                    {"devices", "devices/words", "scenarios", "fleet/audit", "fleet/deliveries", "fleet/draws", "fleet/faults", "fleet/memconn", "fleet/metrics", "fleet/transport", "fleet/wire"},
	"homefleet/fleet/audit":              {"fleet/metrics"},
	"homefleet/fleet/deliveries":         {"fleet/metrics", "fleet/wire"},
	"homefleet/fleet/draws":              {},
	"homefleet/fleet/bench":              {}, // tests alone
	"homefleet/fleet/faults":             {},
	"homefleet/fleet/files":              {"devices/words"},
	"homefleet/fleet/broker":             {"fleet/memconn", "fleet/metrics", "fleet/transport", "fleet/wire"},
	"homefleet/fleet/fleettest":          {"devices", "scenarios", "scenarios/tomlfault", "fleet", "fleet/audit", "fleet/broker", "fleet/files", "fleet/metrics", "fleet/wire"},
	"homefleet/fleet/memconn":            {},
	"homefleet/fleet/metrics":            {"devices/words", "fleet/wire"},
	"homefleet/fleet/transport":          {"devices/words", "fleet/faults", "fleet/files", "fleet/memconn"},
	"homefleet/fleet/wire":               {},
	"homefleet/fleet/report":             {"devices/words", "fleet/metrics"},
	"homefleet/fleet/export":             {"fleet/metrics"},
	"homefleet/fleet/exporter":           {"fleet/metrics"},
	"homefleet/fleet/web":                {},
	"homefleet/fleet/broker/attack":      {}, // tests alone
	"homefleet/fleet/broker/conformance": {},
}

// A device that imports MQTT, or a broker that knows of fleets, could not be
// tested or swapped by itself any more.
func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "homefleet/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 10 {
		t.Fatalf("go list names %d packages; want all of ours", len(lines))
	}
	for _, line := range lines {
		fields := strings.Fields(line)
		allowed, listed := mayImport[fields[0]]
		if !listed {
			t.Errorf("%s stands in no row of mayImport", fields[0])
		}
		for _, path := range fields[1:] {
			ours, ok := strings.CutPrefix(path, "homefleet/")
			if ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s; want only %v", fields[0], path, allowed)
			}
		}
	}
}

// Only cmd may exit, print or read the environment; devices must not even know
// what time it is.
func TestNothingBelowCmdTouchesTheProcess(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}} {{end}}`, "homefleet/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var files []string
	for f := range strings.FieldsSeq(string(out)) {
		if !strings.Contains(f, "/cmd/") && !strings.HasSuffix(f, "/main.go") {
			files = append(files, f)
		}
	}
	grep := exec.Command("grep", append([]string{"-nE", `\bos\.(Exit|Getenv|LookupEnv|Stdout|Stderr|Stdin)\b|fmt\.Print|log\.(Print|Fatal)|signal\.|flag\.`}, files...)...)
	hits, _ := grep.Output() // exits 1 when there are none
	if len(hits) > 0 {
		t.Errorf("below cmd:\n%s", hits)
	}
	var devices []string
	for _, f := range files {
		if strings.Contains(f, "/devices/") {
			devices = append(devices, f)
		}
	}
	hits, _ = exec.Command("grep", append([]string{"-nE", `time\.(Now|Since|Sleep|After|NewTimer|NewTicker)\b|math/rand|\bgo func|"net"|"sync"`}, devices...)...).Output()
	if len(hits) > 0 {
		t.Errorf("devices are to be pure:\n%s", hits)
	}
}
