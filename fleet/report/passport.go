package report

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/conformance"
)

//go:embed passport.html
var passportSource string

// passport is what was found of a broker, in the words and order of its page.
type passport struct {
	frame
	Name       string
	Facts      string
	Verdict    verdict
	Ready      *verdict
	Judged     string
	Columns    []string
	Groups     []passportGroup
	Levels     []passportLevel
	Reasons    []conformance.Reason
	Figures    []pair
	Statements []passportStatements
	Limits     []pair
	Tool       string
}

type passportGroup struct {
	Name  string
	Cells []passportCell
}

type passportCell struct{ Class, Value string }

// passportLevel is what deviates of what is required, or of what is recommended.
type passportLevel struct {
	ID, Heading, Note string
	Deviations        []passportDeviation
}

type passportDeviation struct {
	Clause, Title string
	Pairs         []pair
	Wire          []passportStep
}

type passportStep struct{ After, Client, What, Bytes string }

// passportStatements are those of a group.
type passportStatements struct {
	Name, Note string
	Rows       []passportRow
}

type passportRow struct {
	Class, Status, Level, Clause, Title, Does, Why string
}

// Examined is an examination of a broker for [Passport].
type Examined struct {
	Report *conformance.Report
	Broker string // its URL, without a password
	Tool   string // and version
	// Ready and Process are nil where they are not known.
	Ready   *conformance.ReadyDocument
	Process *conformance.Process
}

// statuses are the columns of the table, in words.
var statuses = []conformance.Status{conformance.Conforms, conformance.Deviates, conformance.Flaky, conformance.NotSupported, conformance.NotDecided}

// Passport writes what was found of a broker as one self-contained page, as [HTML] does of
// a run.
func Passport(w io.Writer, e *Examined) error {
	r := e.Report
	p := &passport{
		frame: newFrame(e.Broker + ": a broker examined · homefleet"), Name: e.Broker, Tool: e.Tool,
		Facts:   fmt.Sprintf("%s · examined %s, in %s", r.Facts.String(), moment(r.Began), words.Span(r.Took)),
		Verdict: verdictOfBroker(r), Reasons: r.Reasons(), Limits: limitsOf(&r.Facts),
		Judged: words.Plural(int64(r.Judged()), "statement", "statements") + " judged",
	}
	if e.Ready != nil {
		p.Ready = readiness(e.Ready)
	}
	for i := range r.Figures {
		p.Figures = append(p.Figures, pair{Name: capital(r.Figures[i].Name), Value: r.Figures[i].String()})
	}
	if e.Process != nil {
		p.Figures = append(p.Figures, pair{Name: "CPU of the broker", Value: fmt.Sprintf("%.2f s for the examination", e.Process.CPU)},
			pair{Name: "Memory of the broker", Value: words.Bytes(e.Process.RSS) + " resident at its end"})
	}
	for _, s := range statuses {
		p.Columns = append(p.Columns, capital(string(s)))
	}
	for _, t := range r.Tallies() {
		p.Groups = append(p.Groups, passportGroup{string(t.Group), cellsOf(func(s conformance.Status) int { return t.Counts[s] })})
		p.Statements = append(p.Statements, statementsOf(r, t.Group))
	}
	p.Groups = append(p.Groups, passportGroup{"all", cellsOf(r.Count)})
	for _, level := range []passportLevel{
		{ID: string(conformance.Must), Heading: "Deviations", Note: "from what the standard requires"},
		{ID: string(conformance.Should), Heading: "Beyond that", Note: "deviations from what it recommends, or describes without requiring it"},
	} {
		for _, c := range r.Causes() {
			if string(c.Level()) == level.ID {
				level.Deviations = append(level.Deviations, deviationOf(&c))
			}
		}
		if level.Deviations != nil {
			p.Levels = append(p.Levels, level)
		}
	}
	return render(w, passportSource, p)
}

func verdictOfBroker(r *conformance.Report) verdict {
	word, rest, _ := strings.Cut(r.Verdict(), ": ")
	v := verdict{Class: "bad", Word: capital(word)}
	switch {
	case strings.HasPrefix(word, "not decided"):
		v.Class = "warn"
	case r.Conforms():
		v.Class = "good"
	}
	if rest != "" {
		v.Sentences = []string{capital(rest)}
	}
	if r.Left > 0 {
		v.Remarks = append(v.Remarks, words.Plural(int64(r.Left), "session or retained topic", "sessions or retained topics")+" could not be cleared.")
	}
	return v
}

