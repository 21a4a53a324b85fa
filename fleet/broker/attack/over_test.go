//go:build linux

package attack

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/web"
)

// serveOver serves MQTT over TCP or, if it says so, over TLS or WebSocket.
func serveOver(over string, b *broker.Broker, l net.Listener) error {
	switch over {
	case "tls":
		config, err := serverTLS()
		if err != nil {
			return err
		}
		return b.ServeTLS(l, config)
	case "ws":
		return web.NewServer(l, "", 256, b.Handler(), slog.New(slog.DiscardHandler)).Serve(l)
	}
	return b.Serve(l)
}

// serverTLS is what a server with a certificate of its own is like.
func serverTLS() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}

// traffic is what an attacker sends, TLS, HTTP and frames with it: bytes of TCP, and
// connections.
type traffic struct{ sent, conns atomic.Int64 }

// forget begins anew.
func (all *traffic) forget() {
	all.sent.Store(0)
	all.conns.Store(0)
}

// wire is the least that it takes with the headers of IPv4 and TCP: those of SYN, ACK and one
// segment for each connection, and of another for each that is full.
func (all *traffic) wire() int64 {
	const (
		headers = 20 + 32
		syn     = 20 + 40
		full    = 1448
	)
	n := all.sent.Load()
	return n + headers*(n/full) + (syn+2*headers)*all.conns.Load()
}

// counted is a connection whose traffic is counted.
type counted struct {
	*net.TCPConn
	traffic *traffic
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.TCPConn.Write(b)
	c.traffic.sent.Add(int64(n))
	return n, err
}

// dialCounted dials TCP.
func dialCounted(address string, all *traffic) (counted, error) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return counted{}, err
	}
	all.conns.Add(1)
	return counted{nc.(*net.TCPConn), all}, nil
}

// dialOver dials what serveOver serves.
func dialOver(over, address string, all *traffic) (net.Conn, error) {
	nc, err := dialCounted(address, all)
	if err != nil {
		return nil, err
	}
	switch over {
	case "tls":
		return tls.Client(nc, attackerTLS(nil)), nil
	case "ws":
		return dialFrames(nc)
	}
	return nc, nil
}

// attackerTLS is a client that says as little as it has to. keys, unless nil, gets its secrets.
func attackerTLS(keys io.Writer) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519}, KeyLogWriter: keys}
}

// frames is a WebSocket as far as the attacks need one.
type frames struct {
	net.Conn
	r    *bufio.Reader
	left int // of the frame that is being read
}

func dialFrames(nc net.Conn) (net.Conn, error) {
	const ask = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
	if _, err := io.WriteString(nc, ask); err != nil {
		return nil, err
	}
	f := &frames{Conn: nc, r: bufio.NewReaderSize(nc, 512)}
	for first := true; ; first = false {
		line, err := f.r.ReadString('\n')
		switch {
		case err != nil:
			return nil, err
		case first && !strings.Contains(line, " 101 "):
			return nil, fmt.Errorf("the handshake gets %q; want 101", line)
		case line == "\r\n":
			return f, nil
		}
	}
}

// Write sends a binary frame, masked with zeros.
func (f *frames) Write(b []byte) (int, error) {
	frame := []byte{0x82, 0x80 | 126}
	if len(b) < 126 {
		frame[1] = 0x80 | byte(len(b))
	} else {
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(b)))
	}
	return f.Conn.Write(append(append(frame, 0, 0, 0, 0), b...))
}

// Read reads of a frame.
func (f *frames) Read(b []byte) (int, error) {
	for f.left == 0 {
		var head [2]byte
		if _, err := io.ReadFull(f.r, head[:]); err != nil {
			return 0, err
		}
		if f.left = int(head[1]); f.left == 126 {
			if _, err := io.ReadFull(f.r, head[:]); err != nil {
				return 0, err
			}
			f.left = int(binary.BigEndian.Uint16(head[:]))
		}
	}
	n, err := f.r.Read(b[:min(len(b), f.left)])
	f.left -= n
	return n, err
}
