package broker

import "testing"

// 3.3.2.3.4, 3.1.2-26, -27: a client that takes Topic Aliases gets them, no more
// than it takes, and anew on each connection; one that takes none gets none.
func TestTopicAliasesOfTheBroker(t *testing.T) {
	bubble(t, Config{}, topicAliasesOfTheBroker)
}

func topicAliasesOfTheBroker(t *testing.T, b *Broker) {
	p, _ := connect(t, b, connectV5("p"))
	s, _ := connect(t, b, connectV5("s", enc(0x22, u16(1))))
	plain, _ := connect(t, b, connectV5("plain"))
	for _, c := range []*client{s, plain} {
		c.subscribe("#", 0)
	}
	alias1 := props(enc(0x23, u16(1)))
	for _, want := range []raw{
		pkt(0x30, "sensors/one", alias1, raw("x")),
		pkt(0x30, "", alias1, raw("x")),
		pkt(0x30, "", alias1, raw("x")),
	} {
		p.send(pub5(0, "sensors/one", 0, props(), "x"))
		s.want(want)
		plain.want(pub5(0, "sensors/one", 0, props(), "x"))
	}
	p.send(pub5(0, "sensors/two", 0, props(), "x"))
	s.want(pub5(0, "sensors/two", 0, props(), "x"))
	s.bye()
	s, _ = connect(t, b, connectV5("s", enc(0x22, u16(1))))
	s.subscribe("#", 0)
	p.send(pub5(0, "sensors/one", 0, props(), "x"))
	s.want(pkt(0x30, "sensors/one", alias1, raw("x")))
}
