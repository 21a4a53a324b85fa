package scenarios

import (
	"cmp"
	"fmt"
	"slices"

	"homefleet/devices/faces"
)

// MQTT is the version of the protocol that a client speaks; "" is that of [Broker], or
// 5.
type MQTT string

// The versions.
const (
	MQTT5   MQTT = "5"
	MQTT311 MQTT = "3.1.1"
)

// mqttKey is the key of a group of clients that says which version they speak.
func mqttKey(whom string) key {
	return key{name: "mqtt", form: oneOf{texts(MQTT5, MQTT311)}, defDoc: "that of `[broker]`",
		doc: "version that " + whom + " speak; see [MQTT 3.1.1](#mqtt-311)"}
}

// Speaks returns the version that a group of clients speaks which has this one of its
// own. It is that of the audit's clients, too, if own is "".
func (s *Scenario) Speaks(own MQTT) MQTT { return cmp.Or(own, s.Broker.MQTT, MQTT5) }

// Speaks311 reports whether that is MQTT 3.1.1.
func (s *Scenario) Speaks311(own MQTT) bool { return s.Speaks(own) == MQTT311 }

// SomeSpeak311 reports whether there are devices that speak MQTT 3.1.1.
func (s *Scenario) SomeSpeak311() bool {
	for i := range s.Groups {
		if s.Speaks311(s.Groups[i].MQTT) {
			return true
		}
	}
	return false
}

// checkMQTT checks that nobody is to do what MQTT 3.1.1 cannot express: that is an
// error where the scenario would mean something else without it, and a warning where it
// means the same with less.
func checkMQTT(c *checker) {
	if !c.rules("broker").ok("mqtt") {
		return
	}
	some := false
	for i := range c.s.Groups {
		g, r := &c.s.Groups[i], c.rules(groupPath(i))
		if !r.ok("mqtt") {
			return
		}
		if c.s.Speaks311(g.MQTT) {
			some = true
			checkWill311(r, g)
			checkMisbehavior311(r, g)
		}
	}
	others := slices.ContainsFunc(c.s.External, func(g Group) bool { return c.s.Speaks311(g.MQTT) })
	for i := range c.s.Controllers {
		ctl, r := &c.s.Controllers[i], c.rules(controllerPath(i))
		switch {
		case !r.ok("mqtt"):
		case c.s.Speaks311(ctl.MQTT):
			checkController311(r, ctl)
			checkAnswerTopics311(c, r, ctl)
		case some || others:
			checkAsks311(c, r, ctl)
		}
	}
	for i := range c.s.Watchers {
		w, r := &c.s.Watchers[i], c.rules(watcherPath(i))
		if r.ok("mqtt") && c.s.Speaks311(w.MQTT) {
			checkWatcher311(r, w)
		}
	}
	if !some {
		return
	}
	checkConnect311(c)
	for i := range c.s.Incidents {
		if r := c.rules(incidentPath(i)); c.s.Incidents[i].Way == WithWill && r.ok("way") {
			r.errorf("way", `way = "cut" ends the connection without a DISCONNECT, which has the Will published as well`,
				"way is %q, but a DISCONNECT of MQTT 3.1.1 has no reason code: there is none that has the Will published", WithWill)
		}
	}
}

// unless5 is the hint to what needs MQTT 5.
const unless5 = `leave it out, or have them speak mqtt = "5"`

// checkWill311 checks the Will of devices that speak MQTT 3.1.1, which has topic, payload,
// QoS and retain (3.1.1: 3.1.2.5 to 3.1.2.7).
func checkWill311(r rules, g *Group) {
	w := &g.Will
	if w.Off || !r.ok("will") {
		return
	}
	if w.Delay > 0 {
		r.errorf("will.delay", unless5, "MQTT 3.1.1 has no Will Delay Interval: the Will would be published at once")
	}
	for _, f := range []struct {
		key, what string
		set       bool
	}{
		{"message_expiry", "no Message Expiry Interval: the Will is kept for as long as it is retained", w.MessageExpiry > 0},
		{"content_type", "no Content Type: the Will goes without", w.ContentType != ""},
		{"response_topic", "no Response Topic: nobody can answer the Will", w.ResponseTopic != ""},
		{"correlation_data", "no Correlation Data: the Will goes without", w.CorrelationData != ""},
		{"user_properties", "no User Properties: the Will goes without", len(w.UserProperties) > 0},
	} {
		if f.set {
			r.warnf("will."+f.key, unless5, "MQTT 3.1.1 has %s", f.what)
		}
	}
}

