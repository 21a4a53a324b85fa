package cmd

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homefleet/devices/faces"
	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

func (a *app) checkCommand() *cobra.Command {
	var size, shard string
	var plan bool
	cmd := &cobra.Command{
		Use:   "check SCENARIO",
		Short: "Check a scenario and print what it would do",
		Long: `Check a scenario, the name of a shipped one, a TOML file, or - for stdin, and
print the plan: which devices there are, what they are called, how they connect,
what they publish, what is measured and what is expected. Every mistake is shown
at once, with its line. Nothing is connected to.

With --plan print the plan of requests instead, as JSON: how many there are, a
digest over the time, target and payload of each, and the first ones as they are.
It follows from the scenario and its seed alone.`,
		Example: `  homefleet check flat.toml
  homefleet check request-response --size l
  homefleet check request-response --plan
  homefleet check --json apartment-block`,
		Args:              want("SCENARIO"),
		ValidArgsFunction: completeScenarios,
		RunE: func(_ *cobra.Command, args []string) error {
			sc, warnings, err := a.loadScenario(args[0], size)
			if err != nil {
				return err
			}
			a.printFaults(warnings)
			if sc, err = shardOf(sc, shard, ""); err != nil {
				return err
			}
			switch {
			case plan:
				return a.document(fleet.PlanOf(sc))
			case a.json:
				return a.document(planOf(sc, warnings))
			}
			for _, text := range planWarningsOf(sc).lines {
				a.warn("%s", text)
			}
			return a.printPlan(sc)
		},
	}
	addSize(cmd, &size)
	addShard(cmd.Flags(), &shard, "")
	cmd.Flags().BoolVar(&plan, "plan", false, "print the plan of requests, as JSON")
	return cmd
}

// perSecond is how many telemetry messages the fleet publishes on average.
func perSecond(sc *scenarios.Scenario) float64 {
	rate := 0.0
	for i := range sc.Groups {
		g := &sc.Groups[i]
		if g.Telemetry > 0 {
			rate += float64(g.Total()) / g.Telemetry.Seconds()
		}
		if g.Misbehave != nil {
			rate += float64(g.Total()) * g.Misbehave.Flood
		}
	}
	return rate
}

// rampTime is how long it takes until the last one begins to connect: devices,
// controllers, and those who watch.
func rampTime(sc *scenarios.Scenario) time.Duration {
	if sc.Connect.Rate <= 0 {
		return 0
	}
	others := sc.LoadPlan().Clients - 1
	if sc.Audit.On {
		others++
	}
	return time.Duration(float64(others) / sc.Connect.Rate * float64(time.Second))
}

func (a *app) printPlan(sc *scenarios.Scenario) error {
	p := a.outPaint()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.bold(printable(cmp.Or(sc.Title, sc.Name))))

	var head rows
	head.add("scenario", "%s (sha256 %s), seed %d", printable(sc.Name), sc.Digest[:12], sc.Seed)
	if sc.Part.N > 0 {
		head.add("part", "%s", metrics.ShardText(shardList(sc)))
	}
	head.add("devices", "%s", devicesByKind(sc))
	if sizes := sc.Sizes(); len(sizes) > 0 {
		head.add("size", "%s of %s", cmp.Or(sc.Size, scenarios.DefaultSize), strings.Join(sizes, ", "))
	}
	head.add("duration", "%s", durationWords(sc))
	head.add("broker", "%s", plannedBroker(sc))
	head.add("connect", "%s", connectWords(sc))
	head.add("keep alive", "%s", keepAliveWords(sc))
	head.add("telemetry", "%s", telemetryWords(sc))
	if sc.Audit.On {
		head.add("audit", "%s", auditWords(&sc.Audit))
	}
	b.WriteString(head.text("  ", p))

	b.WriteString("\n" + p.bold("Groups") + "\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, g := range sc.Plan() {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", plural(g.Count, g.Group.Kind.Name), idsOf(g), homeWords(g), groupTelemetry(g.Group))
	}
	writeExternal(w, sc)
	if err := w.Flush(); err != nil {
		return err
	}

	if wrong := misbehaviorsOf(sc); wrong != nil {
		var rs rows
		for _, m := range wrong {
			name := m.First
			if m.Last != m.First {
				name += " … " + m.Last
			}
			rs.add(name, "%s", m.What)
		}
		b.WriteString("\n" + p.bold("Misbehavior") + "\n" + rs.text("  ", p))
	}

	writeLoadPlan(&b, sc, p)

	for _, first := range sc.Plan() {
		fmt.Fprintf(&b, "\n%s %s\n", p.bold("The first device,"), p.bold(first.First.ID))
		b.WriteString(deviceRows(sc, first).text("  ", p))
		break
	}
	return a.printf("%s", b.String())
}

func durationWords(sc *scenarios.Scenario) string {
	text := "until stopped"
	if sc.Measured() {
		text = phaseWords(&sc.Phases)
	}
	if sc.Duration > 0 {
		text = setting(sc.Duration)
	}
	if sc.Time != 1 {
		text += fmt.Sprintf("; simulated time runs %g times as fast", sc.Time)
	}
	return text
}

