package faults

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"homefleet/fleet/memconn"
)

// unacked is how many bytes of what was written the other side has not
// acknowledged.
func unacked(t *testing.T, c *net.TCPConn) (n int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if cerr := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	return n
}

// eventually waits for the kernel.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for start := time.Now(); !ok(); time.Sleep(ms) {
		if time.Since(start) > time.Minute {
			t.Fatalf("after a minute still not so: %s", what)
		}
	}
}

// An unplugged connection acknowledges nothing; what was sent to it arrives once
// it is plugged in again.
func TestUnplug(t *testing.T) {
	a, b := tcpPair(t)
	c := Wrap(tls.Client(a, &tls.Config{}), 1) // wrappers are no hindrance
	mustWrite(t, b, "before")
	eventually(t, "the peer's bytes are acknowledged", func() bool { return unacked(t, b) == 0 })
	if Replug(c) {
		t.Error("Replug = true; want false, since nothing is unplugged")
	}
	if !Unplug(c) {
		// A kernel that refuses a socket filter must not have done half of it.
		mustWrite(t, b, " after")
		eventually(t, "the peer's bytes are acknowledged", func() bool { return unacked(t, b) == 0 })
		return
	}
	if !Unplug(c) {
		t.Error("a second Unplug = false; want true")
	}
	mustWrite(t, b, " after")
	time.Sleep(300 * ms) // some retransmissions
	if n := unacked(t, b); n != len(" after") {
		t.Errorf("unacknowledged while unplugged: %d bytes; want %d", n, len(" after"))
	}
	_ = a.SetReadDeadline(time.Now().Add(50 * ms))
	got := make([]byte, 100)
	n, _ := a.Read(got)
	if string(got[:n]) != "before" {
		t.Errorf("read %q while unplugged; want %q", got[:n], "before")
	}
	if !Replug(c) {
		t.Fatal("Replug = false; want true")
	}
	_ = a.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := io.ReadFull(a, got[:6]); string(got[:n]) != " after" || err != nil {
		t.Errorf("read %q, %v after Replug; want %q", got[:n], err, " after")
	}
	eventually(t, "the peer's bytes are acknowledged", func() bool { return unacked(t, b) == 0 })
}

// Only a TCP connection that is open can be unplugged.
func TestUnplugOthers(t *testing.T) {
	a, b := memconn.Pipe(0)
	defer a.Close()
	defer b.Close()
	tcp, _ := tcpPair(t)
	tcp.Close()
	for _, c := range []net.Conn{a, Wrap(a, 1), tcp} {
		if Unplug(c) || Replug(c) {
			t.Errorf("Unplug or Replug of a %T = true; want false", c)
		}
	}
}
