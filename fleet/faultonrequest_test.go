package fleet

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// examined is a light called lamp whose requests may say what is to become of their
// answers.
const examined = "faults_on_request = true\n[connect]\nsession_expiry = \"1h\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n"

// asksFor sends the lamp a request with User Properties.
func (p *peer) asksFor(payload string, rt, cd []byte, faults ...string) {
	m := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte(payload)}
	m.Props.ResponseTopic, m.Props.CorrelationData = rt, cd
	for _, f := range faults {
		m.Props.User = wire.AppendUserProperty(m.Props.User, "homefleet-fault", f)
	}
	p.publish(m)
}

// answers returns all that comes in about two minutes, but for the device's states, each
// as "after topic payload correlation property=value".
func (p *peer) answers() (all []string) {
	p.t.Helper()
	start := time.Now()
	for pings := 0; pings < 2; {
		f := p.next()
		if f.Type() == packets.PINGREQ {
			pings++
			p.write([]byte{0xd0, 0})
			continue
		}
		m, err := wire.ParsePublish(f, wire.V5)
		if err != nil {
			p.t.Fatalf("a packet of type %d: %v; want answers", f.Type(), err)
		}
		if bytes.HasPrefix(m.Topic, []byte("state/")) {
			continue
		}
		line := []string{fmt.Sprintf("%v %s %s %x", time.Since(start), m.Topic, m.Payload, m.Props.CorrelationData)}
		for k, v := range m.Props.UserProperties() {
			line = append(line, k+"="+v)
		}
		all = append(all, strings.Join(line, " "))
	}
	return all
}

// Each fault that a request may ask for, on the wire: what comes, when, and whether the
// command is obeyed.
func TestFaultOnRequest(t *testing.T) {
	for _, tt := range []struct {
		fault string
		want  []string
		power string
	}{
		{"drop", nil, "ON"},
		{"final", []string{"0s phone ON 0102"}, "ON"},
		{"delay=2s", []string{"2s phone ON 0102"}, "ON"},
		{"delay=1m", []string{"1m0s phone ON 0102"}, "ON"},
		{"twice", []string{"0s phone ON 0102", "0s phone ON 0102"}, "ON"},
		{"delay=2s, twice", []string{"2s phone ON 0102", "2s phone ON 0102"}, "ON"},
		{"final,delay=1s,final", []string{"0s phone ON 0102", "1s phone ON 0102"}, "ON"},
		{"wrong-correlation", []string{"0s phone ON 0157"}, "ON"},
		{"wrong-correlation,delay=500ms,final", []string{"0s phone ON 0157", "500ms phone ON 0102"}, "ON"},
		{"no-correlation", []string{"0s phone ON "}, "ON"},
		{"wrong-topic", []string{"0s phone/wrong ON 0102"}, "ON"},
		{"error=busy", []string{"0s phone OFF 0102 error=busy"}, "OFF"},
		{"delay=3s,error=out of order", []string{"3s phone OFF 0102 error=out of order"}, "OFF"},
		{"pending", []string{"0s phone pending 0102 status=pending"}, "ON"},
		{"pending,final", []string{"0s phone pending 0102 status=pending", "0s phone ON 0102 status=final"}, "ON"},
		{"pending,delay=2s,pending,delay=2s,final", []string{"0s phone pending 0102 status=pending", "2s phone pending 0102 status=pending", "4s phone ON 0102 status=final"}, "ON"},
		{"pending,delay=1s,error=busy", []string{"0s phone pending 0102 status=pending", "1s phone OFF 0102 error=busy status=final"}, "OFF"},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			play(t, scenarioOf(t, examined), func(t *testing.T, b *script) {
				p := b.accept()
				p.welcome(nil)
				p.asksFor("ON", []byte("phone"), []byte{1, 2}, tt.fault)
				if got := p.answers(); !slices.Equal(got, tt.want) {
					t.Errorf("homefleet-fault %q:\n%s\nwant\n%s", tt.fault, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
				if value := b.snapshot("lamp").Values["power"]; value != tt.power {
					t.Errorf("power is %s afterwards; want %s", value, tt.power)
				}
				if n := b.fleet.Counts().FaultsOnRequest.Load(); n != 1 {
					t.Errorf("%d faults on request counted; want 1", n)
				}
				for i := range b.fleet.Counts().Misbehavior {
					if n := b.fleet.Counts().Misbehavior[i].Load(); n != 0 {
						t.Errorf("%d counted as misbehavior; want none: the device was asked", n)
					}
				}
			})
		})
	}
}

