package fleet

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/broker"
	"homefleet/fleet/retained"
	"homefleet/fleet/wire"
)

// A Will may have whatever User Properties its maker likes (3.1.3.2.8), also those
// that the fleet itself uses elsewhere.
func TestWillsOwnUserProperties(t *testing.T) {
	for _, key := range []string{"connection", "sent", "run"} {
		snap, _ := brew(t, hasty+twoLamps+"[device.will.user_properties]\n"+key+" = \"1\"\n"+offlineOnce, broker.Config{}, nil)
		if w := snap.Audit.Wills; w.OnTime != 2 || w.Altered != 0 || w.Unexpected != 0 {
			t.Errorf("with %q: %+v; want 2 on time, as they were made", key, w)
		}
	}
}

// A device that does not get the processor for a while is late to hear of its
// end, and late to say what it meant to say. What it reports to the audit allows for that, so
// that the broker is not accused of a Will that came before (3.1.2-8, 3.14.4-3).
func TestReportOfADeviceThatSleeps(t *testing.T) {
	const asleep = 300 * time.Millisecond
	for _, tt := range []struct {
		name string
		do   func(*storm, *Device)
		want int64 // Wills on time
	}{
		{"a command lies unread", func(s *storm, d *Device) {
			conn, err := s.broker.Dial(s.t.Context())
			if err != nil {
				s.t.Fatal(err)
			}
			defer conn.Close()
			p := &peer{t: s.t, conn: conn}
			p.write(wire.AppendConnect(nil, &wire.Connect{Version: wire.V5, ClientID: "phone", CleanStart: true}))
			p.want(packets.CONNACK)
			p.publish(wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("ON")})
			time.Sleep(10 * time.Millisecond)
			s.broker.Kick("lamp", 0)
		}, 1},
		{"it leaves, but the broker was first", func(s *storm, d *Device) {
			s.broker.Kick("lamp", 0)
			if err := d.Die(s.t.Context(), Orderly); err != nil {
				s.t.Fatal(err)
			}
		}, 1},
		{"it leaves, but the broker was first and said so", func(s *storm, d *Device) {
			s.broker.Kick("lamp", wire.AdministrativeAction)
			if err := d.Die(s.t.Context(), Orderly); err != nil {
				s.t.Fatal(err)
			}
		}, 1},
		{"it wants a Will, but the broker was first", func(s *storm, d *Device) {
			s.broker.Kick("lamp", wire.AdministrativeAction)
			if err := d.Die(s.t.Context(), WithWill); err != nil {
				s.t.Fatal(err)
			}
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap, _ := brew(t, hasty+"[audit]\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n", broker.Config{}, func(s *storm) {
				s.sleepTo(5 * time.Second)
				d, _ := s.fleet.Device("lamp")
				d.r.Tell(func() { time.Sleep(asleep) })
				time.Sleep(10 * time.Millisecond)
				tt.do(s, d)
			})
			if w := snap.Audit.Wills; w.OnTime != tt.want || w.Messages != tt.want {
				t.Errorf("%+v; want %d on time and no other", w, tt.want)
			}
		})
	}
}

// slowToClose is a connection whose owner does not get the processor for a while
// once it has said that it ends.
type slowToClose struct{ net.Conn }

func (c slowToClose) CloseWrite() error { return c.after(nil) }

func (c slowToClose) Reset() error {
	return c.after(c.Conn.(interface{ Reset() error }).Reset())
}

func (c slowToClose) after(err error) error {
	time.Sleep(100 * time.Millisecond)
	return err
}

// The end of a connection is from before the broker can hear of it.
func TestEndIsNotedBeforeItIsSaid(t *testing.T) {
	for _, way := range []OfflineMode{WithWill, Reset} {
		snap, _ := brew(t, hasty+twoLamps+offlineOnce+"way = \""+string(way)+"\"\n", broker.Config{}, nil, func(o *Options) {
			dial := o.Dial
			o.Dial = func(ctx context.Context) (net.Conn, error) {
				c, err := dial(ctx)
				return slowToClose{c}, err
			}
		})
		if w := snap.Audit.Wills; w.OnTime != 2 || w.Early != 0 {
			t.Errorf("%s: %+v; want 2 on time", way, w)
		}
	}
}

// A broker that retains nothing (3.2.2.3.5) misses nothing, also of a device that
// is away when that is looked at.
func TestNothingIsRetainedWhereNothingCanBe(t *testing.T) {
	snap, _ := brew(t, hasty+twoLamps+"[[incident]]\nkind = \"offline\"\nat = \"5s\"\nfor = \"2h\"\ntarget = { id = \"lamp-1\" }\n",
		broker.Config{Limits: broker.Limits{NoRetain: true}}, nil)
	if snap.Audit.Retained != nil {
		t.Errorf("retained: %+v; want nothing looked at", snap.Audit.Retained)
	}
	if w := snap.Audit.Wills; w.OnTime != 1 {
		t.Errorf("%+v; want 1 on time", w)
	}
}

// Who asks the devices what is retained of them does not wait for ever for one
// that ends before it has read the question.
func TestClaimsOfTheDeparted(t *testing.T) {
	play(t, scenarioOf(t, "audit = false\n[connect]\nrate = \"1/s\"\n"+twoLamps), func(t *testing.T, b *script) {
		b.accept().welcome(nil)
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, nil)
		p.refuse()
		synctest.Wait() // the device, which gives up, waits for the end of the connection
		claimed := make(chan [][]retained.Expected, 1)
		go func() { claimed <- b.fleet.expectsRetained() }()
		select {
		case all := <-claimed:
			if len(all) != 2 || len(all[0]) != 1 || len(all[1]) != 0 {
				t.Errorf("expectsRetained() = %v; want one of the first device and none of the second", all)
			}
		case <-time.After(30 * time.Second):
			t.Error("expectsRetained() does not return within 30s")
		}
	})
}
