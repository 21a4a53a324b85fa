//go:build linux

package attack

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// overlaps is a SUBSCRIBE of so many filters that all match a/a/…/a of 14 levels.
func overlaps(n int) []byte {
	return subscribeAll(1<<20, func(i int) string {
		if i == n {
			return ""
		}
		return overlapping(i, 14)
	})
}

// connectAliased is a CONNECT of a client that takes Topic Aliases, as many as there can be.
func connectAliased(id string) []byte {
	return packet(0x10, text("MQTT"), []byte{5, 2, 0, 0}, properties([]byte{0x22, 0xff, 0xff}), text(id))
}

// ids are Packet Identifiers from 1 to n, each in a packet of that type.
func ids(first byte, n int) (b []byte) {
	for i := range n {
		b = append(b, packet(first, binary.BigEndian.AppendUint16(nil, uint16(i+1)))...)
	}
	return b
}

// crowds are attacks by many clients together.
func crowds() []attack {
	const away = 1000
	return []attack{
		{name: "100 clients of 990 overlapping filters, 100 that publish to them", bound: "one message at a time goes to more than 4,096 subscriptions",
			run: both(many(size(100), func(c *conn, _ int) error {
				if err := c.send(overlaps(990)); err != nil {
					return err
				}
				return c.settle()
			}), func(a *attacker) error {
				from := len(a.conns)
				for i := range size(100) {
					c, err := a.client(fmt.Sprint("publisher-", i))
					if err != nil {
						return err
					}
					if err := c.send(publish(byte(i%2), overlapping(0, 14), 0, nil, "x")); err != nil {
						return err
					}
				}
				for _, c := range a.conns[from:] {
					if err := c.settle(); err != nil {
						return err
					}
				}
				return nil
			})},
		{name: "300 members of 500 Shared Subscriptions, all away, 100 messages to them", bound: "members who are connected stand in front",
			run: both(leaves(size(300), nil, subscribeAll(1<<20, func(i int) string {
				if i == 500 {
					return ""
				}
				return fmt.Sprintf("$share/%d/a", i)
			})), each(1, 100, func(int) []byte { return publish(0, "a", 0, nil, "x") }))},
		{name: "1,000 clients that take Topic Aliases, 64 topics of 250 bytes", bound: "2 KB of aliases a connection; `client_memory`",
			most: 150, why: "the connections, and 2 KB each",
			run: func(a *attacker) error {
				for i := range size(1000) {
					c, err := a.dial()
					if err != nil {
						return err
					}
					if err := c.send(connectAliased(fmt.Sprint("mallory-", i)), subscribe(0, "a/#", 0)); err != nil {
						return err
					}
				}
				all := a.conns
				for _, c := range all {
					if err := c.settle(); err != nil {
						return err
					}
				}
				if err := each(64, 64, func(i int) []byte {
					return publish(0, "a/"+short(i)+strings.Repeat("x", 245), 0, nil, "x")
				})(a); err != nil {
					return err
				}
				for _, c := range all {
					if err := c.settle(); err != nil {
						return err
					}
				}
				return nil
			}},
		{name: "1,000 that are away, in the middle of retained topics of 60,000 bytes", bound: "where a client goes on is kept as a message is, once",
			most: 20, why: "a session with a subscription and what waits for it takes some 800 bytes",
			run: both(each(4, 4, func(i int) []byte { return publish(1, strings.Repeat(short(i), 20_000), 0, nil, "x") }),
				leaves(size(away), nil, subscribe(1, "#", 0)))},
		{name: "100 that are away, 1,000 PUBRECs each and no PUBCOMP", bound: "`client_memory`; 1,024 are under way at most",
			run: func(a *attacker) error {
				for i := range size(100) {
					if _, err := a.client(short(i)); err != nil {
						return err
					}
				}
				all := a.conns
				for _, c := range all {
					if err := c.send(subscribe(2, "a", 0)); err != nil {
						return err
					}
					if err := c.settle(); err != nil {
						return err
					}
				}
				if err := each(1000, 1000, func(i int) []byte { return publish(4, "a", i+1, nil, "x") })(a); err != nil {
					return err
				}
				for _, c := range all {
					for range 1000 {
						if _, err := c.packet(); err != nil {
							return err
						}
					}
					if err := c.send(ids(0x50, 1000)); err != nil {
						return err
					}
					if err := c.settle(); err != nil {
						return err
					}
					_ = c.Close()
				}
				return nil
			}},
		{name: "connections by TLS that are idle", bound: "`maximum_connections`, `total_memory`", setup: setup{Over: "tls"},
			most: 40, why: "a connection takes 12 KB; of crypto/tls alone and its goroutine, 11 KB",
			run: many(size(1000), func(*conn, int) error { return nil })},
		{name: "WebSockets that are idle", bound: "the same", setup: setup{Over: "ws"},
			most: 25, why: "a connection takes 4.6 KB; a bare one and its goroutine, 3.9 KB",
			run: many(size(1000), func(*conn, int) error { return nil })},
	}
}
