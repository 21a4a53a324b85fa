package cmd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// runDocument is the result of a run in JSON. Names and meanings stay as they
// are from one version to the next; new ones may be added.
type runDocument struct {
	Version  string           `json:"version"`
	Scenario scenarioDocument `json:"scenario"`
	Seed     uint64           `json:"seed,string"`     // text, as many readers of JSON lose digits beyond 2^53
	Run      string           `json:"run"`             // {run} in the scenario's templates
	Shard    string           `json:"shard,omitempty"` // "2/4"; absent: all of it
	Broker   brokerDoc        `json:"broker"`
	Planned  string           `json:"planned_duration,omitempty"` // absent: until stopped
	Duration string           `json:"duration"`
	Ended    string           `json:"ended"` // "stopped", "duration over" or "failed"
	Devices  devicesDocument  `json:"devices"`
	ReadyIn  string           `json:"ready_in,omitempty"` // absent: not all were up
	Counts   map[string]int64 `json:"counts"`
	Reasons  reasonsDocument  `json:"reasons"` // reason codes of 0x80 or more, by name
	Error    string           `json:"error,omitempty"`
	ExitCode int              `json:"exit_code"`
}

type scenarioDocument struct {
	Name   string `json:"name"`
	Title  string `json:"title,omitempty"`
	Digest string `json:"sha256"`
}

type brokerDoc struct {
	URL      string `json:"url"`
	Embedded bool   `json:"embedded"`
}

type devicesDocument struct {
	Total  int            `json:"total"`
	ByKind map[string]int `json:"by_kind"`
	Up     int            `json:"up"`      // were online at least once
	GaveUp int            `json:"gave_up"` // were refused for good
}

type reasonsDocument struct {
	Connections   map[string]int64 `json:"connections_refused,omitempty"`   // CONNACK
	Subscriptions map[string]int64 `json:"subscriptions_refused,omitempty"` // SUBACK
	Messages      map[string]int64 `json:"messages_refused,omitempty"`      // PUBACK, PUBREC
	Disconnects   map[string]int64 `json:"disconnects,omitempty"`           // DISCONNECT by the broker
}

// count is one figure of a run: its name in words, and when it is shown even
// though it is zero.
type count struct {
	name   string
	value  int64
	always bool
}

func (c count) key() string { return strings.NewReplacer(" ", "_", "-", "_").Replace(c.name) }

// counts lists what a fleet counted.
func counts(c *metrics.Counts) []count {
	all := []count{
		{"connects", c.Connects.Load(), true},
		{"sessions resumed", c.Resumes.Load(), false},
		{"connections failed", c.ConnectFailed(), false},
		{"connections lost", c.Lost.Load(), false},
		{"time-outs", c.TimedOut.Load(), false},
		{"protocol errors", c.BadPackets.Load(), false},
		{"subscriptions at a lower qos", c.SubsLowered.Load(), false},
		{"requests", c.Requests.Load(), true},
		{"replies", c.Messages.Total(metrics.Sent, metrics.Reply, metrics.ErrorReply), true},
		{"error replies", c.Messages.Total(metrics.Sent, metrics.ErrorReply), false},
		{"bad response topics", c.BadTopics.Load(), false},
		{"retained commands ignored", c.GhostCommands.Load(), false},
		{"duplicates", c.Duplicates.Load(), false},
		{"state messages", c.Messages.Total(metrics.Sent, metrics.State), true},
		{"telemetry messages", c.Messages.Total(metrics.Sent, metrics.Telemetry), true},
		{"wills seen", c.WillsSeen.Load(), false},
		{"messages resent", c.Resent.Load(), false},
		{"messages abandoned", c.Abandoned.Load(), false},
		{"messages dropped", c.Dropped.Load(), false},
		{"messages too large", c.TooLarge.Load(), false},
	}
	totals := metrics.CountTotals(c)
	for _, info := range metrics.Catalogue() {
		switch kind, fate, _ := strings.Cut(info.Name, "."); {
		case !metrics.OfMessages(info.Name) || kind == "devices": // above
		case fate == "sent" && (kind == "state" || kind == "telemetry"): // likewise
		default:
			all = append(all, count{strings.NewReplacer(".", " ", "_", " ").Replace(info.Name), totals[info.Name], false})
		}
	}
	return all
}

