package cmd

import (
	"net"
	"os"
	"testing"
)

func TestListenNear(t *testing.T) {
	first, taken, err := listenNear("127.0.0.1:0")
	if err != nil || taken {
		t.Fatalf("listenNear(a free port) = %v, %v; want no fault", taken, err)
	}
	defer first.Close()
	second, taken, err := listenNear(first.Addr().String())
	if err != nil || !taken {
		t.Fatalf("listenNear(a taken port) = %v, %v; want another port", taken, err)
	}
	defer second.Close()
	if host, _, _ := net.SplitHostPort(second.Addr().String()); host != "127.0.0.1" {
		t.Errorf("listenNear(a taken port) listens on %v; want 127.0.0.1", second.Addr())
	}
	if _, _, err := listenNear("192.0.2.1:1883"); err == nil {
		t.Error("listenNear(an address of another machine) = nil; want an error")
	}
}

func TestListenAddress(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1884", "127.0.0.1:1884"}, {":1884", ":1884"}, {"localhost:0", "localhost:0"}, {"[::1]:1884", "[::1]:1884"},
		{"", ""}, {"localhost", ""}, {"::1:1884", ""}, {"127.0.0.1:99999", ""}, {"127.0.0.1:mqtt", ""}, {"99999", ""},
	} {
		got, err := listenAddress("--listen", c.in)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("listenAddress(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

// What listens on all addresses is told to other machines by the name of this one.
func TestElsewhere(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]string{"0.0.0.0": "http://" + host + ":7677", "::": "http://" + host + ":7677", "192.0.2.7": "as it is"} {
		if got := elsewhere(&net.TCPAddr{IP: net.ParseIP(ip), Port: 7677}, "as it is"); got != want {
			t.Errorf("elsewhere(%s) = %s; want %s", ip, got, want)
		}
	}
}
