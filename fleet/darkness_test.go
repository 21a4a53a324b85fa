package fleet

import (
	"bytes"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/responder"
	"homefleet/fleet/wire"
)

// order has the light do something and waits until that is done.
func (s *socket) order(do func(*responder.Responder)) {
	s.t.Helper()
	if err := s.lamp.tell(s.t.Context(), func() { do(s.lamp.r) }); err != nil {
		s.t.Fatal(err)
	}
}

// Without a network nothing passes, over TLS either; when it is back, the
// connection goes on where it stopped, and what came meanwhile is answered.
func TestNoNetworkOnSockets(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"mqtt", "mqtts"} {
		t.Run(scheme, func(t *testing.T) {
			s := onSocket(t, scheme)
			p := s.accept()
			p.welcome(nil)
			s.order(func(r *responder.Responder) { r.CutNetwork(client.ByHand, "wifi-loss") })
			p.command("power", "ON", []byte("phone"), []byte("1"))
			if _, err := s.lamp.Do(t.Context(), "brightness", "50"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(300 * time.Millisecond)
			before := s.fleet.Counts().Requests.Load()
			s.order(func(r *responder.Responder) { r.RestoreNetwork(client.ByHand, false, client.Reconnect{}) })
			if before != 0 {
				t.Errorf("%d commands came through without a network; want none", before)
			}
			if m := p.wantPublish(); !bytes.HasPrefix(m.Topic, []byte("state/lamp/")) {
				t.Errorf("the first to come is on %s; want what was done meanwhile", m.Topic)
			}
			if m := p.reply(); string(m.Payload) != "ON" || string(m.Props.CorrelationData) != "1" {
				t.Errorf("answered %q with %q; want ON with 1", m.Payload, m.Props.CorrelationData)
			}
			if n := s.fleet.Counts().Connects.Load(); n != 1 {
				t.Errorf("%d connections; want 1", n)
			}
		})
	}
}

// A router that has forgotten the connection resets it, and the device connects
// anew, on its session.
func TestRouterForgetsOnSockets(t *testing.T) {
	t.Parallel()
	s := onSocket(t, "mqtt")
	p := s.accept()
	p.welcome(nil)
	s.order(func(r *responder.Responder) { r.CutNetwork(client.ByHand, "router-reboot") })
	if types, _, err := p.remains(200 * time.Millisecond); len(types) > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("without a network came % x, then %v; want nothing, and no end", types, err)
	}
	s.order(func(r *responder.Responder) { r.RestoreNetwork(client.ByHand, true, client.Reconnect{}) })
	if types, _, err := p.remains(time.Minute); len(types) > 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("from the router came % x, then %v; want an RST alone", types, err)
	}
	p = s.accept()
	if c := p.wantConnect(); c.CleanStart {
		t.Error("CONNECT with Clean Start 1; want 0")
	}
}

// A device that stops without a network leaves without a word.
func TestStopWithoutNetworkOnSockets(t *testing.T) {
	s := onSocket(t, "mqtt")
	p := s.accept()
	p.welcome(nil)
	s.order(func(r *responder.Responder) { r.CutNetwork(client.ByHand, "wifi-loss") })
	start := time.Now()
	s.fleet.Stop()
	types, _, err := p.remains(time.Minute)
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection ends with %v; want an end", err)
	}
	for _, typ := range types {
		t.Errorf("%s came without a network; want nothing", wire.TypeName(typ))
	}
	if took := time.Since(start); took > 12*time.Second { // at once, where this machine has nothing else to do
		t.Errorf("the end took %v; want it at once", took)
	}
}
