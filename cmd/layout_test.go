package cmd

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rooms are the packages of the module, the lowest first: what each imports of ours,
// which is always of those above it in this list, and what for. So a device cannot come
// to know MQTT, nor a broker what a fleet is.
var rooms = []struct {
	path    string
	imports map[string]string
}{
	{"devices/words", nil},
	{"devices", map[string]string{
		"devices/words": "numbers in errors",
	}},
	{"devices/faces/zigbee2mqtt", map[string]string{
		"devices": "the models behind a bridge",
	}},
	{"devices/faces", map[string]string{
		"devices/faces/zigbee2mqtt": "what a bridge remembers and says",
		"devices":                   "the models that its dialects are about",
	}},

	{"devices/faces/conformance", nil},

	// The network and its standard: no devices, no scenarios.
	{"fleet/wire", nil},
	{"fleet/faults", nil},
	{"fleet/memconn", nil},
	{"fleet/files", map[string]string{
		"devices/words": "sizes in errors",
	}},
	{"fleet/web", nil},
	{"fleet/draws", nil},
	{"fleet/transport", map[string]string{
		"devices/words": "what a server says, made printable",
		"fleet/faults":  "its resets and halves",
		"fleet/files":   "certificates",
		"fleet/memconn": "reading without a buffer",
	}},
	{"fleet/broker", map[string]string{
		"fleet/memconn":   "clients in the same process",
		"fleet/transport": "connections",
		"fleet/wire":      "packets",
	}},
	{"fleet/mosquitto", nil},
	{"fleet/broker/attack", nil},
	{"fleet/conformance", map[string]string{
		"devices/words":   "numbers and foreign text in verdicts",
		"fleet/transport": "how connections end",
	}},

	// What is measured, and how it is shown.
	{"fleet/metrics", map[string]string{
		"devices/words": "what verdicts say",
		"fleet/wire":    "names of reason codes",
	}},
	{"fleet/deliveries", map[string]string{
		"fleet/metrics": "its result",
		"fleet/wire":    "stamps in User Properties",
	}},
	// One MQTT session, whoever it is of.
	{"fleet/client", map[string]string{
		"fleet/draws":     "back-off",
		"fleet/faults":    "connections that are slow or cut",
		"fleet/metrics":   "counts",
		"fleet/transport": "connections",
		"fleet/wire":      "packets",
	}},
	{"fleet/requester", map[string]string{
		"fleet/client":    "its session",
		"fleet/metrics":   "counts",
		"fleet/transport": "buffers",
		"fleet/wire":      "packets",
	}},
	{"fleet/survey", map[string]string{
		"fleet/client":    "its session",
		"fleet/metrics":   "counts",
		"fleet/transport": "buffers, and acknowledgements that wait",
		"fleet/wire":      "packets",
	}},
	{"fleet/audit", map[string]string{
		"fleet/client":  "the sessions that watch",
		"fleet/metrics": "its result",
		"fleet/wire":    "packets",
	}},
	{"fleet/cluster", map[string]string{
		"devices/words": "numbers and foreign text in sentences",
		"fleet/metrics": "results of shards, merged",
	}},
	{"fleet/deploy", nil},
	{"fleet/report", map[string]string{
		"devices/words":     "numbers and foreign text",
		"fleet/conformance": "what it shows of a broker",
		"fleet/metrics":     "what it shows",
	}},
	{"fleet/history", map[string]string{
		"fleet/audit":      "what the audit was told",
		"fleet/deliveries": "what the ledger of messages was told",
		"fleet/metrics":    "what the ledgers of requests were told, and the result",
	}},
	{"fleet/export", map[string]string{
		"fleet/metrics": "what it writes",
	}},
	{"fleet/exporter", map[string]string{
		"fleet/metrics": "what it serves",
	}},

	{"scenarios/quick", nil},
	{"scenarios/tomlfault", map[string]string{
		"devices/words": "the word that was meant",
	}},
	{"scenarios", map[string]string{
		"devices":             "kinds and their parameters",
		"devices/faces":       "dialects, their topics and Wills",
		"devices/words":       "numbers in errors",
		"fleet/metrics":       "what can be expected",
		"scenarios/tomlfault": "faults at their lines",
	}},

	{"fleet/reach", map[string]string{
		"fleet/transport": "dialling",
		"scenarios":       "where the broker is, and who is who",
	}},
	{"fleet/load", map[string]string{
		"devices/faces":    "where devices are commanded",
		"fleet/client":     "their sessions",
		"fleet/deliveries": "what comes to watchers",
		"fleet/draws":      "when and whom",
		"fleet/metrics":    "the ledger",
		"fleet/wire":       "requests",
		"scenarios":        "what is wanted",
	}},
	{"fleet/load/stalls", nil},

	{"fleet/incident", map[string]string{
		"devices/words": "numbers in what it says",
		"fleet/client":  "what sessions can be made to do",
		"fleet/draws":   "chance",
		"fleet/faults":  "slow connections",
		"fleet/metrics": "recoveries and the time line",
		"scenarios":     "what happens when, and to whom",
	}},

	{"fleet/retained", map[string]string{
		"devices/faces": "what devices leave",
		"fleet/client":  "the sessions that fetch and empty",
		"fleet/metrics": "what is right",
		"fleet/wire":    "packets",
		"scenarios":     "which devices there are",
	}},

	{"fleet/events", nil},
	{"fleet/machine", nil},
	{"fleet/preflight", map[string]string{
		"devices/words":  "numbers, and names of the scenario's",
		"fleet/incident": "how many connections they leave behind",
		"fleet/load":     "how long requests are",
		"fleet/machine":  "what there is",
		"fleet/wire":     "how long packets are",
		"scenarios":      "what is planned",
	}},
	{"fleet/responder", map[string]string{
		"devices/faces":    "their dialects",
		"devices/words":    "what is wrong with the fault that a request wants",
		"devices":          "its model",
		"fleet/audit":      "what it did to its connections",
		"fleet/client":     "its session",
		"fleet/deliveries": "stamps, marks and User Properties of requests and answers",
		"fleet/draws":      "chance",
		"fleet/events":     "who looks on",
		"fleet/incident":   "how it recovers",
		"fleet/metrics":    "counts",
		"fleet/retained":   "what should be retained of it",
		"fleet/wire":       "packets",
		"scenarios":        "what it is",
	}},

	{"fleet", map[string]string{
		"devices":          "the models",
		"devices/faces":    "their dialects",
		"devices/words":    "remarks, and why a run failed",
		"fleet/audit":      "what devices and watchers saw is judged",
		"fleet/client":     "the sessions",
		"fleet/deliveries": "messages one way",
		"fleet/draws":      "chance",
		"fleet/events":     "who looks on",
		"fleet/incident":   "what happens to devices",
		"fleet/load":       "the controllers",
		"fleet/machine":    "what this machine has",
		"fleet/metrics":    "counts",
		"fleet/preflight":  "what the broker does not allow",
		"fleet/reach":      "where the broker is",
		"fleet/responder":  "the devices' side of their sessions",
		"fleet/retained":   "what the broker keeps of devices",
		"fleet/survey":     "what the broker is",
		"fleet/transport":  "connections",
		"fleet/wire":       "packets",
		"scenarios":        "what there is and what happens to it",
	}},
	{"fleet/control/api", nil},
	{"fleet/control/page", nil},
	{"fleet/control", map[string]string{
		"devices":             "the kinds, and what hangs on a bridge",
		"devices/words":       "numbers, and the word that was meant",
		"devices/faces":       "commands in the dialects of devices",
		"fleet":               "what is controlled",
		"fleet/audit":         "what became of Wills",
		"fleet/client":        "how devices go and come back",
		"fleet/draws":         "at which moment of a spread",
		"fleet/events":        "who looks on",
		"fleet/incident":      "what happens to devices",
		"fleet/load":          "why a load cannot be changed",
		"fleet/requester":     "commands through the broker",
		"fleet/responder":     "devices, in the hands of their goroutines",
		"fleet/control/api":   "what goes over the wire",
		"fleet/metrics":       "interventions in the result",
		"fleet/web":           "who may ask",
		"scenarios":           "orders and incidents, in the words of a scenario",
		"scenarios/tomlfault": "the word that was meant",
	}},
	{"fleet/users", map[string]string{
		"fleet/broker": "whose configuration it makes",
		"scenarios":    "the users file",
	}},
	{"fleet/bench", nil},
	{"fleet/fleettest", map[string]string{
		"fleet":               "the fleet of a test",
		"fleet/audit":         "what became of Wills",
		"fleet/broker":        "its broker",
		"fleet/files":         "scenario files",
		"fleet/metrics":       "outages, and the result",
		"fleet/report":        "the page of a result",
		"fleet/requester":     "its own requests",
		"scenarios":           "its scenario",
		"scenarios/tomlfault": "faults as they are shown",
	}},

	{"cmd", map[string]string{
		"devices":             "help on kinds",
		"devices/faces":       "topics in help, check and hints",
		"devices/words":       "numbers and foreign text",
		"fleet":               "run",
		"fleet/bench":         "help costs",
		"fleet/broker":        "broker",
		"fleet/conformance":   "conform",
		"fleet/client":        "how a key takes a device off and brings it back",
		"fleet/cluster":       "the collector, and a shard's way to it",
		"fleet/control":       "--control",
		"fleet/deploy":        "deploy",
		"fleet/control/api":   "ctl",
		"fleet/control/page":  "the page of a run",
		"fleet/export":        "--hlog, --bench, --otava",
		"fleet/events":        "who looks on",
		"fleet/exporter":      "--metrics",
		"fleet/files":         "files that flags name",
		"fleet/history":       "--history, and audit",
		"fleet/incident":      "how many Wills check foresees",
		"fleet/machine":       "what this machine has",
		"fleet/metrics":       "results",
		"fleet/preflight":     "what this machine does not allow",
		"fleet/report":        "report",
		"fleet/reach":         "the way to the broker",
		"fleet/requester":     "request, and commands of --control",
		"fleet/responder":     "what a key has a device do, and what commands became of",
		"fleet/retained":      "clear",
		"fleet/survey":        "what the broker of request and conform is",
		"fleet/transport":     "addresses, and hints on what went wrong there",
		"fleet/users":         "--users",
		"fleet/web":           "servers",
		"fleet/wire":          "topics and reason codes of request",
		"scenarios":           "check",
		"scenarios/quick":     "bench",
		"scenarios/tomlfault": "faults as they are shown",
	}},
	{"", map[string]string{
		"cmd": "main",
	}},
}

