package broker

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestFirstPacket sends what must not, or only just may, open a connection.
func TestFirstPacket(t *testing.T) {
	will := func(flags int, rest ...any) raw {
		return pkt(0x10, append([]any{"MQTT", 5, flags, u16(0), 0, "c"}, rest...)...)
	}
	for _, tt := range []struct {
		name string
		in   raw
		want raw // before the connection is closed
	}{
		{"3.1.0-1 PINGREQ first", pingreq, nil},
		{"3.1.0-1 PUBLISH first", pub5(0, "a", 0, props(), ""), nil},
		{"3.1.0-1 AUTH first", pkt(0xf0), nil},
		{"2.1.3-1 CONNECT flags", enc(0x11, connectV5("c")[1:]), nil},
		{"reserved type 0", unhex("0000"), nil},
		{"remaining length of five bytes", unhex("10ffffffff01"), nil},
		{"3.1.2-1 protocol name", pkt(0x10, "MQTX", 5, 2, u16(0), 0, "c"), nil},
		{"3.1.2-2 version 6", pkt(0x10, "MQTT", 6, 2, u16(0), 0, "c"), unhex("2003008400")},
		{"3.1.2-2 version 3 with MQTT", pkt(0x10, "MQTT", 3, 2, u16(0), "c"), unhex("20020001")},
		{"3.1.2-2 version 0", pkt(0x10, "MQTT", 0, 2, u16(0), "c"), unhex("20020001")},
		{"3.1.2-3 reserved flag", pkt(0x10, "MQTT", 5, 3, u16(0), 0, "c"), unhex("2003008100")},
		{"3.1.1 reserved flag", pkt(0x10, "MQTT", 4, 3, u16(0), "c"), nil},
		{"3.1.2-12 Will QoS 3", will(0x1e, 0, "w", "x"), unhex("2003008100")},
		{"3.1.2-11 Will QoS without Will", will(0x0a), unhex("2003008100")},
		{"3.1.2-13 Will Retain without Will", will(0x22), unhex("2003008100")},
		{"Will Topic with wildcard", will(0x06, 0, "w/#", "x"), unhex("2003009000")},
		{"Will Topic empty", will(0x06, 0, "", "x"), unhex("2003009000")},
		{"Will Topic on $SYS", will(0x06, 0, "$SYS/x", "x"), unhex("2003008700")},
		{"3.3.2-14 Will Response Topic with wildcard", will(0x06, props(8, "r/+"), "w", "x"), unhex("2003008200")},
		{"Will property twice", will(0x06, props(0x18, u32(1), 0x18, u32(1)), "w", "x"), unhex("2003008200")},
		{"Topic Alias in Will", will(0x06, props(0x23, u16(1)), "w", "x"), unhex("2003008100")},
		{"bytes too many", enc(0x10, int(0x0f), connectV5("c")[2:], 0), unhex("2003008100")},
		{"bytes too few", pkt(0x10, "MQTT", 5, 2, u16(0), 0), unhex("2003008100")},
		{"3.1.3-4 Client Identifier not UTF-8", connectV5("\xc0\x80"), unhex("2003008100")},
		{"1.5.4-2 U+0000", connectV5("a\x00b"), unhex("2003008100")},
		{"1.5.4-1 surrogate", connectV5("\xed\xa0\x80"), unhex("2003008100")},
		{"Receive Maximum 0", connectV5("c", 0x21, u16(0)), unhex("2003008200")},
		{"Maximum Packet Size 0", connectV5("c", 0x27, u32(0)), unhex("2003008200")},
		{"Receive Maximum twice", connectV5("c", 0x21, u16(1), 0x21, u16(1)), unhex("2003008200")},
		{"Request Problem Information 2", connectV5("c", 0x17, 2), unhex("2003008200")},
		{"Request Response Information 2", connectV5("c", 0x19, 2), unhex("2003008200")},
		{"2.2.2.2 property that does not belong", connectV5("c", 0x23, u16(1)), unhex("2003008100")},
		{"property that is not defined", connectV5("c", 0x7f, 0), unhex("2003008100")},
		{"Authentication Data alone", connectV5("c", 0x16, "x"), unhex("2003008200")},
		{"4.12.0-1 Authentication Method", connectV5("c", 0x15, "SCRAM-SHA-1"), unhex("2003008c00")},
		{"Authentication Method with data", connectV5("c", 0x15, "X", 0x16, "y"), unhex("2003008c00")},
		{"3.1.1 empty Client Identifier, Clean Session 0", pkt(0x10, "MQTT", 4, 0, u16(0), ""), unhex("20020002")},
		{"3.1 empty Client Identifier", pkt(0x10, "MQIsdp", 3, 2, u16(0), ""), unhex("20020002")},
		{"3.1.1 password without user name", pkt(0x10, "MQTT", 4, 0x42, u16(0), "c", "pw"), nil},
		{"user flag without user name", pkt(0x10, "MQTT", 5, 0x82, u16(0), 0, "c"), unhex("2003008100")},
		{"over the Maximum Packet Size", unhex("10ffffff7f"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *Broker) {
				c := dial(t, b)
				c.send(enc(tt.in, pingreq)) // 3.1.4-6: not answered
				if tt.want != nil {
					c.want(tt.want)
				}
				c.wantClosed()
				synctest.Wait()
				if s := b.Stats(); s.Connections != 0 || s.Sessions != 0 || s.Connects != 0 {
					t.Errorf("Stats() = %+v; want no connection and no session", s)
				}
			})
		})
	}
}

