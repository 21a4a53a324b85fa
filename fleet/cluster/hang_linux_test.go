package cluster

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A host that takes no connection is said to, by what was tried, and not that some time was over: in
// the log of a pod that is the only thing that tells a name that is not found from a collector that is busy.
func TestWhatTakesSoLong(t *testing.T) {
	t.Parallel()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for full := false; !full; { // nobody accepts: Linux drops what would not fit into the queue
		nc, err := net.DialTimeout("tcp", at, 300*time.Millisecond)
		if full = err != nil; !full {
			defer nc.Close()
		}
	}
	client, err := NewClient("http://"+at, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Run(t.Context(), 0)
	if no, ok := errors.AsType[*Unreachable](err); !ok || !strings.Contains(no.Error(), "dial tcp "+at) {
		t.Errorf("Run at a host that takes nobody = %v; want it to say that it dialled %s", err, at)
	}
}
