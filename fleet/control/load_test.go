package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/control"
	"homefleet/fleet/control/api"
	"homefleet/fleet/metrics"
	"homefleet/fleet/requester"
	"homefleet/scenarios"
)

// bubbled is a run in fake time that is controlled without a network.
type bubbled struct {
	t      *testing.T
	fleet  *fleet.Fleet
	api    *control.Server
	broker *broker.Broker
}

// bubbling is how a run in fake time may differ from others.
type bubbling struct {
	broker  broker.Config
	shard   scenarios.Shard      // the zero value: it is the whole
	options func(*fleet.Options) // nil: nothing
}

// inBubble runs a scenario to its end in fake time while act acts upon it, and returns the
// result.
func inBubble(t *testing.T, src string, act func(*bubbled), with ...func(*bubbling)) *metrics.Result {
	t.Helper()
	var res *metrics.Result
	synctest.Test(t, func(t *testing.T) {
		sc, faults := scenarios.Load("test.toml", []byte(src))
		if faults.Err() != nil {
			t.Fatal(faults)
		}
		differs := bubbling{broker: broker.Config{Anonymous: true}}
		for _, set := range with {
			set(&differs)
		}
		var err error
		if differs.shard.N > 0 {
			if sc, err = sc.Shard(differs.shard, "test"); err != nil {
				t.Fatal(err)
			}
		}
		b, err := broker.New(differs.broker)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		options := fleet.Options{Run: "test", Embedded: true, InMemory: true, BrokerControl: b, BrokerName: "the test's", Dial: b.Dial}
		if differs.options != nil {
			differs.options(&options)
		}
		f, err := fleet.New(sc, options)
		if err != nil {
			t.Fatal(err)
		}
		h := &bubbled{t: t, fleet: f, broker: b, api: control.New(control.Config{Version: "v0", Fleet: f, Scenario: sc, Run: "test", Stop: f.Stop, Token: token,
			Phone: requester.NewPhone(requester.PhoneConfig{Name: "test", Dial: b.Dial, Patience: 5 * time.Second})})}
		over := make(chan struct{})
		go func() {
			defer close(over)
			_ = f.Run(context.Background()) // the result has the error
		}()
		act(h)
		<-over
		h.api.End()
		if res, err = f.Result(); err != nil {
			t.Fatal(err)
		}
		if err := res.Check(); err != nil {
			t.Error(err)
		}
	})
	return res
}

// at waits for a moment of the measuring.
func (h *bubbled) at(moment time.Duration) {
	<-h.fleet.Load().Begun()
	start, _ := h.fleet.MeasureStart()
	time.Sleep(time.Until(start.Add(moment)))
}

