package reach

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/scenarios"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.key, a.cert = a.sign("ca", nil)
	return a
}

// sign makes NAME.pem and NAME.key.
func (a *authority) sign(name string, hosts []net.IP) (*ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: a.cert == nil,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	by, with := a.cert, a.key
	if by == nil {
		by, with = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, &key.PublicKey, with)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, cert
}

// server returns what listens for TLS and wants a certificate of the client's.
func (a *authority) server() *tls.Config {
	a.sign("server", []net.IP{net.IPv4(127, 0, 0, 1)})
	pair, err := tls.LoadX509KeyPair(filepath.Join(a.dir, "server.pem"), filepath.Join(a.dir, "server.key"))
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
}

// each dials for every device of a scenario, and for its first controller, and returns what meet
// makes of the other end.
func each(t *testing.T, r *Reach, sc *scenarios.Scenario, meet func(who string)) {
	t.Helper()
	dial := r.Each()
	if dial == nil {
		t.Fatal("all are alike; want each in its own way")
	}
	one := func(who string, v scenarios.Vars, g *scenarios.Group) {
		conn, err := dial(t.Context(), v, g)
		if err != nil {
			t.Fatalf("dialling for %s: %v", who, err)
		}
		defer conn.Close()
		meet(who)
	}
	for d := range sc.Devices() {
		one(d.ID, d.Vars("run"), d.Group)
	}
	for i := range sc.Controllers {
		one(sc.Controllers[i].Name, sc.Controllers[i].Vars(1, 0, "run"), nil)
	}
}

func scenario(t *testing.T, src string, files map[string]string) *scenarios.Scenario {
	t.Helper()
	sc, faults := scenarios.LoadFrom("x.toml", []byte(src), "", func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	})
	if sc == nil {
		t.Fatal(faults)
	}
	return sc
}

// Each device shows the certificate that its row names, another group that of [broker], and so
// does a controller.
func TestCertificates(t *testing.T) {
	a := newAuthority(t)
	for _, name := range []string{"anna", "ben", "plug-1", "phone"} {
		a.sign(name, nil)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", a.server())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	met := make(chan string, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c := conn.(*tls.Conn)
			if err := c.Handshake(); err != nil {
				met <- "nobody: " + err.Error()
			} else {
				met <- c.ConnectionState().PeerCertificates[0].Subject.CommonName
			}
			c.Close()
		}
	}()
	sc := scenario(t, fmt.Sprintf(`
[broker]
url = "mqtts://%s"
ca_file = '%[2]s/ca.pem'
cert_file = '%[2]s/{id}.pem'
key_file = '%[2]s/{id}.key'
[[device]]
kind = "light"
from = "lamps.csv"
cert_file = '%[2]s/{owner}.pem'
key_file = '%[2]s/{owner}.key'
[[device]]
kind = "plug"
[[controller]]
name = "phone"
attribute = "power"
rate = "1/s"`, l.Addr(), a.dir), map[string]string{"lamps.csv": "id,owner\nlamp-1,anna\nlamp-2,ben\nlamp-3,anna\n"})
	r, err := New(sc, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Secure() {
		t.Error("Secure() = false; want true")
	}
	want := map[string]string{"lamp-1": "anna", "lamp-2": "ben", "lamp-3": "anna", "plug-1": "plug-1", "phone": "phone"}
	each(t, r, sc, func(who string) {
		if got := <-met; got != want[who] {
			t.Errorf("%s shows the certificate of %q; want %q", who, got, want[who])
		}
	})
	sc.Groups[1].CertFile, sc.Groups[1].KeyFile = "gone-{id}.pem", "gone-{id}.key"
	for d := range sc.Devices() {
		if d.Group == &sc.Groups[1] {
			if _, err := r.Each()(t.Context(), d.Vars(""), d.Group); err == nil || !strings.Contains(err.Error(), "reading the client certificate: ") || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("without its certificate %s is told %v; want that it is not there", d.ID, err)
			}
		}
	}
}

// Of several addresses clients have one each, in turn; or all of a home have one.
func TestSeveralAddresses(t *testing.T) {
	const brokers = 3
	met := make(chan int, 1)
	var urls []string
	for i := range brokers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		urls = append(urls, fmt.Sprintf("%q", "mqtt://"+l.Addr().String()))
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.Close()
				met <- i
			}
		}()
	}
	for _, tt := range []struct {
		spread string
		want   []int // devices, and then the controller
	}{
		{"device", []int{0, 1, 2, 0, 1, 2, 0, 1, 0}},
		{"home", []int{0, 0, 1, 1, 2, 2, 0, 0, 0}},
	} {
		sc := scenario(t, `
[broker]
urls = [`+strings.Join(urls, ", ")+`]
spread = "`+tt.spread+`"
[[device]]
kind = "light"
homes = 4
count = 2
[[controller]]
attribute = "power"
rate = "1/s"`, nil)
		r, err := New(sc, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // who comes again is where he was
			var got []int
			each(t, r, sc, func(string) { got = append(got, <-met) })
			if !slices.Equal(got, tt.want) {
				t.Errorf("spread by %s they are at %v; want %v", tt.spread, got, tt.want)
			}
		}
		if got := strings.Count(r.String(), "mqtt://127.0.0.1:"); got != brokers || !strings.HasPrefix(r.String(), r.First()) {
			t.Errorf("String() = %q; want all addresses", r.String())
		}
	}
}

// The handshake of a WebSocket has the headers that the scenario names, with values of the
// device and secrets out of the environment.
func TestHeaders(t *testing.T) {
	met := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		met <- q.Header.Get("X-Device") + " " + q.Header.Get("Authorization")
		w.WriteHeader(http.StatusTeapot)
	}))
	defer s.Close()
	sc := scenario(t, `
[broker]
url = "`+strings.Replace(s.URL, "http", "ws", 1)+`"
[broker.headers]
X-Device = "{home}/{id}"
[broker.headers_env]
Authorization = "TOKEN_OF_{kind}"
[[device]]
kind = "light"
homes = 1`, nil)
	r, err := New(sc, func(s scenarios.Secret, v scenarios.Vars) ([]byte, error) {
		return []byte("secret of " + s.Env.Expand(v)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for d := range sc.Devices() {
		_, err := r.Each()(context.WithoutCancel(t.Context()), d.Vars(""), d.Group)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("the handshake ends with %v; want that the server answered otherwise, and no secret", err)
		}
		if got, want := <-met, "home-1/home-1-light-1 secret of TOKEN_OF_light"; got != want {
			t.Errorf("the headers are %q; want %q", got, want)
		}
	}
}

// Where nothing differs from one to the other, all share one dialer.
func TestAlike(t *testing.T) {
	sc := scenario(t, "[broker]\nurl = \"mqtt://127.0.0.1:1\"\n[[device]]\nkind = \"light\"\n", nil)
	if r, err := New(sc, nil); err != nil || r.Each() != nil {
		t.Errorf("New() = %v, %v; want one way for all", r, err)
	}
}
