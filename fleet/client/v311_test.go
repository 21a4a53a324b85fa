package client

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/memconn"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Packets of MQTT 3.1.1 are written here byte by byte, as the standard has them:
// these tests share no codec with what they test.

// pkt311 is a packet: the first byte, the length, and its parts; text is a string with
// its length in two bytes before it (1.5.3).
func pkt311(first byte, parts ...any) []byte {
	var body []byte
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			body = append(append(body, byte(len(part)>>8), byte(len(part))), part...)
		case int:
			body = append(body, byte(part))
		case []byte:
			body = append(body, part...)
		}
	}
	return append([]byte{first, byte(len(body))}, body...)
}

// old311 is a session of MQTT 3.1.1 that runs against a broker which the test plays.
type old311 struct {
	nobody
	will     *wire.Will
	messages []wire.Publish
	online   func(*old311)
	t        *testing.T
	dialled  chan net.Conn
	conn     net.Conn
	ended    chan error
}

func (o *old311) FillConnect(p *wire.Connect) error { p.Will = o.will; return nil }
func (o *old311) Online(time.Time) (next time.Time) {
	if o.online != nil {
		o.online(o)
	}
	return next
}
func (o *old311) Message(p *wire.Publish) {
	o.messages = append(o.messages, wire.Publish{Topic: append([]byte(nil), p.Topic...), Payload: append([]byte(nil), p.Payload...), QoS: p.QoS, Retain: p.Retain})
}

// run311 runs a session in a bubble of fake time and then ends it.
func run311(t *testing.T, expiry uint32, set func(*old311), test func(o *old311)) {
	synctest.Test(t, func(t *testing.T) {
		base := newNobody()
		o := &old311{t: t, dialled: make(chan net.Conn, 8), ended: make(chan error, 1)}
		e := base.env
		e.SessionExpiry, e.ReceiveMaximum = expiry, 100
		stop := make(chan struct{})
		e.Stop = stop
		e.Dial = func(context.Context) (net.Conn, error) {
			a, b := memconn.Pipe(1 << 16)
			o.dialled <- b
			return a, nil
		}
		p := *base.profile
		p.V311, p.EndsSession = true, true
		p.Backoff = BackoffPolicy{Naive: true, Min: time.Second, Max: time.Second}
		o.Init(e, &p, o, Setup{Name: "lamp", ClientID: "lamp"})
		if set != nil {
			set(o)
		}
		go func() { o.ended <- o.Run(t.Context()) }()
		test(o)
		close(stop)
		o.EndSoon()
		if o.conn != nil {
			_ = o.conn.Close()
		}
		select {
		case <-o.Gone():
		case <-time.After(time.Minute):
			t.Fatal("the session does not end")
		}
	})
}

// accept takes the next connection.
func (o *old311) accept() {
	o.t.Helper()
	select {
	case o.conn = <-o.dialled:
	case <-time.After(time.Minute):
		o.t.Fatal("nobody connects")
	}
	_ = o.conn.SetReadDeadline(time.Now().Add(time.Minute))
}

func (o *old311) want(what string, packet []byte) {
	o.t.Helper()
	got := make([]byte, len(packet))
	n, err := io.ReadFull(o.conn, got)
	if string(got[:n]) != string(packet) {
		o.t.Fatalf("%s: got % x (%v); want % x", what, got[:n], err, packet)
	}
}

// wantEnd wants the connection closed with nothing more said.
func (o *old311) wantEnd() {
	o.t.Helper()
	if rest, err := io.ReadAll(o.conn); err != nil || len(rest) > 0 {
		o.t.Fatalf("got % x, %v; want the end of the connection and nothing before it", rest, err)
	}
}

func (o *old311) send(packet []byte) {
	o.t.Helper()
	if _, err := o.conn.Write(packet); err != nil {
		o.t.Fatal(err)
	}
}

var (
	clean311      = pkt311(0x10, "MQTT", 4, 2, 0, 60, "lamp")
	lasting311    = pkt311(0x10, "MQTT", 4, 0, 0, 60, "lamp")
	accepted311   = []byte{0x20, 2, 0, 0}
	present311    = []byte{0x20, 2, 1, 0}
	subscribe311  = pkt311(0x82, 0, 1, "t", 0)
	suback311     = []byte{0x90, 3, 0, 1, 0}
	disconnect311 = []byte{0xe0, 0}
)

