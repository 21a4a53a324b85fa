package fleet

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices/faces"
	"homefleet/fleet/broker"
	"homefleet/scenarios"
)

// dialect is a run of one device that speaks a dialect, and a stranger who hears all that
// is said.
type dialect struct {
	*stranger
	t      *testing.T
	broker *broker.Broker
	log    *lockedBuffer
	name   string // as its topics have it
}

// heard is a message as the stranger hears it.
type heard struct {
	topic, payload string
	p              *packets.Publish
}

// speakDialect runs a device of a kind and a face, and has act talk to it. before is said
// before it comes.
func speakDialect(t *testing.T, face, kind, more string, c broker.Config, before func(*dialect), act func(*dialect)) {
	t.Helper()
	text := fmt.Sprintf("seed = 7\n[[device]]\nkind = %q\nid = \"d1\"\nface = %q\ntelemetry = \"0s\"\n%s", kind, face, more)
	sc, faults := scenarios.Load("dialect.toml", []byte(text))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c.Anonymous = true
		b, err := broker.New(c)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		d := &dialect{t: t, broker: b, log: new(lockedBuffer)}
		d.name = nameIn(face, kind)
		d.stranger = meet(t, b.Dial)
		if before != nil {
			before(d)
			time.Sleep(time.Second) // until the broker has it
		}
		f, err := New(sc, Options{Dial: b.Dial, BrokerName: "the broker", Log: slog.New(slog.NewTextHandler(d.log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(runEnd, 1)
		go func() { ended <- f.Run(t.Context()) }()
		defer func() {
			f.Stop()
			<-ended
		}()
		time.Sleep(30 * time.Second) // it has said all that it says as it comes
		d.send(&packets.Subscribe{PacketID: 1, Properties: new(packets.Properties), Subscriptions: []packets.SubOptions{{Topic: "#", QoS: 2, RetainAsPublished: true, RetainHandling: 2}}})
		d.listen()
		act(d)
	})
}

// nameIn is what the device d1 of seed 7 is called in the topics of a face.
func nameIn(face, kind string) string {
	who := faces.Who{ID: "d1", Seed: 7}
	mac := string(who.AppendMAC(nil))
	switch {
	case face == "tasmota":
		return "tasmota_" + mac[6:]
	case face == "shelly" && kind == "light":
		return "shellycolorblbg3-" + strings.ToLower(mac)
	case face == "shelly":
		return "shellyplugsg3-" + strings.ToLower(mac)
	}
	return "d1"
}

// listen returns all that is said until there is nothing for two seconds.
func (d *dialect) listen() (all []heard) {
	d.t.Helper()
	for p := d.read(); p != nil; p = d.read() {
		m, ok := p.Content.(*packets.Publish)
		if !ok {
			continue
		}
		all = append(all, heard{m.Topic, string(m.Payload), m})
		switch m.QoS {
		case 1:
			d.send(&packets.Puback{PacketID: m.PacketID, Properties: new(packets.Properties)})
		case 2:
			d.t.Fatalf("%s came at QoS 2", m.Topic)
		}
	}
	return all
}

// ask sends a request and returns what is said after it, without itself.
func (d *dialect) ask(topic, payload, responseTopic string, correlation []byte) (said []heard) {
	d.t.Helper()
	topic = strings.ReplaceAll(topic, "<t>", d.name)
	d.send(&packets.Publish{Topic: topic, Payload: []byte(payload), Properties: &packets.Properties{
		ResponseTopic: strings.ReplaceAll(responseTopic, "<t>", d.name), CorrelationData: correlation, User: []packets.User{{Key: "k", Value: "v"}}}})
	for _, h := range d.listen() {
		if h.topic != topic {
			said = append(said, h)
		}
	}
	return said
}

// saidOn returns the payloads of what was said on a topic.
func saidOn(said []heard, topic string) (payloads []string) {
	for _, h := range said {
		if h.topic == topic {
			payloads = append(payloads, h.payload)
		}
	}
	return payloads
}

// dialectRequests are requests of each face, with how many messages answer them, and the
// topic on which the same is said to everybody; "": on none.
var dialectRequests = []struct {
	face, kind, topic, payload string
	answers                    int
	own                        string
}{
	{"homefleet", "light", "cmnd/d1/power", "ON", 1, "state/d1/power"},
	{"home-assistant", "light", "homefleet/d1/set", `{"state":"ON","brightness":40}`, 1, "homefleet/d1/state"},
	{"home-assistant", "thermostat", "homefleet/d1/set/target", "22.5", 1, "homefleet/d1/state"},
	{"home-assistant", "plug", "homefleet/d1/set", "OFF", 1, "homefleet/d1/state"},
	{"tasmota", "light", "cmnd/<t>/Dimmer", "40", 1, "stat/<t>/RESULT"},
	{"tasmota", "plug", "cmnd/<t>/POWER", "OFF", 2, "stat/<t>/RESULT stat/<t>/POWER"},
	{"tasmota", "plug", "cmnd/<t>/Status", "0", 11, "stat/<t>/STATUS stat/<t>/STATUS1 stat/<t>/STATUS2 stat/<t>/STATUS3 stat/<t>/STATUS4 stat/<t>/STATUS5 stat/<t>/STATUS6 stat/<t>/STATUS7 stat/<t>/STATUS9 stat/<t>/STATUS10 stat/<t>/STATUS11"},
	{"tasmota", "thermostat", "cmnd/<t>/TempTargetSet", "22.5", 1, "stat/<t>/RESULT"},
	{"tasmota", "light", "cmnd/<t>/NoSuchWord", "1", 1, "stat/<t>/RESULT"},
	{"tasmota", "plug", "cmnd/<t>/Status", "99", 1, "stat/<t>/RESULT"},
	{"zigbee2mqtt", "bridge", "zigbee2mqtt/bridge/request/health_check", `{"transaction":7}`, 1, "zigbee2mqtt/bridge/response/health_check"},
	{"zigbee2mqtt", "bridge", "zigbee2mqtt/light_1/set", `{"state":"ON"}`, 1, "zigbee2mqtt/light_1"},
	{"zigbee2mqtt", "bridge", "zigbee2mqtt/plug_1/get", `{"state":""}`, 1, "zigbee2mqtt/plug_1"},
	{"zigbee2mqtt", "bridge", "zigbee2mqtt/nobody/set", `{"state":"ON"}`, 1, ""},
	{"shelly", "plug", "<t>/rpc", `{"id":1,"src":"me","method":"Switch.Set","params":{"id":0,"on":false}}`, 1, "me/rpc"},
	{"shelly", "light", "<t>/rpc", `{"id":"a","method":"RGBCCT.Set","params":{"id":0,"on":true}}`, 1, ""},
	{"shelly", "light", "<t>/rpc", `{"id":2,"src":"me","method":"No.Such"}`, 1, "me/rpc"},
	{"homie", "light", "homie/5/d1/light/brightness/set", "40", 1, "homie/5/d1/light/brightness"},
	{"homie", "plug", "homie/5/d1/plug/power/set", "perhaps", 1, ""},
}

// Every dialect answers a request on its Response Topic with the bytes that it says on its
// own topics (4.10), not retained, with the Correlation Data byte for byte (4.10.1) or, if
// there was none, without, and with no Response Topic of its own; and it says on its own
// topics what it says to a request without one.
func TestDialectsAnswer(t *testing.T) {
	for _, tt := range dialectRequests {
		t.Run(tt.face+" "+tt.topic+" "+tt.payload, func(t *testing.T) {
			speakDialect(t, tt.face, tt.kind, "", broker.Config{}, nil, func(d *dialect) {
				for _, correlation := range [][]byte{[]byte("0123"), {0, 255, 0}, nil, bytes.Repeat([]byte{0xc3}, 65535)} {
					if len(correlation) > 16 && tt.face == "tasmota" {
						correlation = correlation[:16] // more is a protocol error to it
					}
					said := d.ask(tt.topic, tt.payload, "rr/1", correlation)
					answers := saidOn(said, "rr/1")
					if len(answers) != tt.answers {
						t.Errorf("with %d bytes of Correlation Data: %d answers, %q; want %d", len(correlation), len(answers), answers, tt.answers)
					}
					for _, h := range said {
						if h.topic != "rr/1" {
							continue
						}
						if got := h.p.Properties.CorrelationData; !bytes.Equal(got, correlation) || (got == nil) != (correlation == nil) {
							t.Errorf("the answer has Correlation Data %d bytes; want %d", len(got), len(correlation))
						}
						if h.p.Retain || h.p.Properties.ResponseTopic != "" {
							t.Errorf("the answer has RETAIN %v, Response Topic %q; want neither", h.p.Retain, h.p.Properties.ResponseTopic)
						}
						if tt.face == "tasmota" && (h.p.QoS != 0 || h.p.Properties.ContentType != "" || len(h.p.Properties.User) > 0) {
							t.Errorf("a Tasmota answers at QoS %d with Content Type %q and User Properties %v; want QoS 0 and none", h.p.QoS, h.p.Properties.ContentType, h.p.Properties.User)
						}
					}
					if tt.own == "" || tt.face == "homefleet" {
						continue
					}
					for i, topic := range strings.Fields(strings.ReplaceAll(tt.own, "<t>", d.name)) {
						if own := saidOn(said, topic); len(own) == 0 || own[len(own)-1] != answers[min(i, len(answers)-1)] {
							t.Errorf("on %s it says %q; want what it answers, %q", topic, own, answers)
						}
					}
				}
				// Without a Response Topic it is the product that it is.
				said := d.ask(tt.topic, tt.payload, "", nil)
				for topic := range strings.FieldsSeq(strings.ReplaceAll(tt.own, "<t>", d.name)) {
					if len(saidOn(said, topic)) == 0 {
						t.Errorf("asked without a Response Topic it says nothing on %s", topic)
					}
				}
			})
		})
	}
}

// What is retained on a command's topic when a device comes is obeyed as its product does,
// unless the scenario says otherwise: a Tasmota, a Shelly and a device of Homie's obey it, a
// Zigbee2MQTT once it has come again.
func TestDialectsAndRetainedCommands(t *testing.T) {
	for _, tt := range []struct {
		face, kind, topic, payload string
		ask, empty                 string // for the state
		on                         string // what says that it has obeyed
		obeys, later               bool   // at first, and when it comes again
	}{
		{"homefleet", "light", "cmnd/d1/power", "ON", "cmnd/d1/power", "", "ON", false, false},
		{"home-assistant", "light", "homefleet/d1/set", `{"state":"ON"}`, "homefleet/d1/set", "", `"state":"ON"`, false, false},
		{"tasmota", "light", "cmnd/<t>/POWER", "ON", "cmnd/<t>/State", "", `"POWER":"ON"`, true, true},
		{"shelly", "light", "<t>/command/rgbcct:0", "on", "<t>/rpc", `{"id":1,"method":"RGBCCT.GetStatus","params":{"id":0}}`, `"output":true`, true, true},
		{"homie", "light", "homie/5/d1/light/power/set", "true", "homie/5/d1/light/power/set", "", "true", true, true},
		{"zigbee2mqtt", "bridge", "zigbee2mqtt/light_1/set", `{"brightness":7}`, "zigbee2mqtt/light_1/get", `{"state":""}`, `"brightness":7,`, false, true},
	} {
		for _, accept := range []string{"", "true", "false"} {
			t.Run(tt.face+" "+accept, func(t *testing.T) {
				more := ""
				obeys, later := tt.obeys, tt.later
				if accept != "" {
					more = "accept_retained = " + accept + "\n"
					obeys, later = accept == "true", accept == "true"
				}
				speakDialect(t, tt.face, tt.kind, more, broker.Config{}, func(d *dialect) {
					d.say(strings.ReplaceAll(tt.topic, "<t>", d.name), tt.payload, true)
				}, func(d *dialect) {
					is := func(when string, want bool) {
						t.Helper()
						answers := saidOn(d.ask(tt.ask, tt.empty, "rr/1", nil), "rr/1")
						if got := strings.Join(answers, " "); strings.Contains(got, tt.on) != want {
							t.Errorf("%s it is %s; want that it has obeyed: %v", when, got, want)
						}
					}
					is("at first", obeys)
					if obeys {
						return
					}
					if !d.broker.Kick("d1", 0x98) {
						t.Fatal("the broker does not know the device")
					}
					time.Sleep(time.Minute)
					d.listen()
					is("when it has come again", later)
				})
			})
		}
	}
}

// A Tasmota takes 16 bytes of Correlation Data and ends the connection at more; it answers on
// Response Topics of up to 150 bytes; what a Backlog does later answers nothing; and where it
// is asked to answer on a topic of its own, it says everything twice there.
func TestTasmotaLimits(t *testing.T) {
	speakDialect(t, "tasmota", "plug", "", broker.Config{}, nil, func(d *dialect) {
		long := strings.Repeat("r", 151)
		for _, tt := range []struct {
			name, topic, payload, responseTopic string
			correlation                         []byte
			want                                int // messages on the Response Topic
		}{
			{"150 bytes of Response Topic", "cmnd/<t>/POWER", "ON", long[1:], nil, 2},
			{"151 bytes of Response Topic", "cmnd/<t>/POWER", "ON", long, nil, 0},
			{"a Backlog", "cmnd/<t>/Backlog", "NoDelay;Power OFF;NoDelay;Power ON", "rr/2", []byte("1"), 0},
			{"RESULT as Response Topic", "cmnd/<t>/POWER", "OFF", "stat/<t>/RESULT", []byte("1"), 3},
			{"16 bytes of Correlation Data", "cmnd/<t>/POWER", "ON", "rr/2", make([]byte, 16), 2},
			{"Correlation Data alone", "cmnd/<t>/POWER", "ON", "", []byte("1"), 0},
			{"a group", "cmnd/tasmotas/POWER", "ON", "rr/2", nil, 2},
			{"the fallback topic", "cmnd/DVES_" + strings.TrimPrefix(d.name, "tasmota_") + "_fb/power", "ON", "rr/2", nil, 2},
		} {
			said := d.ask(tt.topic, tt.payload, tt.responseTopic, tt.correlation)
			if got := saidOn(said, strings.ReplaceAll(tt.responseTopic, "<t>", d.name)); len(got) != tt.want {
				t.Errorf("%s: %q on the Response Topic; want %d messages", tt.name, got, tt.want)
			}
			if tt.want != 2 && len(saidOn(said, "stat/"+d.name+"/RESULT")) == 0 {
				t.Errorf("%s: it says nothing on RESULT", tt.name)
			}
		}
		said := d.ask("cmnd/<t>/POWER", "OFF", "rr/2", make([]byte, 17))
		if got := saidOn(said, "rr/2"); len(got) > 0 {
			t.Errorf("with 17 bytes of Correlation Data it answers %q; want nothing", got)
		}
		if got := saidOn(said, "tele/"+d.name+"/LWT"); len(got) == 0 || got[0] != "Offline" {
			t.Errorf("with 17 bytes of Correlation Data its presence is %q; want that its connection has ended, and its Will is published", got)
		}
		time.Sleep(time.Minute)
		d.listen()
		if got := saidOn(d.ask("cmnd/<t>/POWER", "", "rr/2", nil), "rr/2"); len(got) != 2 || got[1] != "ON" {
			t.Errorf("asked later it answers %q; want that it has come again, and not obeyed", got)
		}
		if got := d.log.String(); !strings.Contains(got, "17 bytes of Correlation Data") {
			t.Errorf("the log says %s; want why the connection ended", got)
		}
	})
}

// A broker that refuses topics of a dialect (SUBACK and PUBACK 0x87, 3.9.3 and 3.4.2.1) does
// not take the device down: it says which, hears on what it was granted, and answers where it
// may.
func TestDialectsAndRefusedTopics(t *testing.T) {
	for _, tt := range []struct {
		face, kind     string
		hears, says    []string // what it may
		topic, payload string
		refused        string // a filter of which the log tells
		own            string // a topic on which it may say nothing
	}{
		{"homefleet", "light", []string{"cmnd/<t>/#"}, []string{"tele/#", "rr/#"}, "cmnd/d1/power", "ON", "", "state/d1/power"},
		{"home-assistant", "light", []string{"homefleet/#"}, []string{"homefleet/+/availability", "rr/#"}, "homefleet/d1/set", `{"state":"ON"}`, "homeassistant/status", "homefleet/d1/state"},
		{"tasmota", "light", []string{"cmnd/<t>/#"}, []string{"tele/#", "rr/#"}, "cmnd/<t>/POWER", "ON", "cmnd/tasmotas/#", "stat/<t>/RESULT"},
		{"shelly", "light", []string{"<t>/#"}, []string{"<t>/online", "rr/#"}, "<t>/rpc", `{"id":1,"src":"me","method":"Shelly.GetStatus"}`, "", "me/rpc"},
		{"homie", "light", []string{"homie/#"}, []string{"homie/5/d1/$state", "rr/#"}, "homie/5/d1/light/power/set", "true", "", "homie/5/d1/light/power"},
		{"zigbee2mqtt", "bridge", []string{"zigbee2mqtt/#"}, []string{"zigbee2mqtt/bridge/#", "rr/#"}, "zigbee2mqtt/light_1/set", `{"state":"ON"}`, "homeassistant/status", "zigbee2mqtt/light_1"},
	} {
		t.Run(tt.face, func(t *testing.T) {
			name := nameIn(tt.face, tt.kind)
			named := func(all []string) (of []string) {
				for _, s := range all {
					of = append(of, strings.ReplaceAll(s, "<t>", name))
				}
				return of
			}
			user := broker.User{Name: "u", Subscribe: named(tt.hears), Publish: named(tt.says)}
			speakDialect(t, tt.face, tt.kind, "qos = 1\n[broker]\nusername = \"u\"\n", broker.Config{Users: []broker.User{user}}, nil, func(d *dialect) {
				for range 2 {
					said := d.ask(tt.topic, tt.payload, "rr/1", []byte("1"))
					if got := saidOn(said, "rr/1"); len(got) == 0 {
						t.Errorf("it answers nothing on the Response Topic, where it may")
					}
					if got := saidOn(said, strings.ReplaceAll(tt.own, "<t>", name)); len(got) > 0 {
						t.Errorf("on %s, where it may not, there came %q", tt.own, got)
					}
				}
				log := d.log.String()
				if !strings.Contains(log, "the broker refused a message: not authorized (0x87)") {
					t.Errorf("the log does not say that messages were refused:\n%s", log)
				}
				if want := "refused the subscription: not authorized (0x87)\" device=d1 topic=" + tt.refused; tt.refused != "" && !strings.Contains(log, want) {
					t.Errorf("the log does not say %s:\n%s", want, log)
				}
			})
		})
	}
}
