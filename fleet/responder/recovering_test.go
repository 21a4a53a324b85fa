package responder

import (
	"maps"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/incident"
	"homefleet/fleet/wire"
)

// Why a try came to nothing is told in words that say what to do about it: of the
// broker's reason codes by their names, and of a limit of this machine by its own.
func TestWhyAttemptsFail(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string // "" is not counted
	}{
		{&client.RefusedError{Code: wire.ServerBusy}, "server busy"},
		{client.ErrNoNetwork, "no network"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)}, "no file descriptor left"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "connection failed"},
		{client.ErrAway, ""},
		{client.ErrStopping, ""},
	} {
		var all incident.Recoveries
		rec, r := new(incident.Recovery), new(Responder)
		all.Add(rec, 0)
		r.recovering.Add(rec)
		r.ConnectFailed(tt.err)
		want := map[string]int64{tt.want: 1}
		if tt.want == "" {
			want = nil
		}
		got, _ := all.All(0, time.Second)
		if got := got[0].Refused; !maps.Equal(got, want) {
			t.Errorf("ConnectFailed(%v) counts %v; want %v", tt.err, got, want)
		}
	}
}
