package scenarios

import (
	"fmt"
	"strings"
	"time"

	"homefleet/devices/faces"
	"homefleet/devices/words"
	"homefleet/scenarios/tomlfault"
)

// willKeys are the keys of a [device.will].
var willKeys = describe[Will](table{name: "[device.will]", keys: []key{
	{name: "topic", form: template{text{what: "a topic name", fault: topicFault, empty: "leave it out for the default, " + faces.Native().Topic}, devicePlaces}, def: faces.Native().Topic,
		doc: "Will Topic; not one of the device's command topics. See below for what else goes there"},
	{name: "payload", form: template{text{fault: binaryFault}, devicePlaces}, def: faces.Native().Offline, doc: "Will Payload"},
	{name: "qos", form: qos(), def: 1, doc: "Will QoS"},
	{name: "retain", form: yesNo{}, def: true, doc: "Will Retain"},
	{name: "delay", form: seconds(maxMessageExpiry, ""), defDoc: "`\"0s\"`", doc: "Will Delay Interval; of use only up to `session_expiry`"},
	{name: "message_expiry", form: seconds(maxMessageExpiry, "none"), doc: "Message Expiry Interval"},
	{name: "content_type", form: template{text{fault: textFault}, devicePlaces}, doc: "Content Type"},
	{name: "response_topic", form: template{text{what: "a topic name", fault: topicFault}, devicePlaces}, doc: "Response Topic; not one of the device's command topics"},
	{name: "correlation_data", form: template{text{fault: binaryFault}, devicePlaces}, doc: "Correlation Data"},
	{name: "user_properties", form: byRule{"table `[device.will.user_properties]`, or pairs `[[\"key\", \"value\"], ...]`"},
		doc: "User Properties in the order of the file; pairs may repeat a key; values are templates"},
}})

// fillWill completes a Will without a topic by that of the face.
func (g *Group) fillWill() {
	w := &g.Will
	if w.Off || w.Topic != "" {
		return
	}
	p := g.Voice().Reports().Presence
	if w.Topic = Template(p.Topic); w.Payload == "" {
		w.Payload = Template(p.Offline)
	}
	w.QoS, w.Retain = 0, false
	willKeys.fill(w)
}

// readWill reads will = false, or [device.will].
func (g *Group) readWill(group *tomlfault.Table) {
	w := &g.Will
	g.fillWill()
	if on, ok := group.IsBool("will"); ok {
		w.Off = !on
		return
	}
	t := group.Table("will")
	willKeys.read(t, w)
	readProperties(t, "user_properties", &w.UserProperties)
}

// readProperties reads User Properties: a table, whose order is kept, or an
// array of pairs, in which a key may come more than once.
func readProperties(t *tomlfault.Table, key string, dst *[]Property) {
	if !t.IsArray(key) {
		sub := t.Table(key)
		for _, name := range sub.Keys() {
			p := Property{Key: name}
			sub.Text(name, (*string)(&p.Value))
			*dst = append(*dst, p)
		}
		return
	}
	pairs, ok := t.Pairs(key)
	if !ok {
		return
	}
	for _, p := range pairs {
		*dst = append(*dst, Property{Key: p[0], Value: Template(p[1])})
	}
}

// maxMessageExpiry is the largest Message Expiry Interval and Will Delay
// Interval.
const maxMessageExpiry = time.Duration(0xFFFFFFFF) * time.Second

func checkWills(c *checker) {
	number := 0
	var byWill map[*Group]bool // known only of devices that have names
	if c.distinct {
		byWill = c.s.knownByWill()
	}
	for i := range c.s.Groups {
		g := &c.s.Groups[i]
		var ends []Vars // none if the devices have no names to try templates on
		if c.distinct {
			n := g.Total()
			ends = []Vars{c.s.device(number, g, 0).Vars(sampleRun), c.s.device(number+n-1, g, n-1).Vars(sampleRun)}
			for _, j := range g.telling() {
				if j > 0 && j < n-1 {
					ends = append(ends, c.s.device(number+j, g, j).Vars(sampleRun))
				}
			}
			number += n
		}
		checkRowTopics(c.rules(groupPath(i)), g, ends)
		checkReport(c.rules(groupPath(i)), g, ends)
		if r := c.rules(groupPath(i)); !g.Will.Off {
			checkWillTexts(r, g, ends)
			checkWillTopics(r, g, ends)
			checkWillSense(c, r, g, ends)
		}
		checkPresence(c.rules(groupPath(i)), g, ends, byWill[g])
	}
}

// checkWillTexts checks every template of a Will, for the given devices.
func checkWillTexts(r rules, g *Group, ends []Vars) {
	w, tried := &g.Will, r.beneath("will")
	tried.samples, tried.noHomes = ends, g.Homes == 0 && r.ok("homes")
	willKeys.check(tried, w)
	checkProperties(r, "will.user_properties", w.UserProperties, devicePlaces, ends...)
	checkWillSize(r, g, ends)
}

