package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"homefleet/fleet/memconn"
)

// kinds are the ways in which two ends can be connected.
var kinds = []string{"tcp", "memory", "tls", "websocket"}

// ends are a connection: as a client has it, who dialled, and as a broker has it.
func ends(t *testing.T, kind string) (client, broker net.Conn) {
	t.Helper()
	if kind == "memory" {
		return memconn.Pipe(0)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	accepted := make(chan net.Conn, 1)
	scheme := map[string]string{"tcp": "mqtt", "tls": "mqtts", "websocket": "ws"}[kind]
	switch kind {
	case "websocket":
		over := make(chan struct{})
		web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := Upgrade(w, r)
			if err != nil {
				t.Errorf("Upgrade() = %v; want nil", err)
				return
			}
			accepted <- c
			<-over
		})}
		go web.Serve(l)
		t.Cleanup(func() {
			close(over)
			web.Close()
		})
	default:
		go func() {
			c, err := l.Accept()
			if err == nil && kind == "tls" {
				secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
				err, c = secure.Handshake(), secure
			}
			if err != nil {
				t.Errorf("accepting: %v", err)
			}
			accepted <- c
		}()
	}
	d, err := NewDialer(Target{URL: scheme + "://" + l.Addr().String(), Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if client, err = d.Dial(ctx); err != nil {
		t.Fatal(err)
	}
	broker = <-accepted
	t.Cleanup(func() {
		CloseNow(client)
		CloseNow(broker)
	})
	return client, broker
}

func selfSigned(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Error(err)
		return tls.Certificate{}
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Error(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
