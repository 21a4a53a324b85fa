package control_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"homefleet/fleet/control/api"
)

// heard is what a subscriber of the test's own has heard last on each topic; "" is also what
// has been emptied.
type heard struct {
	mu sync.Mutex
	on map[string]string
}

func (l *heard) last(topic string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.on[topic]
}

// hear subscribes a filter until the test ends.
func (h *home) hear(name, filter string) *heard {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := h.broker.Dial(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	l := &heard{on: make(map[string]string)}
	c := paho.NewClient(paho.ClientConfig{Conn: conn, OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.on[p.Packet.Topic] = string(p.Packet.Payload)
		return true, nil
	}}})
	if _, err := c.Connect(ctx, &paho.Connect{ClientID: name, CleanStart: true, KeepAlive: 60}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}}); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = c.Disconnect(&paho.Disconnect{}) })
	return l
}

// eventually waits for something that is to come.
func (h *home) eventually(what string, is func() bool) {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("%s: not within a minute", what)
		}
	}
}

// A bridge is one device with one connection: it is killed, revived, commanded and removed as
// a whole, with its Will for all behind it; and who names one of those is told of it.
func TestBridges(t *testing.T) {
	h := start(t, `
seed = 3
[connect]
session_expiry = "1h"
[audit]
[[device]]
kind = "bridge"
id = "hub"
face = "zigbee2mqtt"
[[device]]
kind = "light"
id = "lamp"
`)
	l := h.hear("app", "zigbee2mqtt/#")
	state := func(want string) {
		t.Helper()
		h.eventually("the state of the bridge is "+want, func() bool { return strings.Contains(l.last("zigbee2mqtt/bridge/state"), want) })
	}
	state("online")

	if got := must[api.CommandReply](h, "POST", "/v1/devices/hub/command", `{"attribute":"brightness","payload":"40"}`); got.Response == nil {
		t.Errorf("a command by MQTT: %+v; want an answer", got)
	}
	h.eventually("a light behind it is on", func() bool { return strings.Contains(l.last("zigbee2mqtt/light_1"), `"ON"`) })
	must[api.CommandReply](h, "POST", "/v1/devices/hub/command", `{"attribute":"power","payload":"OFF","via":"hand"}`)
	h.eventually("it is off by hand", func() bool { return strings.Contains(l.last("zigbee2mqtt/light_1"), `"OFF"`) })

	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"kind":"bridge"},"way":"cut"}`)
	h.wait(`{"select":{"id":"hub"},"until":{"online":false,"will":"on-time"},"timeout":"20s"}`)
	state("offline")
	must[api.Bulk](h, "POST", "/v1/actions/revive", `{"select":{"id":"hub"}}`)
	h.wait(`{"select":{"id":"hub"},"until":{"online":true}}`)
	state("online")

	must[api.Bulk](h, "POST", "/v1/actions/misbehave", `{"select":{"id":"hub"},"drop":"100%"}`)
	if status, body, _ := h.ask("POST", "/v1/devices/hub/command", `{"attribute":"power","payload":"ON","timeout":"50ms"}`); status != 504 {
		t.Errorf("a command to a bridge that drops its answers = %d %s; want 504", status, body)
	}
	must[api.Bulk](h, "POST", "/v1/actions/reset", `{"select":{"id":"hub"}}`)
	must[api.CommandReply](h, "POST", "/v1/devices/hub/command", `{"attribute":"power","payload":"ON"}`)
	must[api.Bulk](h, "PUT", "/v1/faults/far", `{"select":{"id":"hub"},"latency":"1ms"}`)
	must[api.Bulk](h, "DELETE", "/v1/faults/far", "")

	for _, tt := range []struct{ method, path, body string }{
		{"GET", "/v1/devices/light_1", ""},
		{"POST", "/v1/devices/light_1/command", `{"attribute":"power","payload":"ON"}`},
		{"POST", "/v1/actions/kill", `{"select":{"id":"light_1"}}`},
		{"POST", "/v1/actions/remove", `{"select":{"ids":["light_1"]}}`},
		{"POST", "/v1/wait", `{"select":{"id":"light_1"},"until":{"online":true}}`},
	} {
		if status, body, _ := h.ask(tt.method, tt.path, tt.body); status != 404 && status != 409 || !strings.Contains(body, "light_1 hangs on a bridge") || !strings.Contains(body, "the bridge is hub") {
			t.Errorf("%s %s %s = %d %s; want the bridge named", tt.method, tt.path, tt.body, status, body)
		}
	}

	if status, body, _ := h.ask("POST", "/v1/devices", `{"kind":"bridge","id":"second","face":"zigbee2mqtt"}`); status != 422 || !strings.Contains(body, "two bridges say") {
		t.Errorf("a second bridge on the same topics = %d %s; want it refused", status, body)
	}
	if status, body, _ := h.ask("POST", "/v1/devices", `{"kind":"bridge","id":"second","face":{"name":"zigbee2mqtt","base_topic":"upstairs"}}`); status != 409 || !strings.Contains(body, "the auditor does not hear of those on upstairs/bridge/state") {
		t.Errorf("a bridge whose Will nobody would see = %d %s; want it refused", status, body)
	}

	if got := must[api.Removed](h, "POST", "/v1/actions/remove", `{"select":{"kind":"bridge"},"clear":true}`); got.Done != 1 || got.Retained == nil || got.Retained.Left != 0 {
		t.Errorf("removed: %+v, %+v; want one, and nothing left", got.Bulk, got.Retained)
	}
	after := h.hear("later", "#")
	h.phone().publish("marker", "behind all that is retained", "", "")
	h.eventually("what is retained has come", func() bool { return after.last("marker") != "" })
	after.mu.Lock()
	defer after.mu.Unlock()
	for topic, payload := range after.on {
		if strings.HasPrefix(topic, "zigbee2mqtt/") || strings.HasPrefix(topic, "homeassistant/") {
			t.Errorf("the broker has %s retained: %.60s; want nothing of the bridges", topic, payload)
		}
	}
}