// checkMisbehavior311 checks what devices do wrong that have no properties to do it with.
func checkMisbehavior311(r rules, g *Group) {
	if g.Misbehave == nil {
		return
	}
	for _, f := range []struct {
		key, what string
		share     float64
	}{
		{"wrong_correlation", "Correlation Data", g.Misbehave.WrongCorrelation},
		{"no_correlation", "Correlation Data", g.Misbehave.NoCorrelation},
		{"wrong_topic", "Response Topic", g.Misbehave.WrongTopic},
		{"error", "User Properties", g.Misbehave.Error},
	} {
		if f.share > 0 {
			r.errorf("misbehave."+f.key, unless5, "MQTT 3.1.1 has no %s that could be wrong", f.what)
		}
	}
}

// checkController311 checks controllers that speak MQTT 3.1.1, who match answers by
// their topic.
func checkController311(r rules, c *Controllers) {
	if c.Group != "" {
		r.errorf("group", `command the devices one by one, with a target, or have the controllers speak mqtt = "5"`,
			"MQTT 3.1.1 has no Response Topic: the answers of a group come to topics of many devices, and to whose request nobody can tell")
	}
	if c.ShareReplies {
		r.errorf("share_replies", unless5, "MQTT 3.1.1 has no Response Topic that could be shared")
	}
	if c.MessageExpiry > 0 {
		r.warnf("message_expiry", unless5, "MQTT 3.1.1 has no Message Expiry Interval: requests are kept for as long as it takes")
	}
	if len(c.UserProperties) > 0 {
		r.warnf("user_properties", unless5, "MQTT 3.1.1 has no User Properties: requests go without")
	}
	if r.ok("correlation_size") && r.doc.Holds(r.at("correlation_size")) {
		r.warnf("correlation_size", "leave it out", "MQTT 3.1.1 has no Correlation Data: correlation_size has no effect")
	}
}

// checkAnswerTopics311 checks that it can be known beforehand where the commanded devices
// answer.
func checkAnswerTopics311(c *checker, r rules, ctl *Controllers) {
	if !c.distinct || !r.ok("target", "target.kind", "target.id", "target.home", "target.share", "group") {
		return
	}
	for _, n := range c.s.Targets(ctl) {
		d := c.s.Device(n)
		if v := d.Group.Voice(); v == nil {
			return // what is wrong with it is said there
		} else if _, ok := v.(faces.Answerer); !ok {
			r.errorf("mqtt", `have the controllers speak mqtt = "5", or command others`,
				"these controllers speak MQTT 3.1.1, and the face of %s has no topic for the answers to them", d.ID)
			return
		}
	}
}

// checkAsks311 checks that controllers of MQTT 5 do not command devices of 3.1.1: the
// broker takes the Response Topic off what it hands to those.
func checkAsks311(c *checker, r rules, ctl *Controllers) {
	if !c.distinct || !r.ok("target", "target.kind", "target.id", "target.home", "target.share", "group") {
		return
	}
	for _, n := range c.s.Targets(ctl) {
		if d := c.s.Device(n); c.s.Speaks311(d.Group.MQTT) {
			r.errorf("mqtt", `add mqtt = "3.1.1", or command others`,
				"these controllers speak MQTT 5, and %s, which they command, speaks 3.1.1: no Response Topic reaches it, so that all its answers would be lost", d.ID)
			return
		}
	}
}

// checkWatcher311 checks watchers that speak MQTT 3.1.1.
func checkWatcher311(r rules, w *Watchers) {
	if w.Answers {
		r.errorf("answers", unless5, "MQTT 3.1.1 has no Response Topic: there is nothing to answer")
	}
	if w.Share != "" {
		r.warnf("share", unless5, "MQTT 3.1.1 has no shared subscriptions: a broker that does not have them all the same takes %q for a topic, to which nothing comes",
			fmt.Sprintf("$share/%s/...", w.Share))
	}
}

// checkConnect311 checks how devices connect that speak MQTT 3.1.1.
func checkConnect311(c *checker) {
	r, own := c.rules("connect"), &c.s.Connect
	if !r.ok("session_expiry") || own.SessionExpiry == 0 {
		return
	}
	r.warnf("session_expiry", "", "MQTT 3.1.1 has no Session Expiry Interval: a session that outlives its connection (Clean Session 0) is kept for as long as the broker likes, after the run, too")
	if own.ClientID == "" && r.ok("client_id") {
		r.errorf("client_id", `leave client_id out for "{id}"`, "client_id is empty, and a session of MQTT 3.1.1 that outlives its connection needs one (3.1.1: 3.1.3-8)")
	}
}
