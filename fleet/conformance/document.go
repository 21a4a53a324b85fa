package conformance

import (
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"homefleet/devices/words"
)

// Document is a report in JSON.
type Document struct {
	Broker     string           `json:"broker"`
	Version    string           `json:"broker_version,omitempty"`         // as it says itself at $SYS/broker/version
	NoVersion  string           `json:"broker_version_missing,omitempty"` // why it is not known
	Tool       string           `json:"tool,omitempty"`
	Began      time.Time        `json:"began"`
	Took       string           `json:"took"`
	Verdict    string           `json:"verdict"`
	Conforms   bool             `json:"conforms"`
	Stopped    string           `json:"stopped,omitempty"` // why not all was judged
	For        *ReadyDocument   `json:"for,omitempty"`
	Facts      Facts            `json:"facts"`
	Early      string           `json:"subscription_late,omitempty"` // what the checks waited after each SUBACK
	Clings     bool             `json:"closes_nothing_after_disconnect,omitempty"`
	Left       int              `json:"left_behind,omitempty"`
	Counts     map[Status]int   `json:"counts"`
	Figures    []FigureDocument `json:"figures,omitempty"`
	Process    *Process         `json:"process,omitempty"` // the broker's, where it is known
	Statements []ResultDocument `json:"statements"`
	ExitCode   int              `json:"exit_code"`
}

// ReadyDocument says whether a client can work with the broker.
type ReadyDocument struct {
	Client  string   `json:"client"`
	Ready   string   `json:"ready"` // yes, no or not decided
	Because []string `json:"because,omitempty"`
}

// FigureDocument is one figure in JSON, of times such as "1.2ms".
type FigureDocument struct {
	Name    string `json:"name"`
	Least   string `json:"least,omitempty"`
	Median  string `json:"median,omitempty"`
	Most    string `json:"most,omitempty"`
	Samples int    `json:"samples"`
	Missing int    `json:"missing,omitempty"` // that did not come
	Why     string `json:"why,omitempty"`     // the last of them did not
}

// Process is what the broker's process took for the examination.
type Process struct {
	PID int     `json:"pid"`
	CPU float64 `json:"cpu_seconds"` // user and system
	RSS int64   `json:"rss_bytes"`   // at the end
}

// ResultDocument is one statement's result in JSON.
type ResultDocument struct {
	Clause   string         `json:"clause"`
	Title    string         `json:"title"`
	Group    Group          `json:"group"`
	Level    Level          `json:"level"` // must or should
	Status   Status         `json:"status"`
	Does     string         `json:"does"`
	Wants    string         `json:"wants"`
	Expected string         `json:"expected,omitempty"`
	Seen     string         `json:"seen,omitempty"`
	EchoOf   string         `json:"echo_of,omitempty"`
	Slow     bool           `json:"slow,omitempty"` // not decided, since this machine, the network or the broker was too slow
	Attempts int            `json:"attempts"`
	Failed   int            `json:"failed,omitempty"`
	Took     string         `json:"took"`
	Wire     []StepDocument `json:"wire,omitempty"`
}

// StepDocument is what went over the wire.
type StepDocument struct {
	After  string `json:"after"`
	Client string `json:"client"`
	Sent   bool   `json:"sent,omitempty"`
	Hex    string `json:"hex,omitempty"`
	Length int    `json:"length,omitempty"`
	Note   string `json:"note,omitempty"`
}

// Document returns the report as a JSON document, without what only the caller knows.
func (r *Report) Document() Document {
	d := Document{Began: r.Began.UTC().Truncate(time.Millisecond), Took: millis(r.Took), Verdict: r.Verdict(), Conforms: r.Conforms(), Stopped: r.Stopped, Facts: r.Facts, Clings: r.Clings, Left: r.Left,
		Counts: make(map[Status]int), Statements: []ResultDocument{}}
	if r.Early > 0 {
		d.Early = millis(r.Early)
	}
	for i := range r.Figures {
		f := &r.Figures[i]
		out := FigureDocument{Name: f.Name, Samples: f.Samples, Missing: f.Missing, Why: f.Why}
		if f.Samples > 0 {
			out.Least, out.Median, out.Most = millis(f.Least), millis(f.Median), millis(f.Most)
		}
		d.Figures = append(d.Figures, out)
	}
	for i := range r.Results {
		x := &r.Results[i]
		d.Counts[x.Status]++
		out := ResultDocument{Clause: x.Clause, Title: x.Title, Group: x.Group, Level: x.Level(), Status: x.Status, Does: x.Does, Wants: x.Wants,
			Expected: x.Expected, Seen: x.Seen, EchoOf: x.EchoOf, Slow: x.Slow, Attempts: x.Attempts, Failed: x.Failed, Took: millis(x.Took)}
		for _, s := range x.Steps {
			out.Wire = append(out.Wire, StepDocument{millis(s.After), s.Client, s.Sent, hex.EncodeToString([]byte(s.Bytes)), s.Length, s.Note})
		}
		d.Statements = append(d.Statements, out)
	}
	return d
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1fms", float64(d.Microseconds())/1e3) }

type suitesXML struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Suites   []suiteXML `xml:"testsuite"`
}

type suiteXML struct {
	Name     string    `xml:"name,attr"`
	Tests    int       `xml:"tests,attr"`
	Failures int       `xml:"failures,attr"`
	Skipped  int       `xml:"skipped,attr"`
	Cases    []caseXML `xml:"testcase"`
}

type caseXML struct {
	Class   string    `xml:"classname,attr"`
	Name    string    `xml:"name,attr"`
	Time    string    `xml:"time,attr"`
	Failure *faultXML `xml:"failure"`
	Skipped *faultXML `xml:"skipped"`
}

type faultXML struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report as JUnit XML: a suite for each group, a case for each
// statement. What is not supported or not decided is skipped.
func (r *Report) JUnit(w io.Writer, broker string) error {
	all := suitesXML{Name: "conformance of " + broker}
	for _, g := range Groups() {
		suite := suiteXML{Name: string(g)}
		for i := range r.Results {
			x := &r.Results[i]
			if x.Group != g {
				continue
			}
			c := caseXML{Class: "conform." + string(g), Name: words.Plain(x.Name()), Time: fmt.Sprintf("%.3f", x.Took.Seconds())}
			fault := &faultXML{Message: words.Plain(string(x.Status) + ": " + x.Line()), Text: words.Plain(x.Does + " " + x.Wants)}
			switch x.Status {
			case Deviates, Flaky:
				c.Failure = fault
				suite.Failures++
			case NotSupported, NotDecided:
				c.Skipped = fault
				suite.Skipped++
			}
			suite.Tests++
			suite.Cases = append(suite.Cases, c)
		}
		if suite.Tests > 0 {
			all.Suites = append(all.Suites, suite)
			all.Tests, all.Failures, all.Skipped = all.Tests+suite.Tests, all.Failures+suite.Failures, all.Skipped+suite.Skipped
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