func TestConnack(t *testing.T) {
	low := Limits{
		MaximumQoS: new(byte(1)), NoRetain: true, NoWildcards: true, NoSubscriptionIDs: true, NoShared: true,
		MaximumPacketSize: 1000, ReceiveMaximum: 5, TopicAliasMaximum: 3, ServerKeepAlive: 60, MaximumSessionExpiry: 50 * time.Second,
	}
	for _, tt := range []struct {
		name   string
		limits Limits
		in     raw
		want   raw
	}{
		{"defaults", Limits{}, connectV5("c"), pkt(0x20, 0, 0, props(0x21, u16(1024), 0x22, u16(64), 0x27, u32(1<<20)))},
		{"3.2.2-16 assigned", Limits{}, connectV5(""), pkt(0x20, 0, 0, props(0x21, u16(1024), 0x22, u16(64), 0x27, u32(1<<20), 0x12, "auto-1"))},
		{"assigned, Clean Start 0", Limits{}, resumeV5(""), pkt(0x20, 0, 0, props(0x21, u16(1024), 0x22, u16(64), 0x27, u32(1<<20), 0x12, "auto-1"))},
		{"everything low", low, connectV5("c", 0x11, u32(60)), pkt(0x20, 0, 0, props(0x21, u16(5), 0x24, 1, 0x22, u16(3), 0x27, u32(1000),
			0x25, 0, 0x28, 0, 0x29, 0, 0x2a, 0, 0x11, u32(50), 0x13, u16(60)))},
		{"3.1.2-21 shorter keep alive stays", Limits{ServerKeepAlive: 60}, pkt(0x10, "MQTT", 5, 2, u16(59), 0, "c"),
			pkt(0x20, 0, 0, props(0x21, u16(1024), 0x22, u16(64), 0x27, u32(1<<20)))},
		{"no aliases", Limits{TopicAliasMaximum: -1, ReceiveMaximum: 65535}, connectV5("c"), pkt(0x20, 0, 0, props(0x27, u32(1<<20)))},
		{"3.1.1", low, connectV311("c"), unhex("20020000")},
		{"3.1.1 assigned", Limits{}, connectV311(""), unhex("20020000")},
		{"3.1", Limits{}, pkt(0x10, "MQIsdp", 3, 2, u16(0), "c"), unhex("20020000")},
		{"3.1.2-24 smaller than the CONNACK", Limits{}, connectV5("c", 0x27, u32(5)), unhex("2003009500")},
		{"3.1.3-5 65,535 bytes of Client Identifier", Limits{}, connectV5(strings.Repeat("x", 65535)), pkt(0x20, 0, 0, props(0x21, u16(1024), 0x22, u16(64), 0x27, u32(1<<20)))},
		{"3.1.2-28 no Response Information", Limits{}, connectV5("c", 0x19, 1), pkt(0x20, 0, 0, props(0x21, u16(1024), 0x22, u16(64), 0x27, u32(1<<20)))},
		{"user properties", Limits{}, connectV5("c", 0x26, "a", "b", 0x26, "a", "b"), pkt(0x20, 0, 0, props(0x21, u16(1024), 0x22, u16(64), 0x27, u32(1<<20)))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{Limits: tt.limits}, func(t *testing.T, b *Broker) {
				c := dial(t, b)
				c.exchange(tt.in, tt.want)
			})
		})
	}
}

