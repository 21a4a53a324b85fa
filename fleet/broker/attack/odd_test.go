//go:build linux

package attack

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// odd are attacks with what is allowed and of no use.
func odd() []attack {
	turn := func(i int) []byte {
		first := func(k int) string {
			if k == 1000 {
				return ""
			}
			return short(1000*(i/2%10) + k)
		}
		if i%2 == 0 {
			return subscribeAll(1<<20, first)
		}
		return unsubscribeAll(first)
	}
	return []attack{
		{name: "SUBSCRIBE and UNSUBSCRIBE in turn, of 1,000 filters each", bound: "what was unsubscribed takes nothing", run: each(10, size(1000), turn)},
		{name: "the same where retained messages wait", bound: "the same", before: retained(20_000), run: each(10, size(400), turn)},
		{name: "1,000 WebSockets of fragments without content", bound: "no buffer is kept for them", setup: setup{Over: "ws"},
			run: many(size(1000), func(c *conn, _ int) error {
				return c.raw(append([]byte{0x02, 0x80, 0, 0, 0, 0}, bytes.Repeat([]byte{0x00, 0x80, 0, 0, 0, 0}, 1000)...))
			})},
		{name: "WebSocket pings whose answers nobody reads", bound: "the connection ends", setup: setup{Over: "ws"},
			run: many(size(10), func(c *conn, _ int) error {
				ping := append([]byte{0x89, 0x80 | 125, 0, 0, 0, 0}, make([]byte, 125)...)
				return c.raw(bytes.Repeat(ping, 5000))
			})},
		{name: "TLS handshakes that are half sent", bound: "`maximum_connections`, and a deadline", setup: setup{Over: "tls"},
			most: 1000, why: "a connection and its goroutine, for 41 bytes", run: hellos(2000, 30)},
		{name: "TLS handshakes of 60,000 bytes that are half sent", bound: "a sixteenth of `total_memory` for all who have not said who they are", setup: setup{Over: "tls"},
			run: hellos(500, 60_000)},
		{name: "1,000 connections that begin with AUTH, or send it unasked", bound: "the connection ends",
			run: func(a *attacker) error {
				for i := range size(1000) {
					c, err := a.dial()
					if err != nil {
						return err
					}
					auth := packet(0xf0, []byte{0x18}, properties(append([]byte{0x15}, text(strings.Repeat("m", 1000))...)))
					if i%2 == 0 {
						if err := c.login(fmt.Sprint("mallory-", i), "", nil); err != nil {
							return err
						}
					}
					if err := c.send(auth); err != nil {
						return err
					}
					_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
					if _, err := io.Copy(io.Discard, c.r); err != nil {
						return fmt.Errorf("after AUTH: %w; want the connection closed", err)
					}
				}
				return nil
			}},
	}
}

// hellos has so many send the beginning of a ClientHello that says it has 65,000 bytes.
func hellos(n, sent int) func(a *attacker) error {
	all := append([]byte{1, 0, 0xfd, 0xe8, 3, 3}, make([]byte, sent)...)
	var records []byte
	for part := range slices.Chunk(all, 16_000) {
		records = append(append(records, 22, 3, 1, 0x3e, 0x80), part...)
	}
	return func(a *attacker) error {
		for range size(n) {
			nc, err := dialCounted(a.address, &a.traffic)
			if err != nil {
				return err
			}
			c := &conn{Conn: nc}
			a.conns = append(a.conns, c)
			if err := c.send(records); err != nil {
				return err
			}
		}
		return nil
	}
}

// raw sends frames as they are, below MQTT, as far as the other side takes them.
func (c *conn) raw(b []byte) error {
	nc := c.Conn.(*frames)
	_ = nc.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = nc.Conn.Write(b) // who answers to nobody may have closed it
	return nil
}
