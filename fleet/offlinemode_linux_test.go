package fleet

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// unacked returns how many bytes of what the broker wrote the device's system has
// not acknowledged.
func unacked(t *testing.T, p *peer) (n int) {
	t.Helper()
	raw, err := p.conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if cerr := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	return n
}

// What the broker sends to a device that is stuck is acknowledged by its system;
// what it sends to one that is unplugged is not.
func TestUnpluggedAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		way OfflineMode
		any bool
	}{{Silence, false}, {Unplugged, true}} {
		s := onSocket(t, "mqtt")
		p := s.accept()
		p.welcome(nil)
		s.die(tt.way)
		time.Sleep(50 * time.Millisecond)
		p.command("power", "ON", nil, nil)
		time.Sleep(300 * time.Millisecond) // some retransmissions
		if n := unacked(t, p); n > 0 != tt.any {
			t.Errorf("%s: %d bytes of the broker's are not acknowledged; want any: %t", tt.way, n, tt.any)
		}
	}
}