// Packets that follow the CONNECT without waiting for the CONNACK are handled
// (3.1.4, non-normative), and each byte may come alone.
func TestPipelined(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c := dial(t, b)
		for _, x := range enc(connectV5("c"), sub5(1, "a", 1), pub5(2, "a", 7, props(), "hi"), pingreq) {
			c.send(raw{x})
		}
		c.connack()
		c.want(pkt(0x90, u16(1), 0, 1))
		got := make(map[string]bool)
		for range 3 {
			p, err := c.next()
			if err != nil {
				t.Fatalf("next packet: %v; want 3", err)
			}
			got[string(p)] = true
		}
		for _, p := range []raw{ack(0x40, 7), pub5(2, "a", 1, props(), "hi"), pingresp} {
			if !got[string(p)] {
				t.Errorf("no packet %x; want one", []byte(p))
			}
		}
	})
}

// TestAfterConnect sends packets that break the standard on a connection of
// version 5 and wants the DISCONNECT; one of version 3.1.1 is closed silently.
func TestAfterConnect(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   raw
		code int
	}{
		{"3.1.0-2 second CONNECT", connectV5("c"), 0x82},
		{"CONNACK from a client", unhex("2003000000"), 0x82},
		{"SUBACK from a client", unhex("900400010000"), 0x82},
		{"UNSUBACK from a client", unhex("b00400010000"), 0x82},
		{"PINGRESP from a client", pingresp, 0x82},
		{"4.12.0-6 AUTH", pkt(0xf0), 0x82},
		{"reserved type 0", unhex("0000"), 0x81},
		{"1.5.5-1 long remaining length", unhex("c08000"), 0x81},
		{"five bytes of remaining length", unhex("30ffffffff7f"), 0x81},
		{"2.1.3-1 PINGREQ flags", unhex("c100"), 0x81},
		{"PINGREQ with content", unhex("c00100"), 0x81},
		{"2.1.3-1 SUBSCRIBE flags", enc(0x80, sub5(1, "a", 0)[1:]), 0x81},
		{"3.10.1-1 UNSUBSCRIBE flags", pkt(0xa0, u16(1), 0, "a"), 0x81},
		{"3.6.1-1 PUBREL flags", unhex("60020001"), 0x81},
		{"PUBACK flags", unhex("41020001"), 0x81},
		{"DISCONNECT flags", unhex("e100"), 0x81},
		{"3.3.1-4 PUBLISH QoS 3", unhex("36080001610001000000"), 0x81},
		{"3.3.1-2 DUP at QoS 0", unhex("38040001610000"), 0x81},
		{"2.2.1-3 PUBLISH id 0", pub5(2, "a", 0, props(), ""), 0x82},
		{"2.2.1-3 SUBSCRIBE id 0", sub5(0, "a", 0), 0x82},
		{"2.2.1-3 UNSUBSCRIBE id 0", pkt(0xa2, u16(0), 0, "a"), 0x82},
		{"3.3.2-2 topic with +", pub5(0, "a/+", 0, props(), ""), 0x90},
		{"3.3.2-2 topic with #", pub5(0, "#", 0, props(), ""), 0x90},
		{"4.7.3-1 topic empty", pub5(0, "", 0, props(), ""), 0x82},
		{"4.7.3-2 U+0000 in topic", pub5(0, "a\x00", 0, props(), ""), 0x81},
		{"3.3.2-1 topic not UTF-8", pub5(0, "\xff", 0, props(), ""), 0x81},
		{"Topic Alias 0", pub5(0, "a", 0, props(0x23, u16(0)), ""), 0x94},
		{"3.2.2-17 Topic Alias over the maximum", pub5(0, "a", 0, props(0x23, u16(65)), ""), 0x94},
		{"Topic Alias never set", pub5(0, "", 0, props(0x23, u16(1)), ""), 0x82},
		{"Topic Alias twice", pub5(0, "a", 0, props(0x23, u16(1), 0x23, u16(1)), ""), 0x82},
		{"Payload Format 2", pub5(0, "a", 0, props(1, 2), ""), 0x82},
		{"Response Topic twice", pub5(0, "a", 0, props(8, "r", 8, "r"), ""), 0x82},
		{"3.3.2-14 Response Topic with +", pub5(0, "a", 0, props(8, "a/+"), ""), 0x82},
		{"3.3.2-14 Response Topic with #", pub5(2, "a", 1, props(8, "#"), ""), 0x82},
		{"3.3.2-13 Response Topic not UTF-8", pub5(0, "a", 0, props(8, "\xff"), ""), 0x81},
		{"Correlation Data twice", pub5(0, "a", 0, props(9, "r", 9, "r"), ""), 0x82},
		{"Content Type twice", pub5(0, "a", 0, props(3, "r", 3, "r"), ""), 0x82},
		{"Message Expiry twice", pub5(0, "a", 0, props(2, u32(1), 2, u32(1)), ""), 0x82},
		{"3.3.4-6 Subscription Identifier from a client", pub5(0, "a", 0, props(0x0b, 1), ""), 0x82},
		{"2.2.2.2 property of another packet", pub5(0, "a", 0, props(0x11, u32(1)), ""), 0x81},
		{"property length past the end", pkt(0x30, "a", 5, 1), 0x81},
		{"3.8.3-2 SUBSCRIBE without filter", pkt(0x82, u16(1), 0), 0x82},
		{"3.10.3-2 UNSUBSCRIBE without filter", pkt(0xa2, u16(1), 0), 0x82},
		{"3.8.3-5 SUBSCRIBE reserved options", sub5(1, "a", 0x40), 0x81},
		{"SUBSCRIBE QoS 3", sub5(1, "a", 3), 0x82},
		{"SUBSCRIBE Retain Handling 3", sub5(1, "a", 0x30), 0x82},
		{"3.8.3-4 No Local on shared", sub5(1, "$share/g/a", 4), 0x82},
		{"Subscription Identifier 0", pkt(0x82, u16(1), props(0x0b, 0), "a", 0), 0x82},
		{"Subscription Identifier twice", pkt(0x82, u16(1), props(0x0b, 1, 0x0b, 2), "a", 0), 0x82},
		{"SUBSCRIBE filter without options", pkt(0x82, u16(1), 0, "a"), 0x81},
		{"3.4.2-1 PUBACK with a code of another packet", ackCodeOf(0x40, 1, 0x92), 0x81},
		{"3.6.2-1 PUBREL with a code of another packet", ackCodeOf(0x62, 1, 0x10), 0x81},
		{"PUBACK with a property that does not belong", pkt(0x40, u16(1), 0, props(0x11, u32(1))), 0x81},
		{"PUBACK with id 0", ack(0x40, 0), 0x82},
		{"3.14.2-1 DISCONNECT with a server's code", pkt(0xe0, 0x8e), 0x82},
		{"DISCONNECT with Session Expiry after 0", pkt(0xe0, 0, props(0x11, u32(1))), 0x82},
		{"over the Maximum Packet Size", unhex("3081808001"), 0x95}, // 2,097,153 bytes to come
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *Broker) {
				c, _ := connect(t, b, connectV5("c"))
				c.send(enc(tt.in, pingreq))
				c.want(pkt(0xe0, tt.code, 0))
				c.wantClosed()
			})
		})
	}
}

