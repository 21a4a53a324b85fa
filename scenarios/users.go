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
	Certificate bool   // none: the user shows a certificate
	Text        string // the password itself: for a demonstration
	File        string
	Env         string // the name of an environment variable
}

// Limits are what the broker announces in CONNACK and enforces; nil leaves a
// limit to the broker. The numbers are those of MQTT 5.0, 3.2.2.3.
type Limits struct {
	MaximumQoS              *byte          // 0 to 2
	Retain                  *bool          // Retain Available
	MaximumPacketSize       *uint32        // bytes, at least 64
	ReceiveMaximum          *uint16        // 1 to 65535
	TopicAliasMaximum       *int           // 0 to 65535
	KeepAlive               *time.Duration // Server Keep Alive, whole seconds
	SessionExpiryMax        *time.Duration // whole seconds; SessionNeverExpires
	WildcardSubscriptions   *bool
	SharedSubscriptions     *bool
	SubscriptionIdentifiers *bool

	// The others are not announced.
	ResponseTopic        string // [OwnResponseTopic], which is what "" means, or [AnyResponseTopic]
	MaximumConnections   *int   // 1 to 2147483647, as those that follow
	MaximumSessions      *int   // with those of clients that are away
	MaximumUserSessions  *int   // of one user
	MaximumSubscriptions *int   // of one client
	MaximumFilters       *int   // of one SUBSCRIBE or UNSUBSCRIBE
	MaximumOverlap       *int   // Subscription Identifiers of one message
	MaximumQueued        *int   // messages that wait for one client
	MaximumRetained      *int   // messages
	ClientMemory         *int64 // bytes that one client can make the broker keep
	UserMemory           *int64 // bytes that all clients of one user can make it keep
	TotalMemory          *int64 // bytes that all clients can make it keep
}

// Which Response Topics users may name: those that they may subscribe to, or any.
const (
	OwnResponseTopic = "own"
	AnyResponseTopic = "any"
)

// Filter is a Topic Filter, or a topic, with the places {user} and {client}: the
// User Name and the Client Identifier of whoever is connected. {id} is {client}, too, which
// for a device is its id unless the scenario says otherwise. Braces have no
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
	usersKeys.read(top, f)
	users := top.Tables("user")
	for _, t := range users {
		f.Users = append(f.Users, readUser(t))
	}
	limitKeys.read(top.Table("limits"), &f.Limits)
	doc.Unknown()
	byName := make(map[string]int)
	for i := range f.Users {
		checkUser(rules{doc: doc, path: fmt.Sprintf("user[%d]", i)}, &f.Users[i], byName, i)
	}
	if len(users) == 0 && !f.Anonymous && doc.OK("anonymous") && doc.OK("user") {
		doc.Warnf(tomlfault.Place{}, `add anonymous = true, or a [[user]]`, "nobody may connect: there is no user, and anonymous is false")
	}
	if faults := doc.Faults(); faults.Err() != nil {
		return nil, faults
	}
	return f, doc.Faults()
}

