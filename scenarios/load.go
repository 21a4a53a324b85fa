package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"homefleet/devices"
	"homefleet/scenarios/tomlfault"
)

// Fault is one thing that is wrong with a scenario; Faults are all of them at
// once, in file order. See package tomlfault for how they are rendered.
type (
	Fault  = tomlfault.Fault
	Faults = tomlfault.Faults
)

// section is one part of a scenario: how it is read from a file, and which
// rules it obeys. The rules are the same for a file and for a scenario built in
// Go, and every section is read before any is checked, so that a rule may look
// at all of them.
type section struct {
	read  func(r *reader)  // nil: another section reads it
	check func(c *checker) // nil: another section checks it
}

// sections are all parts of a scenario, in the order of their checks: the
// device groups early, because much else depends on what the devices are called.
func sections() []section {
	return []section{
		{readTop, checkTop},
		{readGroups, checkGroups},
		{readExternal, nil}, // they are checked with the device groups
		{readBroker, checkBroker},
		{readConnect, checkConnect},
		{nil, checkWills}, // they are read with the device groups, as those that follow
		{nil, checkMisbehaviors},
		{nil, checkDeviceGroups},
		{nil, checkLogins},
		{readControllers, checkControllers},
		{readWatchers, checkWatchers},
		{nil, checkMembers},
		{readIncidents, checkIncidents},
		{readAudit, checkAudit},
		{readPhases, checkPhases},
		{nil, checkOccurrences}, // which rest on how long is measured
		{nil, checkMQTT},
		{readExpect, checkExpect},
	}
}

// reader is a scenario in the making.
type reader struct {
	top   *tomlfault.Table
	s     *Scenario
	kinds []*devices.Kind
	rows  func(name string, idFault func(string) string) (*Rows, error) // of a file that is named; nil: none can be read
}

// checker is a scenario that has every default in its place.
type checker struct {
	doc *tomlfault.Document
	s   *Scenario

	distinct bool   // the devices can be counted, and each has an id of its own
	samples  []Vars // of devices whose templates are tried out

	rows map[string]*Rows // of the groups that are from a file, by their paths
}

// rules returns where faults of the table at a path are reported.
func (c *checker) rules(path string) rules {
	group, _, _ := strings.Cut(path, ".")
	return rules{doc: c.doc, path: path, samples: c.samples, rows: c.rows[group]}
}

// Load reads a scenario. name is the file's, for the faults. If there are
// errors the scenario is nil; the faults beside a scenario are warnings. Of a
// file that has several sizes it returns the smallest, the file as it stands;
// see [LoadSize].
func Load(name string, src []byte) (*Scenario, Faults) {
	return LoadSize(name, src, "")
}

// loader is how a file is read.
type loader struct {
	sizes    bool            // check every size
	distinct bool            // that ids are distinct is known
	kinds    []*devices.Kind // nil: all there are
	open     Opener          // nil: the scenario can name no files of devices

	known map[string]*Rows // that were read of files
}

func (l loader) load(name string, src []byte, size string) (*Scenario, Faults) {
	if l.kinds == nil {
		l.kinds = devices.Kinds()
	}
	l.known = make(map[string]*Rows)
	doc := tomlfault.Parse(name, src)
	if strings.TrimSpace(string(src)) == "" {
		doc.Errorf(tomlfault.Place{}, `the shipped scenario "bedroom" is one to start from`, "the file is empty")
		return nil, doc.Faults()
	}
	if doc.Broken() {
		return nil, doc.Faults()
	}
	names := readSizes(doc.Root())
	if size == DefaultSize {
		size = ""
	}
	if size != "" && !slices.Contains(names, size) {
		all := append([]string{DefaultSize}, names...)
		doc.Errorf(tomlfault.Place{}, tomlfault.DidYouMean(size, all), "there is no size %q; want %s", tomlfault.Short(size), tomlfault.Join(all))
		return nil, doc.Faults()
	}
	read := func(doc *tomlfault.Document, size string) (*Scenario, Faults) {
		s := &Scenario{Name: name}
		if len(names) > 0 {
			s.Size, s.sizes = size, append([]string{DefaultSize}, names...)
		}
		faults := l.read(doc, s)
		s.Digest = s.digest(src)
		return s, faults
	}
	s, faults := read(doc, DefaultSize)
	base := faults
	for _, n := range names {
		if n != size && !l.sizes {
			continue
		}
		one, found := read(doc.Overlay("size", n, sizable), n)
		if faults = faults.With(withSize(found, base, n)); n == size {
			s = one
		}
	}
	if faults.Err() != nil {
		return nil, faults
	}
	return s, faults
}

