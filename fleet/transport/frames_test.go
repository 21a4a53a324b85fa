package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// clientFrame is a frame of a client, masked (RFC 6455 5.2).
func clientFrame(first byte, payload string) []byte {
	b := webFrame([]byte(payload), true)
	b[0] = first
	return b
}

// Messages, whole and in fragments, with control frames between these, come through as
// what is in them, and pings are answered with what is in them, however all of it is cut
// into pieces (RFC 6455 5.4, 5.5).
func TestFramesCutAnywhere(t *testing.T) {
	long := strings.Repeat("0123456789", 7000)
	var in []byte
	for _, f := range [][]byte{
		clientFrame(0x82, "whole"), clientFrame(0x82, ""), clientFrame(0x02, "in"), clientFrame(0x89, "ping"),
		clientFrame(0x00, " three "), clientFrame(0x8a, "nobody asked"), clientFrame(0x80, "parts"), clientFrame(0x82, long[:300]),
		clientFrame(0x82, long), clientFrame(0x89, ""), clientFrame(0x02, ""), clientFrame(0x80, "x"), clientFrame(0x89, long[:125]),
	} {
		in = append(in, f...)
	}
	want := "wholein three parts" + long[:300] + long + "x"
	answers := "\x8a\x04ping" + "\x8a\x00" + "\x8a\x7d" + long[:125]
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(1, seed))
		most := 1 + rnd.IntN(2000)
		var f frames
		var got, replies []byte
		for rest := bytes.Clone(in); len(rest) > 0; {
			n := min(1+rnd.IntN(most), len(rest))
			payload, r, err := f.take(rest[:n], nil, 0)
			if err != nil {
				t.Fatalf("seed %d: take() = %v; want nil", seed, err)
			}
			got, replies, rest = append(got, payload...), append(replies, r...), rest[n:]
		}
		if string(got) != want || string(replies) != answers {
			t.Errorf("seed %d, pieces of %d at most: %d bytes and answers %.60q; want %d and %.60q", seed, most, len(got), replies, len(want), answers)
		}
	}
}

// What a client must not send ends the connection with the status that goes with it, and
// nothing counts any more (RFC 6455 5, 7.4.1; MQTT 6.0.0-1).
func TestFramesRefused(t *testing.T) {
	head64 := func(n uint64) []byte {
		return append(binary.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, n), 0, 0, 0, 0)
	}
	for _, tt := range []struct {
		name   string
		in     []byte
		status uint16
	}{
		{"a text message", clientFrame(0x81, "x"), 1003},
		{"a text message in fragments", clientFrame(0x01, "x"), 1003},
		{"no mask", []byte{0x82, 1}, 1002},
		{"a reserved bit", clientFrame(0xc2, "x"), 1002},
		{"an unknown kind of message", clientFrame(0x83, "x"), 1002},
		{"an unknown kind of control frame", clientFrame(0x8b, "x"), 1002},
		{"a ping in fragments", clientFrame(0x09, "x"), 1002},
		{"a ping of 126 bytes", clientFrame(0x89, strings.Repeat("x", 126)), 1002},
		{"a closing frame of 200 bytes", clientFrame(0x88, "\x03\xe8"+strings.Repeat("x", 198)), 1002},
		{"a fragment of nothing", clientFrame(0x80, "x"), 1002},
		{"a message within another", append(clientFrame(0x02, "x"), clientFrame(0x82, "x")...), 1002},
		{"a length over 2^63", head64(1 << 63), 1002},
		{"half a status", clientFrame(0x88, "\x03"), 1002},
		{"a status that no frame has", clientFrame(0x88, "\x03\xee"), 1002},
	} {
		var f frames
		in := append(bytes.Clone(tt.in), clientFrame(0x89, "")...)
		_, answers, err := f.take(in, nil, 0)
		var fault *FrameError
		if !errors.As(err, &fault) || fault.Status != tt.status || f.status != tt.status {
			t.Errorf("%s: take() = %v; want status %d", tt.name, err, tt.status)
		}
		if after, r, err := f.take(clientFrame(0x82, "after"), answers, 0); len(after)+len(r) > 0 || err != nil {
			t.Errorf("%s: then %q, %q, %v come; want nothing", tt.name, after, r, err)
		}
	}
	for in, want := range map[string]error{"": io.EOF, "\x03\xe8bye": io.EOF, "\x03\xe9": io.EOF} {
		var f frames
		if _, _, err := f.take(clientFrame(0x88, in), nil, 0); !errors.Is(err, want) {
			t.Errorf("a closing frame with %q: %v; want %v", in, err, want)
		}
	}
	var f frames
	if _, _, err := f.take(clientFrame(0x88, "\x03\xf3"), nil, 0); err == nil || !strings.Contains(err.Error(), "1011") {
		t.Errorf("a closing frame with 1011: %v; want an error with the status", err)
	}
}