// checkProperties checks User Properties, whose values are tried out.
func checkProperties(r rules, at string, all []Property, places []string, tried ...Vars) {
	for i, p := range all {
		key := fmt.Sprintf("%s[%d]", at, i)
		if problem := textFault(p.Key); problem != "" {
			r.errorf(key, "", "the key %q %s", tomlfault.Short(p.Key), problem)
		} else {
			r.template(key, p.Value, places, textFault, tried...)
		}
	}
}

// What the texts of a Will may come to in bytes: those of one device, which has
// them in its CONNECT, and those of a group, which are all at the broker.
const (
	maxWillSize  = 256 << 10
	maxWillSizes = 1 << 30
)

// checkWillSize checks what the texts of a Will come to when their places are
// filled in, and names the one with which it is too much.
func checkWillSize(r rules, g *Group, ends []Vars) {
	w := &g.Will
	for _, v := range ends {
		sum := 0
		add := func(key string, t Template, more int) bool {
			if !r.ok(key) {
				return true
			}
			sum += t.size(v) + more
			switch {
			case sum > maxWillSize:
				r.errorf(key, "", "with this, the texts of the Will of %s have %s; want at most %s",
					tomlfault.Short(v.ID), words.Plural(int64(sum), "byte", "bytes"), words.Grouped(maxWillSize))
			case sum > maxWillSizes/g.Total():
				r.errorf(key, "", "with this, the texts of the Wills of %s have %s; want at most %s",
					words.Plural(int64(g.Total()), "device", "devices"), words.Plural(int64(sum)*int64(g.Total()), "byte", "bytes"), words.Grouped(maxWillSizes))
			default:
				return true
			}
			return false
		}
		ok := add("will.topic", w.Topic, 0) && add("will.payload", w.Payload, 0) && add("will.content_type", w.ContentType, 0) &&
			add("will.response_topic", w.ResponseTopic, 0) && add("will.correlation_data", w.CorrelationData, 0)
		for i := 0; ok && i < len(w.UserProperties); i++ {
			p := &w.UserProperties[i]
			ok = add(fmt.Sprintf("will.user_properties[%d]", i), p.Value, len(p.Key))
		}
		if !ok {
			return
		}
	}
}

// checkWillTopics checks that a Will goes where it can do no harm: a device
// that took its own Will, or an answer to it, for a command would obey it.
func checkWillTopics(r rules, g *Group, ends []Vars) {
	w := &g.Will
	for i, v := range ends {
		for _, f := range []struct {
			key string
			t   Template
		}{{"will.topic", w.Topic}, {"will.response_topic", w.ResponseTopic}} {
			topic := f.t.Expand(v)
			switch {
			case !r.ok(f.key):
			case g.Voice().Owns(v.who(), []byte(topic)):
				r.errorf(f.key, "", "%s: %q is one of the device's own command topics, %s", last(f.key), tomlfault.Short(topic),
					tomlfault.Short(g.Voice().AppendFilters(nil, v.who(), true)[0]))
			case strings.HasPrefix(topic, "$") && i == 0:
				r.warnf(f.key, "", "%s: %q begins with $; brokers keep such topics to themselves", last(f.key), tomlfault.Short(topic))
			}
		}
	}
}

// checkWillSense warns of what is allowed and does not do what it seems to.
func checkWillSense(c *checker, r rules, g *Group, ends []Vars) {
	w, expiry := &g.Will, c.s.Connect.SessionExpiry
	if c.doc.OK("connect.session_expiry") && c.doc.OK("connect") && r.ok("will.delay") {
		switch {
		case w.Delay > 0 && expiry == 0:
			r.warnf("will.delay", `add session_expiry = "1h", say, to [connect]`,
				"delay is %s, but without a session_expiry the session ends with the connection, and the Will is sent at once", tomlfault.FormatDuration(w.Delay))
		case w.Delay > expiry:
			r.warnf("will.delay", "", "delay is %s, but the session ends, and the Will is sent, after session_expiry, %s",
				tomlfault.FormatDuration(w.Delay), tomlfault.FormatDuration(expiry))
		}
	}
	if w.CorrelationData != "" && w.ResponseTopic == "" && r.ok("will.response_topic", "will.correlation_data") {
		r.warnf("will.correlation_data", `add response_topic = "will/seen/{id}", say`, "correlation_data without a response_topic: nobody can answer this Will")
	}
	if len(ends) > 0 && g.Total() > 1 && w.ResponseTopic != "" && r.ok("will.response_topic") &&
		w.ResponseTopic.Expand(ends[0]) == w.ResponseTopic.Expand(ends[1]) {
		r.warnf("will.response_topic", "use {id} in it", "response_topic is the same for all %d devices: each would get the answers meant for the others", g.Total())
	}
}

// binaryFault returns what is wrong with a text as Binary Data, or "".
func binaryFault(s string) string {
	if len(s) > maxString {
		return fmt.Sprintf("has %d bytes; MQTT allows %d", len(s), maxString)
	}
	return ""
}