// read reads and checks a document.
func (l loader) read(doc *tomlfault.Document, s *Scenario) Faults {
	r := &reader{top: doc.Root(), s: s, kinds: l.kinds}
	if l.open != nil {
		r.rows = l.rows
	}
	for _, part := range sections() {
		if part.read != nil {
			part.read(r)
		}
	}
	doc.Unknown()
	return s.check(&checker{doc: doc, s: s, distinct: l.distinct})
}

// Check checks a scenario that was built in Go and fills in its defaults. The
// error is of type [Faults] and holds every fault; each names the place by the
// keys a file would have, counted from 0: "device[1].will.delay" is the Delay
// of the second group's Will. Checking twice is the same as checking once, and
// a loaded scenario may be changed and checked again.
func (s *Scenario) Check() error { return s.Vet().Err() }

// Vet is Check with the warnings too.
func (s *Scenario) Vet() Faults {
	s.fill()
	name := s.Name
	if name == "" {
		name = "scenario"
	}
	return s.check(&checker{doc: tomlfault.New(name), s: s})
}

func (s *Scenario) check(c *checker) Faults {
	c.rows = make(map[string]*Rows)
	for _, g := range s.described() {
		if g.Rows != nil {
			c.rows[g.path] = g.Rows
		}
	}
	for _, part := range sections() {
		if part.check != nil {
			part.check(c)
		}
	}
	return c.doc.Faults()
}

// fill puts the defaults in the place of what a Go author left out.
func (s *Scenario) fill() {
	if !s.filled {
		topKeys.fill(s)
		s.filled = true
	}
	s.Connect.fill()
	s.Broker.fill()
	for i := range s.Groups {
		s.Groups[i].fill(&s.Connect)
	}
	for i := range s.External {
		s.External[i].fillExternal()
	}
	for i := range s.Controllers {
		s.Controllers[i].fill(i)
	}
	for i := range s.Watchers {
		s.Watchers[i].fill(i, s)
	}
	fillIncidents(s)
	s.Audit.fill(len(s.Incidents) > 0)
	s.Phases.fill(s)
}

// topKeys are the keys at the top of a scenario.
var topKeys = describe[Scenario](table{keys: []key{
	{name: "title", form: text{fault: lineFault, quiet: true}, doc: "one line for people"},
	{name: "seed", form: seed(), defDoc: "`0`", doc: "every random choice follows from it"},
	{name: "duration", form: optional(span(0, 0), "until stopped"), defDoc: "until stopped", doc: "how long the run lasts"},
	{name: "time", form: factor(), def: 1.0, doc: "simulated seconds per real second: physics only, never MQTT"},
	{name: "start", form: timeOfDay{}, def: 8 * time.Hour, doc: "simulated time of day at the start, and which day it is: a Monday unless it is said"},
	{name: "faults_on_request", form: yesNo{}, def: false, doc: "a request may say what is to become of its answer, in a User Property `homefleet-fault`: see Faults on request"},
	{name: "size", form: byRule{"tables, see Sizes"}, doc: "further sizes of the scenario"}, // read by readSizes
}})

func readTop(r *reader) {
	topKeys.read(r.top, r.s)
	r.s.filled = true
}

// lineFault returns why a text is no line for people, or "".
func lineFault(s string) string {
	if i := strings.IndexFunc(s, unicode.IsControl); i >= 0 {
		char, _ := utf8.DecodeRuneInString(s[i:])
		return fmt.Sprintf("has the control character %U; want one line of text", char)
	}
	return ""
}

func checkTop(c *checker) {
	r, s := c.rules(""), c.s
	if s.Seed > 1<<63-1 {
		r.errorf("seed", "", "seed is %d; want 0 to 2^63-1", s.Seed)
	}
	topKeys.check(r, s)
}