// A device that imports MQTT, or a broker that knows of fleets, could not be
// tested or swapped by itself any more. The list is exact: what is imported no more
// goes, so that it shows how things are.
func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "homefleet/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		ours := []string{}
		for _, path := range fields[1:] {
			if short, ok := strings.CutPrefix(path, "homefleet/"); ok {
				ours = append(ours, short)
			}
		}
		imports[strings.TrimPrefix(strings.TrimPrefix(fields[0], "homefleet"), "/")] = ours
	}
	listed := make(map[string]bool)
	for _, r := range rooms {
		got, there := imports[r.path]
		if !there {
			t.Errorf("rooms has %q, which is no package", r.path)
		}
		for _, path := range got {
			switch why := r.imports[path]; {
			case why == "":
				t.Errorf("%s imports %s; want only %v", r.path, path, slices.Sorted(maps.Keys(r.imports)))
			case !listed[path]:
				t.Errorf("%s imports %s, which does not stand before it in rooms", r.path, path)
			}
		}
		for path := range r.imports {
			if !slices.Contains(got, path) {
				t.Errorf("%s imports %s no more; remove it from rooms", r.path, path)
			}
		}
		listed[r.path] = true
		delete(imports, r.path)
	}
	for path := range imports {
		t.Errorf("%s stands nowhere in rooms", path)
	}
}

