package scenarios

import (
	"slices"
	"time"

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
		if problem := nameFault(i.Name); problem != "" {
			r.errorf("name", "", "name: %q %s", tomlfault.Short(i.Name), problem)
		} else if first, ok := byName[i.Name]; ok {
			r.errorf("name", `add name = "...", another one`, "the name %q is already used at %s", tomlfault.Short(i.Name), c.doc.Where(first))
		} else {
			byName[i.Name] = r.path
		}
		if !i.known() {
			r.errorf("kind", tomlfault.DidYouMean(string(i.Kind), incidentKinds), "there is no kind %q; want %s", tomlfault.Short(string(i.Kind)), tomlfault.Join(incidentKinds))
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
	r.within("at", i.At, 0, maxPhase)
	if i.For == 0 {
		r.errorf("for", `add for = "30s", say`, "an incident without a length")
	}
	r.within("for", i.For, 1, maxPhase)
	r.within("every", i.Every, 0, maxPhase)
	r.within("spread", i.Spread, 0, maxPhase)
	r.between("times", i.Times, 0, maxTimes)
	if !(i.Chance > 0 && i.Chance <= 1) {
		r.errorf("chance", "", "chance is %v; want above 0, to 1", i.Chance)
	}
	if !r.ok("at", "for", "every", "spread", "times") {
		return
	}
	switch {
	case i.Times > 0 && i.Every == 0:
		r.errorf("times", `add every = "1m", say`, "times without every: there is nothing to repeat")
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

// within checks a duration. least is 0 or 1; the latter is "more than 0".
func (r rules) within(key string, d, least, most time.Duration) {
	switch {
	case d < least && least > 0:
		r.errorf(key, "", "%s is %s; want more than 0", last(key), tomlfault.FormatDuration(d))
	case d < 0:
		r.errorf(key, "", "%s is %s; want 0 or more", last(key), tomlfault.FormatDuration(d))
	case d > most:
		shown := tomlfault.FormatDuration(most)
		if most == maxPhase {
			shown = "a year"
		}
		r.errorf(key, "", "%s is %s; want at most %s", last(key), tomlfault.FormatDuration(d), shown)
	}
}

// checkIncident checks what depends on the kind.
func checkIncident(c *checker, r rules, i *Incident) {
	for _, k := range incidentKeys {
		if k.set(i) && !slices.Contains(k.with, i.Kind) {
			r.errorf(k.key, k.hint(i.Kind), "%s", k.fault(i.Kind))
		}
	}
	r.choice("way", string(i.Way), texts(Ways()...))
	r.choice("return", string(i.Return), returns)
	r.choice("session", string(i.Session), sessionChoices)
	connect, connectOK := &c.s.Connect, func(key string) bool { return c.doc.OK("connect") && c.doc.OK("connect."+key) }
	switch i.Kind {
	case FirmwareRoll:
		if !(i.Batch > 0 && i.Batch <= 1) {
			r.errorf("batch", "", "batch is %v; want above 0, to 1", i.Batch)
		}
	case Flapping:
		for _, f := range []struct {
			key string
			d   time.Duration
		}{{"up", i.Up}, {"down", i.Down}} {
			if r.within(f.key, f.d, 1, maxPhase); f.d < time.Millisecond {
				r.errorf(f.key, "", "%s is %s; want at least 1ms", f.key, tomlfault.FormatDuration(f.d))
			}
		}
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
		checkSlowLink(r, i)
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

// choice checks a word that may be absent.
func (r rules) choice(key, word string, choices []string) {
	if word != "" && !slices.Contains(choices, word) {
		r.errorf(key, tomlfault.DidYouMean(word, choices), "%s has no choice %q; want %s", key, tomlfault.Short(word), tomlfault.Join(choices))
	}
}

func checkSlowLink(r rules, i *Incident) {
	r.within("latency", i.Latency, 0, maxDelay)
	r.within("jitter", i.Jitter, 0, maxDelay)
	r.within("slice_delay", i.SliceDelay, 0, maxDelay)
	r.between("slice", i.Slice, 0, maxSlice)
	if i.Bandwidth < 0 || i.Bandwidth > maxBandwidth {
		r.errorf("bandwidth", "", "bandwidth is %d bytes a second; want 0, for no bound, to 2^40", i.Bandwidth)
	}
	if !r.ok("latency", "jitter", "slice_delay", "slice", "bandwidth") {
		return
	}
	switch {
	case i.Jitter > i.Latency:
		r.errorf("jitter", "", "jitter is %s; want at most latency, %s, around which it is drawn", tomlfault.FormatDuration(i.Jitter), tomlfault.FormatDuration(i.Latency))
	case i.SliceDelay > 0 && i.Slice == 0:
		r.errorf("slice_delay", `add slice = "16B", say`, "slice_delay without slice")
	case i.Latency == 0 && i.Bandwidth == 0 && i.Slice == 0:
		r.errorf("", `add latency = "500ms", bandwidth = "8KiB/s" or slice = "16B", say`, "a slow-link that is not slow")
	}
}

// checkStruck checks that somebody is struck.
func checkStruck(c *checker, r rules, k int) {
	i := &c.s.Incidents[k]
	checkShare(r, &i.Target)
	if !c.distinct || !r.ok("target", "target.kind", "target.id", "target.home", "target.share") || !c.targetedKind(r, &i.Target) {
		return
	}
	sel := c.s.struck(k, 0)
	if i.Every > 0 && i.Times != 1 {
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
			if i.Every == 0 {
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
			if i.Every > 0 && i.Times > 1 {
				which = "the last of them is"
			}
			r.warnf("for", "measure for longer", "%s over %s after the measuring begins, but that takes %s", which, tomlfault.FormatDuration(end), tomlfault.FormatDuration(measure))
		}
	}
}
