package broker

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

// autopaho comes back to its session after each loss of its connection.
func TestAutopaho(t *testing.T) {
	b, addr := listen(t, Config{}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	u, err := url.Parse("mqtt://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	up := make(chan bool, 10)
	cm, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{u}, KeepAlive: 30, CleanStartOnInitialConnection: true, SessionExpiryInterval: 60,
		ReconnectBackoff: func(int) time.Duration { return 10 * time.Millisecond },
		OnConnectionUp:   func(_ *autopaho.ConnectionManager, a *paho.Connack) { up <- a.SessionPresent },
		ClientConfig: paho.ClientConfig{ClientID: "auto", OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) { got <- string(p.Packet.Payload); return true, nil },
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if <-up {
		t.Error("first Session Present = true; want false")
	}
	if _, err := cm.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "a", QoS: 2}}}); err != nil {
		t.Fatal(err)
	}
	p, _ := connect(t, b, connectV5("p"))
	for i := range 5 {
		if !b.Kick("auto", 0x89) {
			t.Fatal("Kick(auto) = false; want true")
		}
		p.exchange(pub5(2, "a", 1, props(), fmt.Sprint(i)), ack(0x40, 1))
		select {
		case present := <-up:
			if !present {
				t.Error("Session Present = false; want true")
			}
		case <-ctx.Done():
			t.Fatal("autopaho did not come back")
		}
		// Messages whose PUBACK was not read before a loss come again first
		// (4.4.0-1).
		for m := ""; m != fmt.Sprint(i); {
			select {
			case m = <-got:
				if m > fmt.Sprint(i) {
					t.Fatalf("message = %s; want %d, or an earlier one again", m, i)
				}
			case <-ctx.Done():
				t.Fatal("the message for the absent session did not come")
			}
		}
	}
	if err := cm.Disconnect(ctx); err != nil {
		t.Errorf("Disconnect() = %v; want nil", err)
	}
}
