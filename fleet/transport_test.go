package fleet_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/fleettest"
	"homefleet/scenarios"
)

// authority is a certificate authority for one test, and what it signed.
type authority struct {
	cert              *x509.Certificate
	key               *ecdsa.PrivateKey
	caFile            string
	server            tls.Certificate
	certFile, keyFile string // of a client
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	dir := t.TempDir()
	a := &authority{caFile: filepath.Join(dir, "ca.pem"), certFile: filepath.Join(dir, "client.pem"), keyFile: filepath.Join(dir, "client.key")}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := func(n int64, name string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	}
	ca := template(1, "test authority")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &a.key.PublicKey, a.key)
	check(err)
	a.cert, err = x509.ParseCertificate(der)
	check(err)
	check(os.WriteFile(a.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))

	sign := func(c *x509.Certificate) ([]byte, []byte) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(err)
		der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
		check(err)
		keyDER, err := x509.MarshalPKCS8PrivateKey(key)
		check(err)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	}
	s := template(2, "broker")
	s.DNSNames = []string{"localhost", "broker.test"}
	certPEM, keyPEM := sign(s)
	a.server, err = tls.X509KeyPair(certPEM, keyPEM)
	check(err)
	certPEM, keyPEM = sign(template(3, "device"))
	check(os.WriteFile(a.certFile, certPEM, 0o600))
	check(os.WriteFile(a.keyFile, keyPEM, 0o600))
	return a
}

// serveAll starts a broker that is reached in every way and returns the [broker]
// table of a scenario for each.
func serveAll(t *testing.T, a *authority) map[string]string {
	t.Helper()
	b, err := broker.New(broker.Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	port := func(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	config := &tls.Config{Certificates: []tls.Certificate{a.server}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven}
	mutual := config.Clone()
	mutual.ClientAuth = tls.RequireAndVerifyClientCert

	tcp, secure, both, ws, wss := listen(), listen(), listen(), listen(), listen()
	go b.Serve(tcp)
	go b.Serve(tls.NewListener(secure, config))
	go b.Serve(tls.NewListener(both, mutual))
	web := &http.Server{Handler: b.Handler()}
	go web.Serve(ws)
	go web.Serve(tls.NewListener(wss, config))
	t.Cleanup(func() {
		b.Close()
		web.Close()
	})
	ca := fmt.Sprintf("\nca_file = %q", a.caFile)
	return map[string]string{
		"tcp":      fmt.Sprintf("url = \"mqtt://localhost:%d\"", port(tcp)),
		"tls":      fmt.Sprintf("url = \"mqtts://localhost:%d\"%s", port(secure), ca),
		"name":     fmt.Sprintf("url = \"mqtts://127.0.0.1:%d\"\nserver_name = \"broker.test\"%s", port(secure), ca),
		"insecure": fmt.Sprintf("url = \"mqtts://localhost:%d\"\ninsecure = true", port(secure)),
		"mutual": fmt.Sprintf("url = \"mqtts://localhost:%d\"\ncert_file = %q\nkey_file = %q%s",
			port(both), a.certFile, a.keyFile, ca),
		"ws":  fmt.Sprintf("url = \"ws://localhost:%d/mqtt\"", port(ws)),
		"wss": fmt.Sprintf("url = \"wss://localhost:%d/mqtt\"%s", port(wss), ca),
	}
}

// TLS and WebSocket change nothing of what a device does.
func TestTransports(t *testing.T) {
	t.Parallel()
	brokers := serveAll(t, newAuthority(t))
	for name, table := range brokers {
		t.Run(name, func(t *testing.T) {
			f := fleettest.Start(t, `
[broker]
`+table+`
[connect]
session_expiry = "1m"
backoff_min = "10ms"
[[device]]
kind = "light"
id = "`+name+`-{n}"
count = 3
`)
			lamp := f.Device(name + "-1")
			if got := lamp.Command("power", "ON"); got != "ON" {
				t.Errorf("power ON answers %q; want ON", got)
			}
			if a, err := f.Request("cmnd/"+name+"-1/power", strings.Repeat("x", 100_000)); err == nil {
				t.Errorf("100,000 bytes of payload answer %q; want an error answer", a.Payload)
			}
			if got := lamp.State("power"); got != "ON" {
				t.Errorf("power = %s; want ON", got)
			}
			for _, way := range []fleet.OfflineMode{fleet.Cut, fleet.Reset, fleet.WithWill, fleet.Orderly, fleet.Silence} {
				lamp.Die(way)
				lamp.Return()
				if got := lamp.Command("power", "TOGGLE"); got != "ON" && got != "OFF" {
					t.Errorf("after %s power TOGGLE answers %q", way, got)
				}
			}
			if got := f.Device(name+"-2").Command("brightness", "30"); got != "30" {
				t.Errorf("brightness 30 answers %q; want 30", got)
			}
		})
	}
}

// A certificate that cannot be verified is refused unless the scenario says
// otherwise, with a sentence.
func TestTLSFaults(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	brokers := serveAll(t, a)
	tests := []struct{ name, table, want string }{
		{"unknown authority", strings.Replace(brokers["tls"], a.caFile, other.caFile, 1), "certificate"},
		{"wrong name", brokers["tls"] + "\nserver_name = \"elsewhere.test\"", "elsewhere.test"},
		{"no client certificate", strings.Split(brokers["mutual"], "\ncert_file")[0] + fmt.Sprintf("\nca_file = %q", a.caFile), "certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sc, faults := scenarios.Load("test", []byte("[broker]\n"+tt.table+"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n"))
			if err := faults.Err(); err != nil {
				t.Fatal(err)
			}
			d, err := fleet.NewDialer(sc.Broker)
			if err != nil {
				t.Fatal(err)
			}
			f, err := fleet.New(sc, fleet.Options{Dial: d.Dial, BrokerName: d.String(), FailFast: true})
			if err != nil {
				t.Fatal(err)
			}
			err = f.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "lamp") ||
				!strings.Contains(err.Error(), "mqtts://localhost:") {
				t.Errorf("Run() = %v; want an error with device, broker and %q", err, tt.want)
			}
		})
	}
}

// One requester, a thousand devices, or some hundreds: each answer is told by its Correlation Data.
func TestThousandDevices(t *testing.T) {
	t.Parallel()
	count := fleet.Some(300, 1000)
	f := fleettest.Start(t, fmt.Sprintf(`
[[device]]
kind = "plug"
count = %d
id = "plug-{n:4}"
`, count), fleettest.WithPatience(30*time.Second))
	for i, d := range f.Fleet().Devices() {
		if i%fleet.Some(5, 1) > 0 {
			continue
		}
		if a, err := f.Request("cmnd/"+d.ID()+"/power", ""); err != nil || !bytes.Equal(a.Payload, []byte("ON")) && !bytes.Equal(a.Payload, []byte("OFF")) {
			t.Fatalf("request %d to %s: %q, %v", i, d.ID(), a.Payload, err)
		}
	}
	if p := f.Fleet().Presence(); p.Online != count {
		t.Errorf("%d devices online; want %d", p.Online, count)
	}
}

// The fleet gives up a dial at once when it is stopped.
func TestStopWhileDialling(t *testing.T) {
	dialling := make(chan struct{})
	f := fleetOf(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\n", func(ctx context.Context) (net.Conn, error) {
		close(dialling)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	ended := make(chan error)
	go func() { ended <- f.Run(t.Context()) }()
	<-dialling
	f.Stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Run() = %v; want nil", err)
		}
	case <-time.After(time.Minute):
		t.Error("Run did not end within a minute")
	}
}
