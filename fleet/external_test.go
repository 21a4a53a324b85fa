package fleet_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/eclipse/paho.golang/paho"

	"homefleet/fleet/metrics"
)

// otherTasmota is a plug with Tasmota that is none of homefleet's: it is made of the firmware's
// documentation and of paho's client.
type otherTasmota struct {
	topic   string
	respond func(say func(payload string)) // what it says on a Response Topic; nil: it knows of none
	silent  bool                           // it hears, and says nothing

	mu    sync.Mutex
	on    bool
	heard []string // commands
	wrong []string // what no Tasmota should be asked
}

// run connects it to a broker, up to the end of the test.
func (o *otherTasmota) run(t *testing.T, dial func(context.Context) (net.Conn, error)) {
	t.Helper()
	conn, err := dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var c *paho.Client
	c = paho.NewClient(paho.ClientConfig{Conn: conn, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(p paho.PublishReceived) (bool, error) {
			o.hear(p.Packet, func(topic, payload string, with []byte) {
				m := &paho.Publish{Topic: topic, Payload: []byte(payload)}
				if with != nil {
					m.Properties = &paho.PublishProperties{CorrelationData: with}
				}
				if _, err := c.Publish(context.WithoutCancel(t.Context()), m); err != nil {
					t.Errorf("%s publishes: %v", o.topic, err)
				}
			})
			return true, nil
		}}})
	if _, err := c.Connect(t.Context(), &paho.Connect{ClientID: "DVES_" + o.topic, CleanStart: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "cmnd/" + o.topic + "/#"}}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Disconnect(&paho.Disconnect{}) })
}

// hear obeys one command.
func (o *otherTasmota) hear(p *paho.Publish, say func(topic, payload string, correlation []byte)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	command := p.Topic[strings.LastIndexByte(p.Topic, '/')+1:]
	o.heard = append(o.heard, command+" "+string(p.Payload))
	switch {
	case command != "POWER" || p.Retain || len(p.Properties.CorrelationData) > 16:
		o.wrong = append(o.wrong, p.String())
	case string(p.Payload) == "TOGGLE":
		o.on = !o.on
	default:
		o.on = string(p.Payload) == "ON"
	}
	if o.silent {
		return
	}
	power := map[bool]string{true: "ON", false: "OFF"}[o.on]
	said := []string{`{"POWER":"` + power + `"}`, power}
	say("stat/"+o.topic+"/RESULT", said[0], nil)
	say("stat/"+o.topic+"/POWER", said[1], nil)
	if o.respond == nil || p.Properties.ResponseTopic == "" {
		return
	}
	answer := func(payload string) { say(p.Properties.ResponseTopic, payload, p.Properties.CorrelationData) }
	for _, payload := range said {
		o.respond(func(string) { answer(payload) })
	}
}

func once(say func(string))  { say("") }
func twice(say func(string)) { say(""); say("") }

// Controllers command devices that somebody else runs, in their dialect and by the names that
// they have, and every answer is accounted for: no [[device]] is needed. What such a device says
// has no checksum and no number; what comes once more is a duplicate all the same.
func TestTargets(t *testing.T) {
	const scenario = `
[phases]
measure = "10s"
drain = "5s"
[[target]]
kind = "plug"
face = "tasmota"
id = "{home}"
home = "plug-{n}"
count = 2
[[controller]]
name = "phone"
attribute = "power"
payload = "TOGGLE"
rate = "10/s"
timeout = "1s"
`
	for _, tt := range []struct {
		name     string
		scenario string
		plugs    []*otherTasmota
		want     metrics.Totals
		byTopic  bool
	}{
		{"MQTT 5", scenario, []*otherTasmota{{respond: once}, {respond: once}},
			metrics.Totals{Planned: 100, Sent: 100, Answered: 100, Answers: 100, Unchecked: 100, UnnumberedParts: 100}, false},
		{"doubled", scenario, []*otherTasmota{{respond: twice}, {respond: twice}},
			metrics.Totals{Planned: 100, Sent: 100, Answered: 100, Answers: 100, Unchecked: 100, UnnumberedParts: 100, Duplicates: 200}, false},
		{"nobody answers", scenario, []*otherTasmota{{silent: true}, {}},
			metrics.Totals{Planned: 100, Sent: 100, Lost: 100, MissingAnswers: 100}, false},
		{"MQTT 3.1.1", scenario + `mqtt = "3.1.1"`, []*otherTasmota{{}, {}},
			metrics.Totals{Planned: 100, Sent: 100, Answered: 100, Answers: 100}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t)
				for i := range tt.plugs {
					tt.plugs[i].topic = []string{"plug-1", "plug-2"}[i]
					tt.plugs[i].run(t, b.Dial)
				}
				snap, _ := load(t, tt.scenario, b.Dial)
				synctest.Wait()
				got := snap.Totals
				if tt.byTopic {
					if got.ByTopic.Total() != got.Answered {
						t.Errorf("%d answers by topic of %d; want all", got.ByTopic.Total(), got.Answered)
					}
					got.ByTopic = metrics.ByTopic{}
				}
				if !got.Equal(tt.want) {
					t.Errorf("totals are\n%+v; want\n%+v", got, tt.want)
				}
				heard := 0
				for i := range tt.plugs {
					p := tt.plugs[i]
					if n := len(p.heard); n < 30 || len(p.wrong) > 0 {
						t.Errorf("%s heard %d commands, of which these are wrong: %q", p.topic, n, p.wrong)
					}
					heard += len(p.heard)
				}
				if int64(heard) != tt.want.Sent {
					t.Errorf("the plugs heard %d commands; want %d", heard, tt.want.Sent)
				}
				if snap.Devices.Total != 0 {
					t.Errorf("%d devices; want none of our own", snap.Devices.Total)
				}
			})
		})
	}
}

// One homefleet runs the devices, another commands them: answers are known by checksum and
// device as those of its own are.
func TestTargetsOfAnotherFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		house := fleetOf(t, `
[[device]]
kind = "light"
id = "lamp-{n}"
count = 4
groups = ["lamps"]`, b.Dial)
		var running sync.WaitGroup
		running.Go(func() {
			if err := house.Run(context.WithoutCancel(t.Context())); err != nil {
				t.Errorf("the house: %v", err)
			}
		})
		<-house.Ready()
		snap, _ := load(t, `
[phases]
measure = "5s"
drain = "2s"
[[device]]
kind = "plug"
id = "own"
[[target]]
kind = "light"
id = "lamp-{n}"
count = 4
groups = ["lamps"]
attributes = ["power", "brightness"]
[[target]]
attributes = ["power"]
id = "lamp"
first = 9
[[controller]]
name = "one"
target = { id = "lamp-*" }
attribute = "power"
payload = "TOGGLE"
rate = "10/s"
identify = true
[[controller]]
name = "all"
group = "lamps"
attribute = "brightness"
payload = "40"
rate = "2/s"
`, b.Dial)
		house.Stop()
		running.Wait()
		if want := (metrics.Totals{Planned: 60, Sent: 60, Answered: 60, Answers: 50 + 10*4}); !snap.Totals.Equal(want) {
			t.Errorf("totals are\n%+v; want\n%+v", snap.Totals, want)
		}
	})
}
