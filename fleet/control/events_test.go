package control_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"homefleet/fleet/control"
	"homefleet/fleet/control/api"
	"homefleet/fleet/events"
)

// told is one event as a stream has it.
type told struct{ id, event, data string }

// listening is a stream of events, read by a parser of the test's own.
type listening struct {
	t      *testing.T
	events chan told
	status int
	body   string // of what is no stream
	leave  func()

	doc    *document         // all that passes is checked against it; nil: it is not
	passed map[string][]told // by type, what next has let pass while it waited for another
}

// check checks an event against what the document says of its type.
func (l *listening) check(e told) {
	var v any
	if err := json.Unmarshal([]byte(e.data), &v); err != nil {
		l.t.Errorf("%s: %v in %s", e.event, err, e.data)
		return
	}
	says := l.doc.Paths["/v1/events"]["get"].Responses["200"].Description
	_, rest, ok := strings.Cut(says, "`"+e.event+"`: `")
	ref, _, _ := strings.Cut(rest, "`")
	if !ok {
		l.t.Errorf("the document does not say what %s is: %s", e.event, says)
	}
	l.doc.check(l.t, e.event, schema{Ref: ref}, v)
}

// listen opens a stream; it is closed when the test ends.
func (h *home) listen(query string, headers ...string) *listening {
	h.t.Helper()
	t, ok := h.t.(*testing.T)
	if !ok {
		h.t.Fatal("no test")
	}
	ctx, leave := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, "GET", h.url+"/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	l := &listening{t: t, events: make(chan told, 10_000), status: reply.StatusCode, leave: leave, passed: map[string][]told{}}
	lines := bufio.NewScanner(reply.Body)
	lines.Buffer(nil, 1<<20)
	done := make(chan struct{})
	t.Cleanup(func() {
		leave()
		_ = reply.Body.Close()
		<-done
	})
	if reply.StatusCode != http.StatusOK {
		lines.Scan()
		l.body = lines.Text()
		close(done)
		return l
	}
	go func() {
		defer close(done)
		defer close(l.events)
		one := told{event: "message"}
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ":")
			value = strings.TrimPrefix(value, " ")
			switch {
			case lines.Text() == "":
				if one.data != "" {
					l.events <- one
				}
				one = told{event: "message"}
			case field == "id":
				one.id = value
			case field == "event":
				one.event = value
			case field == "data":
				one.data += value
			}
		}
	}()
	return l
}

// next returns the next event of a type. Others are kept for when they are asked for: events
// of one type come in their order, those of two types come from two goroutines.
func next[T any](l *listening, event string) (out T, id string) {
	l.t.Helper()
	e := l.take(event)
	if err := json.Unmarshal([]byte(e.data), &out); err != nil {
		l.t.Fatalf("%s: %v in %s", event, err, e.data)
	}
	return out, e.id
}

func (l *listening) take(event string) told {
	l.t.Helper()
	if kept := l.passed[event]; len(kept) > 0 {
		l.passed[event] = kept[1:]
		return kept[0]
	}
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	for {
		select {
		case e, ok := <-l.events:
			if !ok {
				l.t.Fatalf("the stream has ended; want %s", event)
			}
			if l.doc != nil {
				l.check(e)
			}
			if e.event == event {
				return e
			}
			l.passed[e.event] = append(l.passed[e.event], e)
		case <-timer.C:
			l.t.Fatalf("no %s after a minute", event)
		}
	}
}