func readiness(d *conformance.ReadyDocument) *verdict {
	v := &verdict{Class: "warn", Word: fmt.Sprintf("Ready for %s: %s", d.Client, d.Ready), Sentences: capitals(d.Because)}
	switch d.Ready {
	case "yes":
		v.Class = "good"
	case "no":
		v.Class = "bad"
	}
	return v
}

func cellsOf(count func(conformance.Status) int) (all []passportCell) {
	for _, s := range statuses {
		c := passportCell{Class: "quiet", Value: "–"}
		if n := count(s); n > 0 {
			c = passportCell{Value: words.Grouped(int64(n))}
			if s == conformance.Deviates || s == conformance.Flaky {
				c.Class = "bad"
			}
		}
		all = append(all, c)
	}
	return all
}

func deviationOf(c *conformance.Cause) passportDeviation {
	d := passportDeviation{Clause: c.Clause, Title: capital(c.Title)}
	add := func(name, value string) {
		if value != "" {
			d.Pairs = append(d.Pairs, pair{Name: name, Value: value})
		}
	}
	add("Done", c.Does)
	add("Wanted", c.Wants)
	add("Seen", capital(c.Line()))
	add("No more than recommended", capital(c.Because()))
	if n := len(c.Echoes); n > 0 {
		add("Because of it", words.Plural(int64(n), "other statement", "other statements")+" could not be judged")
	}
	for _, s := range c.Steps {
		step := passportStep{After: fmt.Sprintf("%.1f ms", float64(s.After.Microseconds())/1e3), Client: s.Client, What: s.What(), Bytes: fmt.Sprintf("% x", s.Bytes)}
		if s.Length > len(s.Bytes) {
			step.Bytes += fmt.Sprintf(" … (%s bytes)", words.Grouped(int64(s.Length)))
		}
		d.Wire = append(d.Wire, step)
	}
	return d
}

func statementsOf(r *conformance.Report, g conformance.Group) passportStatements {
	out := passportStatements{Name: string(g)}
	for i := range r.Results {
		x := &r.Results[i]
		if x.Group != g {
			continue
		}
		row := passportRow{Class: "warn", Status: string(x.Status), Clause: x.Clause, Title: capital(x.Title), Does: x.Does + " " + x.Wants}
		switch x.Status {
		case conformance.Conforms:
			row.Class = "good"
		case conformance.Deviates, conformance.Flaky:
			row.Class = "bad"
		}
		if x.Status != conformance.Conforms {
			row.Why = capital(x.Line())
		}
		if x.Level() == conformance.Should {
			row.Level = "recommended"
		}
		out.Rows = append(out.Rows, row)
	}
	out.Note = words.Plural(int64(len(out.Rows)), "statement", "statements")
	return out
}

// limitsOf are what the CONNACK said.
func limitsOf(f *conformance.Facts) []pair {
	if f.OldOnly {
		return []pair{{Name: "Versions", Value: "MQTT 3.1.1 only"}}
	}
	available := func(yes bool) string {
		if yes {
			return "available"
		}
		return "not available"
	}
	all := []pair{
		{Name: "Maximum QoS", Value: fmt.Sprint(f.MaximumQoS)}, {Name: "Receive Maximum", Value: words.Grouped(int64(f.ReceiveMaximum))},
		{Name: "Topic Alias Maximum", Value: words.Grouped(int64(f.TopicAliasMaximum))},
		{Name: "Retained messages", Value: available(f.Retain)}, {Name: "Wildcards", Value: available(f.Wildcards)},
		{Name: "Subscription Identifiers", Value: available(f.Identifiers)}, {Name: "Shared subscriptions", Value: available(f.Shared)},
	}
	if f.MaximumPacketSize > 0 {
		all = append(all, pair{Name: "Maximum Packet Size", Value: words.Grouped(int64(f.MaximumPacketSize)) + " bytes"})
	}
	if f.ServerKeepAlive >= 0 {
		all = append(all, pair{Name: "Server Keep Alive", Value: fmt.Sprintf("%d s", f.ServerKeepAlive)})
	}
	if f.ResponseInformation != "" {
		all = append(all, pair{Name: "Response Information", Value: f.ResponseInformation})
	}
	return all
}