func connectWords(sc *scenarios.Scenario) string {
	if sc.Connect.Rate <= 0 {
		return "as fast as it goes"
	}
	return fmt.Sprintf("%g a second, all begun after %s", sc.Connect.Rate, setting(rampTime(sc).Round(time.Millisecond)))
}

func keepAliveWords(sc *scenarios.Scenario) string {
	text := "off"
	if sc.Connect.KeepAlive > 0 {
		text = setting(sc.Connect.KeepAlive)
	}
	switch e := sc.Connect.SessionExpiry; {
	case e == 0:
		return text + "; a session ends with its connection"
	case e >= scenarios.SessionNeverExpires:
		return text + "; sessions never expire"
	default:
		return text + "; sessions expire after " + setting(e)
	}
}

func telemetryWords(sc *scenarios.Scenario) string {
	rate := perSecond(sc)
	if rate == 0 {
		return "none"
	}
	return fmt.Sprintf("%.3g messages a second", rate)
}

func homeWords(g scenarios.GroupPlan) string {
	switch {
	case g.Homes == 0:
		return "no home"
	case g.Homes == 1:
		return "in " + printable(g.First.Home)
	}
	return "in " + plural(g.Homes, "home")
}

func groupTelemetry(g *scenarios.Group) string {
	if g.Telemetry == 0 {
		return "no telemetry"
	}
	text := "every " + setting(g.Telemetry)
	if g.TelemetryJitter > 0 {
		text += " ± " + words.Percent(100*g.TelemetryJitter, 2)
	}
	return text
}

// deviceRows are the topics of a device and its Will as it is on the wire.
func deviceRows(sc *scenarios.Scenario, g scenarios.GroupPlan) *rows {
	var names []string
	for _, at := range g.Group.Kind.Attributes {
		names = append(names, at.Name)
	}
	var rs rows
	rs.add("client id", "%s", clientID(sc, g))
	if text := g.Group.StagesText(); text != "" {
		rs.add("stages", "%s", text)
	}
	outline := g.First.Outline()
	if g.Group.Face.Name != faces.Default {
		rs.add("face", "%s", g.Group.Face.Name)
	}
	rs.add("commands", "%s", outline.Commands)
	rs.add("states", "%s%s", outline.States, publishing(g.Group.QoS, g.Group.Retain))
	rs.add("attributes", "%s", strings.Join(names, ", "))
	if g.Group.Telemetry > 0 {
		rs.add("telemetry", "%s%s", outline.Telemetry, publishing(g.Group.QoS, false))
	}
	present, vars := sc.Availability()[g.Group], g.First.Vars("{run}")
	rs.add("presence", "%s, %s and %s", printable(present.Topic.Expand(vars)),
		readable([]byte(present.Online.Expand(vars))), readable([]byte(present.Offline.Expand(vars))))
	if g.Will == nil {
		rs.add("will", "none")
		return &rs
	}
	w := &g.Group.Will
	rs.add("will", "%s  %s%s", printable(g.Will.Topic), readable([]byte(g.Will.Payload)), publishing(w.QoS, w.Retain))
	for _, f := range []struct{ name, value string }{
		{"response topic", g.Will.ResponseTopic}, {"correlation data", g.Will.CorrelationData}, {"content type", g.Will.ContentType},
	} {
		if f.value != "" {
			rs.add("  "+f.name, "%s", readable([]byte(f.value)))
		}
	}
	if w.Delay > 0 {
		rs.add("  delay", "%s", setting(w.Delay))
	}
	if w.MessageExpiry > 0 {
		rs.add("  message expiry", "%s", setting(w.MessageExpiry))
	}
	for _, u := range g.Will.UserProperties {
		rs.add("  user property", "%s = %s", printable(u.Key), printable(u.Value))
	}
	return &rs
}

func clientID(sc *scenarios.Scenario, g scenarios.GroupPlan) string {
	if sc.Connect.ClientID == "" {
		return "assigned by the broker"
	}
	return printable(sc.Connect.ClientID.Expand(g.First.Vars("{run}")))
}

func publishing(qos byte, retain bool) string {
	if retain {
		return fmt.Sprintf(" (QoS %d, retained)", qos)
	}
	return fmt.Sprintf(" (QoS %d)", qos)
}