// usersKeys, userKeys and limitKeys are the keys of a users file.
var (
	usersKeys = describe[UsersFile](table{keys: []key{
		{name: "anonymous", form: yesNo{}, def: false, doc: "who gives no user name is let in, and may do everything"},
	}})

	userKeys = describe[User](table{name: "[[user]]", keys: []key{
		{name: "name", form: text{}, required: "a user without a name", example: `"..."`, doc: "User Name, each once"},
		{name: "password_env", form: text{fault: envFault, empty: userWords, quiet: true}, field: "password.env", defDoc: "one of the three is required",
			doc: "name of the environment variable with the password"},
		{name: "password_file", form: text{what: "file name", fault: fileFault, empty: userWords, quiet: true}, field: "password.file",
			doc: "file with the password, less one trailing newline; looked for beside the users file"},
		{name: "password", form: text{empty: userWords}, field: "password.text", doc: "the password itself, for a demonstration"},
		{name: "certificate", form: yesNo{}, field: "password.certificate",
			doc: "`true`, in the place of a password: the user shows a client certificate, whose subject has the name as Common Name (`--tls-client-ca`)"},
		{name: "response_information", form: text{what: "topic that ends in `/`", fault: filterOf(topicFault)},
			doc: "the user's own part of the topic tree, which CONNACK names as Response Information; the user may publish and subscribe beneath it"},
		{name: "publish", form: list{of: "topic filters", fault: filterOf(filterFault)}, defDoc: "`[]`, nothing", doc: "what the user may publish to, Wills too"},
		{name: "subscribe", form: list{of: "topic filters", fault: filterOf(filterFault)}, defDoc: "`[]`, nothing", doc: "what the user may subscribe to"},
		{name: "client_ids", form: list{of: "patterns", fault: clientPatternFault}, defDoc: "any that is nobody else's",
			doc: "Client Identifiers that are the user's alone; `{user}` is the name, `*` any text"},
		{name: "maximum_sessions", form: atLeastOne(), defDoc: "that of the limits", doc: "sessions of the user, with those of clients that are away"},
	}})

	limitKeys = describe[Limits](table{name: "[limits]", keys: []key{
		{name: "maximum_qos", form: qos(), defDoc: "`2`", doc: "Maximum QoS"},
		{name: "retain", form: yesNo{}, defDoc: "`true`", doc: "Retain Available"},
		{name: "maximum_packet_size", form: largest(byteSize(minPacket, maxPacket)), defDoc: "`\"1MiB\"`", doc: "Maximum Packet Size, of what clients send"},
		{name: "receive_maximum", form: whole(1, 65535), defDoc: "`1024`", doc: "Receive Maximum"},
		{name: "topic_alias_maximum", form: whole(0, 65535), defDoc: "`64`", doc: "Topic Alias Maximum"},
		{name: "keep_alive", form: seconds(65535*time.Second, ""), defDoc: "the client's", doc: "Server Keep Alive"},
		{name: "session_expiry_max", form: secondsOrNever(), defDoc: "`\"never\"`", doc: "the longest Session Expiry Interval"},
		{name: "wildcard_subscriptions", form: yesNo{}, defDoc: "`true`", doc: "Wildcard Subscription Available"},
		{name: "shared_subscriptions", form: yesNo{}, defDoc: "`true`", doc: "Shared Subscription Available"},
		{name: "subscription_identifiers", form: yesNo{}, defDoc: "`true`", doc: "Subscription Identifier Available"},
		{name: "response_topic", form: oneOf{[]string{OwnResponseTopic, AnyResponseTopic}}, defDoc: "`\"own\"`",
			doc: "not announced, as those that follow, of which those of connections, sessions, retained messages and total memory are larger where a run's scenario needs more and they are not set: whether users may name only Response Topics that they may subscribe to, or any"},
		{name: "maximum_connections", form: atLeastOne(), defDoc: "`1000000`", doc: "connections; beyond it CONNACK 0x89"},
		{name: "maximum_sessions", form: atLeastOne(), defDoc: "`1000000`", doc: "sessions, with those of clients that are away; CONNACK 0x97"},
		{name: "maximum_user_sessions", form: atLeastOne(), defDoc: "`100000`", doc: "sessions of one user, and of all who give no name; CONNACK 0x97"},
		{name: "maximum_subscriptions", form: atLeastOne(), defDoc: "`16384`", doc: "subscriptions of one client; 0x97"},
		{name: "maximum_filters", form: atLeastOne(), defDoc: "`4096`", doc: "filters of one SUBSCRIBE or UNSUBSCRIBE; 0x97 for all of them"},
		{name: "maximum_overlap", form: atLeastOne(), defDoc: "`1024`", doc: "Subscription Identifiers of one message to one client, which is disconnected with 0x97"},
		{name: "maximum_queued", form: atLeastOne(), defDoc: "`100000`", doc: "messages that wait for one client; dropped and counted"},
		{name: "maximum_retained", form: atLeastOne(), defDoc: "`1000000`", doc: "retained messages; 0x97, dropped at QoS 0"},
		{name: "client_memory", form: byteSize(minMemory, 0), defDoc: "`\"32MiB\"`",
			doc: "what one client can make the broker keep: Wills, subscriptions, retained messages, queues, Topic Aliases, packets on their way in and out. " +
				"Refused with 0x97, or the client is disconnected with it; QoS 0 is dropped and counted"},
		{name: "user_memory", form: byteSize(minMemory, 0), defDoc: "half of `total_memory`",
			doc: "what all clients of one user can make it keep, and all who give no name, with their sessions; a message that waits for several of them counts for each; the same"},
		{name: "total_memory", form: byteSize(minMemory, 0), defDoc: "`\"1024MiB\"`", doc: "what all clients can make it keep, with their connections and sessions; the same"},
	}})
)

