package broker

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"homefleet/fleet/wire"
)

// Config says what a broker is like. It may not be changed once New has it.
type Config struct {
	Limits Limits
	// Users who may connect. Without any, user names and passwords of clients
	// are not looked at.
	Users []User
	// Certificates says that who shows a client certificate, which whoever listens for
	// TLS has verified, is the user that the Common Name of its subject names. No
	// password is asked for then, and the User Name of the CONNECT is not looked at.
	Certificates bool
	// Anonymous lets clients connect that give no user name; they may publish
	// and subscribe to everything.
	Anonymous bool
	// Log gets connections and refusals at debug level, misbehaving clients at
	// warn level, and never a password or payload. Nil: none.
	Log *slog.Logger
	// Admit is asked about every CONNECT that is otherwise in order, and returns
	// the reason code of the CONNACK: 0 lets the client in, 0x80 and above
	// refuse it. It is called from the connections' goroutines, several at a
	// time. Nil: all are let in.
	Admit func(ConnectInfo) byte
	// Will lets the broker break the rules of section 3.1.2.5, for tests of
	// those who watch over a broker's Wills. It is asked about every Will
	// Message that is to be published, at the moment when it is due, and about
	// every one that a DISCONNECT 0x00 has cancelled, and says what becomes of it. It
	// is called from the broker's goroutines, several at a time, and may not call
	// Suspend, Kick or Close. Nil: the broker keeps to the rules.
	Will func(WillInfo) WillFate
	// Version is what the broker says of itself at $SYS/broker/version; default "homefleet".
	Version string
	// ServerReference goes with the reason codes 0x9C and 0x9D (section 4.11).
	ServerReference string
}

// ConnectInfo describes a CONNECT to Config.Admit.
type ConnectInfo struct {
	Number   uint64 // of the CONNECT, from 1; Admit's own refusals count
	ClientID string // as it will be, if the broker assigned it
	Username string
	Remote   string // address of the client
	Version  byte   // 5, 4 (for 3.1.1) or 3
}

// User is somebody who may connect, and what for.
//
// Publish and Subscribe are topic filters; {user} and {client} in them stand for
// the user name and the Client Identifier, and a filter grants nothing to a
// client whose name or identifier has one of +#/ in it there. A nil list
// allows everything; an empty one that is not nil allows nothing. As everywhere in
// MQTT, a leading wildcard does not cover topics that start with $. A
// subscription is allowed when one filter of the list covers everything it can
// match.
type User struct {
	Name string
	// Password, or its hash as HashPassword makes it.
	Password string
	// Certificate says that the user is known by a certificate alone, and has no
	// password: see Config.Certificates.
	Certificate bool
	Publish     []string
	Subscribe   []string
	// ClientIDs are patterns, in which {user} stands for the user name and * for any
	// text. If there are any, the user may connect under a Client Identifier that
	// matches one of them, or that the broker assigns, and under no other; and
	// nobody else may connect under one that matches, unless it is reserved to him,
	// too.
	ClientIDs []string
	// MaximumSessions of the user; 0: Limits.MaximumUserSessions.
	MaximumSessions int
	// ResponseInformation is the part of the topic tree that is the user's own
	// (4.10.2), without wildcards, such as "users/{user}". Clients that ask for
	// Response Information get it; publishing and subscribing beneath it is
	// always allowed, whatever the lists say.
	ResponseInformation string
}

