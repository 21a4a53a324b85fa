package broker

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A client that pings over WebSocket as fast as it can is answered a hundred times and then
// told why it is disconnected: by DISCONNECT 0x96 and the status 1008. Its Will is published
// (3.1.2-8).
func TestPingsOverWebSocket(t *testing.T) {
	b, _ := listen(t, Config{}, nil)
	watcher, _ := connect(t, b, connectV5("watcher"))
	watcher.subscribe("will", 0)
	s := httptest.NewServer(b.Handler())
	defer s.Close()
	nc, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	frame := func(first byte, payload []byte) []byte {
		return append([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	}
	_, err = io.WriteString(nc, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"+string(frame(0x82, pkt(0x10, "MQTT", 5, 6, u16(0), 0, "c", 0, "will", "gone")))+
		strings.Repeat(string(frame(0x89, []byte("?"))), 1000))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(bufio.NewReader(nc))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(all, []byte("\x8a\x01?")); n > 100 {
		t.Errorf("%d pings are answered; want 100 at most", n)
	}
	if want := []byte("\xe0\x02\x96\x00\x88\x02\x03\xf0"); !bytes.HasSuffix(all, want) {
		t.Errorf("in the end %q comes; want DISCONNECT 0x96 and status 1008", all[max(0, len(all)-20):])
	}
	if m := watcher.publication(); m.payload != "gone" {
		t.Errorf("message = %+v; want the Will", m)
	}
}
