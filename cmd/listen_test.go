package cmd

import (
	"net"
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
