package conformance

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// onPublish changes the properties of what is delivered.
func onPublish(change func([]property) []property) func(*lie, pkt) []pkt {
	return func(_ *lie, p pkt) []pkt {
		if p.typ() != 3 {
			return []pkt{p}
		}
		_, _, i := p.publishAt()
		return []pkt{p.withProps(i, change)}
	}
}

// onConnect changes the properties of a CONNECT.
func onConnect(change func([]property) []property) func(*lie, pkt) []pkt {
	return func(_ *lie, p pkt) []pkt {
		if _, _, props, _, _ := p.connectAt(); p.typ() == 1 && props > 0 {
			p = p.withProps(props, change)
		}
		return []pkt{p}
	}
}

// onWill changes the properties of a Will.
func onWill(change func([]property) []property) func(*lie, pkt) []pkt {
	return func(_ *lie, p pkt) []pkt {
		if _, _, _, _, will := p.connectAt(); p.typ() == 1 && will > 0 {
			p = p.withProps(will, change)
		}
		return []pkt{p}
	}
}

// onConnack changes the properties of a CONNACK.
func onConnack(change func([]property) []property) func(*lie, pkt) []pkt {
	return func(_ *lie, p pkt) []pkt {
		if p.typ() == 2 && len(p.body) > 2 {
			p = p.withProps(2, change)
		}
		return []pkt{p}
	}
}

// flags changes the flags of a CONNECT.
func flags(change func(byte) byte) func(*lie, pkt) []pkt {
	return func(_ *lie, p pkt) []pkt {
		if at, _, props, _, _ := p.connectAt(); p.typ() == 1 && props > 0 {
			body := slices.Clone(p.body)
			body[at] = change(body[at])
			p = p.edited(p.first, body)
		}
		return []pkt{p}
	}
}

// code changes the reason code of a packet that has it at i.
func code(typ byte, i int, from, to byte) func(*lie, pkt) []pkt {
	return func(_ *lie, p pkt) []pkt {
		if p.typ() == typ && len(p.body) > i && p.body[i] == from {
			body := slices.Clone(p.body)
			body[i] = to
			p = p.edited(p.first, body)
		}
		return []pkt{p}
	}
}

// options changes the options of the last filter of a SUBSCRIBE.
func options(change func(byte) byte) func(*lie, pkt) []pkt {
	return func(_ *lie, p pkt) []pkt {
		if p.typ() == 8 && len(p.body) > 6 {
			body := slices.Clone(p.body)
			body[len(body)-1] = change(body[len(body)-1])
			p = p.edited(p.first, body)
		}
		return []pkt{p}
	}
}

// firstByte changes the first byte of packets of a type.
func firstByte(typ byte, change func(byte) byte) func(*lie, pkt) []pkt {
	return func(_ *lie, p pkt) []pkt {
		if p.typ() == typ {
			p = p.edited(change(p.first), p.body)
		}
		return []pkt{p}
	}
}

// dropped drops what is chosen.
func dropped(chosen func(s *lie, p pkt) bool) func(*lie, pkt) []pkt {
	return func(s *lie, p pkt) []pkt {
		if chosen(s, p) {
			return nil
		}
		return []pkt{p}
	}
}

// delivered changes the payload of what is delivered.
func delivered(change func([]byte) []byte) func(*lie, pkt) []pkt {
	return func(_ *lie, p pkt) []pkt {
		if p.typ() != 3 {
			return []pkt{p}
		}
		payload := p.payload()
		return []pkt{p.edited(p.first, p.body[:len(p.body)-len(payload)], change(payload))}
	}
}