func (h *bubbled) ask(method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// do asks for something that works.
func (h *bubbled) do(method, path, body string) string {
	h.t.Helper()
	status, text := h.ask(method, path, body)
	if status >= 300 {
		h.t.Errorf("%s %s %s = %d %s", method, path, body, status, text)
	}
	return text
}

const loaded = `
seed = 4
[connect]
session_expiry = "1h"
rate = "50/s"
[[device]]
kind = "light"
id = "light-{n}"
count = 5
[phases]
warm_up = "1s"
measure = "10s"
drain = "2s"
[[controller]]
name = "phones"
count = 4
attribute = "power"
payload = "TOGGLE"
qos = 1
timeout = "1s"
`

// What is paused is in the books as that and as nothing else, a new rate holds from its
// moment, and the run is a pass that says that somebody was there.
func TestLoadIsPausedAndChanged(t *testing.T) {
	arrivals := []string{`rate = "100/s"`, `arrival = "poisson"` + "\n" + `rate = "100/s"`}
	for _, arrival := range arrivals[:some(1, 2)] {
		res := inBubble(t, loaded+arrival+"\n[expect]\n\"requests.answered\" = \"== 100%\"\n\"response.p99\" = \"< 1s\"\n\"requests.not_sent\" = \"== 0%\"\n", func(h *bubbled) {
			h.at(2 * time.Second)
			h.do("PATCH", "/v1/load", `{"paused":true}`)
			h.at(3 * time.Second)
			before := h.fleet.Counts().Requests.Load()
			h.at(3900 * time.Millisecond)
			if n := h.fleet.Counts().Requests.Load(); n != before {
				t.Errorf("%d requests came to devices while the load was paused; want none", n-before)
			}
			if got := h.do("GET", "/v1/load", ""); !strings.Contains(got, `"paused":true,"rate":"100/s","factor":1,`) {
				t.Errorf("GET /v1/load = %s; want it paused, and 100/s planned", got)
			}
			h.at(4 * time.Second)
			h.do("PATCH", "/v1/load/phones", `{"paused":false}`)
			h.at(5 * time.Second)
			h.do("PATCH", "/v1/load/phones", `{"rate":"300/s"}`)
			h.at(7 * time.Second)
			h.do("PATCH", "/v1/load", `{"factor":0.5}`)
		})
		within := func(what string, got, want int64) {
			t.Helper()
			slack := int64(4)
			if strings.Contains(arrival, "poisson") {
				slack = 100
			}
			if got < want-slack || got > want+slack {
				t.Errorf("%s: %s is %d; want %d", arrival, what, got, want)
			}
		}
		n := &res.Totals
		within("planned", n.Planned, 500+600+150)
		within("paused", n.NotSent.Paused, 200)
		if n.NotSent.Total() != n.NotSent.Paused || n.Answered != n.Sent || n.Sent+n.NotSent.Paused != n.Planned {
			t.Errorf("%s: the books say %+v; want all answered but for what was paused", arrival, n)
		}
		perSecond := make([]int64, 10)
		for i := range res.TimeLine.Points {
			perSecond[int(time.Duration(res.TimeLine.Points[i].At)/time.Second)] += res.TimeLine.Points[i].Sent
		}
		for i, want := range []int64{100, 100, 0, 0, 100, 300, 300, 50, 50, 50} {
			within(fmt.Sprintf("what was sent in second %d", i), perSecond[i], want)
		}
		if !res.Attended || res.Verdict != metrics.VerdictPass || res.Generator.Saturated {
			t.Errorf("%s: attended %v, verdict %s, saturated %v; want an attended pass", arrival, res.Attended, res.Verdict, res.Generator.Saturated)
		}
		var ops []string
		for _, in := range res.Interventions {
			ops = append(ops, fmt.Sprintf("%v %s %d/%d", in.At, in.Op, in.Done, in.Selected))
		}
		if want := []string{"2s load 1/1", "4s load-group phones 1/1", "5s load-group phones 1/1", "7s load 1/1"}; !slices.Equal(ops, want) {
			t.Errorf("interventions %q; want %q", ops, want)
		}
	}
}

// A pause of controllers that wait for answers has them ask nothing; afterwards they go on,
// and no request counts the pause as its response time.
func TestPauseOfAClosedLoad(t *testing.T) {
	res := inBubble(t, loaded+"arrival = \"closed\"\nthink = \"100ms\"\n", func(h *bubbled) {
		h.at(2 * time.Second)
		h.do("PATCH", "/v1/load", `{"paused":true}`)
		h.at(6 * time.Second)
		h.do("PATCH", "/v1/load", `{"paused":false}`)
		if status, body := h.ask("PATCH", "/v1/load", `{"rate":"5/s"}`); status != 422 || !strings.Contains(body, "wait for answers, so that their load has no rate") {
			t.Errorf("a rate for a closed load = %d %s", status, body)
		}
	})
	for i := range res.TimeLine.Points {
		p := &res.TimeLine.Points[i]
		if at := time.Duration(p.At); (at >= 2500*time.Millisecond && at < 5500*time.Millisecond) != (p.Sent == 0) && at != 2*time.Second && at != 6*time.Second {
			t.Errorf("%d requests sent in the second from %v", p.Sent, at)
		}
	}
	if most := res.Series[metrics.Series{Metric: metrics.ResponseTime}].Max(); most > 100*time.Millisecond || res.Totals.Answered != res.Totals.Planned || res.Totals.Planned < 200 {
		t.Errorf("%d planned, %d answered, at most after %v; want all, at once", res.Totals.Planned, res.Totals.Answered, most)
	}
}

// What does not go with how a group sends is refused, with the key at fault and the
// nearest right word, and nothing is noted.
func TestLoadRefused(t *testing.T) {
	src := loaded + "rate = \"10/s\"\n[[controller]]\nname = \"waves\"\nattribute = \"power\"\npayload = \"ON\"\narrival = \"bursts\"\nburst = 5\nevery = \"2s\"\n"
	res := inBubble(t, src, func(h *bubbled) {
		h.at(time.Second)
		for _, tt := range []struct {
			path, body string
			status     int
			want       string
		}{
			{"/v1/load", ``, 422, `nothing is said of the load; want paused, rate, factor, burst or every`},
			{"/v1/load", `{"pause":true}`, 422, `did you mean \"paused\"?`},
			{"/v1/load", `{"paused":"yes"}`, 422, `"pointer":"/paused"`},
			{"/v1/load", `{"rate":"5/s"}`, 422, `rate is of one group of controllers, and there are several: phones`},
			{"/v1/load/phones", `{"rate":5}`, 422, `did you mean \"5/s\"?`},
			{"/v1/load/phones", `{"rate":"0/s"}`, 422, `"pointer":"/rate"`},
			{"/v1/load/phones", `{"rate":"5/s","factor":2}`, 422, `want one of the two`},
			{"/v1/load/phones", `{"factor":0}`, 422, `want 0.001 to 1000`},
			{"/v1/load/phones", `{"burst":5}`, 422, `send no bursts`},
			{"/v1/load/waves", `{"factor":"2x"}`, 422, `send bursts, which have no factor; want burst or every`},
			{"/v1/load/phons", `{"factor":2}`, 404, `did you mean \"phones\"?`},
		} {
			if status, body := h.ask("PATCH", tt.path, tt.body); status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("PATCH %s %s = %d %s; want %d, %s", tt.path, tt.body, status, body, tt.status, tt.want)
			}
		}
		if got := h.do("PATCH", "/v1/load/waves?dry_run=true", `{"burst":2}`); !strings.Contains(got, `"dry_run":true`) || !strings.Contains(got, `"burst":5`) {
			t.Errorf("a dry run: %s; want nothing changed", got)
		}
		h.do("PATCH", "/v1/load/waves", `{"burst":2,"every":"1s"}`)
		if got := h.do("PATCH", "/v1/load/waves", `{"burst":2}`); !strings.Contains(got, `"changed":0`) {
			t.Errorf("the same again: %s; want nothing changed", got)
		}
		h.at(9995 * time.Millisecond)
		if status, body := h.ask("PATCH", "/v1/load", `{"paused":true}`); status != 409 || !strings.Contains(body, "nothing is sent any more") {
			t.Errorf("a pause after the load = %d %s; want 409", status, body)
		}
	})
	if len(res.Interventions) != 2 {
		t.Errorf("%d interventions; want 2", len(res.Interventions))
	}
	for _, l := range res.ByLabel {
		if l.Label == (metrics.Label{Dimension: metrics.ByController, Name: "waves"}) && l.Planned != 5+9*2 {
			t.Errorf("the waves planned %d; want 5, and nine times 2", l.Planned)
		}
	}
}

