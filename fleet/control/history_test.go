package control_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/control/api"
	"homefleet/fleet/metrics"
)

// The history has a point a second, whose figures add up to those of the result, and the
// result so far has no verdict.
func TestHistory(t *testing.T) {
	var all api.History
	read := func(h *bubbled, query string) (out api.History) {
		if err := json.Unmarshal([]byte(h.do("GET", "/v1/history"+query, "")), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	var soFar api.Result
	var counts *metrics.Counts
	res := inBubble(t, loaded+"rate = \"40/s\"\n[expect]\n\"requests.answered\" = \"== 100%\"\n", func(h *bubbled) {
		h.at(5512 * time.Millisecond) // between two requests
		if err := json.Unmarshal([]byte(h.do("GET", "/v1/result", "")), &soFar); err != nil {
			t.Fatal(err)
		}
		if want := `"phases":[{"name":"connect","from":"-1.16s","to":"-1s"},{"name":"warm-up","from":"-1s","to":"0s"},{"name":"measure","from":"0s","to":"5.512s"}]`; !strings.Contains(string(soFar.Result), want) {
			t.Errorf("so far there is\n%s\nwant %s", soFar.Result, want)
		}
		compareBrief(t, soFar.Result, h.do("GET", "/v1/result?brief=true", ""))
		h.do("POST", "/v1/actions/kill", `{"select":{"all":true},"way":"cut"}`)
		before := read(h, "")
		h.at(6500 * time.Millisecond)
		last := before.Points[len(before.Points)-1].N
		if later := read(h, fmt.Sprintf("?after=%d", last)); len(later.Points) != 1 || later.Points[0].N != last+1 || later.Points[0].Online != 0 || later.LeftOut != 0 {
			t.Errorf("after %d there is %+v; want one point, with nobody online", last, later)
		}
		h.do("POST", "/v1/actions/revive", `{"select":{"all":true}}`)
		<-h.fleet.Over()
		counts = h.fleet.Counts()
		time.Sleep(time.Second)
		all = read(h, "")
	})
	var sum api.Requests
	var decided, commands int64
	peak := 0
	for i, p := range all.Points {
		if p.N != i+1 {
			t.Errorf("point %d has number %d", i, p.N)
		}
		peak = max(peak, p.Online)
		commands += p.Commands
		sum = sum.Since(new((&api.Requests{}).Since(p.Requests)))
		if p.Response != nil {
			decided += p.Response.Count
		}
	}
	o := &res.Totals
	if sum.Planned != 400 || sum.Planned != o.Planned || sum.Sent != o.Sent || sum.Answered != o.Answered || sum.Lost != o.Lost || decided != o.Planned {
		t.Errorf("the points add up to %+v, %d decided; the result has %+v", sum, decided, o)
	}
	if want := metrics.CountTotals(counts)["devices.commands"]; peak != 5 || commands != want || commands < 400 {
		t.Errorf("%d online at most, %d commands; want 5, %d", peak, commands, want)
	}
	if all.Interval != "1s" || len(all.Points) < 12 || all.LeftOut != 0 {
		t.Errorf("%d points, each %s, %d left out", len(all.Points), all.Interval, all.LeftOut)
	}
	var doc struct {
		Verdict      string
		Ledger       struct{ Planned int64 }
		Expectations []json.RawMessage
	}
	if err := json.Unmarshal(soFar.Result, &doc); err != nil || soFar.Over || doc.Verdict != "" || doc.Ledger.Planned < 200 || doc.Ledger.Planned > 240 || len(doc.Expectations) == 0 {
		t.Errorf("so far: over %v, %v, %+v; want no verdict, and half of the requests", soFar.Over, err, doc)
	}
}

// When the run is over, the result is the run's, verdict and all; and a stream that wants
// ticks has had some.
func TestResultAndTicks(t *testing.T) {
	h := start(t, block+"[phases]\nmeasure = \"1500ms\"\n[expect]\n\"devices.online\" = \"== 7\"\n")
	l := h.listen("?types=phase&tick=true")
	l.doc = new(h.document())
	tick, _ := next[api.Tick](l, "tick")
	if tick.N < 1 || tick.Online != 7 || tick.Devices != 7 || tick.SoFar != nil {
		t.Errorf("tick %+v; want 7 of 7 online, and no load", tick)
	}
	<-h.over
	out := must[api.Result](h, "GET", "/v1/result", "")
	var doc struct{ Verdict metrics.Verdict }
	if err := json.Unmarshal(out.Result, &doc); err != nil || !out.Over || doc.Verdict != metrics.VerdictPass {
		t.Errorf("over %v, %v, verdict %q; want pass", out.Over, err, doc.Verdict)
	}
}

// compareBrief compares what is asked for often with the whole of the same moment.
func compareBrief(t *testing.T, whole json.RawMessage, reply string) {
	t.Helper()
	type document struct {
		Ledger, Expectations json.RawMessage
		Series               []struct {
			Metric, By, Name string
			Histogram        map[string]json.RawMessage
		}
		TimeLine   json.RawMessage `json:"time_line"`
		Recoveries json.RawMessage
	}
	var all, brief document
	var got api.Result
	if err := errors.Join(json.Unmarshal(whole, &all), json.Unmarshal([]byte(reply), &got), json.Unmarshal(got.Result, &brief)); err != nil {
		t.Fatal(err)
	}
	if len(all.Series) == 0 {
		t.Fatal("there are no series")
	}
	for i := range all.Series {
		if len(all.Series[i].Histogram["hdr"]) == 0 {
			t.Errorf("%+v has no distribution", all.Series[i])
		}
		delete(all.Series[i].Histogram, "hdr")
	}
	all.TimeLine, all.Recoveries = nil, nil
	if !reflect.DeepEqual(all, brief) {
		t.Errorf("in brief there is\n%s\nwant\n%s\nwithout distributions", got.Result, whole)
	}
}
