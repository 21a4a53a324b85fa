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
	"math/big"
	"net"
	"net/http"
	"strings"
	"time"

	"homefleet/fleet/broker"
)

// serveOver serves MQTT over TCP or, if it says so, over TLS or WebSocket.
func serveOver(over string, b *broker.Broker, l net.Listener) error {
	switch over {
	case "tls":
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			return err
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	case "ws":
		return http.Serve(l, b.Handler())
	}
	return b.Serve(l)
}

// dialOver dials what serveOver serves.
func dialOver(over, address string) (net.Conn, error) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	switch over {
	case "tls":
		return tls.Client(nc, &tls.Config{InsecureSkipVerify: true}), nil
	case "ws":
		return dialFrames(nc)
	}
	return nc, nil
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
