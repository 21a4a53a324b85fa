package conformance

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// own is a topic of nobody else, for packets that are written out.
const own = "homefleet-conform/a"

// stranger is a client identifier in packets that are written out; see [run.asOwn].
const stranger = "homefleetconform"

// asOwn is a packet with a client identifier of the check's own, as long as that which is written
// out: two connections with the same would end each other, which is no refusal.
func (r *run) asOwn(packet string) string {
	id := r.prefix + strings.Repeat("Z", len(stranger)) // no prefix has a capital letter behind that of the examination
	return strings.ReplaceAll(packet, stranger, id[:len(stranger)])
}

const (
	malformed     = 0x81
	protocolError = 0x82
	none          = "\x00" // no properties
	pingreqBytes  = "\xc0\x00"
)

// Packets with nothing wrong in them, as controls of those that have.
var (
	soundPublish    = raw(0x30, str(own), none)
	soundSubscribe  = raw(0x82, u16(1), none, str(own), "\x00")
	soundConnect    = raw(0x10, head("\x05", "\x02"), none, str(stranger))
	soundOldConnect = raw(0x10, head("\x04", "\x02"), str(stranger))
)

// after is a statement about a packet on a live connection that makes the server
// close it, with one of the codes if it says one. The control is the packet without
// its fault, after which the connection has to live on.
func after(clause, title, bad, sound string, codes ...byte) Statement {
	return Statement{
		Clause: clause, Title: title,
		Does:  "Sends it on a connection that is established: " + bytesInWords(bad) + ".",
		Wants: "The server closes the connection" + codesInWords(codes) + ".",
		check: func(r *run) {
			c := r.connect(hello{version: 5})
			c.trySend(r.asOwn(bad))
			c.closed(codes...)
		},
		control: func(r *run) { livesOn(r.connect(hello{version: 5}), sound) },
	}
}

// livesOn checks that the server does not mind a packet.
func livesOn(c *client, sound string) {
	c.send(sound, pingreqBytes)
	for end := time.Now().Add(c.r.x.patience); time.Now().Before(end); {
		switch p := c.next(); p.typ {
		case pingresp:
			return
		case disconnect:
			c.r.fatalf("%s got %v after a packet with nothing wrong in it; want it taken", c.name, p)
		}
	}
	c.r.fatalf("%s got no PINGRESP after a packet with nothing wrong in it; want it taken", c.name)
}

// first is a statement about the first packet of a connection, which the server
// must refuse. The control is the packet without its fault, which it must accept.
func first(clause, title, bad, sound string, codes ...byte) Statement {
	return opening(5, clause, title, bad, sound, codes)
}

// old is first for version 3.1.1.
func old(clause, title, bad, sound string, codes ...byte) Statement {
	return opening(4, "3.1.1: "+clause, title, bad, sound, codes)
}

func opening(version byte, clause, title, bad, sound string, codes []byte) Statement {
	return Statement{
		Clause: clause, Title: title,
		Does:  "Sends it as the first packet of a connection: " + bytesInWords(bad) + ".",
		Wants: "The server refuses and closes" + codesInWords(codes) + ".",
		check: func(r *run) {
			c := r.dial(version)
			c.trySend(r.asOwn(bad))
			c.refused(codes...)
		},
		control: func(r *run) {
			c := r.dial(version)
			c.send(r.asOwn(sound))
			p := c.want(connack)
			r.expect(p.code == 0, "CONNACK 0x%02X for a CONNECT with nothing wrong in it; want success", p.code)
		},
	}
}

// oldAfter is after for version 3.1.1.
func oldAfter(clause, title, bad, sound string) Statement {
	return Statement{
		Clause: "3.1.1: " + clause, Title: title,
		Does:  "Sends it on a connection that is established: " + bytesInWords(bad) + ".",
		Wants: "The server closes the connection.",
		check: func(r *run) {
			c := r.connect(v4(""))
			c.trySend(r.asOwn(bad))
			c.closed()
		},
		control: func(r *run) { livesOn(r.connect(v4("")), sound) },
	}
}

// v4 is a CONNECT of version 3.1.1 with Clean Session.
func v4(id string) hello { return hello{version: 4, id: id} }

// head is a CONNECT's variable header up to the Keep Alive.
func head(version, flags string) string { return str("MQTT") + version + flags + "\x00\x3c" }

func bytesInWords(s string) string {
	if len(s) > 24 {
		return fmt.Sprintf("% x … (%d bytes)", s[:24], len(s))
	}
	return fmt.Sprintf("% x", s)
}

func codesInWords(codes []byte) string {
	if len(codes) == 0 {
		return ""
	}
	return ", with " + oneOf(codes) + " if it says why"
}

// badFilter is a filter that must not be granted: refused in the SUBACK, or the
// end of the connection.
func badFilter(filter string) Statement {
	return Statement{
		Clause: "4.7.1", Title: fmt.Sprintf("the filter %q is not granted", filter),
		Does:  fmt.Sprintf("Subscribes to %q.", filter),
		Wants: "The SUBACK refuses the filter, or the server closes.",
		check: func(r *run) {
			c := r.plain()
			c.sendSubscribe(1, filter, 0)
			p, err := c.read(r.x.patience)
			r.judged++
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded): // 3.8.4-1: it must answer
				r.fatalf("%s got nothing; want a SUBACK that refuses, or the end of the connection", c.name)
			case err != nil:
				c.notAnyway(r.plain)
			case p.typ == disconnect:
				c.closed()
			case p.typ != suback || len(p.codes) != 1 || p.codes[0] < 0x80:
				r.fatalf("got %v; want a SUBACK that refuses, or the end of the connection", p)
			}
		},
		control: func(r *run) { r.plain().subscribe(r.topic("a"), 0) },
	}
}

// departed is a way in which a connection ends that publishes its Will. There is no Keep Alive,
// which would end it soon by itself: a server that has not seen the way would pass.
func departed(clause, title string, by func(r *run, c *client)) Statement {
	return departedAlive(0, clause, "A client with a Will ends by "+title+".", title, by)
}

// departedAlive is departed with a Keep Alive in seconds, for the way that rests upon one.
func departedAlive(keep int, clause, does, title string, by func(r *run, c *client)) Statement {
	return Statement{
		Clause: clause, Title: "the Will after " + title,
		Does:  does,
		Wants: "Its Will comes, once.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			c := r.connect(hello{keep: keep, will: &will{topic: r.topic("will"), payload: "gone"}})
			by(r, c)
			w.message(r.topic("will"), "gone")
			w.still()
		},
	}
}

// ids are a PUBLISH's Subscription Identifiers, in no order.
func ids(p *packet) (out []int) {
	for _, q := range p.all(subscriptionIdentifierProperty) {
		out = append(out, int(q.num))
	}
	return out
}