// Who comes again before anything has happened has an ID to begin behind, too: that of hello.
func TestBehindHello(t *testing.T) {
	h := start(t, block)
	_, id := next[api.Hello](h.listen("?types=presence"), "hello")
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"kettle"},"way":"cut"}`)
	h.wait(`{"select":{"id":"kettle"},"until":{"online":false},"timeout":"10s"}`)
	if got, _ := next[api.PresenceChange](h.listen("?types=presence", "Last-Event-ID: "+id), "presence"); got.ID != "kettle" || got.Online || got.Way != "cut" {
		t.Errorf("behind %s: %+v; want that the kettle has gone", id, got)
	}
}

// A command and its answer come as one pair, with Response Topic and Correlation Data as
// they were on the wire; and all else that happens comes, until the run ends.
func TestEvents(t *testing.T) {
	h := start(t, block+"\n[audit]\n")
	l := h.listen("")
	l.doc = new(h.document())
	if hello, _ := next[api.Hello](l, "hello"); hello.Run != "test" || hello.Devices.Online != 7 || hello.Most != 50 || len(hello.Types) != 7 {
		t.Errorf("hello: %+v", hello)
	}
	asked := must[api.CommandReply](h, "POST", "/v1/devices/flat-01-light-1/command", `{"attribute":"power","payload":"ON"}`)
	x, id := next[api.Exchange](l, "exchange")
	if x.ID != "flat-01-light-1" || x.Home != "flat-01" || x.Outcome != "answered" || x.Why != "" || x.Request.Topic != "cmnd/flat-01-light-1/power" || x.Request.Payload != "ON" || id == "" ||
		x.Request.ResponseTopic != asked.Request.ResponseTopic || x.Request.CorrelationData != asked.Request.CorrelationData ||
		x.Response == nil || x.Response.Topic != asked.Request.ResponseTopic || x.Response.CorrelationData != asked.Request.CorrelationData || x.Response.Payload != "ON" ||
		len(x.Also) == 0 || x.Also[0].Topic != "state/flat-01-light-1/power" {
		t.Errorf("exchange: %+v; want the pair of %+v", x, asked)
	}
	if took, err := time.ParseDuration(x.Took); err != nil || took <= 0 || took > 10*time.Second {
		t.Errorf("it took %q", x.Took)
	}
	must[api.CommandReply](h, "POST", "/v1/devices/kettle/command", `{"attribute":"power","payload":"MAYBE"}`)
	if x, _ := next[api.Exchange](l, "refusal"); x.ID != "kettle" || x.Outcome != "error" || !strings.Contains(x.Why, "MAYBE") || x.Response == nil || x.Response.Properties[0].Key != "error" {
		t.Errorf("refusal: %+v; want an answer with an error", x)
	}

	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"kettle"},"way":"reset"}`)
	if p, _ := next[api.PresenceChange](l, "presence"); p.ID != "kettle" || p.Online || p.Way != "reset" || !slices.Equal(p.HeldBy, []string{"hand"}) {
		t.Errorf("presence: %+v; want the kettle off by hand", p)
	}
	if w, _ := next[api.Will](l, "will"); w.ID != "kettle" || w.Way != "reset" || !w.Due {
		t.Errorf("will: %+v; want that of the kettle, due", w)
	}
	must[api.Bulk](h, "POST", "/v1/actions/revive", `{"select":{"id":"kettle"}}`)
	if p, _ := next[api.PresenceChange](l, "presence"); p.ID != "kettle" || !p.Online || p.Way != "" {
		t.Errorf("presence: %+v; want the kettle online", p)
	}
	struck := must[api.Struck](h, "POST", "/v1/incidents", `{"kind":"power-cut","target":{"home":"flat-03"},"for":"1h"}`)
	if in, _ := next[api.Incident](l, "incident"); in.Number != struck.Incident.Number || in.State != "running" || in.Devices != 2 {
		t.Errorf("incident: %+v; want it running", in)
	}
	must[api.Struck](h, "DELETE", fmt.Sprintf("/v1/incidents/%d", struck.Incident.Number), "")
	if in, _ := next[api.Incident](l, "incident"); in.State != "over" || !in.Ended {
		t.Errorf("incident: %+v; want it over", in)
	}
	for _, want := range []string{"command-device flat-01-light-1", "command-device kettle", "kill", "revive", "strike", "end-incident 1"} {
		if i, _ := next[api.Intervention](l, "intervention"); i.Op != want {
			t.Errorf("intervention: %+v; want %s", i, want)
		}
	}
	must[api.Stopping](h, "POST", "/v1/stop", "")
	<-h.over
	h.end()
	for phase := ""; phase != "ended"; { // of those before, it depends on when this stream began
		p, _ := next[api.PhaseChange](l, "phase")
		phase = p.Phase
	}
	if e, _ := next[api.End](l, "end"); e.Phase != "ended" {
		t.Errorf("end: %+v", e)
	}
	if _, more := <-l.events; more {
		t.Error("something comes behind the end")
	}
}