// The rooms of the network are built of nothing that is about homes, not even by way
// of others.
func TestNetworkKnowsNoFleet(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "homefleet/fleet/transport", "homefleet/fleet/broker", "homefleet/fleet/wire").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "homefleet/fleet/memconn") {
		t.Errorf("go list names %d packages, and not fleet/memconn; want all that are imported", len(deps))
	}
	for _, forbidden := range []string{"homefleet/devices", "homefleet/scenarios", "homefleet/scenarios/tomlfault", "homefleet/fleet", "homefleet/fleet/audit", "homefleet/fleet/metrics"} {
		if slices.Contains(deps, forbidden) {
			t.Errorf("the network imports %s", forbidden)
		}
	}
}

// Nor is a session, which knows nothing of what it is there for.
func TestSessionKnowsNoFleet(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "homefleet/fleet/client").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "homefleet/fleet/transport") {
		t.Errorf("go list names %d packages, and not fleet/transport; want all that are imported", len(deps))
	}
	for _, forbidden := range []string{"homefleet/devices", "homefleet/scenarios", "homefleet/scenarios/tomlfault", "homefleet/fleet", "homefleet/fleet/audit", "homefleet/fleet/deliveries"} {
		if slices.Contains(deps, forbidden) {
			t.Errorf("a session imports %s", forbidden)
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
