package fleet

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/broker"
)

// liveStep is a step of the recording of the real Zigbee2MQTT, less what its messages said:
// the face's own test compares that.
type liveStep struct {
	Name, Topic, Payload string
	Messages             []struct {
		Topic, Payload string
		JSON           json.RawMessage
		Same, Retain   bool
		QoS            byte
	}
}

// heardOf is what came, by topic, less what repeats the message before it on its topic.
type heardOf struct {
	lines map[string][]string
	last  map[string]string
}

func (h *heardOf) add(topic, flags, payload string) {
	if len(h.lines[topic]) > 0 && h.last[topic] == payload {
		return
	}
	h.last[topic] = payload
	h.lines[topic] = append(h.lines[topic], flags)
}

// hear takes all that comes to a stranger until there is nothing for some time; what it is
// told of addresses it reads as those of the recording.
func (s *stranger) hear(t *testing.T, addresses *strings.Replacer) *heardOf {
	h := &heardOf{make(map[string][]string), make(map[string]string)}
	for p := s.read(); p != nil; p = s.read() {
		if m, ok := p.Content.(*packets.Publish); ok {
			h.add(addresses.Replace(m.Topic), fmt.Sprintf("retain %v, QoS %d", m.Retain, m.QoS), string(m.Payload))
			if m.QoS > 0 {
				s.send(&packets.Puback{PacketID: m.PacketID, Properties: new(packets.Properties)})
			}
		}
	}
	return h
}

// A bridge of a run says over the broker what the real Zigbee2MQTT was recorded to say: on the
// same topics, as often, at the same QoS, retained or not.
func TestZigbeeHomeLive(t *testing.T) {
	data, err := os.ReadFile("../devices/faces/zigbee2mqtt/testdata/zigbee2mqtt-2.14.1.json")
	if err != nil {
		t.Fatal(err)
	}
	var recording struct{ Steps []liveStep }
	if err := json.Unmarshal(data, &recording); err != nil || len(recording.Steps) < 100 {
		t.Fatalf("the recording has %d steps: %v", len(recording.Steps), err)
	}
	sc := scenarioOf(t, "seed = 7\n[[device]]\nkind = \"bridge\"\nid = \"bridge\"\nface = \"zigbee2mqtt\"\nlights = 1\nplugs = 1\nthermostats = 1\ntelemetry = \"24h\"\n")
	synctest.Test(t, func(t *testing.T) {
		b, err := broker.New(broker.Config{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		f, err := New(sc, Options{Dial: b.Dial, BrokerName: "the broker"})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(runEnd, 1)
		go func() { ended <- f.Run(t.Context()) }()
		defer func() {
			f.Stop()
			<-ended
		}()
		time.Sleep(10 * time.Second) // it has announced its devices
		s := meet(t, b.Dial)
		s.send(&packets.Subscribe{PacketID: 1, Properties: new(packets.Properties), Subscriptions: []packets.SubOptions{{Topic: "#", QoS: 2, RetainAsPublished: true}}})
		pairs := liveAddresses(t, s)
		addresses, back := strings.NewReplacer(pairs...), strings.NewReplacer(reversed(pairs)...)
		before := make(map[string]string) // latest long message, by topic
		for _, step := range recording.Steps {
			want := &heardOf{make(map[string][]string), make(map[string]string)}
			for _, m := range step.Messages {
				text := m.Payload
				switch {
				case m.Same:
					text = before[m.Topic]
				case m.JSON != nil:
					text = string(m.JSON)
					before[m.Topic] = text
				}
				want.add(m.Topic, fmt.Sprintf("retain %v, QoS %d", m.Retain, m.QoS), text)
			}
			if step.Topic == "" { // it starts and stops
				continue
			}
			s.say(back.Replace(step.Topic), back.Replace(step.Payload), false)
			got := s.hear(t, addresses)
			delete(got.lines, step.Topic) // the stranger's own
			for _, topic := range keysOf(want.lines, got.lines) {
				if unlike := liveUnlike[step.Name]; slices.Contains(strings.Fields(unlike), strings.TrimPrefix(topic, "zigbee2mqtt/")) {
					continue
				}
				if !slices.Equal(got.lines[topic], want.lines[topic]) {
					t.Errorf("%s (%s %.100s): on %s there came %q; want %q", step.Name, step.Topic, step.Payload, topic, got.lines[topic], want.lines[topic])
				}
			}
		}
	})
}

// liveUnlike are topics on which the real one says more or less in a step; see unlike in the
// face's own test, which says why.
var liveUnlike = map[string]string{
	"brightness_step while off": "light_1 all_lights",
	"group/members/remove":      "plug_1",
}

// liveAddresses reads the devices' addresses from what is retained, and pairs them with those
// of the recording.
func liveAddresses(t *testing.T, s *stranger) (pairs []string) {
	for p := s.read(); p != nil; p = s.read() {
		m, ok := p.Content.(*packets.Publish)
		if !ok {
			continue
		}
		if m.QoS > 0 {
			s.send(&packets.Puback{PacketID: m.PacketID, Properties: new(packets.Properties)})
		}
		if m.Topic != "zigbee2mqtt/bridge/devices" {
			continue
		}
		var all []struct {
			Address string `json:"ieee_address"`
			Name    string `json:"friendly_name"`
		}
		if err := json.Unmarshal(m.Payload, &all); err != nil || len(all) != 4 {
			t.Fatalf("bridge/devices: %v, %d devices; want 4", err, len(all))
		}
		for _, d := range all {
			pairs = append(pairs, d.Address, map[string]string{"Coordinator": "0x00124b0000000000", "light_1": "0x0017880100000001", "plug_1": "0x0017880100000002", "thermostat_1": "0x0017880100000003"}[d.Name])
		}
	}
	if len(pairs) == 0 {
		t.Fatal("nothing is retained on bridge/devices")
	}
	return pairs
}

func reversed(pairs []string) []string {
	all := slices.Clone(pairs)
	slices.Reverse(all)
	return all
}

func keysOf(maps ...map[string][]string) (keys []string) {
	for _, m := range maps {
		for k := range m {
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	slices.Sort(keys)
	return keys
}