// A device that is killed by silence is offline for whoever looks on, in lists and in waits.
func TestSilenceIsOffline(t *testing.T) {
	h := start(t, block)
	l := h.listen("?types=presence&id=kettle")
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"kettle"},"way":"silence"}`)
	if p, _ := next[api.PresenceChange](l, "presence"); p.ID != "kettle" || p.Online || p.Way != "silence" {
		t.Errorf("presence: %+v; want it offline by silence", p)
	}
	h.wait(`{"select":{"id":"kettle"},"until":{"online":false},"timeout":"5s"}`)
	if got := must[api.Devices](h, "GET", "/v1/devices?online=false", ""); got.Total != 1 || got.Devices[0].Online {
		t.Errorf("offline: %+v; want the kettle", got)
	}
	must[api.Bulk](h, "POST", "/v1/actions/revive", `{"select":{"id":"kettle"}}`)
	if p, _ := next[api.PresenceChange](l, "presence"); !p.Online {
		t.Errorf("presence: %+v; want it online", p)
	}
	h.wait(`{"select":{"id":"kettle"},"until":{"online":true},"timeout":"5s"}`)
}

// A stream has what its filter says, and takes up behind the event that it names.
func TestEventsFilterAndResume(t *testing.T) {
	h := start(t, block)
	l := h.listen("?types=exchange,presence&home=flat-02&most=1000")
	on := func(id string) { // each is one exchange
		must[api.CommandReply](h, "POST", "/v1/devices/"+id+"/command", `{"attribute":"power","payload":"TOGGLE"}`)
	}
	on("kettle")
	on("flat-02-light-1")
	first, id := next[api.Exchange](l, "exchange")
	if first.ID != "flat-02-light-1" {
		t.Errorf("the first exchange is of %s; want flat-02-light-1", first.ID)
	}
	l.leave()
	on("flat-01-light-1")
	on("flat-02-light-2") // while it is away
	l = h.listen("?types=exchange,presence&home=flat-02&most=1000", "Last-Event-ID: "+id)
	if x, _ := next[api.Exchange](l, "exchange"); x.ID != "flat-02-light-2" {
		t.Errorf("behind %s comes %s; want flat-02-light-2", id, x.ID)
	}
	l = h.listen("", "Last-Event-ID: another.7")
	if gap, _ := next[api.Gap](l, "gap"); !strings.Contains(gap.Text, "not of this run") {
		t.Errorf("gap: %+v; want that it is another run's", gap)
	}
	for _, tt := range []struct {
		query, problem, says string
		status               int
	}{
		{"?types=exchanges", "bad-query", `did you mean \"exchange\"?`, 422},
		{"?most=0", "bad-query", "from 1 to 1000", 422},
		{"?kind=lamp", "bad-query", "", 422},
		{"?id=kettel", "nothing-selected", "kettle", 409},
		{"?type=exchange", "bad-query", `did you mean \"types\"?`, 422},
	} {
		l := h.listen(tt.query)
		if l.status != tt.status || problemOf(t, l.body) != tt.problem || !strings.Contains(l.body, tt.says) {
			t.Errorf("%s = %d %s; want %d %s, %q", tt.query, l.status, l.body, tt.status, tt.problem, tt.says)
		}
	}
}

