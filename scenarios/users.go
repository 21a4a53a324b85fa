package scenarios

import (
	"fmt"
	"math"
	"strings"
	"time"

	"homefleet/scenarios/tomlfault"
)

// UsersFile says who may connect to the embedded broker, what each may do, and
// which limits the broker keeps.
type UsersFile struct {
	Name string // the file's, for messages

	// Anonymous lets in who gives no user name, and lets them do everything.
	Anonymous bool
	Users     []User
	Limits    Limits
}

// User is one user. Filters that it has no part of are refused.
type User struct {
	Name     string
	Password Password

	// ResponseInformation is the user's own part of the topic tree, ending in
	// "/": what CONNACK answers to Request Response Information (MQTT 5.0,
	// 3.2.2.3.15). The user may publish and subscribe beneath it. "": none.
	ResponseInformation Filter

	Publish   []Filter // what the user may publish to; never nil, empty: nothing
	Subscribe []Filter // what the user may subscribe to; the same

	// ClientIDs are the Client Identifiers that are the user's alone: {user} is the
	// name, and * any text. Empty: any that is nobody else's.
	ClientIDs       []string
	MaximumSessions *int // nil: that of the limits
}

// Password says where a user's password is, or its argon2id hash; one of the
// fields is set. Whoever reads the file or the environment removes one trailing
// newline.
type Password struct {
	Text string // the password itself: for a demonstration
	File string
	Env  string // the name of an environment variable
}

// Limits are what the broker announces in CONNACK and enforces; nil leaves a
// limit to the broker. The numbers are those of MQTT 5.0, 3.2.2.3.
type Limits struct {
	MaximumQoS              *byte          // 0 to 2
	Retain                  *bool          // Retain Available
	MaximumPacketSize       *uint32        // bytes, at least 64
	ReceiveMaximum          *uint16        // 1 to 65535
	TopicAliasMaximum       *uint16        // 0 to 65535
	KeepAlive               *time.Duration // Server Keep Alive, whole seconds
	SessionExpiryMax        *time.Duration // whole seconds; SessionNeverExpires
	WildcardSubscriptions   *bool
	SharedSubscriptions     *bool
	SubscriptionIdentifiers *bool

	// The others are not announced.
	AnyResponseTopic     bool   // users may name Response Topics that are not theirs
	MaximumConnections   *int   // 1 to 2147483647, as those that follow
	MaximumSessions      *int   // with those of clients that are away
	MaximumUserSessions  *int   // of one user
	MaximumSubscriptions *int   // of one client
	MaximumFilters       *int   // of one SUBSCRIBE or UNSUBSCRIBE
	MaximumOverlap       *int   // Subscription Identifiers of one message
	MaximumQueued        *int   // messages that wait for one client
	MaximumRetained      *int   // messages
	ClientMemory         *int64 // bytes that one client can make the broker keep
	TotalMemory          *int64 // bytes that all clients can make it keep
}

// Filter is a Topic Filter, or a topic, with the places {user} and {client}: the
// User Name and the Client Identifier of whoever is connected. Braces have no
// other use in it: unlike in a [Template], "{{" stands for nothing.
type Filter string

// LoadUsers reads a users file. If there are errors it returns nil; the faults
// beside a file are warnings.
func LoadUsers(name string, src []byte) (*UsersFile, Faults) {
	doc := tomlfault.Parse(name, src)
	if doc.Broken() {
		return nil, doc.Faults()
	}
	top, f := doc.Root(), &UsersFile{Name: name}
	top.Bool("anonymous", &f.Anonymous)
	users := top.Tables("user")
	for _, t := range users {
		f.Users = append(f.Users, readUser(t))
	}
	readLimits(top.Table("limits"), &f.Limits)
	doc.Unknown()
	byName := make(map[string]int)
	for i := range f.Users {
		checkUser(rules{doc, fmt.Sprintf("user[%d]", i)}, &f.Users[i], byName, i)
	}
	if len(users) == 0 && !f.Anonymous && doc.OK("anonymous") && doc.OK("user") {
		doc.Warnf(tomlfault.Place{}, `add anonymous = true, or a [[user]]`, "nobody may connect: there is no user, and anonymous is false")
	}
	if faults := doc.Faults(); faults.Err() != nil {
		return nil, faults
	}
	return f, doc.Faults()
}

