package broker

import (
	"regexp"
	"strings"
)

// rulebook says who may do what, by the words of the standard (4.7, 4.8.2) and of the
// reference of the users file. It decides by regular expressions and by examples
// of what a filter can match, and shares no code with the broker.
type rulebook struct {
	anonymous bool
	foreign   bool // response_topic = "any"
	users     map[string]ruleUser
	filters   map[string]*regexp.Regexp
}

// ruleUser is a [[user]] of the users file.
type ruleUser struct {
	name, info                    string
	publish, subscribe, clientIDs []string
}

// someone is a client who is connected: a user, or nobody by name, and a Client
// Identifier.
type someone struct {
	user, id string // user "": none
}

// matching is a filter as a regular expression of the topics that it matches: +
// is any text without a slash, also none (4.7.1.3), and # the parent and all that is
// beneath it (4.7.1.2).
func (o *rulebook) matching(filter string) *regexp.Regexp {
	if re := o.filters[filter]; re != nil {
		return re
	}
	text := regexp.QuoteMeta(filter)
	switch {
	case filter == "#":
		text = ".*"
	case strings.HasSuffix(filter, "/#"):
		text = strings.TrimSuffix(text, "/#") + "(/.*)?"
	}
	text = strings.ReplaceAll(text, `\+`, "[^/]*")
	re := regexp.MustCompile("(?s)^" + text + "$")
	o.filters[filter] = re
	return re
}

// matches says whether a filter matches a topic. A wildcard at the beginning does
// not match a $ there (4.7.2-1).
func (o *rulebook) matches(filter, topic string) bool {
	if topic[0] == '$' && (filter[0] == '+' || filter[0] == '#') {
		return false
	}
	return o.matching(filter).MatchString(topic)
}

// examples are topics that a filter matches, such that whatever matches all of
// them matches everything that the filter does: the level that stands for a
// wildcard is in no filter but its own, and once it is empty.
func examples(filter string) (topics []string) {
	const strange = "never seen"
	for _, plus := range []string{strange, ""} {
		for _, rest := range []string{"", "/", "/" + strange, "/" + strange + "/" + strange, strings.Repeat("/"+strange, 9)} {
			var topic string
			switch {
			case filter == "#":
				topic = strange + rest
			case strings.HasSuffix(filter, "/#"):
				topic = strings.ReplaceAll(strings.TrimSuffix(filter, "/#"), "+", plus) + rest
			default:
				topic = strings.ReplaceAll(filter, "+", plus)
			}
			if topic != "" { // 4.7.3-1
				topics = append(topics, topic)
			}
		}
	}
	return topics
}

var (
	ruleFilter = regexp.MustCompile(`^(#|([^+#/]*|\+)(/([^+#/]*|\+))*(/#)?)$`) // 4.7.1-1, -2
	ruleShared = regexp.MustCompile(`^\$share/[^+#/]+/(.+)$`)                  // 4.8.2-1, -2
)

// unshared is a filter without $share/NAME/, and whether it is a filter at all.
func unshared(filter string) (bare string, shared, ok bool) {
	if filter == "$share" || strings.HasPrefix(filter, "$share/") { // it marks a Shared Subscription (4.8.2)
		m := ruleShared.FindStringSubmatch(filter)
		if m == nil {
			return "", true, false
		}
		return m[1], true, ruleFilter.MatchString(m[1])
	}
	return filter, false, filter != "" && ruleFilter.MatchString(filter)
}

// filled puts user and client into an entry of the file; of those whose name has a
// wildcard or a slash it grants nothing.
func (s someone) filled(entry string) (string, bool) {
	for place, value := range map[string]string{"{user}": s.user, "{client}": s.id} {
		if strings.Contains(entry, place) && (value == "" || strings.ContainsAny(value, "+#/")) {
			return "", false
		}
	}
	return strings.ReplaceAll(strings.ReplaceAll(entry, "{user}", s.user), "{client}", s.id), true
}

// granted are the filters that a list and the user's own part of the tree grant.
func (s someone) granted(list []string, info string) (filters []string) {
	if info != "" {
		list = append([]string{info + "#"}, list...)
	}
	for _, entry := range list {
		if f, ok := s.filled(entry); ok {
			filters = append(filters, f)
		}
	}
	return filters
}

// ofBroker: $SYS is its own.
func ofBroker(topic string) bool { return topic == "$SYS" || strings.HasPrefix(topic, "$SYS/") }

// mayPublish: what is not allowed is refused; $SYS is the broker's.
func (o *rulebook) mayPublish(s someone, topic string) bool {
	if ofBroker(topic) {
		return false
	}
	u, named := o.users[s.user]
	if !named {
		return o.anonymous
	}
	for _, f := range s.granted(u.publish, u.info) {
		if o.matches(f, topic) {
			return true
		}
	}
	return false
}

// maySubscribe: one entry of the list has to cover everything that the filter can
// match.
func (o *rulebook) maySubscribe(s someone, bare string) bool {
	u, named := o.users[s.user]
	if !named {
		return o.anonymous
	}
	for _, f := range s.granted(u.subscribe, u.info) {
		all := true
		for _, topic := range examples(bare) {
			all = all && o.matches(f, topic)
		}
		if all {
			return true
		}
	}
	return false
}

// suback is the reason code of a filter asked for at QoS 0.
func (o *rulebook) suback(s someone, filter string) byte {
	bare, _, ok := unshared(filter)
	switch {
	case !ok:
		return 0x8f
	case !o.maySubscribe(s, bare):
		return 0x87
	}
	return 0
}

// mayAnswerTo: a Response Topic is the publisher's if she may subscribe to it, and
// it lies beneath her response_information, or she may publish to it herself, or she
// has no response_information and it lies beneath nobody else's.
func (o *rulebook) mayAnswerTo(s someone, topic string) bool {
	u, named := o.users[s.user]
	switch {
	case topic == "" || o.foreign:
		return true
	case !named: // may do everything
		return o.anonymous
	case ofBroker(topic):
		return false
	case !o.maySubscribe(s, topic):
		return false
	case o.mayPublish(s, topic):
		return true
	case u.info != "": // what is beneath hers she may publish to
		return false
	}
	for _, other := range o.users {
		if other.name != u.name && other.info != "" {
			if theirs, ok := (someone{other.name, "+"}).whose(other.info); ok && o.matches(theirs, topic) {
				return false
			}
		}
	}
	return true
}

// whose is the filter of all that may be a user's own, as whatever client.
func (s someone) whose(info string) (string, bool) {
	if strings.Contains(info, "{user}") && strings.ContainsAny(s.user, "+#/") {
		return "", false // nobody's: it grants nothing
	}
	return strings.ReplaceAll(strings.ReplaceAll(info, "{user}", s.user), "{client}", s.id) + "#", true
}

// mayBe: identifiers that are reserved are their users' alone, who have no others.
func (o *rulebook) mayBe(s someone) bool {
	own := false
	for _, u := range o.users {
		for _, p := range u.clientIDs {
			text := regexp.QuoteMeta(strings.ReplaceAll(p, "{user}", u.name))
			if !regexp.MustCompile("(?s)^" + strings.ReplaceAll(text, `\*`, ".*") + "$").MatchString(s.id) {
				continue
			}
			if u.name == s.user {
				own = true
			} else if len(o.users[s.user].clientIDs) == 0 {
				return false
			}
		}
	}
	return own || len(o.users[s.user].clientIDs) == 0
}
