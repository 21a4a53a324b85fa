package broker

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// oracle says by section 4.7 whether a filter matches a topic, level by level.
func oracle(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	if topic[0] == '$' && (f[0] == "+" || f[0] == "#") {
		return false
	}
	for i, level := range f {
		switch {
		case level == "#":
			return true
		case i == len(t) || level != "+" && level != t[i]:
			return false
		}
	}
	return len(f) == len(t)
}

// words make up topics of the tests: some sort before and behind "/".
var words = []string{"a", "b", "a!", "a0", "", "$x", "a b", "ä"}

func randomTopic(random *rand.Rand) string {
	levels := make([]string, 1+random.IntN(4))
	for i := range levels {
		levels[i] = words[random.IntN(len(words))]
	}
	topic := strings.Join(levels, "/")
	if topic == "" {
		return "/"
	}
	return topic
}

func randomFilter(random *rand.Rand) string {
	levels := strings.Split(randomTopic(random), "/")
	for i := range levels {
		if random.IntN(3) == 0 {
			levels[i] = "+"
		}
	}
	if random.IntN(3) == 0 {
		levels[len(levels)-1] = "#"
	}
	return strings.Join(levels, "/")
}

// The retained messages are those of a map, in order, and a feed finds those that
// match (3.3.1-5 to -9), however it is interrupted.
func TestRetainedIsAMapInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	b, err := New(Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	l, store := b.limits, &b.topics.retained
	want := make(map[string]string)
	for step := range 10_000 {
		topic := randomTopic(random) + fmt.Sprint("/", random.IntN(50))
		if random.IntN(4) == 0 {
			topic = randomTopic(random)
		}
		m := (&message{topic: []byte(topic), payload: fmt.Append(nil, step), qos: 1}).keep()
		if random.IntN(3) == 0 {
			m = nil
			delete(want, topic)
		} else {
			want[topic] = fmt.Sprint(step)
		}
		if !store.retain([]byte(topic), m, anyone(), &l, 0) {
			t.Fatalf("step %d: %q is not retained", step, topic)
		}
		if step%300 != 0 {
			continue
		}
		filter := randomFilter(random)
		reader := newSession(b, "reader")
		n := b.topics.enter(reader, filter)
		f := new(feeds)
		b.topics.sub(n).since = f.moment(b.topics.retained.number, new(accounts), new(owner))
		f.subs.push(n)
		var got []*kept
		for more := true; more; more = f.from != nil {
			got, f.from, f.past, _ = b.topics.look(got[:len(got):len(got)], f, 0)
		}
		due := 0
		for topic := range want {
			if oracle(filter, topic) {
				due++
			}
		}
		if len(got) != due || !slices.IsSortedFunc(got, func(a, b *kept) int { return bytes.Compare(a.name(), b.name()) }) {
			t.Fatalf("step %d: %q finds %d messages; want %d, in order", step, filter, len(got), due)
		}
		for _, k := range got {
			var m message
			k.message(&m, nil)
			if want[string(m.topic)] != string(m.payload) || !oracle(filter, string(m.topic)) {
				t.Fatalf("step %d: %q finds %q %q; want %q", step, filter, m.topic, m.payload, want[string(m.topic)])
			}
		}
	}
	if store.count != len(want) {
		t.Errorf("count = %d; want %d", store.count, len(want))
	}
	for topic := range want {
		store.retain([]byte(topic), nil, anyone(), &l, 0)
	}
	if store.count+store.bytes+len(store.chunks) != 0 {
		t.Errorf("emptied, it has %d messages of %d bytes in %d chunks; want none", store.count, store.bytes, len(store.chunks))
	}
}

// 3.3.1-9: retained messages come as the client takes them. One that is replaced
// meanwhile comes once, as new; one that is removed does not; and a session that
// is resumed gets the rest.
func TestRetainedComeAsTheClientTakesThem(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumQueued: 100}}, func(t *testing.T, b *Broker) {
		p, _ := connect(t, b, connectV5("p"))
		const n = 1000
		topic := func(i int) string { return fmt.Sprintf("r/%04d", i) }
		for i := range n {
			p.exchange(pub5(3, topic(i), 1, props(), "old"), ackCodeOf(0x40, 1, 0x10))
		}
		c, _ := connect(t, b, connectV5("c", expiry100, receiveMax(1)))
		c.subscribe("r/+", 1)
		want := func(i int, payload string, retain bool) {
			t.Helper()
			m := c.publication()
			if m.topic != topic(i) || m.payload != payload || m.retain != retain {
				t.Fatalf("message = %s %q, RETAIN %v; want %s %q, %v", m.topic, m.payload, m.retain, topic(i), payload, retain)
			}
			c.send(ack(0x40, m.id))
		}
		for i := range 100 {
			want(i, "old", true)
		}
		p.exchange(pub5(3, topic(900), 1, props(), "new"), ack(0x40, 1))
		p.exchange(pub5(3, topic(901), 1, props(), ""), ack(0x40, 1))
		p.exchange(pub5(3, topic(50), 1, props(), "new"), ack(0x40, 1))
		seen := make(map[string]int)
		news := 0
		for range 400 {
			m := c.publication()
			seen[m.topic]++
			if m.payload != "old" {
				news++
			}
			c.send(ack(0x40, m.id))
		}
		c.exchange(pingreq) // what was acknowledged is
		c.crash()
		c, _ = connect(t, b, resumeV5("c", expiry100, receiveMax(1)))
		for len(seen) < 901 { // 100 to 999, and 50
			m := c.publication()
			if !m.dup || seen[m.topic] == 0 {
				seen[m.topic]++
			}
			if m.payload != "old" {
				news++
			}
			c.send(ack(0x40, m.id))
			if news > 3 {
				t.Fatalf("%d messages are new; want 3", news)
			}
		}
		for i := 100; i < n; i++ {
			if got := seen[topic(i)]; got != 1 && i != 901 {
				t.Errorf("%s came %d times; want once", topic(i), got)
			}
		}
		if seen[topic(50)] != 1 || news != 3 {
			t.Errorf("%s came %d times, %d new ones in all; want 1, 3", topic(50), seen[topic(50)], news)
		}
	})
}