// What cannot be had is refused, in a sentence that names the nearest word; nothing is
// done.
func TestFaultOnRequestRefused(t *testing.T) {
	for _, tt := range []struct {
		faults []string
		rt, cd string
		want   string
	}{
		{[]string{"drpo"}, "phone", "x", `there is no homefleet-fault "drpo"; did you mean drop?`},
		{[]string{"dealy=2s"}, "phone", "x", `there is no homefleet-fault "dealy=2s"; did you mean delay=2s?`},
		{[]string{"wrong_correlation"}, "phone", "x", `there is no homefleet-fault "wrong_correlation"; did you mean wrong-correlation?`},
		{[]string{"explode"}, "phone", "x", `there is no homefleet-fault "explode"; want one of delay=2s, drop, twice, wrong-correlation, no-correlation, wrong-topic, error=busy, pending, final`},
		{[]string{""}, "phone", "x", `there is no homefleet-fault ""; want one of delay=2s, drop, twice, wrong-correlation, no-correlation, wrong-topic, error=busy, pending, final`},
		{[]string{"drop=1"}, "phone", "x", `there is no homefleet-fault "drop=1"; did you mean drop?`},
		{[]string{"delay=2"}, "phone", "x", `delay is "2"; want a time above 0s, such as delay=2s`},
		{[]string{"delay=-2s"}, "phone", "x", `delay is "-2s"; want a time above 0s, such as delay=2s`},
		{[]string{"delay"}, "phone", "x", `delay is ""; want a time above 0s, such as delay=2s`},
		{[]string{"delay=61s"}, "phone", "x", `the delays are 1m1s in all; want at most 1m`},
		{[]string{"delay=2562047h"}, "phone", "x", `the delays are 2562047h in all; want at most 1m`},
		{[]string{"delay=40s,pending,delay=21s,final"}, "phone", "x", `the delays are 1m1s in all; want at most 1m`},
		{[]string{"final,delay=1s"}, "phone", "x", `delay stands last, with nothing to delay; want it before what is to be late`},
		{[]string{"drop,final"}, "phone", "x", `drop stands beside something else; want it alone, since there is no answer then`},
		{[]string{"delay=1s,drop"}, "phone", "x", `drop stands beside something else; want it alone, since there is no answer then`},
		{[]string{"error"}, "phone", "x", `error has 0 bytes of text; want 1 to 256, such as error=busy`},
		{[]string{"error=busy,final"}, "phone", "x", `error stands beside another answer; want pending and delay alone before it, and nothing behind`},
		{[]string{"error=busy,pending"}, "phone", "x", `error stands beside another answer; want pending and delay alone before it, and nothing behind`},
		{[]string{"final,final,final,final,final,final,final,final,final"}, "phone", "x", `homefleet-fault lists 9 things; want at most 8`},
		{[]string{strings.Repeat("x", 513)}, "phone", "x", `homefleet-fault has 513 bytes; want at most 512`},
		{[]string{"drop", "twice"}, "phone", "x", `homefleet-fault stands there 2 times; want it once, with a comma between what it lists`},
		{[]string{"wrong-correlation"}, "phone", "", `wrong-correlation wants Correlation Data, and the request has none`},
	} {
		t.Run(strings.Join(tt.faults, " "), func(t *testing.T) {
			play(t, scenarioOf(t, examined), func(t *testing.T, b *script) {
				p := b.accept()
				p.welcome(nil)
				p.asksFor("ON", []byte(tt.rt), []byte(tt.cd), tt.faults...)
				m := p.reply()
				text, _ := m.Props.UserProperty("error")
				if string(text) != tt.want || string(m.Payload) != "OFF" {
					t.Errorf("homefleet-fault %q is answered %q, error %q; want OFF, %q", tt.faults, m.Payload, text, tt.want)
				}
			})
		})
	}
}

