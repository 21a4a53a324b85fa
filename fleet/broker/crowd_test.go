package broker

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// A message that goes to more subscriptions than go beside other messages reaches each
// client once, in order, is retained, and takes the members of a Shared Subscription in
// turn, as every message does.
func TestCrowd(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		const filters = 900 // that overlap, of each client; one can add 1,000 arrangements of wildcards
		topic := overlapping(0, 10)
		var all raw
		for k := range filters {
			all = append(all, enc(overlapping(k, 10), 0)...)
		}
		var clients [crowd/filters + 1]*client
		for i := range clients {
			clients[i], _ = connect(t, b, connectV5(fmt.Sprint("c", i)))
			clients[i].exchangeAny(pkt(0x82, u16(1), props(), all))
		}
		var members [2]*client
		for i := range members {
			members[i], _ = connect(t, b, connectV5(fmt.Sprint("member", i)))
			members[i].subscribe("$share/g/"+topic, 0)
		}
		away, _ := connect(t, b, connectV5("away", expiry100))
		away.subscribe("$share/g/"+topic, 0)
		away.crash()
		p, _ := connect(t, b, connectV5("p"))
		for i := range 10 {
			p.send(pub5(i%2, topic, 0, props(), fmt.Sprint(i))) // every other one to be retained
		}
		p.exchange(pingreq, pingresp)
		for _, c := range clients {
			for i := range 10 {
				c.want(pub5(0, topic, 0, props(), fmt.Sprint(i)))
			}
			c.exchange(pingreq, pingresp) // and nothing else
		}
		for _, c := range members {
			for range 5 {
				c.publication()
			}
			c.exchange(pingreq, pingresp)
		}
		late, _ := connect(t, b, connectV5("late"))
		late.subscribe(topic, 0)
		late.want(pub5(1, topic, 0, props(), "9"))
	})
}

// 4.8.2: of a Shared Subscription those get messages who are connected, whoever comes and
// goes, and however many are away; if nobody is, they wait for one of them.
func TestSharedByThoseConnected(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		p, _ := connect(t, b, connectV5("p"))
		const n = 8
		var members [n]*client
		up := make(map[int]bool)
		for i := range n {
			members[i], _ = connect(t, b, connectV5(fmt.Sprint(i), expiry100))
			members[i].subscribe("$share/g/a", 1)
			up[i] = true
		}
		for step, i := range []int{3, 0, 7, 3, 1, 2, 4, 5, 0, 6, 3, 7, 7, 1, 6, 0, 2} { // who comes or goes
			if up[i] {
				members[i].crash()
				delete(up, i)
				synctest.Wait()
			} else {
				members[i], _ = connect(t, b, resumeV5(fmt.Sprint(i), expiry100))
				up[i] = true
			}
			if len(up) == 0 {
				continue
			}
			for range len(up) {
				p.exchange(pub5(2, "a", 1, props(), "x"), ack(0x40, 1))
			}
			for k := range up {
				m := members[k].publication()
				members[k].send(ack(0x40, m.id))
				if members[k].exchange(pingreq, pingresp); t.Failed() {
					t.Fatalf("step %d: member %d of %v", step, k, up)
				}
			}
		}
		ts := &b.topics
		g := ts.group(ts.sub(ts.only(b.sessions.get("0"))).chain)
		online := 0
		first := slot(g.turn.Load())
		for at := first; ; {
			if ts.sub(at).is(isOnline) {
				online++
			}
			if at = ts.sub(at).next; at == first {
				break
			}
		}
		if online != len(up) {
			t.Errorf("%d members are noted as connected; want %d", online, len(up))
		}
	})
}