// Limits bound a broker and say what it declares in its CONNACK. In every
// number, 0 stands for the default; where the comment says so, -1 switches
// something off.
type Limits struct {
	// MaximumQoS is 0, 1 or 2; nil: 2 (3.2.2.3.4).
	MaximumQoS *byte
	// NoRetain makes retained messages unavailable (3.2.2.3.5).
	NoRetain bool
	// NoWildcards, NoSubscriptionIDs and NoShared make these kinds of
	// subscription unavailable (3.2.2.3.11 to 3.2.2.3.13).
	NoWildcards, NoSubscriptionIDs, NoShared bool
	// AnyResponseTopic forwards messages whose Response Topic is empty or has a
	// wildcard, which is otherwise a Protocol Error (4.7.3-1, 3.3.2-14), so that
	// devices can be tested with them.
	AnyResponseTopic bool

	// ForeignResponseTopics lets users name any Response Topic. Otherwise a message
	// and a Will of a user are refused with 0x87, and dropped at QoS 0, if they name
	// one that is not the user's: whoever answers would publish there in place of
	// the user. A Response Topic is the user's if she may subscribe to it, and it
	// lies beneath her Response Information, or she may publish to it herself, or she
	// has no Response Information and it lies beneath nobody else's.
	ForeignResponseTopics bool

	// MaximumPacketSize that is taken, in bytes; default 1 MiB, at least 64.
	MaximumPacketSize int
	// ReceiveMaximum is how many QoS 1 and 2 messages a version 5 client may have
	// under way; default 1024.
	ReceiveMaximum uint16
	// MaximumInflight bounds what is under way to a client, whose own Receive
	// Maximum may be as large as 65,535; default 1024.
	MaximumInflight int
	// TopicAliasMaximum for incoming messages; default 64, -1: no aliases.
	TopicAliasMaximum int
	// ServerKeepAlive in seconds is the longest keep alive that version 5 clients
	// may use, 0 (off) counting as longest; default 0: theirs.
	ServerKeepAlive uint16
	// MaximumSessionExpiry, rounded down to seconds, which no session outlives
	// its connection by; default 0: no bound. -1 (or any negative) ends all
	// sessions with their connection.
	MaximumSessionExpiry time.Duration

	// ConnectTimeout is how long a connection may take until its CONNECT is
	// complete; default 10 s.
	ConnectTimeout time.Duration
	// MaximumConnections; default 1,000,000. More are refused with 0x89.
	MaximumConnections int
	// MaximumSessions, with those of clients that are away; default 1,000,000.
	// CONNECTs that would need one more are refused with 0x97.
	MaximumSessions int
	// MaximumUserSessions is how many of them one user may have, and how many all
	// clients without a user name where there are users; default 100,000.
	MaximumUserSessions int
	// MaximumSubscriptions of one client; default 16,384. More get 0x97.
	MaximumSubscriptions int
	// MaximumFilters of one SUBSCRIBE or UNSUBSCRIBE; default 4,096. Where there
	// are more, all get 0x97.
	MaximumFilters int
	// MaximumOverlap is how many Subscription Identifiers one message may bring to
	// one client; default 1,024. A client whose filters overlap more often than
	// that is disconnected with 0x97 when such a message comes.
	MaximumOverlap int
	// MaximumQueued and MaximumQueuedBytes bound what waits for one client;
	// defaults 100,000 messages and 32 MiB. For a client that is away, further
	// messages are dropped. A connected client loses QoS 0 messages over the
	// bound in bytes; where QoS 1 and 2 or answers are over, it is
	// disconnected with 0x97.
	MaximumQueued      int
	MaximumQueuedBytes int
	// ClientMemory and TotalMemory bound what one client and all of them can make
	// the broker keep, in bytes as they are in memory: connections, sessions, Wills,
	// subscriptions, retained messages, queues, and packets on their way in and out.
	// Defaults 32 MiB and 1 GiB. What is beyond is refused with 0x97, and dropped at
	// QoS 0.
	ClientMemory int
	TotalMemory  int
	// UserMemory bounds in the same way what all clients of one user can make it keep
	// together, and all without a user name where there are users; default half of
	// TotalMemory. A message that waits for several of them counts for each.
	UserMemory int
	// MaximumRetained and MaximumRetainedBytes bound the retained messages;
	// defaults 1,000,000 and 256 MiB. Messages that would have to be retained
	// over the bound are refused with 0x97, or dropped at QoS 0.
	MaximumRetained      int
	MaximumRetainedBytes int
}

// The defaults of those that Suit knows.
const (
	defaultConnections   = 1_000_000
	defaultSessions      = 1_000_000
	defaultUserSessions  = 100_000
	defaultRetained      = 1_000_000
	defaultRetainedBytes = 256 << 20
	defaultTotalMemory   = 1 << 30
)

// maxLevels of a topic or filter: more would only be there to cost memory. It
// keeps recursion over the trees shallow.
const maxLevels = 200

// never is the Session Expiry Interval of a session that does not expire.
const never = math.MaxUint32

// limits are Limits with the defaults filled in.
type limits struct {
	Limits
	maximumQoS       byte
	maxSessionExpiry uint32 // seconds
}

