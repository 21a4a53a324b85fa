//go:build linux

package attack

import (
	"bytes"
	"fmt"
	"io"
	"net"
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
		{name: "1,000 WebSockets of fragments without content", bound: "the connection's reader alone works on them", setup: setup{Over: "ws"},
			most: 1000, why: "of MQTT, without the frames",
			run: many(size(1000), func(c *conn, _ int) error {
				return c.raw(append([]byte{0x02, 0x80, 0, 0, 0, 0}, bytes.Repeat([]byte{0x00, 0x80, 0, 0, 0, 0}, 1000)...))
			})},
		{name: "WebSocket pings whose answers nobody reads", bound: "the connection ends", setup: setup{Over: "ws"},
			most: 1000, why: "of MQTT, without the frames",
			run: many(size(10), func(c *conn, _ int) error {
				ping := append([]byte{0x89, 0x80 | 125, 0, 0, 0, 0}, make([]byte, 125)...)
				return c.raw(bytes.Repeat(ping, 5000))
			})},
		{name: "TLS handshakes that are half sent", bound: "`maximum_connections`, and a deadline", setup: setup{Over: "tls"},
			most: 1000, why: "a connection and its goroutine, for 41 bytes",
			run: func(a *attacker) error {
				// The head of a ClientHello that says it has 16 KB.
				hello := append([]byte{22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3}, make([]byte, 30)...)
				for range size(2000) {
					nc, err := net.Dial("tcp", a.address)
					if err != nil {
						return err
					}
					c := &conn{Conn: nc, sent: &a.sent}
					a.conns = append(a.conns, c)
					if err := c.send(hello); err != nil {
						return err
					}
				}
				return nil
			}},
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

// raw sends frames as they are, below MQTT, as far as the other side takes them.
func (c *conn) raw(b []byte) error {
	nc := c.Conn.(*frames)
	_ = nc.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = nc.Conn.Write(b) // who answers to nobody may have closed it
	return nil
}