// A request without a Response Topic has no answer that anything could become of: it is
// refused, and so nothing is done.
func TestFaultOnRequestWithoutResponseTopic(t *testing.T) {
	play(t, scenarioOf(t, examined), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		p.asksFor("ON", nil, nil, "drop")
		if m := p.wantPublish(); string(m.Topic) != "state/lamp/power" || string(m.Payload) != "OFF" {
			t.Errorf("%s %q; want the unchanged state", m.Topic, m.Payload)
		}
		if value := b.snapshot("lamp").Values["power"]; value != "OFF" {
			t.Errorf("power is %s; want OFF", value)
		}
	})
}

// Where the scenario does not allow it, the property is one like any other.
func TestFaultOnRequestIsOffByDefault(t *testing.T) {
	play(t, scenarioOf(t, strings.TrimPrefix(examined, "faults_on_request = true\n")), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		p.asksFor("ON", []byte("phone"), []byte{1}, "drop")
		if m := p.reply(); string(m.Payload) != "ON" {
			t.Errorf("answered %q; want ON", m.Payload)
		}
	})
}

// A device holds back so much and no more, the run too, and what it holds back when it
// goes offline is given up.
func TestFaultOnRequestIsBounded(t *testing.T) {
	play(t, scenarioOf(t, examined), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		large := bytes.Repeat([]byte{7}, 60_000)
		held := 0
		for ; held < 50; held++ {
			p.asksFor("TOGGLE", []byte("phone"), large, "delay=30s")
			if synctest.Wait(); b.fleet.Counts().FaultsOnRequest.Load() == int64(held) {
				break
			}
		}
		m := p.reply()
		text, _ := m.Props.UserProperty("error")
		if held < 10 || held > 17 || !strings.HasPrefix(string(text), "the device holds back as much as it may, 1 MiB") {
			t.Errorf("after %d answers of 60 KB held back: %q; want a refusal before 1 MiB", held, text)
		}
		p.conn.Close()
		p = b.accept()
		p.welcome(nil)
		p.asksFor("ON", []byte("phone"), large, "delay=30s")
		if got := p.answers(); len(got) != 1 || !strings.HasPrefix(got[0], "30s phone ON 0707") {
			t.Errorf("on the next connection %d answers, %.40q; want one, after 30s", len(got), got)
		}
	})
}

// The books of measured controllers are as if nobody had asked for faults: of their
// requests every one is answered once, in time.
func TestFaultsOnRequestLeaveTheBooks(t *testing.T) {
	const faults = 40
	snap, s := brew(t, "faults_on_request = true\n[connect]\nsession_expiry = \"1h\"\n[phases]\nmeasure = \"6s\"\ndrain = \"3s\"\n"+
		"[[device]]\nkind = \"light\"\nid = \"lamp\"\nmisbehave = { duplicate = \"50%\" }\n"+
		"[[controller]]\nrate = \"50/s\"\nattribute = \"power\"\npayload = \"TOGGLE\"\ntimeout = \"2s\"\n", broker.Config{}, func(s *storm) {
		s.sleepTo(time.Second)
		conn, err := s.broker.Dial(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		defer conn.Close()
		p := &peer{t: s.t, conn: conn}
		p.write(wire.AppendConnect(nil, &wire.Connect{Version: wire.V5, ClientID: "phone", CleanStart: true}))
		p.want(packets.CONNACK)
		for i := range faults {
			m := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("TOGGLE")}
			m.Props.ResponseTopic, m.Props.CorrelationData = []byte("phone"), []byte{byte(i)}
			m.Props.User = wire.AppendUserProperty(nil, "homefleet-fault", []string{"drop", "twice", "delay=1s", "error=busy", "wrong-correlation"}[i%5])
			p.publish(m)
		}
		time.Sleep(2 * time.Second)
	})
	if n := s.fleet.Counts().FaultsOnRequest.Load(); n != faults {
		t.Errorf("%d faults on request; want %d", n, faults)
	}
	deeds := s.fleet.Counts().Misbehavior[metrics.AnswerDuplicated].Load()
	want := metrics.Totals{Planned: 300, Sent: 300, Answered: 300, Answers: 300, Duplicates: deeds}
	if !snap.Totals.Equal(want) || deeds < 100 || deeds > 200 {
		t.Errorf("the books say %+v; want %+v", snap.Totals, want)
	}
}
