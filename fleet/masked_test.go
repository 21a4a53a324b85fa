package fleet_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"homefleet/fleet"
	"homefleet/scenarios"
)

// A device says what was wrong with a masked CONNACK, and its broker is not said to
// break MQTT.
func TestMaskedConnackIsNoFaultOfMQTT(t *testing.T) {
	over := make(chan struct{}, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, stream, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		frame := []byte{0x82, 0x80 | 5, 0, 0, 0, 0, 0x20, 3, 0, 0, 0} // masked with noughts (RFC 6455 5.3)
		_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: " +
			base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n" + string(frame)))
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		for err == nil {
			_, err = stream.ReadByte()
		}
		over <- struct{}{}
	}))
	defer s.Close()
	d, err := fleet.NewDialer(scenarios.Broker{URL: strings.Replace(s.URL, "http", "ws", 1)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	f := fleetOf(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\n", d.Dial)
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	<-over // the device has hung up
	f.Stop()
	if err := <-ended; err != nil && !strings.Contains(err.Error(), "masked WebSocket frame") {
		t.Errorf("Run() = %v; want no error but that of a masked frame", err)
	}
	if n := f.Counts().BadPackets.Load(); n != 0 {
		t.Errorf("%d packets are said to break MQTT; want none", n)
	}
}
