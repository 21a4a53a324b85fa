package broker

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Who may do what is decided as the rulebook does it: of random users, filters and
// topics, nothing leaks and nothing rightful is refused. Every message is followed
// to all who are there.
func TestRights(t *testing.T) {
	rounds, least := some(13, 230), some(5000, 100_000)
	n := make(tries)
	for seed := range rounds {
		synctest.Test(t, func(t *testing.T) { play(t, uint64(seed), n) })
		if t.Failed() {
			t.Fatalf("that was with seed %d", seed)
		}
	}
	total := 0
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		allowed, refused := n[kind][0], n[kind][1]
		t.Logf("%s: %d allowed, %d refused", kind, allowed, refused)
		if kind == "connect" || kind == "publish" || kind == "subscribe" { // the others are parts of these
			total += allowed + refused
		}
		if min(allowed, refused)*8 < allowed+refused {
			t.Errorf("%s: %d allowed, %d refused; want an eighth of each at least, or little was tried", kind, allowed, refused)
		}
	}
	if total < least {
		t.Errorf("%d tries; want %d", total, least)
	}
}

// tries counts what the rulebook allows and refuses, by kind.
type tries map[string]*[2]int

func (n tries) count(kind string, allowed bool) {
	if n[kind] == nil {
		n[kind] = new([2]int)
	}
	if allowed {
		n[kind][0]++
	} else {
		n[kind][1]++
	}
}

// game is a broker with random users, some of whom are connected.
type game struct {
	t        *testing.T
	r        *rand.Rand
	n        tries
	o        *rulebook
	b        *Broker
	members  []*member
	watcher  *member // sees everything
	retained map[string]string
	serial   int
}

// member is one who is connected.
type member struct {
	*client
	someone
	old      bool // of MQTT 3.1.1, which has no properties, and reasons in a SUBACK and CONNACK alone
	filters  map[string]heard
	want     map[string]int // payloads that are to come, and how often
	ofBroker []string       // topics at $SYS that have come
}

// heard is a filter that was granted, without $share/NAME/.
type heard struct {
	bare   string
	shared bool
}

func play(t *testing.T, seed uint64, n tries) {
	g := &game{t: t, r: rand.New(rand.NewPCG(seed, 11)), n: n, retained: make(map[string]string)}
	config := g.config()
	var err error
	if g.b, err = New(config); err != nil {
		t.Fatalf("New(%+v) = %v", config, err)
	}
	defer g.b.Close()
	g.watcher = g.connected(someone{"watcher", "watcher"}, false, login("watcher", "watcher", "p"))
	for _, f := range []string{"#", "$x/#", "$SYS/#", "$SYSx/#"} {
		g.watcher.exchangeAny(sub5(1, f, 2<<4)) // without what is retained
		g.watcher.filters[f] = heard{bare: f}
	}
	for range 6 {
		if s := g.someone(); g.connectable(s) && g.o.mayBe(s) {
			old := g.r.IntN(3) == 0
			g.members = append(g.members, g.connected(s, old, g.login(s, old, "", "")))
		}
	}
	for range 30 {
		topic := g.topic(nil)
		for ofBroker(topic) {
			topic = g.topic(nil)
		}
		g.watcher.send(pub5(1, topic, 0, props(), g.sends(topic, true)))
	}
	for range 2 {
		g.settle("publishing what is retained")
		for _, m := range g.members {
			for range 2 {
				g.subscribes(m)
			}
		}
		for _, m := range g.members {
			g.publishes(m, 60)
		}
		for range 12 {
			g.connects()
		}
	}
}

func (g *game) pick(texts ...string) string { return texts[g.r.IntN(len(texts))] }

// level is one of a topic or filter; they are few, so that much meets.
func (g *game) level() string {
	return g.pick("a", "b", "c", "", "users", "alice", "bob", "light-1", "$x", "own")
}

func (g *game) config() Config {
	g.o = &rulebook{
		anonymous: g.r.IntN(4) == 0, foreign: g.r.IntN(8) == 0,
		users: make(map[string]ruleUser), filters: make(map[string]*regexp.Regexp),
	}
	c := Config{Anonymous: g.o.anonymous, Limits: Limits{ForeignResponseTopics: g.o.foreign}}
	for range 3 + g.r.IntN(3) {
		u := ruleUser{name: g.pick("alice", "bob", "carol", "dave", "users", "a+b", "x/y", "#", "$x"), info: g.info()}
		if _, twice := g.o.users[u.name]; twice {
			continue
		}
		for range g.r.IntN(5) {
			u.publish = append(u.publish, g.entry())
		}
		for range g.r.IntN(5) {
			u.subscribe = append(u.subscribe, g.entry())
		}
		for range max(0, g.r.IntN(5)-2) {
			u.clientIDs = append(u.clientIDs, g.pick("light-*", "{user}-*", "*-1", "a*e", "phone", "*b*"))
		}
		g.o.users[u.name] = u
		c.Users = append(c.Users, User{
			Name: u.name, Password: "p", ResponseInformation: u.info, ClientIDs: u.clientIDs,
			Publish: append([]string{}, u.publish...), Subscribe: append([]string{}, u.subscribe...),
		})
	}
	c.Users = append(c.Users, User{Name: "watcher", Password: "p", ClientIDs: []string{"watcher"}})
	return c
}