func readUser(t *tomlfault.Table) User {
	u := User{Publish: []Filter{}, Subscribe: []Filter{}}
	if !t.Has("name") {
		t.Errorf("name", `add name = "..."`, "a user without a name")
	}
	t.Text("name", &u.Name)
	ways := 0
	for _, p := range []struct {
		key string
		dst *string
	}{{"password_env", &u.Password.Env}, {"password_file", &u.Password.File}, {"password", &u.Password.Text}} {
		if !t.Has(p.key) {
			continue
		}
		if ways++; ways > 1 {
			t.Errorf(p.key, "remove one of them", "%s is one password too many; want one place for it", p.key)
		}
		if t.Text(p.key, p.dst) && *p.dst == "" {
			t.Errorf(p.key, "", "%s is empty", p.key)
		}
	}
	if ways == 0 {
		t.Errorf("", `add password_env = "..." or password_file = "...", or password = "..." for a demonstration`, "a user without a password")
	}
	text := ""
	t.Text("response_information", &text)
	u.ResponseInformation = Filter(text)
	for _, list := range []struct {
		key string
		dst *[]Filter
	}{{"publish", &u.Publish}, {"subscribe", &u.Subscribe}} {
		var texts []string
		t.Texts(list.key, &texts)
		for _, f := range texts {
			*list.dst = append(*list.dst, Filter(f))
		}
	}
	t.Texts("client_ids", &u.ClientIDs)
	u.MaximumSessions = count(t, "maximum_sessions")
	return u
}

func checkUser(r rules, u *User, byName map[string]int, i int) {
	if problem := textFault(u.Name); problem != "" {
		r.errorf("name", "", "the name %s", problem)
	} else if u.Name == "" {
		r.errorf("name", "", "name is empty; who gives no name is let in by anonymous = true")
	}
	if first, ok := byName[u.Name]; ok && r.ok("name") {
		r.errorf("name", "", "user %q is already at %s", tomlfault.Short(u.Name), r.doc.Where(fmt.Sprintf("user[%d]", first)))
	} else if !ok {
		byName[u.Name] = i
	}
	if problem := envFault(u.Password.Env); problem != "" {
		r.errorf("password_env", "", "password_env %s", problem)
	}
	if problem := fileFault(u.Password.File); problem != "" {
		r.errorf("password_file", "", "password_file %s", problem)
	}
	if own := string(u.ResponseInformation); own != "" {
		if r.filter("response_information", u.ResponseInformation, topicFault) && !strings.HasSuffix(own, "/") {
			r.errorf("response_information", fmt.Sprintf("did you mean %q?", tomlfault.Short(own+"/")),
				"response_information %q does not end in \"/\"; want a part of the topic tree", tomlfault.Short(own))
		}
	}
	for k, p := range u.ClientIDs {
		key := fmt.Sprintf("client_ids[%d]", k)
		text := strings.ReplaceAll(p, "{user}", "name")
		switch problem := textFault(text); {
		case strings.ContainsAny(text, "{}"):
			r.errorf(key, "the only place is {user}", "client_ids: %q has braces that are of no place", tomlfault.Short(p))
		case p == "":
			r.errorf(key, "", "client_ids: a pattern is empty")
		case problem != "":
			r.errorf(key, "", "client_ids: %q %s", tomlfault.Short(p), problem)
		}
	}
	for k, f := range u.Publish {
		r.filter(fmt.Sprintf("publish[%d]", k), f, filterFault)
	}
	for k, f := range u.Subscribe {
		r.filter(fmt.Sprintf("subscribe[%d]", k), f, filterFault)
	}
	if u.ResponseInformation == "" && len(u.Publish)+len(u.Subscribe) == 0 && r.ok("response_information", "publish", "subscribe") {
		r.warnf("", `add publish = ["..."] or subscribe = ["..."]`, "user %q may do nothing but connect", tomlfault.Short(u.Name))
	}
}