func number(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func four(n uint32) []byte   { return binary.BigEndian.AppendUint32(nil, n) }
func two(n int) []byte       { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

const (
	passedOn  = "3.3.2-15 Response Topic, Correlation Data and the rest are passed on"
	willProps = "3.1.3-10 all properties of the Will arrive"
)

// bugs are what brokers were seen to do, or could: each with the statement that
// names it.
var bugs = []bug{
	{name: "Response Topic lost", caught: passedOn, says: []string{"no Response Topic", "to \"\""}, down: onPublish(without(8))},
	{name: "Correlation Data lost", caught: passedOn, says: []string{"no Correlation Data"}, down: onPublish(without(9))},
	{name: "Correlation Data cut at 64 bytes", caught: "3.3.2-16 Correlation Data of 65,535 bytes", says: []string{"Correlation Data ="},
		down: onPublish(mapped(9, func(v []byte) []byte { n := min(u16at(v, 0), 64); return append(two(n), v[2:2+n]...) }))},
	{name: "Correlation Data ends at a zero byte", caught: "3.3.2-16 Correlation Data of all byte values", says: []string{"Correlation Data ="},
		down: onPublish(mapped(9, func(v []byte) []byte {
			data, _, _ := bytes.Cut(v[2:], []byte{0})
			return append(two(len(data)), data...)
		}))},
	{name: "empty Correlation Data lost", caught: "3.3.2-16 empty Correlation Data stays there", says: []string{"no Correlation Data"},
		down: onPublish(func(list []property) []property {
			return slices.DeleteFunc(list, func(p property) bool { return p.id == 9 && len(p.value) == 2 })
		})},
	{name: "Content Type lost", caught: passedOn, says: []string{"no Content Type"}, down: onPublish(without(3))},
	{name: "empty Content Type lost", caught: "3.3.2-20 an empty Content Type stays there",
		down: onPublish(func(list []property) []property {
			return slices.DeleteFunc(list, func(p property) bool { return p.id == 3 && len(p.value) == 2 })
		})},
	{name: "Payload Format Indicator lost", caught: passedOn, says: []string{"Payload Format"}, down: onPublish(without(1))},
	{name: "User Properties sorted", caught: "3.3.2-17 User Properties in order, with repeated and empty ones", says: []string{"User Properties"},
		down: onPublish(func(list []property) []property {
			slices.SortStableFunc(list, func(a, b property) int {
				if a.id == 38 && b.id == 38 {
					return bytes.Compare(a.value, b.value)
				}
				return 0
			})
			return list
		})},
	{name: "repeated User Properties lost", caught: "3.3.2-17 User Properties in order, with repeated and empty ones", says: []string{"User Properties"},
		down: onPublish(func(list []property) (out []property) {
			for _, p := range list {
				if p.id != 38 || !slices.ContainsFunc(out, func(q property) bool { return q.id == 38 && bytes.Equal(p.value, q.value) }) {
					out = append(out, p)
				}
			}
			return out
		})},
	{name: "Message Expiry not decremented", caught: "3.3.2-6 the Message Expiry that is passed on is what is left", says: []string{"Message Expiry ="},
		down: func(s *lie, p pkt) []pkt {
			return onPublish(mapped(2, func(v []byte) []byte {
				switch n := number(v); {
				case n > 90 && n < 100:
					return four(100)
				case s.l.any && n > 3000 && n < 3600: // an hour, in scenarios
					return four(3600)
				}
				return v
			}))(s, p)
		}},
	{name: "Message Expiry lost", caught: "3.3.2-6 the Message Expiry that is passed on is what is left", says: []string{"Message Expiry ="}, down: onPublish(without(2))},
	{name: "messages do not expire", caught: "3.3.2-5 an expired message is not delivered", says: []string{"short", "expire"},
		up: func(s *lie, p pkt) []pkt {
			if p.typ() == 3 && (s.l.any || bytes.Equal(p.payload(), []byte("short"))) {
				_, _, i := p.publishAt()
				p = p.withProps(i, mapped(2, func([]byte) []byte { return four(1000) }))
			}
			return []pkt{p}
		}},

	{name: "a Will's Response Topic lost", caught: willProps, says: []string{"no Response Topic", "to \"\""}, up: onWill(without(8))},
	{name: "a Will's Correlation Data lost", caught: willProps, says: []string{"no Correlation Data", "a CONNECT over the server's Maximum Packet Size"}, up: onWill(without(9))},
	{name: "a Will's Content Type lost", caught: willProps, says: []string{"no Content Type"}, up: onWill(without(3))},
	{name: "a Will's Message Expiry lost", caught: willProps, says: []string{"Message Expiry"}, up: onWill(without(2))},
	{name: "a Will's User Properties lost", caught: willProps, says: []string{"User Properties"}, up: onWill(without(38))},
	{name: "a Will's Payload Format Indicator lost", caught: willProps, says: []string{"Payload Format"}, up: onWill(without(1))},
	{name: "a Will's delay ignored", caught: "3.1.2-8 a Will Delay passes", says: []string{"\"gone\"", "the Will came after", "retained Will"}, up: onWill(without(24))},
	{name: "a Will's delay in its PUBLISH", caught: "3.1.2-8 a Will Delay passes", says: []string{"Will Delay Interval"},
		up: func(s *lie, p pkt) []pkt {
			_, _, _, _, will := p.connectAt()
			if list, end, ok := propsAt(p.body, will); p.typ() == 1 && will > 0 && ok && slices.ContainsFunc(list, func(q property) bool { return q.id == 24 }) {
				s.l.mu.Lock()
				s.l.shared[string(p.body[end+2:end+2+u16at(p.body, end)])] = true
				s.l.mu.Unlock()
			}
			return []pkt{p}
		},
		down: func(s *lie, p pkt) []pkt {
			topic, _, i := p.publishAt()
			s.l.mu.Lock()
			defer s.l.mu.Unlock()
			if p.typ() == 3 && s.l.shared[topic] != nil {
				p = p.withProps(i, func(list []property) []property { return append(list, property{24, four(1)}) })
			}
			return []pkt{p}
		}},
	{name: "a Will not retained", caught: "3.1.2-15 a Will that is retained", says: []string{"RETAIN", "clears the topic", "Will Retain without a Will"}, up: flags(func(f byte) byte { return f &^ 0x20 })},
	{name: "a Will at QoS 0", caught: "3.1.2.6 Will QoS", says: []string{"Will QoS without a Will", "Will QoS 3"}, up: flags(func(f byte) byte { return f &^ 0x18 })},
	{name: "a Will after DISCONNECT 0x00", caught: "3.14.4-3 no Will after DISCONNECT 0x00", says: []string{"\"gone\""},
		up: func(s *lie, p pkt) []pkt {
			if p.typ() == 14 && (len(p.body) == 0 || p.body[0] == 0) {
				return []pkt{p.edited(0xe0, []byte{4}, p.body[min(1, len(p.body)):])}
			}
			return []pkt{p}
		}},
	{name: "no Will after DISCONNECT 0x04", caught: "3.14.4-3 the Will after DISCONNECT 0x04", says: []string{"DISCONNECT 0x04"}, up: code(14, 0, 4, 0)},
	{name: "no Will after RST", caught: "3.1.2-8 the Will after RST", end: func(s *lie, err error) {
		if err != nil && strings.Contains(err.Error(), "reset") {
			s.up(pkt{first: 0xe0})
		}
	}},
	{name: "a RST found out by Keep Alive alone", caught: "3.1.2-8 the Will after RST", end: func(s *lie, err error) {
		if err != nil && strings.Contains(err.Error(), "reset") {
			<-s.gone // by the broker, of itself
		}
	}},
	{name: "no Will at take-over", caught: "3.1.2-8 the Will after a take-over", says: []string{"take-over", "taken over"}, up: func(s *lie, p pkt) []pkt {
		if p.typ() == 1 && s.id != "" {
			var first []*lie
			s.l.mu.Lock()
			for other := range s.l.conns {
				if other != s && other.id == s.id {
					first = append(first, other)
				}
			}
			s.l.mu.Unlock()
			for _, other := range first {
				other.up(pkt{first: 0xe0})
				<-other.gone // the broker has read it
			}
		}
		return []pkt{p}
	}},
	{name: "0x8E not said", caught: "3.1.4-3 the DISCONNECT of a take-over says 0x8E",
		down: dropped(func(_ *lie, p pkt) bool { return p.typ() == 14 && len(p.body) > 0 && p.body[0] == 0x8e })},
	{name: "Keep Alive not watched", caught: "3.1.2-22 Keep Alive: closed after one and a half times", says: []string{"Keep Alive", "still connected"}, up: func(_ *lie, p pkt) []pkt {
		if _, keep, props, _, _ := p.connectAt(); p.typ() == 1 && props > 0 {
			body := slices.Clone(p.body)
			body[keep], body[keep+1] = 0, 0
			p = p.edited(p.first, body)
		}
		return []pkt{p}
	}},

	{name: "Clean Start ignored", caught: "3.1.2-4 Clean Start 1 discards the session", says: []string{"Clean Start", "Session Present", "session that ended"}, up: flags(func(f byte) byte { return f &^ 2 })},
	{name: "sessions never resumed", caught: "3.1.2-5 Clean Start 0 resumes the session", says: []string{"Session Present"}, up: flags(func(f byte) byte { return f | 2 })},
	{name: "Session Present never said", caught: "3.1.2-5 Clean Start 0 resumes the session", says: []string{"Session Present"}, down: code(2, 0, 1, 0)},
	{name: "sessions outlive their expiry", caught: "3.1.2-23 a session lives until its expiry", says: []string{"Session Present", "outlive"},
		up: onConnect(mapped(17, func(v []byte) []byte {
			if n := number(v); n > 0 && n < 10 {
				return four(1000)
			}
			return v
		}))},
	{name: "sessions of clients without expiry kept", caught: "3.1.2-23 without Session Expiry the session ends with the connection", says: []string{"Session Present", "no session", "without a session", "Session Expiry", "session leaves behind", "does not outlive the session"},
		up: onConnect(func(list []property) []property {
			list = without(17)(list)
			return append(list, property{17, four(100)})
		})},
	{name: "a DISCONNECT's expiry ignored", caught: "3.14.2.2.2 DISCONNECT sets the Session Expiry", says: []string{"DISCONNECT with a Session Expiry"}, up: func(_ *lie, p pkt) []pkt {
		if p.typ() == 14 && len(p.body) > 1 {
			p = p.edited(p.first, p.body[:1])
		}
		return []pkt{p}
	}},

	{name: "sent again without DUP", caught: "4.4.0-1 an unacknowledged PUBLISH is sent again on the next connection", says: []string{"DUP"}, down: firstByte(3, func(b byte) byte { return b &^ 8 })},
	{name: "DUP passed on", caught: "3.3.1-3 DUP is not passed on", says: []string{"DUP is set", ", DUP"}, up: func(s *lie, p pkt) []pkt {
		if topic, _, _ := p.publishAt(); p.typ() == 3 && p.first&8 != 0 {
			s.l.mu.Lock()
			s.l.shared[topic] = true
			s.l.mu.Unlock()
		}
		return []pkt{p}
	}, down: func(s *lie, p pkt) []pkt {
		topic, _, _ := p.publishAt()
		s.l.mu.Lock()
		defer s.l.mu.Unlock()
		if p.typ() == 3 && p.qos() > 0 && s.l.shared[topic] != nil {
			p = p.edited(p.first|8, p.body)
		}
		return []pkt{p}
	}},
	{name: "QoS 2 delivered twice", caught: "4.3.3-10 QoS 2: a repeated PUBLISH is not delivered again", says: []string{"\"once\"", "QoS 2 across connections"}, up: func(s *lie, p pkt) []pkt {
		if p.typ() == 3 && p.qos() == 2 && p.first&8 != 0 {
			topic, _, i := p.publishAt()
			_ = topic
			return []pkt{p.edited(0x30, p.body[:i-2], p.body[i:]), p}
		}
		return []pkt{p}
	}},
	{name: "PUBACKs out of order", caught: "4.6.0-5 order, and nothing lost", says: []string{"PUBACK id"}, down: func(s *lie, p pkt) []pkt {
		if p.typ() != 4 || u16at(p.body, 0) > 5 {
			return []pkt{p}
		}
		switch u16at(p.body, 0) {
		case 2:
			if s.memory["first"] != nil {
				s.mu.Lock()
				s.held = append(s.held, p)
				s.mu.Unlock()
				time.AfterFunc(60*time.Millisecond, s.release)
				return nil
			}
		case 1:
			s.memory["first"] = true
		case 3:
			s.mu.Lock()
			defer s.mu.Unlock()
			out := append([]pkt{p}, s.held...)
			s.held = nil
			return out
		}
		return []pkt{p}
	}},
	{name: "PUBREL of an unknown identifier accepted", caught: "3.7.2.1 PUBREL of an unknown identifier", down: code(7, 2, 0x92, 0)},
	{name: "PUBREC of an unknown identifier accepted", caught: "3.6.2.1 PUBREC of an unknown identifier", down: code(6, 2, 0x92, 0)},
	{name: "one message delivered twice", caught: "3.3.4 a message comes as it was sent, and once", says: []string{"\"m\""}, down: func(s *lie, p pkt) []pkt {
		if p.typ() == 3 && p.qos() == 0 && (s.l.any || bytes.Equal(p.payload(), []byte("m"))) {
			return []pkt{p, p}
		}
		return []pkt{p}
	}},
	{name: "messages swapped", caught: "4.6.0-5 order, and nothing lost", says: []string{"PUBLISH"}, down: func(s *lie, p pkt) []pkt {
		if p.typ() != 3 {
			return []pkt{p}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held = append(s.held, p); len(s.held) == 1 {
			time.AfterFunc(40*time.Millisecond, s.release)
			return nil
		}
		out := []pkt{s.held[1], s.held[0]}
		s.held = nil
		return out
	}},
	{name: "payloads made UTF-8", caught: "3.3.2-4 a payload that is no UTF-8", says: []string{"65,535 bytes", "65535 bytes"}, down: delivered(func(b []byte) []byte {
		if utf8.Valid(b) {
			return b
		}
		return bytes.ToValidUTF8(b, []byte("?"))
	})},
	{name: "a byte order mark lost", caught: "1.5.4-3 a byte order mark is kept", down: func(_ *lie, p pkt) []pkt {
		if topic, _, i := p.publishAt(); p.typ() == 3 && strings.Contains(topic, "\ufeff") {
			topic = strings.ReplaceAll(topic, "\ufeff", "")
			return []pkt{p.edited(p.first, two(len(topic)), []byte(topic), p.body[i:])}
		}
		return []pkt{p}
	}},

	{name: "RETAIN not set on retained messages", caught: "3.3.1.3 RETAIN is set on what a SUBSCRIBE brings, whatever Retain As Published", says: []string{"RETAIN"}, down: firstByte(3, func(b byte) byte { return b &^ 1 })},
	{name: "RETAIN set where it was not asked for", caught: "3.3.1-12 Retain As Published 0: RETAIN is cleared", says: []string{"RETAIN"}, up: options(func(o byte) byte { return o | 8 })},
	{name: "Retain As Published ignored", caught: "3.3.1-13 Retain As Published 1: RETAIN as it came", says: []string{"RETAIN is not set"}, up: options(func(o byte) byte { return o &^ 8 })},
	{name: "Retain Handling ignored", caught: "3.3.1-11 Retain Handling 2: never", says: []string{"\"kept\""}, up: options(func(o byte) byte {
		if o>>4&3 == 3 {
			return o
		}
		return o &^ 0x30
	})},
	{name: "No Local ignored", caught: "3.8.3-3 No Local", says: []string{"\"own\"", "No Local"}, up: options(func(o byte) byte { return o &^ 4 })},
	{name: "an empty retained message does not remove", caught: "3.3.1-6 retained: an empty payload removes, and is passed on", says: []string{"clears the topic"}, up: func(_ *lie, p pkt) []pkt {
		if p.typ() == 3 && p.first&1 != 0 && len(p.payload()) == 0 {
			p = p.edited(p.first&^1, p.body)
		}
		return []pkt{p}
	}},
	{name: "retained messages lose their properties", caught: "3.3.1-5 retained: the last message is kept", says: []string{"retained", "PUBLISH has no", "User Properties", "Message Expiry", "Subscription Identifier"}, down: func(_ *lie, p pkt) []pkt {
		if p.typ() == 3 && p.first&1 != 0 {
			_, _, i := p.publishAt()
			p = p.withProps(i, func([]property) []property { return nil })
		}
		return []pkt{p}
	}},

	{name: "SUBACK codes out of order", caught: "3.8.4-6 one SUBACK with a code for each filter, in order", says: []string{"code"}, down: func(_ *lie, p pkt) []pkt {
		if _, end, ok := propsAt(p.body, 2); p.typ() == 9 && ok && len(p.body)-end > 1 {
			body := slices.Clone(p.body)
			slices.Sort(body[end:])
			p = p.edited(p.first, body)
		}
		return []pkt{p}
	}},
	{name: "UNSUBACK codes always 0", caught: "3.10.4-4 UNSUBACK has a code for each filter, in order", says: []string{"another filter was removed"}, down: func(_ *lie, p pkt) []pkt {
		if _, end, ok := propsAt(p.body, 2); p.typ() == 11 && ok {
			p = p.edited(p.first, p.body[:end], make([]byte, len(p.body)-end))
		}
		return []pkt{p}
	}},
	{name: "SUBACK 0.3 s too early", caught: "3.8.4-8 a subscription works from the SUBACK on", says: []string{"packets sent before the CONNACK"}, up: func(s *lie, p pkt) []pkt {
		_, end, ok := propsAt(p.body, 2)
		if p.typ() != 8 || !ok {
			return []pkt{p}
		}
		var codes []byte
		for end+2 < len(p.body) {
			end += 2 + u16at(p.body, end)
			if end >= len(p.body) {
				return []pkt{p}
			}
			codes = append(codes, p.body[end]&3)
			end++
		}
		if len(codes) != 1 || codes[0] == 3 || p.body[end-1]&0xc0 != 0 || strings.Contains(string(p.body), "$share") || !s.l.any && !strings.Contains(string(p.body), "hct") || strings.ContainsAny(string(p.body[4:end-1]), "#") {
			return []pkt{p} // what may be refused, and what brings retained messages first
		}
		id := u16at(p.body, 0)
		s.mu.Lock()
		early, _ := s.memory["early"].([]int)
		s.memory["early"] = append(early, id)
		s.mu.Unlock()
		s.down(pkt{first: 0x90, body: append(append(two(id), 0), codes...)})
		time.AfterFunc(300*time.Millisecond, func() { s.up(p) })
		return nil
	}, down: dropped(func(s *lie, p pkt) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		early, _ := s.memory["early"].([]int)
		i := slices.Index(early, u16at(p.body, 0))
		if p.typ() != 9 || i < 0 {
			return false
		}
		s.memory["early"] = slices.Delete(early, i, i+1)
		return true
	})},
	{name: "QoS 2 subscriptions are at QoS 1", caught: "4.3 every QoS to every QoS", says: []string{"QoS"}, up: func(s *lie, p pkt) []pkt {
		if p.typ() != 8 || len(p.body) < 7 || p.body[len(p.body)-1]&3 != 2 {
			return []pkt{p}
		}
		s.mu.Lock()
		s.memory[string(p.body[:2])] = true
		s.mu.Unlock()
		return options(func(o byte) byte { return o&^3 | 1 })(s, p)
	}, down: func(s *lie, p pkt) []pkt {
		s.mu.Lock()
		defer s.mu.Unlock()
		if p.typ() == 9 && len(p.body) == 4 && s.memory[string(p.body[:2])] != nil {
			p = p.edited(p.first, p.body[:3], []byte{2})
		}
		return []pkt{p}
	}},
	{name: "Subscription Identifiers lost", caught: "3.3.4-3 a Subscription Identifier comes with the message", says: []string{"Subscription Identifier", "identifier"}, down: onPublish(without(11))},
	{name: "a shared subscription is a plain one", caught: "4.8.2 shared: each message to one of the group", says: []string{"shared"}, up: func(s *lie, p pkt) []pkt {
		_, end, ok := propsAt(p.body, 2)
		if filter := p.body[min(len(p.body), end+2):]; p.typ() == 8 && ok && (bytes.HasPrefix(filter, []byte("$share/g/hct")) || s.l.any && bytes.HasPrefix(filter, []byte("$share/"))) {
			rest := filter[len("$share/"):]
			rest = rest[bytes.IndexByte(rest, '/')+1:]
			return []pkt{p.edited(p.first, p.body[:end], two(len(rest)-1), rest)}
		}
		return []pkt{p}
	}},
	{name: "wildcards match topics that start with $", caught: "4.7.2-1 a leading wildcard does not match $", says: []string{"\"hidden\"", "leading wildcard"}, all: true, up: func(s *lie, p pkt) []pkt {
		switch p.typ() {
		case 8:
			if bytes.Contains(p.body, []byte("+/hct")) {
				s.mu.Lock()
				s.memory["wide"] = true
				s.mu.Unlock()
			}
		case 3:
			topic, _, _ := p.publishAt()
			rest, _ := strings.CutPrefix(topic, "$hct")
			if _, tail, ok := strings.Cut(rest, "/"); topic != rest && ok {
				s.l.mu.Lock()
				for other := range s.l.conns {
					other.mu.Lock()
					run, _, _ := strings.Cut(tail, "/")
					wide := other.memory["wide"] != nil && strings.HasPrefix(other.id, run)
					other.mu.Unlock()
					if wide {
						body := append(two(len(topic)), topic...)
						if other.version.Load() == 5 {
							body = append(body, 0)
						}
						other.down(pkt{first: 0x30, body: append(body, "hidden"...)})
					}
				}
				s.l.mu.Unlock()
			}
		}
		return []pkt{p}
	}},

	{name: "Topic Aliases mixed up", caught: "3.3.2.3.4 Topic Alias: set, used, set anew", up: func(_ *lie, p pkt) []pkt {
		if _, _, i := p.publishAt(); p.typ() == 3 {
			p = p.withProps(i, mapped(35, func(v []byte) []byte {
				if u16at(v, 0) == 2 {
					return two(1)
				}
				return v
			}))
		}
		return []pkt{p}
	}},
	{name: "Topic Aliases to who takes none", caught: "3.1.2-26 no Topic Alias to a client that takes none", says: []string{"Topic Alias", "properties"}, down: onPublish(func(list []property) []property {
		return append(list, property{35, two(1)})
	})},
	{name: "the client's Receive Maximum off by one", caught: "3.3.4-9 the client's Receive Maximum holds QoS 1 back", says: []string{"Receive Maximum", "wanted is nothing", "QoS 2 counts", "QoS 0 is not held back", "quota", "retained messages keep"},
		up: onConnect(mapped(33, func(v []byte) []byte {
			if n := u16at(v, 0); n > 0 && n < 65535 {
				return two(n + 1)
			}
			return v
		}))},
	{name: "the server's Receive Maximum untold", caught: "4.9.0-1 as many as the server's Receive Maximum says", says: []string{"Receive Maximum"}, down: onConnack(without(33))},
	{name: "the client's Maximum Packet Size ignored", caught: "3.1.2-24 the client's Maximum Packet Size", says: []string{"xxxx"},
		up: onConnect(func(list []property) []property {
			return slices.DeleteFunc(list, func(p property) bool { return p.id == 39 && number(p.value) != 0 })
		})},
	{name: "the client's Maximum Packet Size off by one", caught: "3.1.2-24 a packet exactly as large as the Maximum Packet Size", up: onConnect(mapped(39, func(v []byte) []byte {
		if n := number(v); n > 0 {
			return four(n + 1)
		}
		return v
	}))},
	{name: "no Assigned Client Identifier", caught: "3.1.3-6 an empty client identifier gets one assigned", says: []string{"ssigned", "identifier"}, down: onConnack(without(18))},
	{name: "Reason Strings although they were not wanted", caught: "3.1.2-29 Request Problem Information 0: no Reason String", down: func(_ *lie, p pkt) []pkt {
		if p.typ() == 9 && len(p.body) == 4 && u16at(p.body, 0) < 61_000 {
			return []pkt{p.edited(p.first, p.body[:2], []byte{4, 31, 0, 1, 'x'}, p.body[3:])}
		}
		return []pkt{p}
	}},
	{name: "Response Information without being asked", caught: "3.1.2-28 no Response Information unless asked for", says: []string{"Response Information"}, down: onConnack(func(list []property) []property {
		return append(without(26)(list), property{26, []byte("\x00\x01r")})
	})},
	{name: "Response Information lost", variant: "users", caught: "3.2.2.3.15 Response Information", with: func(c *Config) { c.ResponseInformation = true }, down: onConnack(without(26))},
	{name: "all users get the same Response Information", variant: "users", caught: "3.2.2.3.15 Response Information: another user's answers cannot be read",
		says: []string{"Response Information"}, down: onConnack(mapped(26, func([]byte) []byte { return []byte("\x00\x09own/alice") }))},
	{name: "the bridge loses Response Topics", variant: "bridged", caught: "3.3.2-15 Response Topic and Correlation Data over a bridge", says: []string{"no Response Topic", "to \"\""},
		with: func(c *Config) { c.Far = c.Dial }, down: onPublish(without(8))},
	{name: "a forbidden PUBLISH acknowledged", variant: "users", caught: "5.4.2 what a user may publish", down: code(4, 2, 0x87, 0)},
	{name: "a forbidden SUBSCRIBE granted", variant: "users", caught: "5.4.2 what a user may subscribe to", says: []string{"leading wildcard"}, down: code(9, 3, 0x87, 1)},
	{name: "any password will do", variant: "users", caught: "3.1.4-2 user name and password", up: func(_ *lie, p pkt) []pkt {
		if at, _, props, _, _ := p.connectAt(); p.typ() == 1 && props > 0 && p.body[at]&0x80 != 0 {
			if i := bytes.Index(p.body, []byte("\x00\x05alice")); i > 0 {
				body := slices.Clone(p.body[:i])
				body[at] |= 0x40
				return []pkt{p.edited(p.first, body, []byte("\x00\x05alice\x00\x06secret"))}
			}
		}
		return []pkt{p}
	}},
	{name: "ill-formed UTF-8 in topics swallowed", caught: "1.5.4-1 ill-formed UTF-8 in a Topic Name", says: []string{"UTF-8", "surrogate"}, up: dropped(func(_ *lie, p pkt) bool {
		topic, _, _ := p.publishAt()
		return p.typ() == 3 && !utf8.ValidString(topic)
	})},
	{name: "PINGREQ not answered", caught: "3.12.4-1 PINGREQ is answered", says: []string{"PINGRE", "got nothing"}, down: dropped(func(_ *lie, p pkt) bool { return p.typ() == 13 })},
	{name: "long client identifiers refused", caught: "3.1.3-5 a client identifier of 23 letters and digits", up: refusedConnect(0x85, func(s *lie, p pkt) bool { return len(s.id) > 22 })},
	{name: "empty client identifiers want Clean Start", caught: "3.1.3-6 an empty client identifier without Clean Start", up: refusedConnect(0x85, func(s *lie, p pkt) bool {
		at, _, _, _, _ := p.connectAt()
		return s.id == "" && p.body[at]&2 == 0
	})},
	{name: "a user name wants a password", caught: "3.1.2-16 user name and password flags in all ways", says: []string{"CONNACK 0x86"}, up: refusedConnect(0x86, func(s *lie, p pkt) bool {
		at, _, _, _, _ := p.connectAt()
		return p.body[at]&0xc0 == 0x80
	})},
	{name: "Maximum QoS 2 said", caught: "3.2.2.3 the CONNACK's properties have values that they may have", down: onConnack(func(list []property) []property {
		return append(without(36)(list), property{36, []byte{2}})
	})},
	{name: "connections stay open after DISCONNECT", caught: "3.14.4 the server closes after DISCONNECT", says: []string{"still connected", "no answer"}, clings: true},
}

// refusedConnect refuses what is chosen.
func refusedConnect(code byte, chosen func(s *lie, p pkt) bool) func(*lie, pkt) []pkt {
	return func(s *lie, p pkt) []pkt {
		if _, _, props, _, _ := p.connectAt(); p.typ() == 1 && props > 0 && chosen(s, p) {
			s.down(pkt{first: 0x20, body: []byte{0, code, 0}})
			return nil
		}
		return []pkt{p}
	}
}