// planDocument is what check prints as JSON.
type planDocument struct {
	OK        bool                  `json:"ok"`
	Scenario  metrics.ScenarioFacts `json:"scenario"`
	Seed      uint64                `json:"seed,string"`
	Shard     string                `json:"shard,omitempty"`    // "2/4"; absent: all of it
	Duration  string                `json:"duration,omitempty"` // absent: until stopped
	Broker    metrics.BrokerFacts   `json:"broker"`
	Devices   int                   `json:"devices"`
	Ramp      string                `json:"ramp"`
	Telemetry string                `json:"telemetry"` // "33.3/s", the whole fleet
	Groups    []groupDocument       `json:"groups"`
	Targets   []targetDocument      `json:"targets,omitempty"` // devices of others, commanded only

	Misbehavior []misbehaviorDocument `json:"misbehavior,omitempty"`
	Audit       string                `json:"audit,omitempty"` // in words; absent: there is none

	Size        string               `json:"size,omitempty"`
	Sizes       []string             `json:"sizes,omitempty"`
	Clients     int                  `json:"clients"` // connections in all
	Controllers []controllerDocument `json:"controllers,omitempty"`
	Watchers    []watcherDocument    `json:"watchers,omitempty"`
	Incidents   []incidentDocument   `json:"incidents,omitempty"`
	Phases      *phasesDocument      `json:"phases,omitempty"`
	Expect      []expectDocument     `json:"expect,omitempty"`

	PlanWarnings []string         `json:"prospects,omitempty"` // what cannot come out or rests on few samples, in words
	Warnings     scenarios.Faults `json:"warnings"`
}

type groupDocument struct {
	Kind       string        `json:"kind"`
	Face       string        `json:"face"`
	Count      int           `json:"count"`
	NotPresent bool          `json:"not_present,omitempty"`
	Stages     string        `json:"stages,omitempty"` // how many of them are there when, in words
	Homes      int           `json:"homes"`
	First      string        `json:"first"`
	Last       string        `json:"last"`
	Telemetry  string        `json:"telemetry,omitempty"`
	Commands   string        `json:"commands"` // topic filter of the first device
	States     string        `json:"states"`
	Will       *willDocument `json:"will,omitempty"` // of the first device
}

type willDocument struct {
	Topic           string      `json:"topic"`
	Payload         string      `json:"payload"`
	QoS             byte        `json:"qos"`
	Retain          bool        `json:"retain"`
	Delay           string      `json:"delay,omitempty"`
	MessageExpiry   string      `json:"message_expiry,omitempty"`
	ContentType     string      `json:"content_type,omitempty"`
	ResponseTopic   string      `json:"response_topic,omitempty"`
	CorrelationData string      `json:"correlation_data,omitempty"`
	UserProperties  [][2]string `json:"user_properties,omitempty"`
}

func planOf(sc *scenarios.Scenario, warnings scenarios.Faults) planDocument {
	d := planDocument{
		OK:       true,
		Scenario: metrics.ScenarioFacts{Name: sc.Name, Title: sc.Title, Digest: sc.Digest},
		Seed:     sc.Seed, Shard: sc.Part.String(), Broker: metrics.BrokerFacts{URL: brokerURLs(sc), Embedded: sc.Broker.URL == ""},
		Devices: sc.Count(), Ramp: jsonSpan(rampTime(sc)),
		Telemetry: fmt.Sprintf("%.6g/s", perSecond(sc)),
		Warnings:  warnings,
	}
	if warnings == nil {
		d.Warnings = scenarios.Faults{}
	}
	if sc.Duration > 0 {
		d.Duration = setting(sc.Duration)
	}
	for _, g := range sc.Plan() {
		who := g.First.Who()
		doc := groupDocument{
			Kind: g.Group.Kind.Name, Count: g.Count, Homes: g.Homes, First: g.First.ID, Last: g.Last.ID,
			Face:     g.Group.Face.Name,
			Commands: g.Group.Voice().AppendFilters(nil, &who, true)[0], States: strings.ReplaceAll(g.Group.Voice().Outline(&who).States, "<attribute>", "+"),
		}
		doc.NotPresent, doc.Stages = g.Group.Absent, g.Group.StagesText()
		if g.Group.Telemetry > 0 {
			doc.Telemetry = setting(g.Group.Telemetry)
		}
		if g.Will != nil {
			doc.Will = willOf(g)
		}
		d.Groups = append(d.Groups, doc)
	}
	d.Targets, d.Misbehavior = targetsOf(sc), misbehaviorsOf(sc)
	if sc.Audit.On {
		d.Audit = auditWords(&sc.Audit)
	}
	d.addLoad(sc)
	d.PlanWarnings = planWarningsOf(sc).lines
	return d
}

func willOf(g scenarios.GroupPlan) *willDocument {
	w := &g.Group.Will
	d := &willDocument{
		Topic: g.Will.Topic, Payload: g.Will.Payload, QoS: w.QoS, Retain: w.Retain,
		ContentType: g.Will.ContentType, ResponseTopic: g.Will.ResponseTopic, CorrelationData: g.Will.CorrelationData,
	}
	if w.Delay > 0 {
		d.Delay = setting(w.Delay)
	}
	if w.MessageExpiry > 0 {
		d.MessageExpiry = setting(w.MessageExpiry)
	}
	for _, u := range g.Will.UserProperties {
		d.UserProperties = append(d.UserProperties, [2]string{u.Key, u.Value})
	}
	return d
}