// filter checks the form of a filter, and what the broker makes of it for a user
// and a client with ordinary names.
func (r rules) filter(key string, f Filter, fault func(string) string) bool {
	name, _, _ := strings.Cut(key, "[")
	text := strings.NewReplacer("{user}", "name", "{client}", "name").Replace(string(f))
	if strings.ContainsAny(text, "{}") {
		r.errorf(key, "places: {user}, {client}", "%s: %q has braces that are of no place", name, tomlfault.Short(string(f)))
		return false
	}
	if problem := fault(text); problem != "" {
		r.errorf(key, "", "%s: %q %s", name, tomlfault.Short(string(f)), problem)
		return false
	}
	return true
}

func readLimits(t *tomlfault.Table, l *Limits) {
	l.MaximumQoS = limit[byte](t, "maximum_qos", 0, 2)
	l.Retain = boolean(t, "retain")
	l.MaximumPacketSize = readPacketSize(t, "maximum_packet_size")
	l.ReceiveMaximum = limit[uint16](t, "receive_maximum", 1, 65535)
	l.TopicAliasMaximum = limit[uint16](t, "topic_alias_maximum", 0, 65535)
	l.KeepAlive = readSeconds(t, "keep_alive", 65535*time.Second, "65535s")
	l.SessionExpiryMax = readSeconds(t, "session_expiry_max", SessionNeverExpires-time.Second, "4294967294s",
		tomlfault.Word{Text: never, Value: SessionNeverExpires})
	l.WildcardSubscriptions = boolean(t, "wildcard_subscriptions")
	l.SharedSubscriptions = boolean(t, "shared_subscriptions")
	l.SubscriptionIdentifiers = boolean(t, "subscription_identifiers")
	var topic string
	l.AnyResponseTopic = t.Choice("response_topic", []string{"own", "any"}, &topic) && topic == "any"
	for _, n := range []struct {
		key string
		dst **int
	}{
		{"maximum_connections", &l.MaximumConnections}, {"maximum_sessions", &l.MaximumSessions},
		{"maximum_user_sessions", &l.MaximumUserSessions}, {"maximum_subscriptions", &l.MaximumSubscriptions},
		{"maximum_filters", &l.MaximumFilters}, {"maximum_overlap", &l.MaximumOverlap},
		{"maximum_queued", &l.MaximumQueued}, {"maximum_retained", &l.MaximumRetained},
	} {
		*n.dst = count(t, n.key)
	}
	l.ClientMemory = readMemory(t, "client_memory")
	l.TotalMemory = readMemory(t, "total_memory")
}

func limit[T byte | uint16](t *tomlfault.Table, key string, low, high int64) *T {
	var n T
	if !tomlfault.Int(t, key, low, high, &n) {
		return nil
	}
	return &n
}

// count reads a number that is 1 or more.
func count(t *tomlfault.Table, key string) *int {
	var n int
	if !tomlfault.Int(t, key, 1, math.MaxInt32, &n) {
		return nil
	}
	return &n
}

// minMemory is enough for a client and a message.
const minMemory = 64 << 10

func readMemory(t *tomlfault.Table, key string) *int64 {
	var n int64
	if !t.Size(key, &n) {
		return nil
	}
	if n < minMemory {
		t.Errorf(key, "", "%s is %dB; want 64KiB or more", key, n)
		return nil
	}
	return &n
}

func boolean(t *tomlfault.Table, key string) *bool {
	var on bool
	if !t.Bool(key, &on) {
		return nil
	}
	return &on
}

// minPacket leaves room for a CONNACK with every property that limits need.
const minPacket = 64

func readPacketSize(t *tomlfault.Table, key string) *uint32 {
	var n int64
	if !t.Size(key, &n) {
		return nil
	}
	if n < minPacket || n > 268435460 {
		t.Errorf(key, "", "%s is %dB; want 64B to 268435460B, the largest packet of MQTT", key, n)
		return nil
	}
	return new(uint32(n))
}

func readSeconds(t *tomlfault.Table, key string, most time.Duration, mostText string, words ...tomlfault.Word) *time.Duration {
	var d time.Duration
	switch {
	case !t.Duration(key, &d, words...):
		return nil
	case d > most && (len(words) == 0 || d != words[0].Value):
		t.Errorf(key, "", "%s is %s; want 0s to %s", key, tomlfault.FormatDuration(d), mostText)
		return nil
	case d%time.Second != 0:
		t.Errorf(key, "", "%s is %s; want whole seconds, which is how MQTT counts", key, tomlfault.FormatDuration(d))
		return nil
	}
	return &d
}
