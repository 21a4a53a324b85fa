package fleet_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/eclipse/paho.golang/paho"
)

// What a scenario says of its requests is on each of them as it comes to whoever listens there:
// RETAIN (3.3.1.3), Message Expiry Interval (3.3.2.3.3) and User Properties in their order
// (3.3.2.3.7); and the answers are as they are without. A Response Topic and Correlation Data are
// there, too.
func TestRequestProperties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		conn, err := b.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var got []string
		c := paho.NewClient(paho.ClientConfig{Conn: conn, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) {
				mu.Lock()
				defer mu.Unlock()
				q := p.Packet.Properties
				expiry := uint32(0)
				if q.MessageExpiry != nil {
					expiry = *q.MessageExpiry
				}
				texts := []string{fmt.Sprint(p.Packet.Topic, " ", string(p.Packet.Payload), " retain ", p.Packet.Retain, " expiry ", expiry, " ", q.ResponseTopic != "", " ", len(q.CorrelationData))}
				for _, u := range q.User {
					texts = append(texts, u.Key+"="+u.Value)
				}
				got = append(got, strings.Join(texts, " "))
				return true, nil
			}}})
		if _, err := c.Connect(t.Context(), &paho.Connect{ClientID: "eye", CleanStart: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "cmnd/#", RetainAsPublished: true}}}); err != nil {
			t.Fatal(err)
		}
		snap, _ := load(t, `
[phases]
measure = "1s"
drain = "2s"
[[device]]
kind = "light"
id = "lamp"
[[controller]]
name = "hub"
attribute = "power"
payload = "ON"
rate = "3/s"
retain = true
message_expiry = "30s"
user_properties = [["app", "{id}-1"], ["z", "1"], ["app", "again"]]
[[controller]]
name = "phone"
attribute = "brightness"
payload = "7"
rate = "2/s"
identify = true
[controller.user_properties]
trace = "{run}"
`, b.Dial)
		_ = c.Disconnect(&paho.Disconnect{})
		if a := snap.Totals; a.Answered != 5 || a.Sent != 5 || a.OtherRetain != 0 || a.AlteredRequests != 0 || a.Unchecked != 0 {
			t.Errorf("totals are %+v; want five requests, each answered", a)
		}
		slices.Sort(got)
		want := []string{
			"cmnd/lamp/brightness 7 retain false expiry 0 true 24 identify=1 trace=r1",
			"cmnd/lamp/brightness 7 retain false expiry 0 true 24 identify=1 trace=r1",
			"cmnd/lamp/power ON retain true expiry 30 true 24 app=hub-1 z=1 app=again",
			"cmnd/lamp/power ON retain true expiry 30 true 24 app=hub-1 z=1 app=again",
			"cmnd/lamp/power ON retain true expiry 30 true 24 app=hub-1 z=1 app=again",
		}
		if !slices.Equal(got, want) {
			t.Errorf("what came is\n%q; want\n%q", got, want)
		}
	})
}
