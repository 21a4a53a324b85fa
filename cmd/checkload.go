package cmd

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"homefleet/devices/faces"
	"homefleet/devices/words"
	"homefleet/scenarios"
)

// writeLoadPlan says what a scenario measures, if it measures.
func writeLoadPlan(b *strings.Builder, sc *scenarios.Scenario, p paint) {
	if !sc.Measured() {
		return
	}
	plan := sc.LoadPlan()
	if len(plan.Controllers) > 0 {
		var rs rows
		for i := range plan.Controllers {
			rs.add(printable(plan.Controllers[i].Controllers.Name), "%s", controllerWords(&plan.Controllers[i]))
		}
		b.WriteString("\n" + p.bold("Controllers") + "\n" + rs.text("  ", p))
	}
	if len(plan.Watchers) > 0 {
		var rs rows
		for _, w := range plan.Watchers {
			rs.add(printable(w.Name), "%s", watcherWords(w))
		}
		b.WriteString("\n" + p.bold("Watchers") + "\n" + rs.text("  ", p))
	}
	if len(sc.Incidents) > 0 {
		var rs rows
		for _, in := range incidentsOf(sc) {
			rs.add(printable(in.Name), "%s", in.words())
		}
		b.WriteString("\n" + p.bold("Incidents") + "\n" + rs.text("  ", p))
	}
	var rs rows
	ph := &plan.Phases
	waits := "waits for nobody"
	if ph.WaitFor > 0 {
		waits = "until " + words.Percent(100*ph.WaitFor, 2) + " of the devices are up"
	}
	rs.add("connect", "at most %s, %s; %s in all", setting(ph.Connect), waits, plural(plan.Clients, "connection"))
	if ph.WarmUp > 0 {
		rs.add("warm-up", "%s, not recorded", setting(ph.WarmUp))
	}
	rs.add("measure", "%s", setting(ph.Measure))
	if ph.Drain > 0 {
		rs.add("drain", "at most %s, until everything is answered", setting(ph.Drain))
	}
	b.WriteString("\n" + p.bold("Phases") + "\n" + rs.text("  ", p))
	if len(plan.Expect) > 0 {
		b.WriteString("\n" + p.bold("Expectations") + "\n")
		var rs rows
		for i := range plan.Expect {
			e := &plan.Expect[i]
			text := e.Want()
			if e.Abort {
				text += "; if not, the run ends at once"
			}
			if e.Implied {
				text += "; implied"
			}
			rs.add(e.Metric(), "%s", text)
		}
		b.WriteString(rs.text("  ", p))
	}
}

// controllerWords says in a few lines what a group of controllers does.
func controllerWords(c *scenarios.ControllerPlan) string {
	g := c.Controllers
	who := plural(g.Count, "controller") + ", " + printable(c.First)
	if g.Count > 1 {
		who += " … " + printable(c.Last)
	}
	how := g.ArrivalText()
	if c.Requests > 0 {
		how += fmt.Sprintf("; %s requests", words.Grouped(int64(math.Round(c.Requests))))
		if g.Arrival == scenarios.Poisson {
			how += " or so"
		}
	}
	whom := plural(c.Targets, "device")
	if c.Targets > 0 {
		whom += ", " + c.FirstTarget.ID
		if c.Targets > 1 {
			whom += " … " + c.LastTarget.ID
		}
	}
	switch {
	case g.Group != "":
		whom += fmt.Sprintf(", all with each request: %s", plural(c.Answers, "answer"))
	case g.Pair:
		whom += ", one for each controller"
	}
	requests := requestsOf(c)
	what := strings.Join(requests, "\n")
	if g.PayloadSize > 0 {
		what += ", padded to " + plural(g.PayloadSize, "byte")
	}
	if len(requests) > 1 {
		what += "\n"
	} else {
		what += "; "
	}
	what += fmt.Sprintf("QoS %d, time-out %s", g.QoS, setting(g.Timeout))
	if g.ShareReplies {
		what += ", replies to a shared subscription"
	}
	return strings.Join([]string{who, how, whom, what}, "\n")
}