func TestAfterConnectV311(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   raw
	}{
		{"second CONNECT", connectV311("c")},
		{"PUBLISH QoS 3", unhex("360500016100013a")},
		{"topic with wildcard", pkt(0x30, "a/#")},
		{"topic empty", pkt(0x30, "")},
		{"SUBSCRIBE without filter", pkt(0x82, u16(1))},
		{"SUBSCRIBE QoS 3", pkt(0x82, u16(1), "a", 3)},
		{"SUBSCRIBE reserved bits", pkt(0x82, u16(1), "a", 4)},
		{"SUBSCRIBE flags", pkt(0x80, u16(1), "a", 0)},
		{"UNSUBSCRIBE without filter", pkt(0xa2, u16(1))},
		{"PUBREL flags", unhex("60020001")},
		{"PUBACK with a reason code", unhex("4003000100")},
		{"DISCONNECT with content", unhex("e00100")},
		{"AUTH", unhex("f000")},
		{"reserved type 0", unhex("0000")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *Broker) {
				c, _ := connect(t, b, connectV311("c"))
				c.send(enc(tt.in, pingreq))
				c.wantClosed()
			})
		})
	}
}

func TestPing(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		for _, in := range []raw{connectV5("a"), connectV311("b")} {
			c, _ := connect(t, b, in)
			c.exchange(pingreq, pingresp) // 3.12.4-1
			c.bye()
		}
	})
}

