package requester

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/client"
	"homefleet/fleet/memconn"
	"homefleet/fleet/wire"
)

func config(dial func(context.Context) (net.Conn, error), message func(*wire.Publish)) Config {
	return Config{
		Dial: dial, Broker: "the broker", ClientID: "phone", QoS: 1, Log: slog.New(slog.DiscardHandler), Message: message,
		ResponseTopic: func(_, clientID string) string { return "answers/" + TopicLevel(clientID) },
		Patience:      time.Minute,
	}
}

// What the broker's Receive Maximum has no room for waits, and leaves in order (4.9).
func TestReceiveMaximum(t *testing.T) {
	b, err := broker.New(broker.Config{Anonymous: true, Limits: broker.Limits{ReceiveMaximum: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	came, acked := make(chan string, 10), make(chan byte, 10)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	other, err := Connect(ctx, Config{ // whose Response Topic is where the first one asks
		Dial: b.Dial, ClientID: "other", QoS: 2, Log: slog.New(slog.DiscardHandler), Patience: time.Minute,
		ResponseTopic: func(string, string) string { return "asked" },
		Message:       func(p *wire.Publish) { came <- string(p.Payload) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	phone, err := Connect(ctx, config(b.Dial, func(*wire.Publish) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	if phone.Topic != "answers/phone" || phone.ClientID != "phone" {
		t.Errorf("Topic %q, ClientID %q; want answers/phone and phone", phone.Topic, phone.ClientID)
	}
	for i := range 10 {
		phone.Publish(&wire.Publish{Topic: []byte("asked"), Payload: fmt.Append(nil, i), QoS: byte(i % 3)}, func(code byte, _ string) { acked <- code })
	}
	for i := range 10 {
		if got, want := <-came, fmt.Sprint(i); got != want {
			t.Errorf("message %d is %q; want %q", i, got, want)
		}
	}
	for range 6 { // of ten, those of QoS 1 and 2
		if code := <-acked; code != wire.Success {
			t.Errorf("acknowledged with 0x%02X; want 0x00", code)
		}
	}
}

// All phases share the time of the context, and the error says in which it ran out; one
// that has given up leaves nothing behind, though the broker never closes.
func TestOneTimeOut(t *testing.T) {
	for _, c := range []struct {
		name  string
		says  []string // half of the time-out after each packet of the client
		phase Phase
	}{
		{"never accepts", nil, Dialling},
		{"says nothing", []string{}, Greeting},
		{"no SUBACK", []string{"\x20\x03\x00\x00\x00"}, Subscribing},
		{"a SUBACK that is too late", []string{"\x20\x03\x00\x00\x00", "\x90\x04\x00\x01\x00\x01"}, Subscribing},
	} {
		synctest.Test(t, func(t *testing.T) {
			const timeout = time.Second
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			ended := make(chan struct{})
			dial := func(ctx context.Context) (net.Conn, error) {
				if c.says == nil {
					close(ended)
					<-ctx.Done()
					return nil, ctx.Err()
				}
				ours, theirs := memconn.Pipe(1 << 10)
				go func() {
					defer close(ended)
					b := make([]byte, 1<<10)
					for _, text := range c.says {
						_, _ = theirs.Read(b)
						time.Sleep(timeout/2 + time.Millisecond)
						_, _ = theirs.Write([]byte(text))
					}
					_, _ = io.Copy(io.Discard, theirs)
				}()
				return ours, nil
			}
			began := time.Now()
			_, err := Connect(ctx, config(dial, func(*wire.Publish) {}))
			took := time.Since(began)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Phase != c.phase || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: Connect() = %v in phase %v; want a deadline exceeded in phase %v", c.name, err, e, c.phase)
			}
			if took > timeout+disconnectTime {
				t.Errorf("%s: Connect() took %v; want %v, and %v for going", c.name, took, timeout, disconnectTime)
			}
			<-ended
		})
	}
}

// A refusal is told as one, and that the connection was lost by why.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, says string
		phase      Phase
		want       string
	}{
		{"refused", "\x20\x03\x00\x89\x00", Greeting, "the broker refused the connection: server busy (0x89)"},
		{"closed", "", Greeting, "the broker closed the connection"},
		{"no MQTT", "HTTP/1.1 400", Greeting, ""},
	} {
		dial := func(context.Context) (net.Conn, error) {
			ours, theirs := memconn.Pipe(1 << 10)
			go func() {
				_, _ = theirs.Read(make([]byte, 1<<10))
				_, _ = theirs.Write([]byte(c.says))
				_ = theirs.Close()
			}()
			return ours, nil
		}
		_, err := Connect(t.Context(), config(dial, func(*wire.Publish) {}))
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Phase != c.phase || c.want != "" && err.Error() != c.want {
			t.Errorf("%s: Connect() = %v; want %q in phase %v", c.name, err, c.want, c.phase)
		}
		if refused, ok := errors.AsType[*client.RefusedError](err); ok != (c.name == "refused") || ok && refused.Code != 0x89 {
			t.Errorf("%s: Connect() = %#v; want a refusal only where it is one", c.name, err)
		}
	}
}
