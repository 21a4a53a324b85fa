//go:build linux

package attack

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// due has so many leave Wills that are due a second later, and waits until they are.
func due(n int) func(a *attacker) error {
	return both(leavesWith(size(n), func(i int) []byte {
		will := append(properties([]byte{0x18, 0, 0, 0, 1}), append(text("w"), text("x")...)...) // Will Delay Interval 1
		return packet(0x10, text("MQTT"), []byte{5, 4, 0, 0}, properties([]byte{0x11, 255, 255, 255, 255}), text(short(i)), will)
	}), func(*attacker) error {
		time.Sleep(time.Duration(size(int(2500 * time.Millisecond))))
		return nil
	})
}

// expiring has a house with so many messages retained that expire after a second, and waits
// until they have.
func expiring(n int) func(a *attacker) error {
	return func(a *attacker) error {
		c, err := a.dial()
		if err != nil {
			return err
		}
		if err := c.login("house-1", "", nil); err != nil {
			return err
		}
		for i := range size(n) {
			if err := c.send(publish(1, fmt.Sprintf("home/%d/light/state", i), 0, []byte{2, 0, 0, 0, 1}, "ON")); err != nil {
				return err
			}
		}
		if err := c.settle(); err != nil {
			return err
		}
		time.Sleep(time.Duration(size(int(1500 * time.Millisecond))))
		return nil
	}
}

// connect311 is a CONNECT of MQTT 3.1.1, with a session that lasts.
func connect311(id string) []byte { return packet(0x10, text("MQTT"), []byte{4, 0, 0, 0}, text(id)) }

// publish311 is a PUBLISH of QoS 2 of MQTT 3.1.1.
func publish311(topic string, id int) []byte {
	return packet(0x34, text(topic), []byte{byte(id >> 8), byte(id)}, []byte("x"))
}

// users are so many bytes of User Properties that are empty.
func userProperties(size int) []byte { return bytes.Repeat([]byte{0x26, 0, 0, 0, 0}, size/5) }

// allAtOnce has so many connections send something, and reads what the broker makes of it:
// an answer, or the end.
func allAtOnce(n int, begin func(c *conn, i int) error, b []byte) func(a *attacker) error {
	return func(a *attacker) error {
		for i := range n {
			c, err := a.dial()
			if err != nil {
				return err
			}
			if err := begin(c, i); err != nil {
				return err
			}
		}
		for _, c := range a.conns {
			go func() { _ = c.send(b) }() // the broker may end it
		}
		for _, c := range a.conns {
			_, _ = c.packet()
			_ = c.Close()
		}
		return nil
	}
}

// strange are attacks with what is seldom looked at.
func strange() []attack {
	named := func(c *conn, i int) error { return c.login(fmt.Sprint("mallory-", i), "", nil) }
	return []attack{
		{name: "Shared Subscriptions with names of 60,000 bytes", bound: "`client_memory`",
			run: many(size(10), func(c *conn, i int) error {
				for k := range 50 {
					if err := c.send(subscribe(0, fmt.Sprintf("$share/%d-%d-%s/a", i, k, strings.Repeat("n", 60_000)), 0)); err != nil {
						return err
					}
				}
				return c.settle()
			})},
		{name: "10,000 Wills that are due at once", bound: "one at a time is published", run: due(10_000)},
		{name: "Wills of 60,000 bytes that wait for ever", bound: "`client_memory`, `user_memory`",
			run: leavesWith(size(1000), func(i int) []byte {
				will := append(properties([]byte{0x18, 255, 255, 255, 255}), append(text("w"), text(strings.Repeat("w", 60_000))...)...)
				return packet(0x10, text("MQTT"), []byte{5, 4, 0, 0}, properties([]byte{0x11, 255, 255, 255, 255}), text(short(i)), will)
			})},
		{name: "100,000 retained that have expired at once, and one whose room is used up", bound: "32,768 are looked at in a second", before: expiring(100_000),
			run: each(1000, size(60_000), func(i int) []byte { return publish(1, short(i), 0, nil, strings.Repeat("x", 1000)) })},
		{name: "100 that subscribe to 30 MB of retained messages, and do not read", bound: "they are looked up as the client takes them", before: retainedOf(20_000, strings.Repeat("x", 1500)),
			most: 5000, why: "64 KB wait for each",
			run: both(many(size(100), func(c *conn, _ int) error { return c.send(subscribe(1, "#", 0)) }), func(*attacker) error {
				time.Sleep(time.Duration(size(int(2 * time.Second)))) // until nothing more goes into the sockets
				return nil
			})},
		{name: "65,535 of QoS 2 and no PUBREL, by clients of MQTT 3.1.1", bound: "there are no more Packet Identifiers; `client_memory`",
			run: func(a *attacker) error {
				for i := range size(20) {
					c, err := a.dial()
					if err != nil {
						return err
					}
					if err := c.send(connect311(short(i))); err != nil {
						return err
					}
					for from := 1; from < 65_536; from += 1000 {
						var b []byte
						for id := from; id < min(from+1000, 65_536); id++ {
							b = append(b, publish311("a", id)...)
						}
						if err := c.send(b); err != nil {
							return err
						}
						if err := c.settle(); err != nil {
							return err
						}
					}
				}
				return nil
			}},
		{name: "100 PUBLISHes of 1 MB of User Properties", bound: "`maximum_packet_size`", peak: 512 << 20,
			run: allAtOnce(size(100), named, publish(2, "a", 1, userProperties(1_000_000), "x"))},
		{name: "100 SUBSCRIBEs of 1 MB of User Properties", bound: "the same", peak: 512 << 20,
			run: allAtOnce(size(100), named, packet(0x82, []byte{0, 1}, properties(userProperties(1_000_000)), text("a"), []byte{0}))},
		{name: "100 CONNECTs of 1 MB of User Properties", bound: "the same, and a sixteenth of `total_memory`", peak: 512 << 20,
			run: allAtOnce(size(100), func(*conn, int) error { return nil }, packet(0x10, text("MQTT"), []byte{5, 2, 0, 0}, properties(userProperties(1_000_000)), text("c")))},
		{name: "100 DISCONNECTs of 1 MB of User Properties", bound: "the same", peak: 512 << 20,
			run: allAtOnce(size(100), named, packet(0xe0, []byte{0}, properties(userProperties(1_000_000))))},
	}
}