// Every way in which a command does not go as usual is seen: as an event, and in the
// device's journal, the last of which is the one with the answer.
func TestWhatBecameOfCommands(t *testing.T) {
	h := start(t, "faults_on_request = true\n"+block)
	l := h.listen("?id=kettle")
	p := h.phone()
	misbehave := func(how string) {
		must[api.Bulk](h, "POST", "/v1/actions/misbehave", `{"select":{"id":"kettle"},`+how+`}`)
	}
	for _, tt := range []struct {
		name                string
		misbehave           string
		topic, payload      string
		response            string
		user                string
		event, outcome, why string
		answers             int
	}{
		{name: "answered", topic: "cmnd/kettle/power", payload: "ON", response: "phone/1", event: "exchange", outcome: "answered", answers: 1},
		{name: "query", topic: "cmnd/kettle/power", response: "phone/1", event: "exchange", outcome: "answered", answers: 1},
		{name: "without Response Topic", topic: "cmnd/kettle/power", payload: "OFF", event: "exchange", outcome: "answered", answers: 1},
		{name: "an error", topic: "cmnd/kettle/power", payload: "x", response: "phone/1", event: "refusal", outcome: "error", why: "not understood", answers: 1},
		{name: "an error that nobody is told", topic: "cmnd/kettle/powr", payload: "ON", event: "refusal", outcome: "refused", why: "no attribute"},
		{name: "a Response Topic of its own", topic: "cmnd/kettle/power", payload: "ON", response: "cmnd/kettle/power", event: "refusal", outcome: "answered", why: "Response Topic", answers: 1},
		{name: "dropped", misbehave: `"drop":"100%"`, topic: "cmnd/kettle/power", payload: "ON", response: "phone/1", event: "exchange", outcome: "dropped", why: "dropped"},
		{name: "twice", misbehave: `"duplicate":"100%"`, topic: "cmnd/kettle/power", payload: "ON", response: "phone/1", event: "exchange", outcome: "answered", why: "twice", answers: 2},
		{name: "elsewhere", misbehave: `"wrong_topic":"100%"`, topic: "cmnd/kettle/power", payload: "ON", response: "phone/1", event: "exchange", outcome: "answered", why: "another topic", answers: 1},
		{name: "late", misbehave: `"late":"100%","late_min":"20ms","late_max":"30ms"`, topic: "cmnd/kettle/power", payload: "ON", response: "phone/1", event: "exchange", outcome: "held", why: "late"},
		{name: "then answered", event: "exchange", outcome: "answered", why: "late", answers: 1},
		{name: "held on request", user: "pending,delay=20ms,final", topic: "cmnd/kettle/power", payload: "ON", response: "phone/1", event: "exchange", outcome: "held", why: "request wants", answers: 1},
		{name: "then final", event: "exchange", outcome: "answered", why: "request wants", answers: 2},
		{name: "dropped on request", user: "drop", topic: "cmnd/kettle/power", payload: "ON", response: "phone/1", event: "exchange", outcome: "dropped", why: "request wants"},
	} {
		if tt.topic != "" {
			if tt.misbehave != "" {
				misbehave(tt.misbehave)
			} else {
				must[api.Bulk](h, "POST", "/v1/actions/behave", `{"select":{"id":"kettle"}}`)
			}
			p.publish(tt.topic, tt.payload, tt.response, tt.user)
		}
		x, _ := next[api.Exchange](l, tt.event)
		answers := len(x.More)
		if x.Response != nil {
			answers++
		}
		if x.Outcome != tt.outcome || !strings.Contains(x.Why, tt.why) || tt.why == "" && x.Why != "" || answers != tt.answers {
			t.Errorf("%s: %+v; want %s because of %q and %d answers", tt.name, x, tt.outcome, tt.why, tt.answers)
		}
		if x.Response != nil && tt.response == "phone/1" && x.Response.CorrelationData != "00ff" {
			t.Errorf("%s: the answer has the Correlation Data %q; want 00ff", tt.name, x.Response.CorrelationData)
		}
		j := must[api.Journal](h, "GET", "/v1/devices/kettle/journal", "")
		last := j.Exchanges[len(j.Exchanges)-1]
		if last.Number != x.Number || x.Outcome != "held" && last.Outcome != x.Outcome {
			t.Errorf("%s: the journal ends with %d %s; want %d %s", tt.name, last.Number, last.Outcome, x.Number, x.Outcome)
		}
	}
	if log := h.log.String(); strings.Count(log, "refused a command that has no response topic") != 1 || !strings.Contains(log, "cmnd/kettle/powr") {
		t.Errorf("the log does not tell of the command that was refused without a word:\n%s", log)
	}
	j := must[api.Journal](h, "GET", "/v1/devices/kettle/journal", "")
	if len(j.Exchanges) != 12 || j.Missed != 0 || j.Since != "0s" {
		t.Errorf("the journal has %d, %d missed, since %s; want 12", len(j.Exchanges), j.Missed, j.Since)
	}
	after := must[api.Journal](h, "GET", fmt.Sprintf("/v1/devices/kettle/journal?after=%d", j.Exchanges[9].Number), "")
	if len(after.Exchanges) != 2 {
		t.Errorf("behind the tenth there are %d; want 2", len(after.Exchanges))
	}
	must[api.CommandReply](h, "POST", "/v1/devices/flat-01-light-1/command", `{"attribute":"power","payload":"ON"}`)
	all := must[api.Exchanges](h, "GET", "/v1/exchanges?limit=3", "")
	if len(all.Exchanges) != 3 || all.Exchanges[2].ID != "flat-01-light-1" || all.Exchanges[1].ID != "kettle" || all.Devices != 7 {
		t.Errorf("the last three: %+v; want two of the kettle and the light's", all)
	}
	must[api.Bulk](h, "POST", "/v1/actions/reset", `{"select":{"id":"kettle"}}`)
	if j := must[api.Journal](h, "GET", "/v1/devices/kettle/journal", ""); len(j.Exchanges) != 0 {
		t.Errorf("after a reset the journal has %d; want none", len(j.Exchanges))
	}
}