// A result's interventions can be done again, and in fake time the second run is the first
// one, to the byte of its result. Nothing happens at the moment of something else, such as a
// slot of the load or a point of the time line: of what happens at one moment nobody can say
// what comes first.
func TestReplayIsEqualToTheByte(t *testing.T) {
	src := loaded + "rate = \"50/s\"\n[[incident]]\nkind = \"offline\"\nat = \"9103ms\"\nfor = \"500ms\"\ntarget = { id = \"light-5\" }\n"
	first := inBubble(t, src, func(h *bubbled) {
		h.at(-503 * time.Millisecond)
		h.do("POST", "/v1/actions/kill", `{"select":{"id":"light-1"},"way":"cut"}`)
		h.at(1500*time.Millisecond + 123456*time.Nanosecond)
		h.do("PATCH", "/v1/load", `{"paused": true}`)
		h.do("POST", "/v1/devices/light-2/command", `{"attribute":"brightness","payload":"30","via":"hand"}`)
		h.at(2003 * time.Millisecond)
		h.do("POST", "/v1/actions/misbehave", `{"select":{"share":"50%"},"drop":"30%"}`)
		h.at(2203 * time.Millisecond)
		h.do("PATCH", "/v1/load/phones", `{"paused":false}`)
		h.at(3003 * time.Millisecond)
		h.do("POST", "/v1/actions/revive", `{"select":{"all":true}}`)
		h.do("POST", "/v1/incidents", `{"kind":"power-cut","target":{"id":"light-3"},"for":"1h"}`)
		h.at(4003 * time.Millisecond)
		h.do("PATCH", "/v1/load", `{"rate":"120/s"}`)
		h.do("DELETE", "/v1/incidents/1", "")
		h.at(6007 * time.Millisecond)
		h.do("POST", "/v1/actions/behave", `{"select":{"all":true}}`)
	})
	if len(first.Interventions) != 10 || first.Totals.NotSent.Paused == 0 || first.Totals.Lost == 0 {
		t.Fatalf("%d interventions, %+v; want 10, some paused and some lost", len(first.Interventions), first.Totals)
	}
	replayTwice(t, src, first)
}

