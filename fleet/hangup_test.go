package fleet_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"homefleet/fleet"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// deaf is a broker behind TLS or a WebSocket that welcomes, commands without end,
// and reads nothing.
func deaf(ctx context.Context, c net.Conn) {
	defer c.Close()
	m := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("TOGGLE")}
	m.Props.ResponseTopic, m.Props.CorrelationData = []byte("phone"), bytes.Repeat([]byte("c"), 60_000)
	command := wire.AppendPublish(nil, &m, wire.V5)
	if _, err := c.Write(welcome); err != nil {
		return
	}
	for ctx.Err() == nil {
		c.SetWriteDeadline(time.Now().Add(time.Minute))
		if _, err := c.Write(command); err != nil {
			break
		}
	}
	<-ctx.Done()
}

// Run returns within 3 s of Stop, and leaves no goroutine, over TLS and WebSocket
// too, while the broker reads nothing.
func TestStopOverTLSAndWebSocket(t *testing.T) {
	a := newAuthority(t)
	before := runtime.NumGoroutine()
	var both sync.WaitGroup
	for _, over := range []string{"mqtts", "ws"} {
		both.Go(func() { stopAtDeaf(t, over, a.server) })
	}
	both.Wait()
	settled(t, before)
}

// stopAtDeaf stops a light whose writes to a deaf broker are blocked.
func stopAtDeaf(t *testing.T, over string, cert tls.Certificate) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"mqtt"}})
		if err != nil {
			return
		}
		wg.Go(func() { deaf(ctx, websocket.NetConn(ctx, c, websocket.MessageBinary)) })
	})}
	if over == "ws" {
		wg.Go(func() { web.Serve(l) })
	} else {
		secure := tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
		wg.Go(func() {
			for {
				c, err := secure.Accept()
				if err != nil {
					return
				}
				wg.Go(func() { deaf(ctx, c) })
			}
		})
	}
	defer func() {
		cancel()
		l.Close()
		web.Close()
		wg.Wait()
	}()
	d, err := fleet.NewDialer(scenarios.Broker{URL: over + "://" + l.Addr().String(), Insecure: over == "mqtts"})
	if err != nil {
		t.Error(err)
		return
	}
	f := fleetOf(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\n", d.Dial)
	ended := make(chan error, 1)
	go func() { ended <- f.Run(context.Background()) }()
	replies := func() int64 { return f.Counts().Messages.Total(metrics.Sent, metrics.Reply, metrics.ErrorReply) }
	start, was := time.Now(), int64(0)
	for still := start; time.Since(still) < 200*time.Millisecond && time.Since(start) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if n := replies(); n == 0 || n != was {
			was, still = n, time.Now() // its writes are not blocked yet
		}
	}
	if was == 0 {
		t.Errorf("%s: no replies within a minute", over)
	}
	start = time.Now()
	f.Stop()
	select {
	case <-ended:
	case <-time.After(time.Minute):
	}
	took := time.Since(start).Round(time.Millisecond)
	t.Logf("%s: %d replies, %d connects; Run returned %v after Stop", over, replies(), f.Counts().Connects.Load(), took)
	if took > soonEnough {
		t.Errorf("%s: Run returned %v after Stop; want at most 3s", over, took)
	}
}

// A WebSocket that sends text breaks the standard (6.0.0-1) and holds up nothing.
func TestStopAfterTextFrame(t *testing.T) {
	before := runtime.NumGoroutine()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"mqtt"}})
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.Write(ctx, websocket.MessageText, welcome)
		<-ctx.Done()
	})}
	go web.Serve(l)
	d, err := fleet.NewDialer(scenarios.Broker{URL: "ws://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	f := fleetOf(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\n", d.Dial)
	ended := make(chan error, 1)
	go func() { ended <- f.Run(context.Background()) }()
	time.Sleep(300 * time.Millisecond)
	start := time.Now()
	f.Stop()
	<-ended
	if took := time.Since(start); took > soonEnough {
		t.Errorf("Run returned %v after Stop; want at most 3s", took)
	}
	cancel()
	web.Close()
	settled(t, before)
}
