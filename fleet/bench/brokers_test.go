//go:build linux

package bench

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/mosquitto"
)

// mosquittoBroker is Mosquitto in a process of its own.
type mosquittoBroker struct {
	*mosquitto.Broker
	address string
	dir     string
}

// startMosquitto starts one on a free port of this machine. It keeps nothing on
// disk, holds no segment back, and has no limit that would be met here.
func startMosquitto() (*mosquittoBroker, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	b, err := mosquitto.Start(dir, "persistence false", "max_queued_messages 100000", "max_inflight_messages 0")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &mosquittoBroker{b, b.Address(), dir}, nil
}

// stop ends it, and may be called again. Its clients are ended after it: who ends
// first holds the port of each connection for a minute more (TIME_WAIT), and a
// system that has few ports left takes long to find one for each further client.
func (m *mosquittoBroker) stop() {
	m.Stop()
	_ = os.RemoveAll(m.dir)
}

// brokerPart is the embedded broker in a process of its own, on TCP or TLS.
type brokerPart struct{ port int }

func startBroker(j *job) (part, error) {
	b, err := broker.New(broker.Config{Anonymous: true})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if j.TLS {
		certificate, err := selfMade()
		if err != nil {
			return nil, err
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	go func() { _ = b.Serve(l) }() // until the process ends
	return &brokerPart{port}, nil
}

func (b *brokerPart) counts() map[string]int64 { return map[string]int64{"port": int64(b.port)} }

// selfMade makes a certificate for this machine, which nobody has to trust.
func selfMade() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// inMemory is the embedded broker with idle clients in its own process, which
// are nothing but their end of the connection.
type inMemory struct {
	broker *broker.Broker
	conns  []net.Conn
}

func startInMemory(j *job) (part, error) {
	ids, err := names(j)
	if err != nil {
		return nil, err
	}
	m := new(inMemory)
	if m.broker, err = broker.New(broker.Config{Anonymous: true}); err != nil {
		return nil, err
	}
	for _, id := range ids {
		conn, err := m.broker.Dial(context.Background())
		if err != nil {
			return nil, err
		}
		m.conns = append(m.conns, conn)
		connect, subscribe := welcome(id, j.KeepAlive)
		if _, err := conn.Write(append(connect, subscribe...)); err != nil {
			return nil, err
		}
		r := bufio.NewReaderSize(conn, 64)
		for _, want := range []byte{packets.CONNACK, packets.SUBACK} {
			var head [2]byte
			if _, err := io.ReadFull(r, head[:]); err != nil {
				return nil, err
			}
			if head[0]>>4 != want {
				return nil, fmt.Errorf("the embedded broker sent packet %d; want %d", head[0]>>4, want)
			}
			if _, err := r.Discard(int(head[1])); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

func (m *inMemory) counts() map[string]int64 {
	return map[string]int64{"connections": int64(len(m.conns))}
}

// startCity runs a whole fleet and the embedded broker in one process.
func startCity(j *job) (part, error) {
	b, err := broker.New(broker.Config{Anonymous: true})
	if err != nil {
		return nil, err
	}
	sc, err := homes(j, "")
	if err != nil {
		return nil, err
	}
	p, err := runFleet(sc, fleet.Options{Dial: b.Dial, Run: "run"})
	if err != nil {
		return nil, err
	}
	return p, p.up()
}