// replayTwice has what a result says was done be done again, twice, or once where there is no
// time for more, and wants the same result to the byte.
func replayTwice(t *testing.T, src string, first *metrics.Result) {
	t.Helper()
	encoded := func(r *metrics.Result) []byte {
		var b bytes.Buffer
		if err := r.Encode(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	want := encoded(first)
	var was metrics.Result
	if err := json.Unmarshal(want, &was); err != nil {
		t.Fatal(err)
	}
	for range some(1, 2) {
		again := inBubble(t, src, func(h *bubbled) {
			p, err := h.api.NewReplaying(&was)
			if err != nil {
				t.Fatal(err)
			}
			h.api.Replay(context.Background(), p, func(in metrics.Intervention, why string) { t.Errorf("intervention %d, %s: %s", in.N, in.Op, why) })
		})
		if got := encoded(again); !bytes.Equal(got, want) {
			a, b := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Errorf("line %d of the result is %s; want %s", i+1, b[i], a[i])
				}
			}
		}
	}
}

// What cannot be repeated is refused before anything is done.
func TestReplayRefused(t *testing.T) {
	inBubble(t, loaded+"rate = \"10/s\"\n", func(h *bubbled) {
		for _, tt := range []struct {
			res  metrics.Result
			want string
		}{
			{metrics.Result{InterventionsLeftOut: 3}, "leaves out 3 interventions"},
			{metrics.Result{Interventions: []metrics.Intervention{{N: 1, Op: "explode"}}}, `intervention 1: there is no "explode"`},
			{metrics.Result{Interventions: []metrics.Intervention{{N: 2, Op: "get-device light-1"}}}, `there is no "get-device light-1"`},
			{metrics.Result{Interventions: []metrics.Intervention{{N: 2, Op: "kill"}}}, `is not in the result`},
			{metrics.Result{Interventions: []metrics.Intervention{{N: 2, Op: "command-device", Request: json.RawMessage(`{}`)}}}, `does not say of what`},
		} {
			if _, err := h.api.NewReplaying(&tt.res); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewReplaying(%+v) = %v; want %s", tt.res.Interventions, err, tt.want)
			}
		}
		p, err := h.api.NewReplaying(&metrics.Result{Interventions: []metrics.Intervention{{N: 4, Op: "kill", Request: json.RawMessage(`{"select":{"id":"nobody"}}`)}}})
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		h.api.Replay(context.Background(), p, func(in metrics.Intervention, why string) {
			if told++; in.N != 4 || !strings.Contains(why, "nobody") {
				t.Errorf("told of %d: %s", in.N, why)
			}
		})
		if told != 1 {
			t.Errorf("told of %d refusals; want 1", told)
		}
	})
}

