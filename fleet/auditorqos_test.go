package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
)

// A foreign broker keeps only so many messages for the auditor: from more than 20,000
// devices it wants Wills at QoS 0, and expects them at no other.
func TestAuditorQoSOfManyDevices(t *testing.T) {
	for _, tt := range []struct {
		devices  int
		embedded bool
		want     byte
	}{{20_000, false, 2}, {20_001, false, 0}, {20_001, true, 2}} {
		sc := scenarioOf(t, fmt.Sprintf("[audit]\n[[device]]\nkind = \"plug\"\ncount = %d\n", tt.devices))
		f, err := New(sc, Options{Embedded: tt.embedded, Dial: func(context.Context) (net.Conn, error) { return nil, errors.New("nobody is there") }})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.auditor.QoS; got != tt.want || f.deviceEnv.AuditorQoS != tt.want {
			t.Errorf("%d devices, embedded %t: the auditor subscribes at QoS %d and the devices expect %d; want %d", tt.devices, tt.embedded, got, f.deviceEnv.AuditorQoS, tt.want)
		}
	}
}
