package broker

import (
	"strings"

	"homefleet/fleet/wire"
)

// reservedFor reports whether a Client Identifier matches one of a user's
// patterns.
func (u *user) reservedFor(clientID string) bool {
	for _, p := range u.ClientIDs {
		if strings.Contains(p, "{user}") {
			p = strings.ReplaceAll(p, "{user}", u.Name)
		}
		if like(p, clientID) {
			return true
		}
	}
	return false
}

// like reports whether a text matches a pattern, in which * stands for any text.
func like(pattern, text string) bool {
	first, rest, more := strings.Cut(pattern, "*")
	if !more {
		return pattern == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, part)
		}
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text, rest = text[i+len(part):], after
	}
}

// mayBe returns wire.Success or why a user, nil for one without a name, may not
// connect under a Client Identifier.
func (b *Broker) mayBe(u *user, clientID string) byte {
	if u != nil && len(u.ClientIDs) > 0 {
		if !u.reservedFor(clientID) {
			return wire.ClientIDNotValid
		}
		return wire.Success
	}
	for _, other := range b.reserving {
		if other != u && other.reservedFor(clientID) {
			return wire.ClientIDNotValid
		}
	}
	return wire.Success
}
