package scenarios

import (
	"fmt"
	"strings"
	"time"

	"homefleet/scenarios/tomlfault"
)

// watcherPath is where faults of a group of watchers are reported.
func watcherPath(i int) string { return fmt.Sprintf("watcher[%d]", i) }

// maxSlow is the longest that a message may take a watcher.
const maxSlow = time.Hour

// watcherKeys are the keys of a [[watcher]].
var watcherKeys = describe[Watchers](table{name: "[[watcher]]", keys: []key{
	{name: "name", form: text{what: "one topic level, without braces", empty: leaveOut}, defDoc: "`\"watchers-1\"`, by place", doc: "tells the group in results"},
	{name: "count", form: whole(1, MaxControllers), def: 1, doc: "how many"},
	{name: "client_id", form: template{text{empty: leaveOut}, controllerPlaces}, def: "{id}", doc: "as for controllers"},
	{name: "topics", form: list{of: "topic filters", fault: filterFault, empty: "leave it out for the default, all that devices report", unique: true},
		defDoc: "all that devices report by themselves, as their faces have it; with `answers` the filters of the devices' Wills", doc: "what they subscribe to"},
	{name: "answers", form: yesNo{}, def: false, doc: "it answers each message that has a Response Topic there, with its Correlation Data: it consumes Wills"},
	{name: "qos", form: qos(), defDoc: "`0`; with `answers` `1`", doc: "QoS that is asked for"},
	mqttKey("they"),
	{name: "share", form: text{what: "text without `/`, `+` and `#`", fault: shareFault, empty: leaveOut},
		doc: "name of a shared subscription that the group has together; without it each gets every message"},
	{name: "slow", form: span(0, maxSlow), defDoc: "`\"0s\"`", doc: "how long each message takes a watcher: a slow consumer"},
}})

// fill puts the defaults in the place of what is zero. place counts from 0.
func (w *Watchers) fill(place int, s *Scenario) {
	w.Name = orText(w.Name, fmt.Sprintf("watchers-%d", place+1))
	watcherKeys.fill(w)
	if w.Answers && !w.filled && w.QoS == 0 {
		w.QoS = 1
	}
	w.filled = true
	switch {
	case len(w.Topics) > 0:
	case w.Answers:
		w.Topics = s.WillFilters()
	default:
		w.Topics = s.reportFilters()
	}
}

func readWatchers(r *reader) {
	for i, t := range r.top.Tables("watcher") {
		var w Watchers
		watcherKeys.read(t, &w)
		if w.Answers && !t.Holds("qos") {
			w.QoS = 1
		}
		w.filled = true // an explicit 0 is 0
		w.fill(i, r.s)
		r.s.Watchers = append(r.s.Watchers, w)
	}
}

func checkWatchers(c *checker) {
	for i := range c.s.Watchers {
		w, r := &c.s.Watchers[i], c.rules(watcherPath(i))
		own := *w
		if w.Answers && !checkAnswers(c, r) {
			own.Topics = nil // they may follow from what is at fault
		}
		watcherKeys.check(r, &own)
		for k, topic := range own.Topics {
			if name, ok := strings.CutPrefix(topic, "$share/"); ok {
				name, plain, _ := strings.Cut(name, "/")
				r.errorf(fmt.Sprintf("topics[%d]", k), fmt.Sprintf("did you mean topics = [%q] and share = %q?", tomlfault.Short(plain), tomlfault.Short(name)),
					"topics: %q is a shared subscription", tomlfault.Short(topic))
			}
		}
	}
}

// checkAnswers checks that there is something to answer. It reports false where
// the Wills are at fault, from which the topics may follow.
func checkAnswers(c *checker, r rules) bool {
	wills, asking := false, false
	for i := range c.s.Groups {
		g := &c.s.Groups[i]
		if !c.rules(groupPath(i)).ok("will", "will.topic", "home") {
			return false
		}
		wills = wills || !g.Will.Off
		asking = asking || !g.Will.Off && g.Will.ResponseTopic != ""
	}
	switch {
	case !wills:
		r.errorf("answers", "remove it, or will = false at a [[device]]", "no device has a Will that could be answered")
	case !asking:
		r.warnf("answers", `add response_topic = "will/seen/{id}", say, to a [device.will]`, "no device's Will has a response_topic, so that there is nothing to answer")
	}
	return true
}

// shareFault returns what is wrong with a text as the ShareName of a shared
// subscription (section 4.8.2), or "".
func shareFault(s string) string {
	if strings.ContainsAny(s, "/+#") {
		return `has one of "/", "+" and "#", which no name of a shared subscription has`
	}
	return textFault(s)
}
