package transport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewDialerFaults(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		b    Target
		want string
	}{
		{Target{URL: "http://localhost"}, `scheme "http" is not known; want mqtt, mqtts, ws or wss`},
		{Target{URL: "mqtt://"}, "no host"},
		{Target{URL: "mqtt://a b"}, "want a URL"},
		{Target{URL: "mqtt://me:secret@host"}, "give it apart"},
		{Target{URL: "ftp://me:secret@host"}, "not known"},
		{Target{URL: "me:secret@ho st"}, "want a URL"},
		{Target{URL: "me:secret://secret@host"}, "not known"},
		{Target{URL: "me:se://secret@host", CAFile: "secret"}, "not known"},
		{Target{URL: "mqtt://me:secret@"}, "no host"},
		{Target{URL: "ws://me:sec/ret@host:x/?token=secret"}, "want a URL"},
		{Target{URL: "ws:///mqtt?token=secret"}, "no host"},
		{Target{URL: "mqtts://host", CAFile: "/does/not/exist"}, "reading the CA file"},
		{Target{URL: "mqtts://host", CAFile: junk}, "no certificate in it"},
		{Target{URL: "mqtts://host", CertFile: junk, KeyFile: junk}, "client certificate"},
	}
	for _, tt := range tests {
		_, err := NewDialer(tt.b)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("NewDialer(%+v) = %v; want an error with %q", tt.b, err, tt.want)
		}
	}
	for url, want := range map[string]string{
		"localhost":             "mqtt://localhost:1883",
		"localhost:99":          "mqtt://localhost:99",
		"mqtts://[::1]":         "mqtts://[::1]:8883",
		"tcp://h":               "tcp://h:1883",
		"wss://h/path?x=1":      "wss://h/path?...", // a query may hold a token
		"ws://127.0.0.1:8083/m": "ws://127.0.0.1:8083/m",
	} {
		d, err := NewDialer(Target{URL: url})
		if err != nil || d.String() != want {
			t.Errorf("NewDialer(%q) = %v, %v; want %s", url, d, err, want)
		}
	}
}