// up311 brings the session online.
func (o *old311) up311(connect []byte) {
	o.t.Helper()
	o.accept()
	o.want("CONNECT", connect)
	o.send(accepted311)
	o.want("SUBSCRIBE", subscribe311)
	o.send(suback311)
	synctest.Wait()
}

// CONNECT has Protocol Level 4 and no properties (3.1.2.2, 3.1.2-4 and -6): Clean
// Session follows from whether the session is to outlive its connection, and a Will has
// a topic and a payload and nothing else (3.1.3.2, 3.1.3.3).
func TestConnectV311(t *testing.T) {
	will := &wire.Will{Topic: []byte("gone"), Payload: []byte("Offline"), QoS: 1, Retain: true, Delay: 30}
	will.Props.ContentType, will.Props.ResponseTopic, will.Props.User = []byte("text/plain"), []byte("r"), wire.AppendUserProperty(nil, "a", "b")
	for _, tt := range []struct {
		name   string
		expiry uint32
		set    func(*old311)
		want   []byte
	}{
		{"ends with its connection", 0, nil, clean311},
		{"lasts", 60, nil, lasting311},
		{"resumes", 60, func(o *old311) { o.resume = true }, lasting311},
		{"resumes, but does not last", 0, func(o *old311) { o.resume = true }, clean311},
		{"Will", 0, func(o *old311) { o.will = will }, pkt311(0x10, "MQTT", 4, 0x2e, 0, 60, "lamp", "gone", "Offline")},
		{"no client id", 0, func(o *old311) { o.clientID = "" }, pkt311(0x10, "MQTT", 4, 2, 0, 60, "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run311(t, tt.expiry, tt.set, func(o *old311) { o.up311(tt.want) })
		})
	}
}

// A refusal is told in the words of table 3.1, counted by the reason code of MQTT 5 that
// means the same, and tried again only where the server is unavailable.
func TestConnackRefusalV311(t *testing.T) {
	for _, tt := range []struct {
		code   byte
		reason byte
		want   string
		again  bool
	}{
		{1, wire.UnsupportedVersion, "unacceptable protocol version (return code 1)", false},
		{2, wire.ClientIDNotValid, "identifier rejected (return code 2)", false},
		{3, wire.ServerUnavailable, "server unavailable (return code 3)", true},
		{4, wire.BadUserNameOrPassword, "bad user name or password (return code 4)", false},
		{5, wire.NotAuthorized, "not authorized (return code 5)", false},
	} {
		t.Run(tt.want, func(t *testing.T) {
			run311(t, 0, nil, func(o *old311) {
				o.accept()
				o.want("CONNECT", clean311)
				o.send([]byte{0x20, 2, 0, tt.code})
				o.wantEnd()
				if tt.again {
					o.up311(clean311)
					return
				}
				err := <-o.ended
				refused, _ := errors.AsType[*RefusedError](err)
				if refused == nil || refused.Code != tt.reason || !strings.Contains(err.Error(), "the broker refused the connection: "+tt.want) {
					t.Errorf("Run() = %v; want %q", err, tt.want)
				}
				if n := o.counts().Refused.ByName(); n[wire.ReasonName(tt.reason)] != 1 {
					t.Errorf("refused: %v; want one of %s", n, wire.ReasonName(tt.reason))
				}
			})
		})
	}
}

// A CONNACK that breaks the standard ends the connection without a word (4.8.0-1):
// a DISCONNECT would say that all is well.
func TestConnackFaultsV311(t *testing.T) {
	for _, tt := range []struct {
		name   string
		expiry uint32
		packet []byte
	}{
		{"a reserved return code (3.2.2.3)", 0, []byte{0x20, 2, 0, 6}},
		{"the form of MQTT 5", 0, []byte{0x20, 3, 0, 0, 0}},
		{"reserved flags (3.2.2.1)", 0, []byte{0x20, 2, 2, 0}},
		{"Session Present, though Clean Session is 1 (3.2.2-1)", 0, present311},
		{"Session Present with a refusal (3.2.2-4)", 60, []byte{0x20, 2, 1, 5}},
		{"a PUBLISH before it (3.2.0-1)", 0, pkt311(0x30, "t")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run311(t, tt.expiry, nil, func(o *old311) {
				o.accept()
				o.want("CONNECT", map[bool][]byte{false: clean311, true: lasting311}[tt.expiry > 0])
				o.send(tt.packet)
				o.wantEnd()
				synctest.Wait()
				if n := o.counts().BadPackets.Load(); n != 1 {
					t.Errorf("%d bad packets; want 1", n)
				}
			})
		})
	}
}