func (g *game) info() string {
	return g.pick("", "", "", "users/{user}/", "users/{user}/", "own/{client}/", "a/", "a/b/", "users/alice/", "{user}/{client}/")
}

// entry is one of a user's lists.
func (g *game) entry() string {
	if g.r.IntN(20) == 0 {
		return g.pick("#", "+", "+/+", "$SYS/#", "$x/#", "$SYSx/+")
	}
	levels := make([]string, 1+g.r.IntN(4))
	for i := range levels {
		levels[i] = g.level()
		if g.r.IntN(3) == 0 {
			levels[i] = g.pick("+", "+", "{user}", "{client}", "dev-{client}")
		}
	}
	if g.r.IntN(3) == 0 {
		levels = append(levels, "#")
	}
	if f := strings.Join(levels, "/"); f != "" {
		return f
	}
	return "+"
}

// topic is one that somebody might publish to, with a chance to be in a list.
func (g *game) topic(granted []string) string {
	for {
		filter := "+/+/#"
		switch g.r.IntN(8) {
		case 0:
			filter = g.pick("#", "+", "$x/+", "$SYS/+", "$SYS", "$SYSx/+", "users/alice/+", "own/#")
		case 1, 2:
			filter = g.entry()
		default:
			if len(granted) > 0 {
				filter = granted[g.r.IntN(len(granted))]
			}
		}
		levels := strings.Split(filter, "/")
		if last := len(levels) - 1; levels[last] == "#" {
			levels = levels[:last]
			for range g.r.IntN(3) {
				levels = append(levels, g.level())
			}
		}
		for i := range levels {
			if levels[i] == "+" {
				levels[i] = g.level()
			}
		}
		if topic := strings.Join(levels, "/"); topic != "" {
			return topic
		}
	}
}

// filter is one that somebody might subscribe to: an entry of hers, a part of it,
// or a little more.
func (g *game) filter(granted []string, share string) string {
	filter := g.entry()
	if len(granted) > 0 && g.r.IntN(4) > 0 {
		filter = granted[g.r.IntN(len(granted))]
	}
	levels := strings.Split(filter, "/")
	for range g.r.IntN(3) {
		i := g.r.IntN(len(levels))
		switch {
		case levels[i] == "#" && g.r.IntN(2) == 0:
			levels = append(levels[:i], g.pick("+", "a", "a/#", "+/#", "a/b"))
		case i == len(levels)-1 && g.r.IntN(4) == 0:
			levels = append(levels, g.pick("#", "+", "a"))
		case g.r.IntN(6) == 0:
			levels[i] = g.pick("+", "a#", "b+", "#")
		case levels[i] == "+":
			levels[i] = g.level()
		}
	}
	filter = strings.Join(levels, "/")
	switch g.r.IntN(16) {
	case 0, 1:
		return "$share/" + share + "/" + filter
	case 2:
		return g.pick("$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/g#/a", "$sharex/a") // 4.8.2-1, -2
	}
	if filter == "" {
		return "/"
	}
	return filter
}

// someone is a user, or nobody by name, under a Client Identifier.
func (g *game) someone() someone {
	names := slices.Sorted(maps.Keys(g.o.users))
	return someone{g.pick(append(names, "")...), g.pick("alice", "light-1", "phone", "c", "a/b", "+", "#", "users", "bob-1", "$x")}
}

// connectable reports whether somebody is let in, and can be without taking over a
// session.
func (g *game) connectable(s someone) bool {
	if s.user == "" && !g.o.anonymous {
		return false
	}
	return !slices.ContainsFunc(g.members, func(m *member) bool { return m.id == s.id })
}

// login is a CONNECT, with a Will that tells its serial number if will is its topic.
func (g *game) login(s someone, old bool, will, answer string) raw {
	flags, rest := 2, raw(nil)
	version, none := 5, props()
	if old {
		version, none = 4, nil
	}
	if will != "" {
		flags |= 4
		var ps raw
		if answer != "" {
			ps = enc(8, answer)
		}
		if !old {
			ps = props(ps)
		}
		rest = enc(ps, will, strconv.Itoa(g.serial))
	}
	if s.user != "" {
		flags |= 0xc0
		rest = enc(rest, s.user, "p")
	}
	return pkt(0x10, "MQTT", version, flags, u16(0), none, s.id, rest)
}

