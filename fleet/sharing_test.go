package fleet

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// unshared is a connection to a broker that takes $share/... for a topic, as many of MQTT 3.1.1
// do: what it is sent says as much.
type unshared struct{ net.Conn }

func (c unshared) Write(b []byte) (int, error) {
	_, err := c.Conn.Write(bytes.ReplaceAll(b, []byte("$share/"), []byte("xshare/")))
	return len(b), err
}

// A broker that has no shared subscriptions for clients of MQTT 3.1.1 does not say so: it is
// found out before anything is measured, and ends the run at once. One that has them, or where
// that cannot be found out, is measured.
func TestSharedSubscriptionsOf311(t *testing.T) {
	const fanIn = `
[broker]
mqtt = "3.1.1"
[phases]
measure = "20s"
[[device]]
kind = "plug"
count = 3
telemetry = "1s"
[[watcher]]
name = "hub"
count = 2
topics = ["tele/#"]
share = "hub"
`
	for name, tt := range map[string]struct {
		dial  func(net.Conn) net.Conn
		admit func(broker.ConnectInfo) byte
		fails bool
	}{
		"has them": {dial: func(c net.Conn) net.Conn { return c }},
		"has none": {dial: func(c net.Conn) net.Conn { return unshared{c} }, fails: true},
		"not to asked": {dial: func(c net.Conn) net.Conn { return unshared{c} }, admit: func(i broker.ConnectInfo) byte {
			if strings.Contains(i.ClientID, "survey") {
				return 0x87
			}
			return 0
		}},
	} {
		t.Run(name, func(t *testing.T) {
			brew(t, fanIn, broker.Config{Admit: tt.admit}, func(s *storm) {
				began := time.Now()
				_ = s.ended.wait()
				_, err := s.fleet.Result()
				switch took := time.Since(began); {
				case !tt.fails && (err != nil || took < 20*time.Second):
					t.Errorf("the run took %v and ended with %v; want all of it measured", took, err)
				case tt.fails && (err == nil || !strings.Contains(err.Error(), "no shared subscriptions for clients of MQTT 3.1.1") || took > 4*time.Second):
					t.Errorf("the run took %v and ended with %v; want it over at once: no shared subscriptions", took, err)
				}
			}, func(o *Options) {
				o.Survey, o.EndIfNobody = true, true
				dial := o.Dial
				o.Dial = func(ctx context.Context) (net.Conn, error) {
					c, err := dial(ctx)
					if err != nil {
						return nil, err
					}
					return tt.dial(c), nil
				}
			})
		})
	}
}
