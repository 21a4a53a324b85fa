package fleet_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"homefleet/fleet"
)

// A broker that wants enhanced authentication is told of as that, whether it says so by an AUTH
// in the place of a CONNACK or behind it: without an Authentication Method in the CONNECT it may
// send none (4.12.0-1).
func TestEnhancedAuthentication(t *testing.T) {
	for _, before := range []string{"", "\x20\x03\x00\x00\x00"} { // a CONNACK with success
		synctest.Test(t, func(t *testing.T) {
			f := fleetWith(t, "[[device]]\nkind = \"light\"\n", fleet.Options{FailFast: true, Run: "r1", Dial: func(context.Context) (net.Conn, error) {
				here, there := net.Pipe()
				go func() {
					defer there.Close()
					buf := make([]byte, 4096)
					if _, err := there.Read(buf); err != nil {
						return
					}
					if before != "" {
						_, _ = there.Write([]byte(before))
						_, _ = there.Read(buf) // the SUBSCRIBE
					}
					_, _ = there.Write([]byte("\xf0\x02\x18\x00")) // AUTH, Continue authentication
					_, _ = io.Copy(io.Discard, there)
				}()
				return here, nil
			}})
			err := f.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), "enhanced authentication (4.12), which homefleet does not speak") {
				t.Errorf("Run() = %v; want that enhanced authentication is not spoken", err)
			}
		})
	}
}