func (g *game) connected(s someone, old bool, packet raw) *member {
	g.t.Helper()
	c, _ := connect(g.t, g.b, packet)
	return &member{client: c, someone: s, old: old, filters: make(map[string]heard), want: make(map[string]int)}
}

// sends notes whom a message that is allowed has to reach, and returns its payload.
func (g *game) sends(topic string, retain bool) string {
	payload := strconv.Itoa(g.serial)
	g.serial++
	for _, m := range append(g.members, g.watcher) {
		once := false
		for _, f := range m.filters {
			if !g.o.matches(f.bare, topic) || !f.shared && once {
				continue
			}
			once = once || !f.shared // 3.3.4-2: one copy, and one of each Shared Subscription
			m.want[payload]++
		}
	}
	if retain {
		g.retained[topic] = payload
	}
	return payload
}

// settle waits until nothing moves and compares what came to each with what had
// to.
func (g *game) settle(doing string) {
	g.t.Helper()
	for _, m := range append(g.members, g.watcher) {
		for _, p := range m.waiting() {
			g.came(m, p)
		}
		for payload, n := range m.want {
			if n != 0 {
				g.t.Errorf("%s: %q of user %q: message %s is %d too few (negative: too many)", doing, m.id, m.user, payload, n)
			}
		}
		clear(m.want)
		for _, topic := range m.ofBroker {
			granted := false
			for _, f := range m.filters {
				granted = granted || g.o.matches(f.bare, topic)
			}
			if !granted {
				g.t.Errorf("%s: %q of user %q got %s; want nothing that it may not subscribe to", doing, m.id, m.user, topic)
			}
		}
		m.ofBroker = nil
	}
}

func (g *game) came(m *member, p raw) {
	g.t.Helper()
	if m.old {
		p = withoutProps(p)
	}
	pub, err := parsePublish(p)
	if err != nil {
		g.t.Fatalf("%q of user %q got %x: %v; want a PUBLISH", m.id, m.user, []byte(p), err)
	}
	if ofBroker(pub.topic) {
		m.ofBroker = append(m.ofBroker, pub.topic)
		return
	}
	m.want[pub.payload]--
}

// withoutProps is a PUBLISH of 3.1.1 at QoS 0, of less than 127 bytes, as one of version 5.
func withoutProps(p raw) raw {
	n := 4 + int(p[2])<<8 + int(p[3])
	return enc(int(p[0]), int(p[1])+1, p[2:n], 0, p[n:])
}

// waiting returns the packets that have come when nothing moves any more.
func (m *member) waiting() (packets []raw) {
	m.t.Helper()
	synctest.Wait()
	_ = m.nc.SetReadDeadline(time.Now().Add(time.Nanosecond))
	for chunk := make([]byte, 4096); ; {
		n, err := m.nc.Read(chunk)
		m.buf = append(m.buf, chunk[:n]...)
		if n == 0 && err != nil {
			break
		}
	}
	for {
		n := whole(m.buf)
		if n == 0 {
			return packets
		}
		packets = append(packets, raw(m.buf[:n:n]))
		m.buf = m.buf[n:]
	}
}

// subscribes tries filters, and wants what is retained beneath those granted.
func (g *game) subscribes(m *member) {
	granted := m.granted(g.o.users[m.user].subscribe, g.o.users[m.user].info)
	var filters []string
	for range 32 {
		if f := g.filter(granted, fmt.Sprint("g", slices.Index(g.members, m))); !slices.Contains(filters, f) {
			filters = append(filters, f)
		}
	}
	var body raw
	for _, f := range filters {
		body = enc(body, f, 0)
	}
	none := props()
	if m.old {
		none = nil
	}
	m.send(pkt(0x82, u16(7), none, body))
	packets := m.waiting()
	at := slices.IndexFunc(packets, func(p raw) bool { return p[0] == 0x90 })
	if at < 0 || len(packets[at]) < len(filters) {
		g.t.Fatalf("%q of user %q subscribes to %q and gets %x", m.id, m.user, filters, packets)
	}
	codes := packets[at][len(packets[at])-len(filters):]
	for _, p := range slices.Delete(packets, at, at+1) {
		g.came(m, p)
	}
	for i, f := range filters {
		want := g.o.suback(m.someone, f)
		if said := codes[i]; said != want && !(m.old && want >= 0x80 && said == 0x80) {
			g.t.Errorf("%q of user %q (%+v) subscribes to %q: 0x%02x; want 0x%02x", m.id, m.user, g.o.users[m.user], f, codes[i], want)
		}
		if want != 0x8f {
			g.n.count("subscribe", want == 0)
		}
		if want != 0 {
			continue
		}
		bare, shared, _ := unshared(f)
		m.filters[f] = heard{bare, shared}
		for topic, payload := range g.retained {
			if !shared && g.o.matches(bare, topic) {
				m.want[payload]++
			}
		}
	}
	g.settle("subscribing")
}