// requestsOf is how controllers command their devices, on a line each dialect in which they
// do.
func requestsOf(c *scenarios.ControllerPlan) (lines []string) {
	g := c.Controllers
	if c.Targets == 0 {
		var payloads []string
		for _, text := range g.Payloads {
			payloads = append(payloads, payloadName(text))
		}
		return []string{g.Attribute + " " + strings.Join(payloads, ", ")}
	}
	seen := make(map[string]bool)
	for i := range c.OfEachGroup {
		d := &c.OfEachGroup[i]
		who := d.Who()
		who.ID, who.Group = "<id>", g.Group
		attr, _ := d.Group.Kind.Attribute([]byte(g.Attribute))
		var topic []byte
		var payloads []string
		for _, text := range g.Payloads {
			var payload []byte
			topic, payload = d.Group.Voice().(faces.Requester).AppendRequest(topic[:0], nil, &who, attr, text)
			payloads = append(payloads, payloadName(string(payload)))
		}
		said := strings.Join(payloads, ", ")
		if way := fmt.Sprint(d.Group.Face, said); !seen[way] {
			seen[way] = true
			lines = append(lines, string(topic)+" "+said)
		}
	}
	return lines
}

// payloadName is a payload in a list.
func payloadName(text string) string {
	return printable(cmp.Or(text, "(query)"))
}

func watcherWords(w *scenarios.Watchers) string {
	text := fmt.Sprintf("%s of %s (QoS %d)", plural(w.Count, "watcher"), printable(strings.Join(w.Topics, ", ")), w.QoS)
	if w.Share != "" {
		text += ", sharing a subscription"
	}
	if w.Slow > 0 {
		text += ", " + setting(w.Slow) + " a message"
	}
	if w.Answers {
		text += ", answering what has a Response Topic"
	}
	return text
}

type controllerDocument struct {
	Name     string   `json:"name"`
	Count    int      `json:"count"`
	Arrival  string   `json:"arrival"` // in words
	Rate     string   `json:"rate,omitempty"`
	Peak     string   `json:"peak,omitempty"`
	Requests float64  `json:"requests,omitempty"` // while measuring; on average
	Targets  int      `json:"targets"`
	Answers  int      `json:"answers"` // to each request
	First    string   `json:"first_target,omitempty"`
	Last     string   `json:"last_target,omitempty"`
	Payloads []string `json:"payloads"`
	QoS      byte     `json:"qos"`
	Timeout  string   `json:"timeout"`
}

type watcherDocument struct {
	Name   string   `json:"name"`
	Count  int      `json:"count"`
	Topics []string `json:"topics"`
	QoS    byte     `json:"qos"`
	Share  string   `json:"share,omitempty"`
	Slow   string   `json:"slow,omitempty"`

	Answers bool `json:"answers,omitempty"`
}

type phasesDocument struct {
	Connect string  `json:"connect"` // at most
	WaitFor float64 `json:"wait_for"`
	WarmUp  string  `json:"warm_up"`
	Measure string  `json:"measure"`
	Drain   string  `json:"drain"` // at most
}

type expectDocument struct {
	Metric string `json:"metric"`
	Want   string `json:"want"`
	Abort  bool   `json:"abort,omitempty"`

	Implied bool `json:"implied,omitempty"` // not the scenario's
}

// addLoad adds what is measured.
func (d *planDocument) addLoad(sc *scenarios.Scenario) {
	plan := sc.LoadPlan()
	d.Size, d.Sizes, d.Clients = sc.Size, sc.Sizes(), plan.Clients
	if !sc.Measured() {
		return
	}
	perSecond := func(v float64) string {
		if v == 0 {
			return ""
		}
		return fmt.Sprintf("%.6g/s", v)
	}
	for i := range plan.Controllers {
		c := &plan.Controllers[i]
		g := c.Controllers
		d.Controllers = append(d.Controllers, controllerDocument{
			Name: g.Name, Count: g.Count, Arrival: g.ArrivalText(), Rate: perSecond(c.Rate), Peak: perSecond(c.Peak),
			Requests: c.Requests, Targets: c.Targets, Answers: c.Answers, First: c.FirstTarget.ID, Last: c.LastTarget.ID,
			Payloads: g.Payloads, QoS: g.QoS, Timeout: setting(g.Timeout),
		})
	}
	for _, w := range plan.Watchers {
		doc := watcherDocument{Name: w.Name, Count: w.Count, Topics: w.Topics, QoS: w.QoS, Share: w.Share, Answers: w.Answers}
		if w.Slow > 0 {
			doc.Slow = setting(w.Slow)
		}
		d.Watchers = append(d.Watchers, doc)
	}
	ph := &plan.Phases
	d.Incidents = incidentsOf(sc)
	d.Phases = &phasesDocument{setting(ph.Connect), ph.WaitFor, setting(ph.WarmUp), setting(ph.Measure), setting(ph.Drain)}
	for i := range plan.Expect {
		e := &plan.Expect[i]
		d.Expect = append(d.Expect, expectDocument{e.Metric(), e.Want(), e.Abort, e.Implied})
	}
}
