package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/conformance"
)

// examinedFixture is an examination with one of everything.
func examinedFixture() *Examined {
	r := &conformance.Report{Began: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Took: 20 * time.Second, Left: 1,
		Facts:   conformance.Facts{MaximumQoS: 2, Retain: true, ReceiveMaximum: 20, ServerKeepAlive: -1, ResponseInformation: "<own>/"},
		Figures: []conformance.Figure{{Name: "Will after FIN", Least: time.Millisecond, Median: 2 * time.Millisecond, Most: 3 * time.Millisecond, Samples: 5}}}
	for _, s := range conformance.Statements() {
		x := conformance.Result{Statement: s, Status: conformance.Conforms, Attempts: 1}
		switch s.Name() {
		case "3.1.2-8 the Will after RST":
			x.Status, x.Attempts, x.Failed = conformance.Deviates, 3, 3
			x.Seen, x.Expected = "client n1 got <script>alert(1)</script>", "a PUBLISH"
			x.Steps = []conformance.Step{{After: time.Millisecond, Client: "client n1", Sent: true, Bytes: "\x10\x02", Length: 300}, {Client: "client n1", Note: "is cut off"}}
		case "3.1.4-3 the DISCONNECT of a take-over says 0x8E":
			x.Status, x.Attempts, x.Failed, x.Seen = conformance.Flaky, 3, 2, "nothing"
		case "4.3 every QoS to every QoS":
			x.Status, x.Seen = conformance.NotDecided, "needs another set-up"
		}
		r.Results = append(r.Results, x)
	}
	return &Examined{Report: r, Broker: "mqtt://broker.example:1883", Tool: "homefleet (devel)",
		Ready:   &conformance.ReadyDocument{Client: "Home Assistant 2027.1", Ready: "no", Because: []string{"of this", "and of that"}},
		Process: &conformance.Process{PID: 7, CPU: 1.5, RSS: 10 << 20}}
}

func TestPassport(t *testing.T) {
	var b bytes.Buffer
	if err := Passport(&b, examinedFixture()); err != nil {
		t.Fatalf("Passport = %v; want nil", err)
	}
	parse(t, b.Bytes())
	page := b.String()
	for _, want := range []string{
		"<h1>mqtt://broker.example:1883</h1>", "Deviates in 2 of", "1 required, 1 no more than recommended", "Ready for Home Assistant 2027.1: no",
		"from what the standard requires", "That it sends one is told; what it must do is close", "lient n1 got &lt;script&gt;", "2 of 3 attempts failed",
		"sends CONNECT", "10 02 … (300 bytes)", "is cut off", "needs another set-up", "Will after FIN", "2.0 ms", "1.50 s for the examination", "10 MiB",
		"&lt;own&gt;/", "1 session or retained topic could not be cleared",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page, "<script>alert") {
		t.Error("the page has foreign markup in it")
	}
	if must, should := strings.Index(page, "from what the standard requires"), strings.Index(page, "from what it recommends"); must < 0 || should < must {
		t.Errorf("what is required stands at %d, what is recommended at %d; want it behind", must, should)
	}
	if *pagesDir != "" {
		if err := os.WriteFile(filepath.Join(*pagesDir, "passport.html"), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
