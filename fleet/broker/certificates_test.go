package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// Who shows a certificate is the user that it names, whatever the CONNECT says, and may do what
// that one may; one of whom the users file knows nothing is refused; and a user who is known by
// a certificate alone cannot get in by a password, by none either.
func TestCertificates(t *testing.T) {
	serverCert, roots := selfSigned(t)
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(name string, ca *x509.Certificate) (tls.Certificate, *x509.Certificate) {
		t.Helper()
		key, public := caKey, &caKey.PublicKey
		if ca != nil {
			if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
				t.Fatal(err)
			}
			public = &key.PublicKey
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, IsCA: ca == nil, BasicConstraintsValid: true,
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		by := ca
		if by == nil {
			by = template
		}
		der, err := x509.CreateCertificate(rand.Reader, template, by, public, caKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, cert
	}
	_, ca := sign("the CA", nil)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	admitted := make(chan string, 10)
	config := Config{Certificates: true, Users: []User{
		{Name: "anna", Certificate: true, Subscribe: []string{"of/{user}/#"}, Publish: []string{}},
		{Name: "ben", Password: "battery"},
	}, Admit: func(i ConnectInfo) byte { admitted <- i.Username; return 0 }}
	b, plain := listen(t, config, nil)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secure := tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{serverCert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
	served := make(chan struct{})
	go func() { defer close(served); _ = b.Serve(secure) }()
	t.Cleanup(func() { secure.Close(); <-served })

	for _, tt := range []struct {
		name           string
		cert           string // "": plain TCP
		user, password string
		want           byte // of the CONNACK
		as             string
	}{
		{"by certificate", "anna", "", "", 0, "anna"},
		{"another name does not count", "anna", "ben", "wrong", 0, "anna"},
		{"one of nobody's", "carl", "anna", "", 0x87, ""},
		{"a user of certificates by none", "", "anna", "", 0x86, ""},
		{"by a password", "", "anna", "guess", 0x86, ""},
		{"a user of passwords", "", "ben", "battery", 0, "ben"},
		{"a user of passwords with a certificate", "ben", "", "", 0, "ben"},
	} {
		var nc net.Conn
		if tt.cert == "" {
			nc, err = net.Dial("tcp", plain)
		} else {
			own, _ := sign(tt.cert, ca)
			nc, err = tls.Dial("tcp", inner.Addr().String(), &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}})
		}
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		c := paho.NewClient(paho.ClientConfig{Conn: nc})
		connect := &paho.Connect{ClientID: "c", CleanStart: true}
		if tt.user != "" {
			connect.UsernameFlag, connect.Username, connect.PasswordFlag, connect.Password = true, tt.user, tt.password != "", []byte(tt.password)
		}
		ack, err := c.Connect(t.Context(), connect)
		if ack == nil {
			t.Fatalf("%s: no CONNACK: %v", tt.name, err)
		}
		if ack.ReasonCode != tt.want {
			t.Errorf("%s: CONNACK 0x%02X; want 0x%02X", tt.name, ack.ReasonCode, tt.want)
		}
		if tt.want != 0 || ack.ReasonCode != 0 {
			nc.Close()
			continue
		}
		if got := <-admitted; got != tt.as {
			t.Errorf("%s: the broker takes it for %q; want %q", tt.name, got, tt.as)
		}
		for topic, want := range map[string]bool{"of/anna/x": true, "of/ben/x": tt.as == "ben"} {
			if _, err := c.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic}}}); (err == nil) != want {
				t.Errorf("%s: subscribing %s: %v; want it allowed: %v", tt.name, topic, err, want)
			}
		}
		_ = c.Disconnect(&paho.Disconnect{})
	}
	// Who shows none does not even come to a CONNECT.
	nc, err := tls.Dial("tcp", inner.Addr().String(), &tls.Config{RootCAs: roots})
	if err == nil {
		_, err = nc.Read(make([]byte, 1))
		nc.Close()
	}
	if err == nil {
		t.Error("a client without a certificate can read; want its connection ended")
	}
}