// result prints the result of the run on stdout.
func (r *running) result(res *metrics.Result, err error) error {
	ended, ran := "duration over", time.Duration(res.Ran)
	exit, isExit := err.(*exitError)
	switch {
	case isExit && exit.code != exitInterrupted:
		ended = "failed"
	case res.Interrupted || res.Duration == 0:
		ended = "stopped"
	}
	if r.json {
		return r.document(r.runDocument(ran, ended, exit))
	}
	if up := r.fleet.Presence(); up.Seen == 0 && ended == "failed" {
		return nil // there is nothing to tell but the error
	}
	return r.printf("%s", r.resultRows(ran, ended).text("", r.outPaint()))
}

func (r *running) runDocument(ran time.Duration, ended string, exit *exitError) runDocument {
	up, c := r.fleet.Presence(), r.fleet.Counts()
	d := runDocument{
		Version:  thisVersion(),
		Scenario: scenarioDocument{r.sc.Name, r.sc.Title, r.sc.Digest},
		Seed:     r.sc.Seed, Run: r.id, Shard: r.sc.Part.String(),
		Broker:   brokerDoc{r.url, r.embedded != nil},
		Duration: jsonSpan(ran), Ended: ended,
		Devices: devicesDocument{Total: up.Devices, ByKind: make(map[string]int), Up: up.Seen, GaveUp: up.GaveUp},
		Counts:  make(map[string]int64),
		Reasons: reasonsDocument{c.Refused.ByName(), c.SubsRefused.ByName(), c.PublishRefused.ByName(), c.Disconnected.ByName()},
	}
	if r.sc.Duration > 0 {
		d.Planned = setting(r.sc.Duration)
	}
	if r.readyIn > 0 && up.GaveUp == 0 {
		d.ReadyIn = jsonSpan(r.readyIn)
	}
	for i := range r.sc.Groups {
		d.Devices.ByKind[r.sc.Groups[i].Kind.Name] += r.sc.Groups[i].Total()
	}
	for _, n := range counts(c) {
		d.Counts[n.key()] = n.value
	}
	if exit != nil {
		d.ExitCode = exit.code
		if exit.code != exitInterrupted {
			d.Error = exit.Error()
		}
	}
	return d
}

func (r *running) resultRows(ran time.Duration, ended string) *rows {
	up, c := r.fleet.Presence(), r.fleet.Counts()
	var rs rows
	digest := ""
	if len(r.sc.Digest) >= 12 {
		digest = ", sha256 " + r.sc.Digest[:12]
	}
	rs.add("scenario", "%s%s", printable(r.sc.Name), digest)
	rs.add("seed", "%d, run %s", r.sc.Seed, r.id)
	if r.sc.Part.N > 0 {
		rs.add("part", "%s", metrics.ShardText(shardList(r.sc)))
	}
	rs.add("broker", "%s", r.brokerWords())
	rs.add("ran", "%s, %s", span(ran), ended)
	rs.add("devices", "%s", devicesByKind(r.sc))
	ready := "all up"
	switch {
	case up.Seen == 0:
		ready = "none was up"
	case up.Seen < up.Devices:
		ready = fmt.Sprintf("%s of %s were up", words.Grouped(int64(up.Seen)), words.Grouped(int64(up.Devices)))
	case r.readyIn > 0:
		ready += " in " + span(r.readyIn)
	}
	rs.add("ready", "%s", ready)
	for _, n := range counts(c) {
		if n.always || n.value != 0 {
			rs.add(n.name, "%s", words.Grouped(n.value))
		}
	}
	for _, group := range []struct {
		name   string
		counts map[string]int64
	}{
		{"connections refused", c.Refused.ByName()}, {"subscriptions refused", c.SubsRefused.ByName()},
		{"messages refused", c.PublishRefused.ByName()}, {"disconnected by the broker", c.Disconnected.ByName()},
	} {
		if len(group.counts) > 0 {
			rs.add(group.name, "%s", reasonWords(group.counts))
		}
	}
	return &rs
}

// reasonWords is "server busy 12, not authorized 3", the most frequent first.
func reasonWords(m map[string]int64) string {
	names := byCount(m)
	for i, name := range names {
		names[i] = name + " " + words.Grouped(m[name])
	}
	return strings.Join(names, ", ")
}

// byCount returns the names, the most frequent first.
func byCount(m map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b))
	})
}
