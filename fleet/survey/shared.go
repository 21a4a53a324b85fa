package survey

import (
	"context"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/wire"
)

const (
	// echoWithin is how soon a message comes back that a client publishes to itself.
	echoWithin = 1500 * time.Millisecond
	// sharedWithin is how much later than by a plain subscription a message comes by a
	// shared one, to which it was sent earlier.
	sharedWithin = time.Second
)

// Sharing returns Shared, which asks once, when it is called first; whoever calls meanwhile waits.
func Sharing(c Config) func() (has, known bool) {
	var begun sync.Once
	var has, known bool
	over := make(chan struct{})
	ask := func() {
		defer close(over)
		has, known = Shared(context.Background(), c)
	}
	return func() (bool, bool) {
		begun.Do(func() { go ask() })
		<-over
		return has, known
	}
}

// Shared finds out whether a broker has shared subscriptions, by a message to one: brokers of
// MQTT 3.1.1 do not say, and to one that has none $share/... is a topic to which nothing
// comes. known is false where a message to a plain subscription does not come either, or the
// broker lets nobody subscribe or connect to find out.
func Shared(ctx context.Context, c Config) (has, known bool) {
	s := &sharer{config: c, done: make(chan struct{})}
	converse(ctx, c, &s.Session, s, s.done)
	return s.shared, s.shared || s.plain && s.over
}

// sharer is the handler of the session.
type sharer struct {
	client.Session
	config Config
	done   chan struct{}
	over   bool

	until         time.Time
	plain, shared bool // the message came
}

func (s *sharer) topic(name string) string { return "homefleet/" + name + "/" + s.config.ClientID }

// FillConnect implements [client.Handler].
func (s *sharer) FillConnect(c *wire.Connect) error {
	c.CleanStart, c.SessionExpiry = true, 0
	return s.config.Credentials(c)
}

// Subscriptions implements [client.Handler].
func (s *sharer) Subscriptions() ([]packets.SubOptions, int, error) {
	return []packets.SubOptions{{Topic: "$share/homefleet/" + s.topic("shared")}, {Topic: s.topic("plain")}}, 2, nil
}

// Online implements [client.Handler].
func (s *sharer) Online(now time.Time) time.Time {
	for _, name := range []string{"shared", "plain"} { // in this order
		s.SendOnce(&wire.Publish{Topic: []byte(s.topic(name)), Payload: []byte("survey")}, 0)
	}
	s.until = now.Add(echoWithin)
	return s.until
}

// Message implements [client.Handler].
func (s *sharer) Message(p *wire.Publish) {
	switch string(p.Topic) {
	case s.topic("shared"):
		s.shared = true
		s.finish()
	case s.topic("plain"):
		s.plain = true
	}
}

// Act implements [client.Routine].
func (s *sharer) Act(now time.Time) time.Time {
	switch {
	case now.Before(s.until):
		return s.until
	case s.plain && now.Before(s.until.Add(sharedWithin)):
		return s.until.Add(sharedWithin)
	}
	s.finish()
	return time.Time{}
}

func (s *sharer) finish() {
	if !s.over {
		s.over = true
		close(s.done)
	}
}