// publishes tries topics and Response Topics, at each QoS.
func (g *game) publishes(m *member, n int) {
	u := g.o.users[m.user]
	granted, readable := m.granted(u.publish, u.info), m.granted(u.subscribe, u.info)
	var batch raw
	type try struct {
		topic, answer string
		qos           int
		allowed       bool
	}
	all := make([]try, n)
	for i := range all {
		tr := try{topic: g.topic(granted), qos: g.r.IntN(3)}
		var ps raw
		if g.r.IntN(3) == 0 && !m.old {
			tr.answer = g.topic(readable)
			ps = enc(8, tr.answer)
		}
		tr.allowed = g.o.mayPublish(m.someone, tr.topic) && g.o.mayAnswerTo(m.someone, tr.answer)
		g.n.count("publish", tr.allowed)
		if tr.answer != "" && g.o.mayPublish(m.someone, tr.topic) {
			g.n.count("Response Topic", tr.allowed)
		}
		payload := "no"
		retain := g.r.IntN(8) == 0
		if tr.allowed {
			payload = g.sends(tr.topic, retain)
		}
		publish := pub5(tr.qos<<1|b2i(retain), tr.topic, i+1, props(ps), payload)
		if m.old {
			var id raw
			if tr.qos > 0 {
				id = enc(u16(i + 1))
			}
			publish = pkt(0x30|tr.qos<<1|b2i(retain), tr.topic, id, raw(payload))
		}
		batch = append(batch, publish...)
		all[i] = tr
	}
	m.send(batch)
	for _, p := range m.waiting() {
		if p[0]>>4 == 3 {
			g.came(m, p)
			continue
		}
		i, code := int(p[2])<<8|int(p[3])-1, byte(0)
		if len(p) > 4 {
			code = p[4]
		}
		tr := &all[i]
		// 3.1.1 has no way to refuse: what is not allowed is acknowledged and goes to nobody.
		if want := byte(0x40 + (tr.qos-1)<<4); p[0] != want || (code < 0x80) != (tr.allowed || m.old) || code >= 0x80 && code != 0x87 {
			g.t.Errorf("%q of user %q (%+v) publishes to %q at QoS %d with Response Topic %q: %x; want it allowed: %v", m.id, m.user, u, tr.topic, tr.qos, tr.answer, []byte(p), tr.allowed)
		}
		tr.answer = "answered"
	}
	for i, tr := range all {
		if tr.qos > 0 && tr.answer != "answered" {
			g.t.Errorf("%q of user %q publishes to %q at QoS %d and gets no answer", m.id, m.user, tr.topic, tr.qos)
		}
		if tr.qos == 2 && (tr.allowed || m.old) {
			m.send(ack(0x62, i+1))
		}
	}
	for _, p := range m.waiting() { // PUBCOMP
		if len(p) != 4 || p[0] != 0x70 {
			g.t.Errorf("after PUBREL came %x; want a PUBCOMP of success", []byte(p))
		}
	}
	g.settle("publishing")
}

// connects tries to be somebody, with a Will or without.
func (g *game) connects() {
	s := g.someone()
	if s.user == "" && !g.o.anonymous || slices.ContainsFunc(g.members, func(m *member) bool { return m.someone == s }) {
		return // not let in, or a take-over
	}
	u := g.o.users[s.user]
	will, answer := "", ""
	old := g.r.IntN(3) == 0
	if g.r.IntN(3) > 0 {
		will = g.topic(s.granted(u.publish, u.info))
		if g.r.IntN(2) == 0 && !old {
			answer = g.topic(s.granted(u.subscribe, u.info))
		}
	}
	want := byte(0)
	switch {
	case !g.o.mayBe(s):
		want = 0x85
	case !g.connectable(s): // the session is another's
		want = 0x87
	case will != "":
		if !g.o.mayPublish(s, will) || !g.o.mayAnswerTo(s, answer) {
			want = 0x87
		}
		g.n.count("Will", want == 0)
	}
	g.n.count("connect", want == 0)
	c := dial(g.t, g.b)
	c.send(g.login(s, old, will, answer))
	if a := c.connack(); a.code != want && !(old && a.code == map[byte]byte{0x85: 2, 0x87: 5}[want]) {
		g.t.Errorf("%q of user %q (%+v) connects with Will Topic %q and Response Topic %q: 0x%02x; want 0x%02x", s.id, s.user, u, will, answer, a.code, want)
	}
	if want == 0 && will != "" {
		g.sends(will, false)
	}
	c.crash()
	g.settle("being gone")
}