// Viewers beyond the most are refused, those who take nothing cost nobody anything, and
// one who has gone makes room.
func TestViewersAreBounded(t *testing.T) {
	h := start(t, block)
	var all []*listening
	for range 8 {
		all = append(all, h.listen(""))
	}
	more := h.listen("")
	if more.status != 503 || problemOf(t, more.body) != "too-many-streams" {
		t.Errorf("a ninth = %d %s; want 503", more.status, more.body)
	}
	if got := must[api.Status](h, "GET", "/v1", ""); got.Viewers != 8 {
		t.Errorf("%d viewers; want 8", got.Viewers)
	}
	all[0].leave()
	for end := time.Now().Add(time.Minute); must[api.Status](h, "GET", "/v1", "").Viewers > 7; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("who has gone is a viewer still after a minute")
		}
	}
	if l := h.listen(""); l.status != 200 {
		t.Errorf("in its place = %d; want 200", l.status)
	}
}

// Whoever reads nothing makes no device wait: commands go on, what is kept is bounded, and
// when it reads again it is told how much it has missed.
func TestSlowViewer(t *testing.T) {
	h := start(t, block)
	nc, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprintf(nc, "GET /v1/events?most=1000 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", token)
	for end := time.Now().Add(time.Minute); must[api.Status](h, "GET", "/v1", "").Viewers == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no viewer after a minute")
		}
	}
	hub := h.fleet.Events()
	body := []byte(`{"online":true,"why":"` + strings.Repeat("x", 60_000) + `"}`)
	began := time.Now()
	all := some(400, 1000)
	for range all { // 24 or 60 MB, which no socket holds
		hub.Publish(events.Presence, 0, 0, body)
	}
	must[api.CommandReply](h, "POST", "/v1/devices/kettle/command", `{"attribute":"power","payload":"ON"}`)
	if took := time.Since(began); took > 20*time.Second { // it would be for ever
		t.Errorf("%d events and a command took %v beside a viewer that reads nothing", all, took)
	}
	lines := bufio.NewScanner(nc)
	lines.Buffer(nil, 1<<20)
	_ = nc.SetReadDeadline(time.Now().Add(time.Minute))
	took, missed := 0, 0
	for took+missed < all+1 && lines.Scan() {
		line := lines.Text()
		if line == "event: presence" || line == "event: exchange" {
			took++
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && strings.Contains(data, "too slowly") {
			var gap api.Gap
			if err := json.Unmarshal([]byte(data), &gap); err != nil {
				t.Errorf("%v in %s", err, data)
			}
			missed += gap.Events
		}
	}
	if took+missed != all+1 || missed < 100 {
		t.Errorf("it has %d events and is told that it missed %d; want %d in all, and many of them missed: %v", took, missed, all+1, lines.Err())
	}
}

// A viewer that takes nothing for too long is sent away, which is counted.
func TestViewerIsSentAway(t *testing.T) {
	h := start(t, block, func(c *control.Config) { c.Taken = 50 * time.Millisecond })
	nc, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprintf(nc, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", token)
	body := []byte(`{"why":"` + strings.Repeat("x", 60_000) + `"}`)
	for end := time.Now().Add(time.Minute); must[api.Status](h, "GET", "/v1", "").SlowViewers == 0; {
		if time.Now().After(end) {
			t.Fatal("a viewer that takes nothing is there still")
		}
		for range 20 {
			h.fleet.Events().Publish(events.Presence, 0, 0, body)
		}
	}
	if got := must[api.Status](h, "GET", "/v1", "").Viewers; got != 0 {
		t.Errorf("%d viewers; want none", got)
	}
}

// tester is an MQTT 5 client of another implementation.
type tester struct {
	t *testing.T
	c *paho.Client
}

// phone returns one that is connected until the test ends.
func (h *home) phone() *tester {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := h.broker.Dial(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	c := paho.NewClient(paho.ClientConfig{Conn: conn})
	if _, err := c.Connect(ctx, &paho.Connect{ClientID: "requester", CleanStart: true, KeepAlive: 60}); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = c.Disconnect(&paho.Disconnect{}) })
	return &tester{h.t.(*testing.T), c}
}

// publish sends a command. response and fault may be "".
func (r *tester) publish(topic, payload, response, fault string) {
	r.t.Helper()
	p := &paho.Publish{Topic: topic, Payload: []byte(payload), QoS: 1, Properties: &paho.PublishProperties{ResponseTopic: response, CorrelationData: []byte{0, 0xff}}}
	if fault != "" {
		p.Properties.User.Add("homefleet-fault", fault)
	}
	if _, err := r.c.Publish(context.Background(), p); err != nil {
		r.t.Fatal(err)
	}
}
