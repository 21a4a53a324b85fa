package cmd

import (
	"context"
	"net"
	"strconv"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/rogpeppe/go-internal/testscript"
)

// testClient is an MQTT client for tests, on the library that devices do not use.
func testClient(ctx context.Context, port, id string, came func(*paho.Client, *paho.Publish)) (*paho.Client, error) {
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	client := paho.NewClient(paho.ClientConfig{
		Conn: packets.NewThreadSafeConn(conn),
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			came(p.Client, p.Packet)
			return true, nil
		}},
	})
	_, err = client.Connect(ctx, &paho.Connect{ClientID: id, CleanStart: true, KeepAlive: 60})
	return client, err
}

// scriptAnswer starts a responder with more to say than a device: for each
// request it sends a stray message, one that belongs to another request, and
// then N answers that are numbered.
func scriptAnswer(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	requests := make(chan *paho.Publish, 16)
	client, err := testClient(ctx, args[0], "responder to "+args[1], func(_ *paho.Client, p *paho.Publish) { requests <- p })
	ts.Check(err)
	_, err = client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: args[1], QoS: 1}}})
	ts.Check(err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case p := <-requests:
				topic := p.Properties.ResponseTopic
				for i := range n + 2 {
					m := &paho.Publish{Topic: topic, Payload: []byte(strconv.Itoa(i - 1)), Properties: &paho.PublishProperties{CorrelationData: p.Properties.CorrelationData}}
					switch i {
					case 0:
						m.Properties.CorrelationData = nil
					case 1:
						m.Properties.CorrelationData = []byte("another's")
					}
					if _, err := client.Publish(ctx, m); err != nil {
						return
					}
				}
			}
		}
	}()
	ts.Defer(func() {
		cancel()
		<-ended
		_ = client.Disconnect(&paho.Disconnect{})
	})
}

// TestThousandAnswers sends one request to each of 1,000 devices, or of the 25 of an apartment,
// all with one Response Topic, and wants as many answers that Correlation Data tells apart.
func TestThousandAnswers(t *testing.T) {
	scenario := some("apartment", "apartment-block")
	ids := shippedIDs(t, scenario)
	devices := len(ids)
	ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
	defer cancel()
	j, port := startFleet(t, scenario, "--listen", "127.0.0.1:0")
	answers := make(chan *paho.Publish, devices)
	client, err := testClient(ctx, port, "requester", func(_ *paho.Client, p *paho.Publish) { answers <- p })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(&paho.Disconnect{}) }()
	const topic = "answers/for/requester"
	if _, err := client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}}); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		m := &paho.Publish{Topic: "cmnd/" + id + "/power", Properties: &paho.PublishProperties{ResponseTopic: topic, CorrelationData: []byte(id)}}
		if _, err := client.Publish(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[string]int)
	for len(seen) < devices {
		select {
		case p := <-answers:
			id := string(p.Properties.CorrelationData)
			if seen[id]++; seen[id] > 1 {
				t.Errorf("%d answers with the Correlation Data %q; want 1", seen[id], id)
			}
		case <-ctx.Done():
			t.Fatalf("%d answers; want %d", len(seen), devices)
		}
	}
	for _, id := range ids {
		if seen[id] != 1 {
			t.Errorf("answers of %s = %d; want 1", id, seen[id])
		}
	}
	j.interrupt()
	select {
	case <-j.ended:
	case <-ctx.Done():
		t.Errorf("%d devices do not stop", devices)
	}
}
