//go:build linux

package attack

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"homefleet/fleet/broker"
)

// levels that a topic or filter can have.
const levels = 200

// mallory has no rights but beneath her own part of the topic tree.
var mallory = setup{Users: []broker.User{
	{Name: "bystander", Password: "p"},
	{Name: "house", Password: "p", ClientIDs: []string{"house-*"}},
	{Name: "mallory", Password: "p", Publish: []string{}, Subscribe: []string{}, ResponseInformation: "users/mallory/"},
}}

// overlapping is the i-th of 2^n filters that all match a/a/…/a.
func overlapping(i, n int) string {
	f := make([]string, n)
	for k := range f {
		f[k] = "a"
		if i>>k&1 == 1 {
			f[k] = "+"
		}
	}
	return strings.Join(f, "/")
}

// short is the i-th of many texts of three bytes.
func short(i int) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	n := len(digits)
	return string([]byte{digits[i/n/n%n], digits[i/n%n], digits[i%n]})
}

// printable is a text of three bytes out of more of them.
func printable(i int) string {
	const most = 0x7f - 0x30
	return string([]byte{0x30 + byte(i/most/most%most), 0x30 + byte(i/most%most), 0x30 + byte(i%most)})
}

// retained has a house with so many messages retained.
func retained(n int) func(a *attacker) error { return retainedOf(n, "ON") }

// retainedOf is retained with another payload.
func retainedOf(n int, payload string) func(a *attacker) error {
	return func(a *attacker) error {
		c, err := a.dial()
		if err != nil {
			return err
		}
		if err := c.login("house-1", "house", nil); err != nil {
			return err
		}
		for i := range size(n) {
			if err := c.send(publish(1, fmt.Sprintf("home/%d/light/state", i), 0, nil, payload)); err != nil {
				return err
			}
		}
		return c.settle()
	}
}

// each has one client send packets, and settle after every so many.
func each(every, n int, packet func(i int) []byte) func(a *attacker) error {
	return func(a *attacker) error {
		c, err := a.client("mallory")
		if err != nil {
			return err
		}
		for i := range n {
			if err := c.send(packet(i)); err != nil {
				return err
			}
			if i%every == every-1 {
				if err := c.settle(); err != nil {
					return err
				}
			}
		}
		return c.settle()
	}
}

// many has several clients do the same in turn.
func many(n int, run func(c *conn, i int) error) func(a *attacker) error {
	return func(a *attacker) error {
		for i := range n {
			c, err := a.client(fmt.Sprint("mallory-", i))
			if err != nil {
				return err
			}
			if err := run(c, i); err != nil {
				return err
			}
		}
		return nil
	}
}

// both runs one behind the other.
func both(first, then func(a *attacker) error) func(a *attacker) error {
	return func(a *attacker) error {
		if err := first(a); err != nil {
			return err
		}
		return then(a)
	}
}

// leaves has clients connect and be away.
func leaves(n int, will func(i int) string, packets ...[]byte) func(a *attacker) error {
	return leavesWith(n, func(i int) []byte {
		if will == nil {
			return connect(short(i), "", "", "")
		}
		return connect(short(i), "", "w", will(i))
	}, packets...)
}

// leavesWith is leaves with CONNECTs of any kind.
func leavesWith(n int, connecting func(i int) []byte, packets ...[]byte) func(a *attacker) error {
	return func(a *attacker) error {
		var all sync.WaitGroup
		errs := make([]error, 8)
		for k := range errs { // several at a time, as each waits for its CONNACK
			all.Go(func() {
				for i := k; i < n && errs[k] == nil; i += len(errs) {
					errs[k] = a.away(connecting(i), packets...)
				}
			})
		}
		all.Wait()
		return errors.Join(errs...)
	}
}

// filters has so many clients subscribe to 1,000 filters in each of so many packets.
func filters(clients, packets int, filter func(i int) string) func(a *attacker) error {
	return many(size(clients), func(c *conn, i int) error {
		for k := range packets {
			if err := c.send(subscribeAll(1<<20, func(j int) string {
				if j == 1000 {
					return ""
				}
				return filter((i*packets+k)*1000 + j)
			})); err != nil {
				return err
			}
		}
		return c.settle()
	})
}

