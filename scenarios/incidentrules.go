package scenarios

import (
	"homefleet/scenarios/tomlfault"
)

// checkIncidents checks each incident by itself; [checkOccurrences] does against
// how long is measured.
func checkIncidents(c *checker) {
	if n := len(c.s.Incidents); n > maxNamed {
		c.rules(incidentPath(maxNamed)).errorf("", "one incident may happen several times", "that makes %d incidents; want at most %d", n, maxNamed)
		return
	}
	byName := make(map[string]string)
	for k := range c.s.Incidents {
		i, r := &c.s.Incidents[k], c.rules(incidentPath(k))
		incidentKeys.check(r, i)
		if first, ok := byName[i.Name]; ok {
			r.errorf("name", `add name = "...", another one`, "the name %q is already used at %s", tomlfault.Short(i.Name), c.doc.Where(first))
		} else {
			byName[i.Name] = r.path
		}
		checkTimes(r, i)
		if r.ok("kind") {
			checkIncident(c, r, i)
		}
		checkStruck(c, r, k)
	}
}

// checkTimes checks when an incident happens, as far as that does not rest on
// how long is measured.
func checkTimes(r rules, i *Incident) {
	if !r.ok("at", "for", "every", "spread", "times") {
		return
	}
	again := i.again()
	switch {
	case i.Every > 0 && i.Days != 0 && i.Clock != nil:
		r.errorf("every", "leave one of the two out", "every is %s, but at says that it happens each %s; want one of the two", tomlfault.FormatDuration(i.Every), i.Days)
	case i.Times > 0 && i.Every == 0 && i.Clock == nil:
		r.errorf("times", incidentKeys.key("every").add(), "times without every: there is nothing to repeat")
	case i.weekly.n > 0 && again < i.For+i.Spread:
		r.errorf("for", "", "it happens again after %s, but lasts %s, spread included; want the next to begin when the last is over",
			tomlfault.FormatDuration(again), tomlfault.FormatDuration(i.For+i.Spread))
	case i.Every > 0 && i.Every < i.For:
		r.errorf("every", "", "every is %s, but it lasts %s; want the next to begin when the last is over", tomlfault.FormatDuration(i.Every), tomlfault.FormatDuration(i.For))
	case i.Every > 0 && i.Every < i.For+i.Spread:
		r.errorf("every", "", "every is %s, but with its spread it lasts %s; want the next to begin when the last is over",
			tomlfault.FormatDuration(i.Every), tomlfault.FormatDuration(i.For+i.Spread))
	case i.end() > maxPhase && i.Times > 1:
		r.errorf("times", "", "the last of them is over after more than a year; want an earlier end")
	case i.end() > maxPhase:
		r.errorf("for", "", "it is over after more than a year; want an earlier end")
	}
}

// checkIncident checks what depends on the kind.
func checkIncident(c *checker, r rules, i *Incident) {
	connect, connectOK := &c.s.Connect, func(key string) bool { return c.doc.OK("connect") && c.doc.OK("connect."+key) }
	switch i.Kind {
	case BrokerOutage:
		if c.s.Broker.URL != "" {
			r.errorf("kind", "leave the broker's address out, or stop that broker yourself",
				"a broker-outage at a broker with an address; only the embedded broker can be taken away")
		}
	case IDFight:
		if connect.ClientID == "" && connectOK("client_id") {
			r.errorf("kind", `leave client_id out for "{id}"`, "an id-fight where the broker assigns the client ids; there is none to fight over")
		}
	case SlowLink:
		if i.Latency == 0 && i.Bandwidth == 0 && i.Slice == 0 && r.ok("latency", "jitter", "slice_delay", "slice", "bandwidth") {
			r.errorf("", `add latency = "500ms", bandwidth = "8KiB/s" or slice = "16B", say`, "a slow-link that is not slow")
		}
	}
	if (i.Way == Silence || i.Way == Unplugged) && r.ok("way") && connect.KeepAlive == 0 && connectOK("keep_alive") {
		r.warnf("way", `add keep_alive = "60s", say, to [connect]`, "way is %q, but without a keep_alive the broker never notices", i.Way)
	}
	if connect.SessionExpiry == 0 && connectOK("session_expiry") && i.Session == Same && i.Kind != IDFight && r.ok("session") && c.doc.Holds(r.at("session")) {
		r.warnf("session", `add session_expiry = "1h", say, to [connect]`,
			"session is %q, but without a session_expiry the session ends with the connection, and nothing is resumed", i.Session)
	}
	if i.Rename && connect.ClientID == "" && connectOK("client_id") {
		r.warnf("rename", "", "rename has no effect where the broker assigns the client ids")
	}
}

// checkStruck checks that somebody is struck.
func checkStruck(c *checker, r rules, k int) {
	i := &c.s.Incidents[k]
	targetKeys.check(r.beneath("target"), &i.Target)
	if !c.distinct || !r.ok("target", "target.kind", "target.id", "target.home", "target.share") || !c.targetedKind(r, &i.Target) {
		return
	}
	sel := c.s.struck(k, 0)
	if i.again() > 0 && i.Times != 1 {
		sel.target.Share = 0 // another time it may be somebody
	}
	if !c.s.some(sel) {
		c.noTarget(r, sel)
	}
}

// checkOccurrences checks the incidents against how long is measured.
func checkOccurrences(c *checker) {
	measure := c.s.Phases.Measure
	if len(c.s.Incidents) == 0 || !c.doc.OK("phases") || !c.doc.OK("phases.measure") {
		return
	}
	total := 0
	for k := range c.s.Incidents {
		i, r := &c.s.Incidents[k], c.rules(incidentPath(k))
		if !r.ok("at", "for", "every", "spread", "times") {
			continue
		}
		if total += i.count(measure); total > maxTimes {
			key := "every"
			if i.Every == 0 || i.Clock != nil {
				key = "at"
			}
			r.errorf(key, "", "that makes %d occurrences of incidents in %s; want at most %d", total, tomlfault.FormatDuration(measure), maxTimes)
			return
		}
		switch end := i.end(); {
		case i.At >= measure:
			r.warnf("at", "measure for longer, or have it begin earlier", "it never happens: the measuring is over after %s", tomlfault.FormatDuration(measure))
		case end > measure:
			which := "it is"
			if i.again() > 0 && i.Times > 1 {
				which = "the last of them is"
			}
			r.warnf("for", "measure for longer", "%s over %s after the measuring begins, but that takes %s", which, tomlfault.FormatDuration(end), tomlfault.FormatDuration(measure))
		}
	}
}