// A session that is to be new and to last is made by discarding the one that is found:
// with Clean Session 1, and then again with 0 (3.1.2-4, 3.1.2-6). A session that is
// resumed is taken as it is.
func TestRenewalV311(t *testing.T) {
	will := &wire.Will{Topic: []byte("gone"), Payload: []byte("Offline")}
	with := pkt311(0x10, "MQTT", 4, 4, 0, 60, "lamp", "gone", "Offline")
	run311(t, 60, func(o *old311) { o.will = will }, func(o *old311) {
		o.accept()
		o.want("CONNECT", with)
		o.send(present311)
		o.want("DISCONNECT", disconnect311)
		o.wantEnd()
		_ = o.conn.Close()
		o.accept()
		o.want("CONNECT that discards the session", clean311)
		o.send(accepted311)
		o.want("DISCONNECT", disconnect311)
		o.wantEnd()
		_ = o.conn.Close()
		o.up311(with)
		if n := o.counts().Resumes.Load(); n != 0 || o.failures != 0 {
			t.Errorf("%d resumed, %d failures; want none", n, o.failures)
		}
		_ = o.conn.Close() // from here on the session is the device's own
		o.accept()
		o.want("CONNECT", with)
		o.send(present311)
		synctest.Wait()
		if n := o.counts().Resumes.Load(); n != 1 || !o.link.online {
			t.Errorf("%d resumed; want 1, online without another SUBSCRIBE", n)
		}
	})
	// A broker that keeps it all the same is not asked for ever.
	run311(t, 60, nil, func(o *old311) {
		for _, connect := range [][]byte{lasting311, clean311} {
			o.accept()
			o.want("CONNECT", connect)
			o.send(map[bool][]byte{true: present311, false: accepted311}[connect[9] == 0])
			o.want("DISCONNECT", disconnect311)
			_ = o.conn.Close()
		}
		o.accept()
		o.want("CONNECT", lasting311)
		o.send(present311)
		o.wantEnd()
		synctest.Wait()
		if n := o.counts().BadPackets.Load(); n != 1 {
			t.Errorf("%d bad packets; want 1", n)
		}
	})
}

// SUBACK grants 0, 1, 2 or fails with 0x80 (3.9.3-2).
func TestSubackV311(t *testing.T) {
	for _, tt := range []struct {
		code   byte
		online bool
		bad    int64
	}{{0, true, 0}, {1, true, 0}, {0x80, false, 0}, {0x87, false, 1}, {3, false, 1}} {
		run311(t, 0, nil, func(o *old311) {
			o.accept()
			o.want("CONNECT", clean311)
			o.send(accepted311)
			o.want("SUBSCRIBE", subscribe311)
			o.send([]byte{0x90, 3, 0, 1, tt.code})
			synctest.Wait()
			if tt.code == 0x80 {
				o.want("DISCONNECT", disconnect311)
				_ = o.conn.Close()
				if err := <-o.ended; err == nil || !strings.Contains(err.Error(), "the broker refused the subscription: failure (0x80)") {
					t.Errorf("Run() = %v; want a refused subscription", err)
				}
				return
			}
			if got := o.WasOnline(); got != tt.online || o.counts().BadPackets.Load() != tt.bad {
				t.Errorf("SUBACK 0x%02X: online %t, %d bad packets; want %t, %d", tt.code, got, o.counts().BadPackets.Load(), tt.online, tt.bad)
			}
		})
	}
}