func attacks() []attack {
	return append(slices.Concat(floods(), strange(), crowds(), odd()), []attack{
		{name: "one filter 260,000 times in a packet, 20,000 retained", bound: "`maximum_filters`", before: retained(20_000),
			run: each(1, size(30), func(int) []byte { return subscribeAll(1<<20-100, func(int) string { return "#" }) })},
		{name: "the same by a user without rights", bound: "`maximum_filters`", setup: mallory, before: retained(20_000),
			run: each(1, size(30), func(int) []byte { return subscribeAll(1<<20-100, func(int) string { return "users/mallory/#" }) })},
		{name: "one filter 4,000 times in a packet, 20,000 retained", bound: "retained messages are looked up as the client takes them", before: retained(20_000),
			run: each(size(100), size(100), func(int) []byte { return subscribeAll(16_000, func(int) string { return "#" }) })},
		{name: "40,000 filters that find nothing among 100,000 retained", bound: "the same; `maximum_subscriptions`", before: retained(100_000),
			run: each(20, 20, func(i int) []byte {
				return subscribeAll(size(40_000), func(k int) string { return fmt.Sprintf("+/+/%d/%d", i, k) })
			})},
		{name: "filters of three bytes", bound: "`maximum_subscriptions`: 0.7 MB a client",
			run: filters(30, 16, printable)},
		{name: "the same filters of two bytes by 100", bound: "the same; a text is there once", most: 8.3, why: "a subscription takes 38 bytes, where five are sent",
			run: filters(100, 6, func(i int) string { return printable(i % 6000)[1:] })},
		{name: "Shared Subscriptions of three bytes", bound: "the same",
			run: filters(14, 16, func(i int) string { return "$share/a/" + printable(i) })},
		{name: "40,000 filters of 200 levels", bound: "a filter takes no more than its text and some 38 bytes",
			run: each(20, size(40), func(n int) []byte {
				return subscribeAll(400_000, func(i int) string {
					if i == 1000 {
						return ""
					}
					return fmt.Sprintf("%d/%d/", n, i) + strings.Repeat("x/", levels-3) + "x"
				})
			})},
		{name: "65,536 overlapping filters with identifiers, 100 messages to them", bound: "arrangements of wildcards",
			run: each(1000, size(1<<16)+100, func(i int) []byte {
				if i >= size(1<<16) {
					return publish(0, overlapping(0, 16), 0, nil, "x")
				}
				return subscribe(0, overlapping(i, 16), i+1)
			})},
		{name: "8,192 filters of 200 levels that almost match, 1,000 messages", bound: "the same",
			run: each(1000, size(8192)+1000, func(i int) []byte {
				if i >= size(8192) {
					return publish(0, strings.Repeat("a/", levels-2)+"a", 0, nil, "x")
				}
				return subscribe(0, overlapping(i, 13)+strings.Repeat("/a", levels-15)+"/b", 0)
			})},
		{name: "retained topics of 200 levels", bound: "`client_memory`",
			run: each(10_000, size(100_000), func(i int) []byte {
				return publish(1, fmt.Sprintf("%d/", i)+strings.Repeat("x/", levels-2)+"x", 0, nil, "x")
			})},
		{name: "retained topics of three bytes", bound: "`client_memory`",
			run: each(10_000, size(200_000), func(i int) []byte { return publish(1, short(i), 0, nil, "x") })},
		{name: "retained messages with a User Property each", bound: "`client_memory`",
			run: each(10_000, size(200_000), func(i int) []byte {
				return publish(1, short(i), 0, append(append([]byte{0x26}, text("a")...), text("b")...), "x")
			})},
		{name: "messages of one byte for clients that are away", bound: "`maximum_queued`, `client_memory`",
			run: both(
				func(a *attacker) error {
					for i := range 4 {
						if err := a.away(connect(short(i), "", "", ""), subscribe(1, short(i)[2:], 0)); err != nil {
							return err
						}
					}
					return nil
				},
				each(500, size(400_000), func(i int) []byte { return publish(2, short(i % 4)[2:], i%65535+1, nil, "x") }))},
		{name: "messages for 200 that are away", bound: "the same; a message that many wait for is kept once",
			run: both(leaves(200, nil, subscribe(1, "a", 0)),
				each(100, size(2000), func(i int) []byte { return publish(2, "a", i+1, nil, strings.Repeat("x", 1000)) }))},
		{name: "256 identifiers a message for a client that is away", bound: "`maximum_overlap`, `client_memory`",
			run: both(
				func(a *attacker) error {
					packets := make([][]byte, 256)
					for i := range packets {
						packets[i] = subscribe(1, overlapping(i, 8), i+1)
					}
					return a.away(connect("away", "", "", ""), packets...)
				},
				each(500, size(100_000), func(i int) []byte { return publish(2, overlapping(0, 8), i%65535+1, nil, "x") }))},
		{name: "sessions that never expire", bound: "`maximum_sessions`, `maximum_user_sessions`",
			run: leaves(size(40_000), nil)},
		{name: "Wills of one byte of those away", bound: "the same", run: leaves(size(20_000), func(int) string { return "x" })},
		{name: "Wills of 2,000 bytes of those away", bound: "the same", run: leaves(size(15_000), func(int) string { return strings.Repeat("w", 2000) })},
		{name: "connections that are idle", bound: "`maximum_connections`, `total_memory`", most: 130, why: "a connection takes 4.7 KB; a bare one and its goroutine, 3.9 KB",
			run: many(size(4000), func(*conn, int) error { return nil })},
		{name: "packets that are not whole", bound: "`client_memory`, `maximum_packet_size`",
			run: many(size(100), func(c *conn, i int) error {
				return c.send(publish(0, "a", 0, nil, strings.Repeat("x", 1<<20-100))[:1<<20-1000])
			})},
		{name: "CONNECTs that are not whole", bound: "a sixteenth of `total_memory` for all who have not said who they are",
			run: func(a *attacker) error {
				for range size(100) {
					c, err := a.dial()
					if err != nil {
						return err
					}
					if err := c.send(connect(strings.Repeat("x", 65_000), "", strings.Repeat("w", 65_000), strings.Repeat("w", 65_000))[:190_000]); err != nil {
						return err
					}
				}
				return nil
			}},
		{name: "CONNECTs over the Maximum Packet Size", bound: "CONNACK 0x95, unread",
			run: func(a *attacker) error {
				for range size(2000) {
					c, err := a.dial()
					if err != nil {
						return err
					}
					if err := c.send([]byte{0x10, 0xff, 0xff, 0xff, 0x7f, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 0, 0, 0}); err != nil {
						return err
					}
					if p, err := c.packet(); err != nil || p[0] != 0x20 || p[2] != 0x95 {
						return fmt.Errorf("a CONNECT of 256 MiB gets %x, %v; want CONNACK 0x95", p, err)
					}
					_ = c.Close()
				}
				return nil
			}},
		{name: "QoS 2 that is begun", bound: "`receive_maximum`",
			run: many(size(200), func(c *conn, _ int) error {
				var b []byte
				for k := range 1024 {
					b = append(b, publish(4, "a", k+1, nil, "x")...)
				}
				if err := c.send(b); err != nil {
					return err
				}
				return c.settle()
			})},
		{name: "Topic Aliases of 60,000 bytes", bound: "`topic_alias_maximum`, `client_memory`",
			run: many(size(20), func(c *conn, _ int) error {
				for k := range 64 {
					if err := c.send(publish(0, strings.Repeat("a", 60_000), 0, []byte{0x23, 0, byte(k + 1)}, "x")); err != nil {
						return err
					}
				}
				return c.settle()
			})},
		{name: "20 clients that do not read, messages of 60,000 bytes at QoS 0", bound: "`client_memory`; QoS 0 is dropped",
			run: both(
				many(20, func(c *conn, _ int) error { return c.send(subscribe(0, "a", 0)) }),
				each(10, size(1000), func(i int) []byte { return publish(0, "a", 0, nil, strings.Repeat("x", 60_000)) }))},
		{name: "PINGREQs whose answers nobody reads", bound: "the connection ends",
			run: many(size(50), func(c *conn, _ int) error {
				go func() { _ = c.send(bytes.Repeat(pingreq, 2_000_000)) }() // until the broker ends it
				return nil
			})},
		{name: "passwords guessed at a hash", bound: "two at a time, 64 wait, the rest gets 0x89", setup: guessable(),
			run: func(a *attacker) error {
				for i := range size(1000) {
					c, err := a.dial()
					if err != nil {
						return err
					}
					if err := c.send(connect(fmt.Sprint(i), "owner", "", "")); err != nil {
						return err
					}
				}
				for _, c := range a.conns {
					if p, err := c.packet(); err != nil || p[0] != 0x20 || p[2] != 0x86 && p[2] != 0x89 {
						return fmt.Errorf("a wrong password gets %x, %v; want CONNACK 0x86 or 0x89", p, err)
					}
				}
				return nil
			}},
	}...)
}

// guessable has a user whose password is known by its hash alone.
func guessable() setup {
	return setup{Limits: broker.Limits{ConnectTimeout: time.Minute}, Users: []broker.User{ // each waits for the one before
		{Name: "bystander", Password: "p"},
		{Name: "owner", Password: broker.HashPassword([]byte("another"))},
	}}
}