// 3.1.2-22: silence of 1.5 times the Keep Alive ends the connection.
func TestKeepAlive(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits Limits
		in     raw
		every  time.Duration // between packets
		want   time.Duration // from the last packet to the end; 0: stays
	}{
		{"10 s", Limits{}, pkt(0x10, "MQTT", 5, 2, u16(10), 0, "c"), 0, 15 * time.Second},
		{"1 s", Limits{}, pkt(0x10, "MQTT", 5, 2, u16(1), 0, "c"), 0, 1500 * time.Millisecond},
		{"after packets", Limits{}, pkt(0x10, "MQTT", 5, 2, u16(10), 0, "c"), 14 * time.Second, 15 * time.Second},
		{"off", Limits{}, connectV5("c"), 0, 0},
		{"Server Keep Alive", Limits{ServerKeepAlive: 4}, pkt(0x10, "MQTT", 5, 2, u16(10), 0, "c"), 0, 6 * time.Second},
		{"Server Keep Alive over off", Limits{ServerKeepAlive: 4}, connectV5("c"), 0, 6 * time.Second},
		{"3.1.1 10 s", Limits{ServerKeepAlive: 4}, pkt(0x10, "MQTT", 4, 2, u16(10), "c"), 0, 15 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{Limits: tt.limits}, func(t *testing.T, b *Broker) {
				c, _ := connect(t, b, tt.in)
				if tt.every > 0 {
					for range 5 {
						time.Sleep(tt.every)
						c.exchange(pingreq, pingresp)
					}
				}
				if tt.want == 0 {
					c.wantSilence(24 * time.Hour)
					return
				}
				last := time.Now()
				p, err := c.within(time.Hour)
				if v5 := tt.in[8] == 5; v5 && string(p) != string(disc(0x8d)) {
					t.Errorf("the end of silence = %x, %v; want DISCONNECT 0x8d", []byte(p), err)
				}
				if got := time.Since(last); got != tt.want {
					t.Errorf("the connection ended after %v of silence; want %v", got, tt.want)
				}
				c.wantClosed()
			})
		})
	}
}

// Half a packet is no packet for the keep alive.
func TestKeepAliveTrickle(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, pkt(0x10, "MQTT", 5, 2, u16(10), 0, "c"))
		start := time.Now()
		c.send(unhex("3064"))
		for range 14 {
			time.Sleep(time.Second)
			c.send(raw{0})
		}
		c.want(disc(0x8d))
		if got := time.Since(start); got != 15*time.Second {
			t.Errorf("the connection ended after %v; want 15s", got)
		}
	})
}

// A socket that says nothing is closed.
func TestConnectTimeout(t *testing.T) {
	bubble(t, Config{Limits: Limits{ConnectTimeout: 3 * time.Second}}, func(t *testing.T, b *Broker) {
		for _, in := range []raw{nil, unhex("10"), connectV5("c")[:9]} {
			start := time.Now()
			c := dial(t, b)
			c.send(in)
			c.wantClosed()
			if got := time.Since(start); got != 3*time.Second {
				t.Errorf("closed after %v with %x sent; want 3s", got, []byte(in))
			}
		}
	})
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config Config
		want   string // part of the error
	}{
		{"nobody", Config{}, "no users"},
		{"QoS", Config{Anonymous: true, Limits: Limits{MaximumQoS: new(byte(3))}}, "Maximum QoS of 3"},
		{"packet size", Config{Anonymous: true, Limits: Limits{MaximumPacketSize: 10}}, "Maximum Packet Size of 10; want 64 to"},
		{"aliases", Config{Anonymous: true, Limits: Limits{TopicAliasMaximum: 65536}}, "Topic Alias Maximum of 65536"},
		{"time-out", Config{Anonymous: true, Limits: Limits{ConnectTimeout: -1}}, "time-out"},
		{"user without a name", Config{Users: []User{{}}}, "user number 1 has no name"},
		{"user twice", Config{Users: []User{{Name: "a"}, {Name: "a"}}}, `user "a" stands there twice`},
		{"filter", Config{Users: []User{{Name: "a", Subscribe: []string{"a#"}}}}, `user "a": "a#" is not a topic filter`},
		{"shared filter", Config{Users: []User{{Name: "a", Publish: []string{"$share/g/a"}}}}, `"$share/g/a" is not`},
		{"response information", Config{Users: []User{{Name: "a", ResponseInformation: "a/+"}}}, `Response Information "a/+"`},
		{"two faults", Config{Anonymous: true, Users: []User{{}, {Name: "a", Password: strings.Repeat("x", 65536)}}}, "the password is longer"},
	} {
		b, err := New(tt.config)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New() = %v, %v; want an error with %q", tt.name, b, err, tt.want)
		}
	}
}
