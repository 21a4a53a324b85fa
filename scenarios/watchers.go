package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"homefleet/scenarios/tomlfault"
)

// watcherPath is where faults of a group of watchers are reported.
func watcherPath(i int) string { return fmt.Sprintf("watcher[%d]", i) }

// maxSlow is the longest that a message may take a watcher.
const maxSlow = time.Hour

// fill puts the defaults in the place of what is zero. place counts from 0.
func (w *Watchers) fill(place int, s *Scenario) {
	w.Name = orText(w.Name, fmt.Sprintf("watchers-%d", place+1))
	w.ClientID = orText(w.ClientID, "{id}")
	if w.Count == 0 {
		w.Count = 1
	}
	if w.Answers && !w.filled && w.QoS == 0 {
		w.QoS = 1
	}
	w.filled = true
	switch {
	case len(w.Topics) > 0:
	case w.Answers:
		w.Topics = s.WillFilters()
	default:
		w.Topics = []string{"state/#", "tele/#"}
	}
}

func readWatchers(r *reader) {
	for i, t := range r.top.Tables("watcher") {
		var w Watchers
		notEmpty(t, "name", &w.Name)
		tomlfault.Int(t, "count", 1, MaxControllers, &w.Count)
		id := ""
		notEmpty(t, "client_id", &id)
		w.ClientID = Template(id)
		if t.Texts("topics", &w.Topics) && len(w.Topics) == 0 {
			t.Errorf("topics", `leave it out for the default, ["state/#", "tele/#"]`, "topics is empty")
		}
		t.Bool("answers", &w.Answers)
		if w.Answers {
			w.QoS = 1
		}
		w.filled = true // an explicit 0 is 0
		tomlfault.Int(t, "qos", 0, 2, &w.QoS)
		notEmpty(t, "share", &w.Share)
		t.Duration("slow", &w.Slow)
		w.fill(i, r.s)
		r.s.Watchers = append(r.s.Watchers, w)
	}
}

func checkWatchers(c *checker) {
	for i := range c.s.Watchers {
		w, r := &c.s.Watchers[i], c.rules(watcherPath(i))
		r.between("count", w.Count, 1, MaxControllers)
		r.between("qos", int(w.QoS), 0, 2)
		if w.Answers && !checkAnswers(c, r) {
			continue
		}
		for k, topic := range w.Topics {
			key := fmt.Sprintf("topics[%d]", k)
			problem, hint := filterFault(topic), ""
			if name, _ := strings.CutPrefix(topic, "$share/"); problem == "" && name != topic {
				name, topic, _ = strings.Cut(name, "/")
				problem, hint = "is a shared subscription", fmt.Sprintf("did you mean topics = [%q] and share = %q?", tomlfault.Short(topic), tomlfault.Short(name))
				topic = w.Topics[k]
			}
			switch {
			case problem != "":
				r.errorf(key, hint, "topics: %q %s", tomlfault.Short(topic), problem)
			case slices.Contains(w.Topics[:k], topic):
				r.errorf(key, "", "topics: %q stands there twice", tomlfault.Short(topic))
			}
		}
		if problem := shareFault(w.Share); problem != "" && w.Share != "" {
			r.errorf("share", "", "share: %q %s", tomlfault.Short(w.Share), problem)
		}
		if w.Slow < 0 || w.Slow > maxSlow {
			r.errorf("slow", "", "slow is %s; want 0s to %s", tomlfault.FormatDuration(w.Slow), tomlfault.FormatDuration(maxSlow))
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
