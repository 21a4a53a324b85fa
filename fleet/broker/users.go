package broker

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"net"
	"slices"
	"strings"

	"homefleet/fleet/wire"
)

// user is a User made ready for checks.
type user struct {
	User
	hash   [sha256.Size]byte // of the password, if that is known
	argon  *passwordHash     // the password's hash; nil: the password is known
	proved provedPassword    // the password that argon was found to be of

	sessions int     // guarded by Broker.mu
	memory   account // of all clients of the user
}

// addUser enters a user that was checked.
func (b *Broker) addUser(config User) {
	u := &user{User: config, memory: account{most: int64(b.limits.UserMemory)}}
	u.MaximumSessions = cmp.Or(u.MaximumSessions, b.limits.MaximumUserSessions)
	if strings.HasPrefix(u.Password, HashPrefix) {
		u.argon, _ = parseHash(u.Password) // Config.limits did
		if b.guesses.decoy == nil {
			b.guesses.decoy = u.argon
		}
	} else if !u.Certificate { // else it is the hash of nothing
		u.hash = sha256.Sum256([]byte(u.Password))
	}
	if len(u.ClientIDs) > 0 {
		b.reserving = append(b.reserving, u)
	}
	b.users[u.Name] = u
}

// certified returns the Common Name of the certificate that a client has shown.
func (b *Broker) certified(nc net.Conn) (name string, has bool) {
	secure, ok := nc.(*tls.Conn)
	if !b.config.Certificates || !ok {
		return "", false
	}
	chains := secure.ConnectionState().VerifiedChains
	if len(chains) == 0 || len(chains[0]) == 0 {
		return "", false
	}
	return chains[0][0].Subject.CommonName, true
}

// authenticate checks user name and password, or the certificate. It takes the same time
// whether the name or the password is wrong.
func (b *Broker) authenticate(p *wire.Connect, nc net.Conn) (u *user, code byte) {
	if name, has := b.certified(nc); has {
		p.HasUser, p.Username = true, name
		if u = b.users[name]; u == nil && len(b.users) > 0 {
			return nil, wire.NotAuthorized
		}
		return u, wire.Success
	}
	switch {
	case len(b.users) == 0:
		return nil, wire.Success
	case !p.HasUser && b.config.Anonymous:
		return nil, wire.Success
	case !p.HasUser:
		return nil, wire.NotAuthorized
	}
	u = b.users[p.Username]
	if b.guesses.decoy != nil && (u == nil || u.argon != nil) {
		if code := b.guesses.check(u, p.Password); code != wire.Success {
			return nil, code
		}
		return u, wire.Success
	}
	hash := sha256.Sum256(p.Password)
	want := [sha256.Size]byte{}
	if u != nil {
		want = u.hash
	}
	if subtle.ConstantTimeCompare(hash[:], want[:]) != 1 || u == nil {
		if b.guesses.decoy != nil { // as for users whose password is a hash
			return nil, b.guesses.check(nil, p.Password)
		}
		return nil, wire.BadUserNameOrPassword
	}
	return u, wire.Success
}

// access is what one connection may do. Nil: everything.
type access struct {
	publish, subscribe       []string
	anyPublish, anySubscribe bool
	responseInfo             string
	confined                 bool // the user has Response Information, if perhaps none under this Client Identifier
}

func (u *user) access(clientID string) *access {
	if u == nil {
		return nil
	}
	info, _ := fill(u.ResponseInformation, u.Name, clientID)
	a := &access{anyPublish: u.Publish == nil, anySubscribe: u.Subscribe == nil, responseInfo: info, confined: u.ResponseInformation != ""}
	if info != "" {
		a.publish = append(a.publish, beneath(info))
		a.subscribe = append(a.subscribe, beneath(info))
	}
	for _, list := range []struct {
		from []string
		to   *[]string
	}{{u.Publish, &a.publish}, {u.Subscribe, &a.subscribe}} {
		for _, f := range list.from {
			if f, ok := fill(f, u.Name, clientID); ok {
				*list.to = append(*list.to, f)
			}
		}
	}
	return a
}

// fill puts a user name and Client Identifier into a filter. It refuses those
// that would make it match more than one level there.
func fill(filter, user, client string) (string, bool) {
	for _, v := range []struct{ place, value string }{{"{user}", user}, {"{client}", client}} {
		if !strings.Contains(filter, v.place) {
			continue
		}
		if strings.ContainsAny(v.value, "+#/") || v.value == "" {
			return "", false
		}
	}
	return strings.NewReplacer("{user}", user, "{client}", client).Replace(filter), true
}

func (a *access) mayPublish(topic []byte) bool {
	if a == nil || a.anyPublish {
		return true
	}
	t := string(topic)
	return slices.ContainsFunc(a.publish, func(f string) bool { return wire.Match(f, t) })
}

// maySubscribe takes a filter without $share/NAME/.
func (a *access) maySubscribe(filter string) bool {
	return a == nil || a.anySubscribe || slices.ContainsFunc(a.subscribe, func(f string) bool { return covers(f, filter) })
}

// mayAnswerTo reports whether the client may name a Response Topic, which may be
// absent. See Limits.ForeignResponseTopics.
func (c *conn) mayAnswerTo(topic []byte) bool {
	a, l := c.access, &c.b.limits
	if a == nil || topic == nil || l.ForeignResponseTopics || !wire.ValidTopicName(topic) { // see AnyResponseTopic
		return true
	}
	t := string(topic)
	switch {
	case reserved(topic) || !a.maySubscribe(t):
		return false
	case a.responseInfo != "" && wire.Match(beneath(a.responseInfo), t) || a.mayPublish(topic):
		return true
	case a.confined:
		return false
	}
	for _, u := range c.b.users {
		if other := u.ResponseInformation; other != "" && u != c.user {
			// Under whatever Client Identifier, which is put in as any one level.
			theirs, ok := fill(strings.ReplaceAll(other, "{client}", "+"), u.Name, "")
			if ok && wire.Match(beneath(theirs), t) {
				return false
			}
		}
	}
	return true
}

// beneath is the filter of what lies beneath a user's Response Information.
func beneath(info string) string { return strings.TrimSuffix(info, "/") + "/#" }

// covers reports whether filter f matches every topic that filter g matches.
func covers(f, g string) bool {
	if g[0] == '$' && (f[0] == '+' || f[0] == '#') {
		return false // 4.7.2-1
	}
	if f == "+/#" { // also the parent level (4.7.1.2), so it is all that # is
		return true
	}
	for {
		x, frest, fmore := strings.Cut(f, "/")
		if x == "#" {
			return true
		}
		y, grest, gmore := strings.Cut(g, "/")
		switch {
		case y == "#" || x != "+" && x != y:
			return false
		case !fmore && !gmore:
			return true
		case fmore && !gmore:
			return frest == "#" // a/# covers a
		case !fmore:
			return false
		}
		f, g = frest, grest
	}
}

// reserved reports whether clients may not publish to a topic: $SYS is the
// broker's own (4.7.2).
func reserved[T string | []byte](topic T) bool {
	const own = "$SYS"
	return len(topic) >= len(own) && string(topic[:len(own)]) == own && (len(topic) == len(own) || topic[len(own)] == '/')
}
