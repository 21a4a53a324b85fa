package report

import (
	"strings"
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

// A document that others wrote, with little in it, is shown without half words.
func TestSparseFacts(t *testing.T) {
	facts := func(r *metrics.Result) string {
		w := newWriter(TextOptions{})
		w.facts("run", r)
		return w.b.String()
	}
	got := facts(&metrics.Result{Hosts: []metrics.HostFacts{{OS: "linux"}}, Broker: metrics.BrokerFacts{Embedded: true}})
	if want := "run\n  scenario  seed 0\n  broker    (embedded)\n  host      linux\n"; got != want {
		t.Errorf("facts() = %q; want %q", got, want)
	}
	if got := facts(&metrics.Result{}); strings.Contains(got, "broker") || strings.Contains(got, "host") {
		t.Errorf("facts() of nothing = %q; want no broker and no host", got)
	}
}

// Whoever stops an endless run before all devices were up is not told that nothing went
// wrong. It ends well all the same.
func TestStoppedBeforeAllWereUp(t *testing.T) {
	res := &metrics.Result{Ran: metrics.Span(time.Second)}
	res.Fill(&metrics.Snapshot{Devices: metrics.Devices{Total: 3, Seen: 2}}, nil, 0)
	res.Judge()
	if res.Verdict != metrics.VerdictStopped || res.Err() != nil {
		t.Errorf("the verdict is %q, %v; want %q and no error", res.Verdict, res.Err(), metrics.VerdictStopped)
	}
	var text, junit strings.Builder
	if err := Text(&text, res, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := JUnit(&junit, res); err != nil {
		t.Fatal(err)
	}
	const want = "nothing was to be measured; 1 of 3 devices never came up"
	if !strings.Contains(text.String(), "verdict: stopped\n  "+want) || !strings.Contains(junit.String(), want) {
		t.Errorf("text and JUnit XML lack %q:\n%s\n%s", want, &text, &junit)
	}
}

// A run that measured nothing is the same document with less in it: text, page and
// JUnit tell how long it lasted, what came up and what was counted, and nothing of
// measuring.
func TestUnmeasured(t *testing.T) {
	var c metrics.Counts
	c.Connects.Add(3)
	c.DialFailures.Add(1)
	c.HandshakeFailures.Add(10)
	c.Refused.Add(0x88)
	c.Requests.Add(metrics.InMeasure, 1234)
	c.Messages.Add(metrics.InMeasure, metrics.Announcement, metrics.Sent)
	res := &metrics.Result{
		Version: metrics.ResultVersion, Scenario: metrics.ScenarioFacts{Name: "flat.toml"}, Run: "r1",
		Kinds: []metrics.KindFacts{{Kind: "light", Devices: 2}, {Kind: "plug", Devices: 1}},
		Ran:   metrics.Span(90 * time.Second), ReadyIn: metrics.Span(4 * time.Millisecond), Reasons: c.Reasons(),
	}
	snap := &metrics.Snapshot{Devices: metrics.Devices{Total: 3, Seen: 3}, Counts: metrics.CountsByName(&c)}
	res.Fill(snap, nil, 0)
	res.Judge()
	var text, page, junit strings.Builder
	for _, err := range []error{Text(&text, res, TextOptions{}), HTML(&page, res), JUnit(&junit, res)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		"verdict: ran as planned\n",
		"\nran 1m30s, stopped\n",
		"\n  devices             3: 2 lights, 1 plug, all up in 4.00 ms\n",
		"\n  connects            3\n",
		"\n  connections failed  12\n", // as connect.failed: not opened, broken before CONNACK, refused in it
		"\n  requests            1,234\n",
		"\n  telemetry messages  0\n",
		"\n  announcements sent  1\n",
		"1  connections refused: server unavailable\n",
		"\nrun\n  scenario  flat.toml, seed 0, run r1\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, &text)
		}
	}
	for _, not := range []string{"no requests", "messages by phase", "online at the end", "sessions resumed", "measur"} {
		if strings.Contains(strings.Replace(text.String(), "nothing was to be measured", "", 1), not) {
			t.Errorf("the text has %q:\n%s", not, &text)
		}
	}
	for _, want := range []string{"ran 1m30s, stopped", "Ran as planned", "<dt>Ran</dt>"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.String(), "Measuring began") {
		t.Error("the page says when a measuring began that there was not")
	}
	if want := `failures="0"`; !strings.Contains(junit.String(), want) || !strings.Contains(junit.String(), `time="90.000"`) {
		t.Errorf("the JUnit XML lacks %q or the time of 90 s:\n%s", want, &junit)
	}
}
