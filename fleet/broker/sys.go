package broker

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// sysEvery is how often the broker publishes what has changed at $SYS.
const sysEvery = 10 * time.Second

// sysTree is what the broker says of itself beneath $SYS, by the names that Mosquitto has for
// it. It is there as long as somebody subscribes to any of it: until then nothing is kept,
// and no timer goes.
type sysTree struct {
	owner owner // of its messages, which is nobody

	mu    sync.Mutex // before any other of the broker's
	live  bool       // the topics are retained, and the timer goes
	asked bool       // somebody has asked since the last look
	timer *time.Timer
	said  map[string]string // by topic
	loads map[string]*sysLoad
	at    time.Duration // when loads were brought up to date
}

// sysValue is what stands at a topic.
type sysValue struct{ topic, value string }

// sysWindows are the times over which loads are averaged.
var sysWindows = [3]struct {
	name    string
	minutes float64
}{{"1min", 1}, {"5min", 5}, {"15min", 15}}

// sysLoad is how much of something there was a minute, on average: what is long ago weighs
// less and less, by e for each length of the window.
type sysLoad struct {
	total    uint64
	averages [len(sysWindows)]float64
}

// goOn takes a new total, so many minutes after the last one. In these it is taken to have
// grown evenly.
func (l *sysLoad) goOn(total uint64, minutes float64) {
	if minutes <= 0 {
		return
	}
	rate := float64(total-l.total) / minutes
	for i, w := range sysWindows {
		l.averages[i] += (rate - l.averages[i]) * (1 - math.Exp(-minutes/w.minutes))
	}
	l.total = total
}

// subscribesSys reports whether a client asks for any of $SYS, and may have it.
func (c *conn) subscribesSys(p *packets.Subscribe) bool {
	return slices.ContainsFunc(p.Subscriptions, func(o packets.SubOptions) bool {
		_, filter := splitShared(o.Topic)
		return reserved(filter) && c.access.maySubscribe(filter)
	})
}

// askSys has $SYS be there, for somebody who is about to subscribe to it.
func (b *Broker) askSys() {
	y := &b.sys
	y.mu.Lock()
	defer y.mu.Unlock()
	y.asked = true
	if y.live {
		return
	}
	y.live, y.said = true, make(map[string]string)
	if !b.limits.NoRetain {
		for _, v := range b.changedSys() {
			b.retainSys(v.topic, b.sysMessage(v))
		}
	}
	y.timer = time.AfterFunc(sysEvery, b.tellSys)
}

// tellSys is called by the timer.
func (b *Broker) tellSys() {
	if !b.enter() {
		return
	}
	defer b.leave()
	y := &b.sys
	y.mu.Lock()
	if b.topics.sys.Load() == 0 && !y.asked {
		b.endSys()
		y.mu.Unlock()
		return
	}
	y.asked = false
	changed := b.changedSys()
	y.timer.Reset(sysEvery)
	y.mu.Unlock()
	for _, v := range changed {
		b.route(b.sysMessage(v), &y.owner)
	}
}

// endSys takes the topics away. The caller holds sys.mu.
func (b *Broker) endSys() {
	for topic := range b.sys.said {
		b.retainSys(topic, nil)
	}
	b.sys.live, b.sys.said = false, nil
}

// stopSys stops the timer of a broker that is closed.
func (b *Broker) stopSys() {
	b.sys.mu.Lock()
	defer b.sys.mu.Unlock()
	if b.sys.timer != nil {
		b.sys.timer.Stop()
	}
}

// sysMessage is the PUBLISH of a value.
func (b *Broker) sysMessage(v sysValue) *wire.Publish {
	return &wire.Publish{Topic: []byte(v.topic), Payload: []byte(v.value), Retain: !b.limits.NoRetain}
}

// retainSys retains a message that nobody subscribes to yet; nil takes away what is there.
func (b *Broker) retainSys(topic string, p *wire.Publish) {
	var k *kept
	if p != nil {
		k = (&message{topic: p.Topic, payload: p.Payload, from: &b.sys.owner, retain: true}).keep()
	}
	t := &b.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retained.retain([]byte(topic), k, &b.sys.owner, &b.limits, b.now())
}

// changedSys returns what has changed since it was called last, as Mosquitto publishes it; all
// of it where nothing is retained. The caller holds sys.mu.
func (b *Broker) changedSys() []sysValue {
	y := &b.sys
	now := b.now()
	all := b.sysValues(now)
	y.at = now
	changed := all[:0]
	for _, v := range all {
		if old, ok := y.said[v.topic]; !ok || old != v.value || b.limits.NoRetain {
			y.said[v.topic] = v.value
			changed = append(changed, v)
		}
	}
	return changed
}

// sysValues returns all that is said. The caller holds sys.mu.
func (b *Broker) sysValues(now time.Duration) []sysValue {
	const root = "$SYS/broker/"
	s := b.Stats()
	all := []sysValue{
		{root + "version", b.config.Version},
		{root + "uptime", fmt.Sprintf("%d seconds", now/time.Second)},
	}
	number := func(name string, n uint64) {
		all = append(all, sysValue{root + name, strconv.FormatUint(n, 10)})
	}
	number("clients/total", uint64(s.Sessions))
	number("clients/maximum", uint64(s.MostClients))
	number("clients/connected", uint64(s.Clients))
	number("clients/disconnected", uint64(max(s.Sessions-s.Clients, 0)))
	number("clients/expired", s.Expired)
	number("subscriptions/count", uint64(s.Subscriptions))
	number("retained messages/count", uint64(s.Retained))
	number("store/messages/count", uint64(s.Stored))
	number("store/messages/bytes", uint64(s.StoredBytes))
	dropped := s.DroppedSlow + s.DroppedFull
	number("messages/received", s.PacketsIn)
	number("messages/sent", s.PacketsOut)
	number("publish/messages/received", s.MessagesIn+s.DroppedRefused)
	number("publish/messages/sent", s.MessagesOut)
	number("publish/messages/dropped", dropped)
	number("bytes/received", s.BytesIn)
	number("bytes/sent", s.BytesOut)
	minutes := (now - b.sys.at).Minutes()
	for _, of := range []struct {
		name  string
		total uint64
	}{
		{"messages/received", s.PacketsIn}, {"messages/sent", s.PacketsOut},
		{"publish/received", s.MessagesIn + s.DroppedRefused}, {"publish/sent", s.MessagesOut}, {"publish/dropped", dropped},
		{"bytes/received", s.BytesIn}, {"bytes/sent", s.BytesOut},
		{"connections", s.Connects}, {"sockets", s.Connects + s.Refused},
	} {
		l := b.sys.loads[of.name]
		if l == nil {
			l = new(sysLoad)
			b.sys.loads[of.name] = l
		}
		l.goOn(of.total, minutes)
		for i, w := range sysWindows {
			all = append(all, sysValue{root + "load/" + of.name + "/" + w.name, strconv.FormatFloat(l.averages[i], 'f', 2, 64)})
		}
	}
	return all
}