// The load through a socket, with what the document says.
func TestLoadOverHTTP(t *testing.T) {
	h := start(t, loaded+"rate = \"10/s\"\n")
	if got := must[api.Load](h, "GET", "/v1/load", ""); len(got.Groups) != 1 || got.Groups[0].Rate != "10/s" || got.Groups[0].Scenario != "open, constant 10/s" {
		t.Errorf("GET /v1/load: %+v", got)
	}
	if got := must[api.Load](h, "PATCH", "/v1/load/phones", `{"factor":"2x","paused":true}`); got.Groups[0].Rate != "20/s" || !got.Groups[0].Paused || got.Changed != 1 || got.Intervention == 0 {
		t.Errorf("PATCH: %+v", got)
	}
	if status, _, header := h.ask("PUT", "/v1/load", `{}`); status != http.StatusMethodNotAllowed || header.Get("Allow") != "GET, PATCH" {
		t.Errorf("PUT /v1/load = %d, Allow %q", status, header.Get("Allow"))
	}
	if got := start(t, block); true {
		if status, body, _ := got.ask("PATCH", "/v1/load", `{"paused":true}`); status != 409 || !strings.Contains(body, "no controllers") {
			t.Errorf("PATCH /v1/load without controllers = %d %s", status, body)
		}
	}
}

// A device that is not there yet is listed as such, is neither killed nor reset into being,
// and is there once it is revived.
func TestReviveBringsWhoIsNotThereYet(t *testing.T) {
	inBubble(t, "duration = \"20s\"\n[[device]]\nkind = \"light\"\nid = \"old\"\n[[device]]\nkind = \"light\"\nid = \"new\"\npresent = false\n", func(h *bubbled) {
		<-h.fleet.Ready()
		if status, body := h.ask("GET", "/readyz", ""); status != 200 || !strings.Contains(body, `"devices":1`) {
			t.Errorf("GET /readyz = %d %s; want it ready with one device", status, body)
		}
		if got := h.do("GET", "/v1", ""); !strings.Contains(got, `"total":1,"online":1,"seen":1,"gave_up":0,"not_present":1`) {
			t.Errorf("GET /v1: %s", got)
		}
		if got := h.do("GET", "/v1/devices/new", ""); !strings.Contains(got, `"not_present":true`) || !strings.Contains(got, `"held_by":["not present"]`) {
			t.Errorf("GET /v1/devices/new: %s", got)
		}
		if got := h.do("POST", "/v1/actions/kill", `{"select":{"id":"new"}}`); !strings.Contains(got, `"already":1`) {
			t.Errorf("kill: %s; want nothing to do", got)
		}
		h.do("POST", "/v1/actions/reset", `{"select":{"all":true}}`)
		if status, body := h.ask("POST", "/v1/devices/new/command", `{"attribute":"power","timeout":"1s"}`); status != 504 || !strings.Contains(body, "new is not present yet; revive brings it") {
			t.Errorf("a command = %d %s", status, body)
		}
		h.do("POST", "/v1/actions/revive", `{"select":{"id":"new"}}`)
		if got := h.do("POST", "/v1/wait", `{"select":{"id":"new"},"until":{"online":true}}`); !strings.Contains(got, `"met":true`) {
			t.Errorf("wait: %s", got)
		}
		if got := h.do("GET", "/v1", ""); !strings.Contains(got, `"total":2,"online":2`) || strings.Contains(got, "not_present") {
			t.Errorf("GET /v1 afterwards: %s; want two devices", got)
		}
	})
}
