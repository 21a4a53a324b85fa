package transport

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What is no MQTT is known by its first bytes, and what may be is not accused.
func TestForeign(t *testing.T) {
	for _, tt := range []struct{ first, want string }{
		{"HTTP/1.1 400 Bad Request\r\n", "HTTP"},
		{"GET / HTTP/1.1\r\n", "HTTP"},
		{"\x15\x03\x01\x00\x02\x02\x28", "TLS"},
		{"\x16\x03\x01\x02\x00\x01", "TLS"},
		{"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "the PROXY protocol"},
		{"\r\n\r\n\x00\r\nQUIT\n\x21\x11", "the PROXY protocol"},
		{"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"},
		{"AMQP\x00\x00\x09\x01", "AMQP"},
		{`INFO {"server_id":"x"}`, "NATS"},
		{"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03", "HTTP"},
		{"220 mail.example ESMTP\r\n", "SMTP or FTP"},
		{"", ""}, {"H", ""}, {"HTT", ""}, {"\x15", ""}, {"PROXIES", ""},
		{"\x10\x10\x00\x04MQTT\x05", ""},
		{"\x20\x03\x00\x00\x00", ""}, {"\x20\x02\x00\x05", ""},
		{"\x00\x00\x00\x00", ""}, {"\xe0\x00", ""},
	} {
		if got := Foreign([]byte(tt.first)); got != tt.want {
			t.Errorf("Foreign(%q) = %q; want %q", tt.first, got, tt.want)
		}
	}
}

// What may still become a protocol that is known is waited for, unless it is a packet of MQTT,
// or can be nothing any more.
func TestMayBeForeign(t *testing.T) {
	const settings = "\x00\x00\x12\x04\x00\x00\x00\x00\x00"
	for n := 1; n < len(settings); n++ {
		if !MayBeForeign([]byte(settings[:n])) || Foreign([]byte(settings[:n])) != "" {
			t.Errorf("MayBeForeign(%q) = false; want true", settings[:n])
		}
	}
	const proxy = "\r\n\r\n\x00\r\nQUIT\n"
	for n := 1; n < len(proxy); n++ {
		if !MayBeForeign([]byte(proxy[:n])) {
			t.Errorf("MayBeForeign(%q) = false; want true", proxy[:n])
		}
	}
	for _, first := range []string{"", settings, proxy, "\r\r", "HTT", "\x20", "\x20\x03", "\x00\x00\x12\x05", "\x00\x00\x01", "\x00\x00\x12\x04\x01", "H", "\x10\x0d"} {
		if MayBeForeign([]byte(first)) {
			t.Errorf("MayBeForeign(%q) = true; want false", first)
		}
	}
}

// A packet of MQTT, whichever side sends it first, is taken for nothing else.
func TestForeignIsNoPacketThatComesFirst(t *testing.T) {
	for typ := range 16 {
		if typ != 1 && typ != 2 {
			continue // CONNECT and CONNACK (3.1.0-1, 3.2.0-1)
		}
		for length := range 256 {
			if got := Foreign([]byte{byte(typ << 4), byte(length), 0, 4, 'M', 'Q', 'T', 'T', 5, 0, 0, 0, 0, 0, 0, 0}); got != "" {
				t.Errorf("packet type %d with length %d is taken for %s", typ, length, got)
			}
		}
	}
}

// A real server, told a CONNECT: that of Go's own library.
func TestForeignOfServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	_, _ = conn.Write([]byte("\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00\r\n\r\n"))
	first := make([]byte, MostForeign)
	n, err := conn.Read(first)
	if got := Foreign(first[:n]); err != nil || got != "HTTP" {
		t.Errorf("Foreign(%q) = %q, %v; want HTTP", first[:n], got, err)
	}
}
