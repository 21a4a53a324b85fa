package cmd

import (
	"crypto/tls"
	"net"
	"strconv"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptMutual starts a TLS server that lets in nobody without a certificate, of TLS 1.2
// or 1.3: the one says so in its handshake, the other only after the client thinks that it
// is over.
func scriptMutual(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: mutual VAR CERTIFICATE 1.2|1.3")
	}
	certificate, err := tls.LoadX509KeyPair(ts.MkAbs(args[1]+".pem"), ts.MkAbs(args[1]+"-key.pem"))
	ts.Check(err)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}
	if args[2] == "1.2" {
		config.MaxVersion = tls.VersionTLS12
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	ts.Check(err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 1)) // the handshake, which fails
			})
		}
	})
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Defer(func() {
		_ = l.Close()
		serving.Wait()
	})
}