// Messages of QoS 0, 1 and 2, both ways, have no properties, and acknowledgements have
// two bytes (3.3, 3.4 to 3.7).
func TestMessagesV311(t *testing.T) {
	full := func(qos byte) *wire.Publish {
		p := &wire.Publish{Topic: []byte("s"), Payload: []byte("ON"), QoS: qos}
		p.Props.ResponseTopic, p.Props.CorrelationData, p.Props.HasPayloadFormat = []byte("r"), []byte("c"), true
		return p
	}
	run311(t, 0, func(o *old311) {
		o.online = func(o *old311) {
			for qos := range byte(3) {
				o.Send(full(qos), metrics.State)
			}
			o.SendOnce(full(1), 7)
		}
	}, func(o *old311) {
		o.up311(clean311)
		on := []byte("ON")
		o.want("QoS 0", pkt311(0x30, "s", on))
		o.want("QoS 1", pkt311(0x32, "s", 0, 2, on))
		o.want("QoS 2", pkt311(0x34, "s", 0, 3, on))
		o.want("QoS 1, once", pkt311(0x32, "s", 0, 4, on))
		o.send([]byte{0x40, 2, 0, 2, 0x50, 2, 0, 3, 0x40, 2, 0, 4})
		o.want("PUBREL", []byte{0x62, 2, 0, 3})
		o.send([]byte{0x70, 2, 0, 3})
		synctest.Wait()
		if n := o.Unacknowledged(); n != 0 {
			t.Errorf("%d unacknowledged; want none", n)
		}
		o.send(pkt311(0x31, "t", on))
		o.send(pkt311(0x32, "t", 0, 9, on))
		o.want("PUBACK", []byte{0x40, 2, 0, 9})
		o.send(pkt311(0x34, "t", 0, 9, on))
		o.want("PUBREC", []byte{0x50, 2, 0, 9})
		o.send([]byte{0x62, 2, 0, 9})
		o.want("PUBCOMP", []byte{0x70, 2, 0, 9})
		synctest.Wait()
		if len(o.messages) != 3 || !o.messages[0].Retain || o.messages[2].QoS != 2 || string(o.messages[1].Payload) != "ON" {
			t.Errorf("received %+v; want three, the first of them retained", o.messages)
		}
		// A broker does not know how many a client would take: there is no Receive Maximum.
		for id := range 200 {
			o.send(pkt311(0x34, "t", 1, id, on))
		}
		for id := range 200 {
			o.want("PUBREC", []byte{0x50, 2, 1, byte(id)})
		}
	})
}

// What only MQTT 5 has ends the connection, without a DISCONNECT (4.8.0-1).
func TestFaultsV311(t *testing.T) {
	for _, tt := range []struct {
		name   string
		packet []byte
	}{
		{"a DISCONNECT of the server (3.14)", disconnect311},
		{"AUTH", []byte{0xf0, 0}},
		{"a PUBACK with a reason code", []byte{0x40, 3, 0, 1, 0}},
		{"a PUBLISH without a topic (4.7.3-1)", pkt311(0x30, "")},
		{"a PUBLISH with QoS 3 (3.3.1-4)", pkt311(0x36, "t", 0, 1)},
		{"a SUBACK that answers nothing", suback311},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run311(t, 0, nil, func(o *old311) {
				o.up311(clean311)
				o.send(tt.packet)
				o.wantEnd()
				synctest.Wait()
				if n := o.counts().BadPackets.Load(); n != 1 {
					t.Errorf("%d bad packets; want 1", n)
				}
			})
		})
	}
}

// An orderly end is a DISCONNECT of two bytes, after which there is no Will (3.1.2-10).
// That there is to be one is said by leaving the DISCONNECT out.
func TestPartingV311(t *testing.T) {
	for mode, want := range map[OfflineMode][]byte{ModeOrderly: disconnect311, ModeWithWill: nil, ModeCut: nil} {
		run311(t, 60, nil, func(o *old311) {
			o.up311(lasting311)
			o.Tell(func() { o.Disconnect(ByHand, mode) })
			o.want(string(mode), want)
			o.wantEnd()
		})
	}
	run311(t, 60, nil, func(o *old311) { // no Session Expiry Interval, though the run is over
		o.up311(lasting311)
		o.EndSoon()
		o.want("DISCONNECT", disconnect311)
		o.wantEnd()
	})
}