// A hundred pings and pongs in a second are answered, and one more ends the connection;
// spread over more seconds there may be any number.
func TestTooManyPings(t *testing.T) {
	var f frames
	for i := range 1000 {
		now := time.Duration(i) * 11 * time.Millisecond
		if _, answers, err := f.take(clientFrame(0x89, ""), nil, now); err != nil || len(answers) != 2 {
			t.Fatalf("ping %d, after %v: answer %x, %v; want one", i+1, now, answers, err)
		}
	}
	for _, first := range []byte{0x89, 0x8a} {
		var f frames
		for i := range 101 {
			_, _, err := f.take(clientFrame(first, ""), nil, 999*time.Millisecond)
			if last := i == 100; last != (err != nil) || last && err.(*FrameError).Status != StatusPolicy {
				t.Fatalf("frame 0x%x number %d: %v; want the 101st refused with 1008", first, i+1, err)
			}
		}
	}
}

// Whatever comes, in whatever pieces, the payload is the same, and no more than what came.
func FuzzFrames(f *testing.F) {
	f.Add(append(clientFrame(0x82, "whole"), clientFrame(0x89, "ping")...), uint8(3))
	f.Add(append(clientFrame(0x02, "in"), clientFrame(0x80, "parts")...), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		var one, many frames
		whole, answers, err := one.take(bytes.Clone(in), nil, 0)
		if len(whole) > len(in) || len(answers) > len(in) {
			t.Fatalf("%d bytes and %d of answers from %d", len(whole), len(answers), len(in))
		}
		var got, replies []byte
		var fault error
		for rest := bytes.Clone(in); len(rest) > 0 && fault == nil; {
			n := min(1+int(piece), len(rest))
			var payload, r []byte
			payload, r, fault = many.take(rest[:n], nil, 0)
			got, replies, rest = append(got, payload...), append(replies, r...), rest[n:]
		}
		if !bytes.Equal(got, whole) || !bytes.Equal(replies, answers) || fmt.Sprint(fault) != fmt.Sprint(err) {
			t.Errorf("in pieces of %d: %q, %q, %v; want %q, %q, %v", int(piece)+1, got, replies, fault, whole, answers, err)
		}
	})
}

// What is no WebSocket handshake is refused with the status that goes with it (RFC 6455
// 4.2.1, 4.4), and what a client sends with its handshake is read.
func TestUpgrade(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	upgraded := make(chan net.Conn, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := Upgrade(w, r); err == nil {
			upgraded <- c
		}
	})}
	go server.Serve(l)
	defer server.Close()
	const good = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: other, mqtt\r\n\r\n"
	ask := func(request string) (answer string, nc net.Conn) {
		t.Helper()
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		_ = nc.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.WriteString(nc, request); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1000)
		n, err := nc.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n]), nc
	}
	for _, tt := range []struct{ old, new, status string }{
		{"GET", "POST", "405"},
		{"HTTP/1.1", "HTTP/1.0", "426"},
		{"keep-alive, upgrade", "keep-alive", "426"},
		{"WebSocket\r\n", "h2c\r\n", "426"},
		{"Version: 13", "Version: 8", "426"},
		{"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ", "400"},
		{"Sec-WebSocket-Key", "X-Key", "400"},
		{"other, mqtt", "mqttv3.1", "400"},
	} {
		answer, _ := ask(strings.Replace(good, tt.old, tt.new, 1))
		if !strings.HasPrefix(answer, "HTTP/1.1 "+tt.status) && !strings.HasPrefix(answer, "HTTP/1.0 "+tt.status) {
			t.Errorf("%q in place of %q: %.60q; want status %s", tt.new, tt.old, answer, tt.status)
		}
	}
	answer, client := ask(good + string(clientFrame(0x82, "at once")))
	for _, want := range []string{"HTTP/1.1 101 ", "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "\r\nSec-WebSocket-Protocol: mqtt\r\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer to the handshake is %q; want %q in it", answer, want)
		}
	}
	c := <-upgraded
	b := make([]byte, 100)
	if n, err := c.Read(b); err != nil || string(b[:n]) != "at once" {
		t.Errorf("Read() = %q, %v; want what came with the handshake", b[:n], err)
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Errorf("Write() = %v; want nil", err)
	}
	if !CloseWrite(c, false) {
		t.Error("CloseWrite() = false; want true")
	}
	if got, err := io.ReadAll(client); err != nil || string(got) != "\x82\x01x\x88\x02\x03\xe8" {
		t.Errorf("the client reads %q, %v; want a message and a closing frame with 1000", got, err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write() after a closing frame = %v; want %v", err, net.ErrClosed)
	}
	_ = c.Close()
}
