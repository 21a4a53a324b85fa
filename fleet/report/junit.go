package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// The test cases that every result has, after its expectations. Their names
// are stable.
const (
	caseSums      = "every request is accounted for"
	caseGenerator = "the generator kept to its plan"
	caseEnd       = "the run reached its planned end"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
	Output     string          `xml:"system-out,omitempty"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes a result as JUnit XML for a build server: a test case for each
// expectation, in the order of the scenario and named after what it says, and
// one each for the sums, the generator and the end of the run. A case fails
// with the result's sentence. What could not be decided is a failure too: nothing
// was shown to hold. Those that are implied have a class of their own. So the
// suite has no failure if and only if the verdict is good: a pass, or a run as
// planned of which nothing was expected.
func JUnit(w io.Writer, r *metrics.Result) error {
	return writeSuites(w, []junitSuite{newSuite(r, "")})
}

// RunsJUnit writes the results of several runs as [JUnit] does, with a suite for
// each run.
func RunsJUnit(w io.Writer, all *metrics.Runs) error {
	if all.Planned == 1 {
		return JUnit(w, all.Results[0])
	}
	var suites []junitSuite
	for i, r := range all.Results {
		suites = append(suites, newSuite(r, fmt.Sprintf(" run %d", i+1)))
	}
	return writeSuites(w, suites)
}

// newSuite is the suite of a result; more tells it from those of other runs.
func newSuite(r *metrics.Result, more string) junitSuite {
	seconds := strconv.FormatFloat(time.Duration(max(r.Measured, r.Ran)).Seconds(), 'f', 3, 64)
	suite := junitSuite{Name: words.Plain(cmp.Or(r.Scenario.Name, "homefleet")) + more, Time: seconds}
	if !r.Started.IsZero() {
		suite.Timestamp = r.Started.UTC().Format("2006-01-02T15:04:05")
	}
	for _, p := range []junitProperty{
		{"homefleet", r.Tool}, {"scenario.sha256", r.Scenario.Digest}, {"seed", strconv.FormatUint(r.Seed, 10)}, {"run", r.Run},
		{"broker", r.Broker.URL}, {"verdict", string(r.Verdict)}, {"attended", r.AttendedText()},
	} {
		p.Value = words.Plain(p.Value)
		if p.Value != "" {
			suite.Properties = append(suite.Properties, p)
		}
	}
	add := func(class, name, output string, failure *junitFailure) {
		suite.Cases = append(suite.Cases, junitCase{Class: suite.Name + "." + class, Name: name, Time: "0", Failure: failure, Output: output})
		suite.Tests++
		if failure != nil {
			suite.Failures++
		}
	}
	for _, x := range r.Expectations {
		class := "expect"
		if x.Implied {
			class = "implied"
		}
		if x.Status == metrics.Pass {
			add(class, words.Plain(x.Metric+" "+x.Want), words.PlainLines(x.Sentence), nil)
		} else {
			add(class, words.Plain(x.Metric+" "+x.Want), "", fault(string(x.Status), x.Sentence))
		}
	}
	var sums, slow, end *junitFailure
	if err := r.Check(); err != nil {
		sums = fault("broken", err.Error())
	}
	if r.Generator.Saturated {
		slow = fault("generator saturated", r.Generator.Sentence)
	}
	switch {
	case r.Aborted != "":
		end = fault("aborted", r.Aborted)
	case r.Interrupted:
		end = fault("interrupted", r.Interruption())
	case r.Verdict == metrics.VerdictStopped:
		end = fault("stopped", strings.Join(r.Sentences, "; "))
	}
	add("run", caseSums, "", sums)
	add("run", caseGenerator, "", slow)
	add("run", caseEnd, "", end)
	return suite
}

func writeSuites(w io.Writer, suites []junitSuite) error {
	doc := junitSuites{Name: "homefleet", Suites: suites}
	total := 0.0
	for _, s := range suites {
		doc.Tests += s.Tests
		doc.Failures += s.Failures
		seconds, _ := strconv.ParseFloat(s.Time, 64) // as newSuite wrote it
		total += seconds
	}
	doc.Time = strconv.FormatFloat(total, 'f', 3, 64)
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("rendering JUnit XML: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s%s\n", xml.Header, words.PlainLines(string(text))); err != nil {
		return fmt.Errorf("writing JUnit XML: %w", err)
	}
	return nil
}

func fault(kind, sentence string) *junitFailure {
	kind, sentence = words.Plain(kind), words.PlainLines(sentence) // XML has no way to write a control character
	return &junitFailure{Type: kind, Message: sentence, Text: sentence}
}