func (c *Config) limits() (limits, error) {
	l := limits{Limits: c.Limits, maximumQoS: 2}
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if l.MaximumQoS != nil {
		l.maximumQoS = *l.MaximumQoS
		if l.maximumQoS > 2 {
			fail("a Maximum QoS of %d; want 0, 1 or 2", l.maximumQoS)
		}
	}
	number := func(name string, n *int, def, low, high int) {
		*n = cmp.Or(*n, def)
		if *n < low || *n > high {
			fail("%s of %d; want %d to %d", name, *n, low, high)
		}
	}
	number("a Maximum Packet Size", &l.MaximumPacketSize, 1<<20, 64, wire.MaxRemaining+5)
	number("a maximum in flight", &l.MaximumInflight, 1024, 1, 65535)
	number("a Topic Alias Maximum", &l.TopicAliasMaximum, 64, -1, 65535)
	l.TopicAliasMaximum = max(l.TopicAliasMaximum, 0)
	number("a maximum of connections", &l.MaximumConnections, defaultConnections, 1, math.MaxInt32)
	number("a maximum of sessions", &l.MaximumSessions, defaultSessions, 1, math.MaxInt32)
	number("a maximum of sessions of a user", &l.MaximumUserSessions, defaultUserSessions, 1, math.MaxInt32)
	number("a maximum of subscriptions", &l.MaximumSubscriptions, 16<<10, 1, math.MaxInt32)
	number("a maximum of filters in a packet", &l.MaximumFilters, 4096, 1, math.MaxInt32)
	number("a maximum of overlapping filters", &l.MaximumOverlap, 1024, 1, math.MaxInt32)
	number("a maximum of queued messages", &l.MaximumQueued, 100_000, 1, math.MaxInt32)
	number("a maximum of queued bytes", &l.MaximumQueuedBytes, 32<<20, 1, math.MaxInt)
	number("a client's memory", &l.ClientMemory, 32<<20, 1, math.MaxInt)
	number("all clients' memory", &l.TotalMemory, defaultTotalMemory, 1, math.MaxInt)
	number("a user's memory", &l.UserMemory, max(l.TotalMemory/2, 1), 1, math.MaxInt)
	number("a maximum of retained messages", &l.MaximumRetained, defaultRetained, 1, math.MaxInt32)
	number("a maximum of retained bytes", &l.MaximumRetainedBytes, defaultRetainedBytes, 1, math.MaxInt)
	l.ReceiveMaximum = cmp.Or(l.ReceiveMaximum, 1024)
	l.ConnectTimeout = cmp.Or(l.ConnectTimeout, 10*time.Second)
	if l.ConnectTimeout < 0 {
		fail("a connect time-out of %v; want more than 0", l.ConnectTimeout)
	}
	switch {
	case l.MaximumSessionExpiry == 0:
		l.maxSessionExpiry = never
	case l.MaximumSessionExpiry > 0:
		l.maxSessionExpiry = uint32(min(int64(l.MaximumSessionExpiry/time.Second), never))
	}
	if len(c.ServerReference) > 1000 || !wire.ValidString(c.ServerReference) {
		fail("a Server Reference that is no UTF-8 string of up to 1,000 bytes")
	}
	if len(c.Users) == 0 && !c.Anonymous {
		fail("no users, and clients without a user name are not let in either; want one of both")
	}
	errs = append(errs, checkUsers(c.Users)...)
	return l, errors.Join(errs...)
}

func checkUsers(users []User) (errs []error) {
	seen := make(map[string]bool)
	for i, u := range users {
		who := fmt.Sprintf("user %q", u.Name)
		switch {
		case u.Name == "":
			errs = append(errs, fmt.Errorf("user number %d has no name", i+1))
			continue
		case seen[u.Name]:
			errs = append(errs, fmt.Errorf("%s stands there twice", who))
		case !wire.ValidString(u.Name):
			errs = append(errs, fmt.Errorf("%s: the name is no UTF-8 string of up to 65,535 bytes", who))
		case len(u.Password) > 65535:
			errs = append(errs, fmt.Errorf("%s: the password is longer than 65,535 bytes", who))
		}
		seen[u.Name] = true
		if strings.HasPrefix(u.Password, HashPrefix) {
			if _, err := parseHash(u.Password); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", who, err))
			}
		}
		if u.MaximumSessions < 0 {
			errs = append(errs, fmt.Errorf("%s: a maximum of sessions of %d; want 1 or more", who, u.MaximumSessions))
		}
		for _, p := range u.ClientIDs {
			if p == "" || !wire.ValidString(p) {
				errs = append(errs, fmt.Errorf("%s: %q is no pattern of Client Identifiers", who, p))
			}
		}
		for _, list := range [][]string{u.Publish, u.Subscribe} {
			for _, f := range list {
				if !wire.ValidTopicFilter(f) || strings.HasPrefix(f, "$share/") {
					errs = append(errs, fmt.Errorf("%s: %q is not a topic filter", who, f))
				}
			}
		}
		if r := u.ResponseInformation; r != "" && (!wire.ValidTopicName(r) || len(r) > 1000) {
			errs = append(errs, fmt.Errorf("%s: Response Information %q; want a topic without wildcards of up to 1,000 bytes", who, r))
		}
	}
	return errs
}