const userWords = "a user needs a password"

const (
	minMemory = 64 << 10  // bytes: enough for a client and a message
	minPacket = 64        // leaves room for a CONNACK with every property that limits need
	maxPacket = 268435460 // the largest packet of MQTT (2.1.4)
)

func atLeastOne() number[int64] {
	f := whole(1, math.MaxInt32)
	f.plain = "whole number, from 1"
	return f
}

func largest(f number[int64]) number[int64] {
	f.why = ", the largest packet of MQTT"
	return f
}

func readUser(t *tomlfault.Table) User {
	u := User{Publish: []Filter{}, Subscribe: []Filter{}}
	userKeys.read(t, &u)
	ways := 0
	for _, key := range []string{"password_env", "password_file", "password", "certificate"} {
		if !t.Holds(key) || key == "certificate" && !u.Password.Certificate {
			continue
		}
		if ways++; ways > 1 {
			t.Errorf(key, "remove one of them", "%s is one password too many; want one place for it", key)
		}
	}
	if ways == 0 {
		t.Errorf("", `add password_env = "..." or password_file = "...", or password = "..." for a demonstration, or certificate = true`, "a user without a password")
	}
	return u
}

func checkUser(r rules, u *User, byName map[string]int, i int) {
	if problem := textFault(u.Name); problem != "" {
		r.errorf("name", "", "the name %s", problem)
	} else if u.Name == "" && r.doc.Holds(r.at("name")) {
		r.errorf("name", "", "name is empty; who gives no name is let in by anonymous = true")
	}
	userKeys.check(r, u)
	if first, ok := byName[u.Name]; ok && r.ok("name") {
		r.errorf("name", "", "user %q is already at %s", tomlfault.Short(u.Name), r.doc.Where(fmt.Sprintf("user[%d]", first)))
	} else if !ok {
		byName[u.Name] = i
	}
	if own := string(u.ResponseInformation); own != "" && r.ok("response_information") && !strings.HasSuffix(own, "/") {
		r.errorf("response_information", fmt.Sprintf("did you mean %q?", tomlfault.Short(own+"/")),
			"response_information %q does not end in \"/\"; want a part of the topic tree", tomlfault.Short(own))
	}
	if u.ResponseInformation == "" && len(u.Publish)+len(u.Subscribe) == 0 && r.ok("response_information", "publish", "subscribe") {
		r.warnf("", `add publish = ["..."] or subscribe = ["..."]`, "user %q may do nothing but connect", tomlfault.Short(u.Name))
	}
}

// filterOf returns what is wrong with a filter, by what the broker makes of it for
// a user and a client with ordinary names.
func filterOf(fault func(string) string) func(string) string {
	return func(s string) string {
		text := strings.NewReplacer("{user}", "name", "{client}", "name", "{id}", "name").Replace(s)
		if strings.ContainsAny(text, "{}") {
			return "has braces that are of no place; places are {user}, and {client} or {id}"
		}
		return fault(text)
	}
}

// clientPatternFault returns what is wrong with a pattern of Client Identifiers,
// or "".
func clientPatternFault(s string) string {
	text := strings.ReplaceAll(s, "{user}", "name")
	switch {
	case strings.ContainsAny(text, "{}"):
		return "has braces that are of no place; the only place is {user}"
	case s == "":
		return "is empty; want a pattern"
	}
	return textFault(text)
}
