package mosquitto

import (
	"net"
	"os"
	"strings"
	"testing"
)

// needed skips the test where Mosquitto is not installed, unless HOMEFLEET_INTEROP=1 says that
// it has to be.
func needed(t *testing.T) {
	t.Helper()
	if _, err := Find(); err != nil {
		if os.Getenv("HOMEFLEET_INTEROP") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// taken listens on a port that whoever wants it is to find taken.
func taken(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// Where somebody else has the port, it is started on another one, and it is Mosquitto that
// answers there.
func TestTakenPort(t *testing.T) {
	needed(t)
	port, asked := taken(t), 0
	b, err := start(t.TempDir(), func() (int, error) {
		if asked++; asked < 3 {
			return port, nil
		}
		return FreePort()
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Stop()
	if asked != 3 || b.Port == port {
		t.Errorf("it listens on %d after %d ports; want the third one, not %d", b.Port, asked, port)
	}
	nc, err := net.Dial("tcp", b.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	connect := "\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01a"
	if _, err := nc.Write([]byte(connect)); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 4)
	if n, err := nc.Read(reply); n != 4 || reply[0] != 0x20 || reply[3] != 0 {
		t.Errorf("its reply to a CONNECT is % x, %v; want a CONNACK of success", reply[:n], err)
	}
	b.Stop()
	if nc, err := net.Dial("tcp", b.Address()); err == nil {
		nc.Close()
		t.Error("somebody listens there after Stop; want nobody")
	}
}

// What keeps it from coming up is told, in its own words.
func TestDoesNotComeUp(t *testing.T) {
	needed(t)
	port := taken(t)
	for name, tt := range map[string]struct {
		free func() (int, error)
		line string
		want string
	}{
		"taken again and again": {func() (int, error) { return port, nil }, "", "Address already in use"},
		"a line it cannot read": {FreePort, "no_such_option 1", "no_such_option"},
	} {
		b, err := start(t.TempDir(), tt.free, []string{tt.line})
		if err == nil {
			b.Stop()
			t.Errorf("%s: it listens on %d; want an error", name, b.Port)
			continue
		}
		if got := strings.Count(err.Error(), tt.want); got < mostTries {
			t.Errorf("%s: start = %v; want %q of each of %d tries", name, err, tt.want, mostTries)
		}
	}
}

// Who looks twice is given two ports, and none that the system gives away by itself.
func TestFreePort(t *testing.T) {
	seen := make(map[int]bool)
	for range 100 {
		port, err := FreePort()
		if err != nil || seen[port] || port < firstPort || port >= lastPort {
			t.Fatalf("FreePort = %d, %v; want one from %d to %d that it has not returned yet", port, err, firstPort, lastPort)
		}
		seen[port] = true
	}
}
