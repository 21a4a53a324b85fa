package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
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
	read  func(r *reader) // nil: another section reads it
	check func(c *checker)
}

// sections are all parts of a scenario, in the order of their checks: the
// device groups early, because much else depends on what the devices are called.
func sections() []section {
	return []section{
		{readTop, checkTop},
		{readGroups, checkGroups},
		{readBroker, checkBroker},
		{readConnect, checkConnect},
		{readBackoffs, checkBackoffs},
		{readWills, checkWills},
		{readMisbehaviors, checkMisbehaviors},
		{nil, checkDeviceGroups}, // they are read with the device groups
		{readControllers, checkControllers},
		{readWatchers, checkWatchers},
		{nil, checkMembers},
		{readIncidents, checkIncidents},
		{readAudit, checkAudit},
		{readPhases, checkPhases},
		{nil, checkOccurrences}, // which rest on how long is measured
		{readExpect, checkExpect},
	}
}

// reader is a scenario in the making.
type reader struct {
	top    *tomlfault.Table
	groups []*tomlfault.Table // one for each of s.Groups
	s      *Scenario
	kinds  []*devices.Kind
}

// checker is a scenario that has every default in its place.
type checker struct {
	doc *tomlfault.Document
	s   *Scenario

	distinct bool   // the devices can be counted, and each has an id of its own
	samples  []Vars // of devices whose templates are tried out
}

// rules returns where faults of the table at a path are reported.
func (c *checker) rules(path string) rules { return rules{c.doc, path} }

// Load reads a scenario. name is the file's, for the faults. If there are
// errors the scenario is nil; the faults beside a scenario are warnings. Of a
// file that has several sizes it returns the smallest, the file as it stands;
// see [LoadSize].
func Load(name string, src []byte) (*Scenario, Faults) {
	return LoadSize(name, src, "")
}

// loader is how a file is read.
type loader struct {
	sizes bool            // check every size
	kinds []*devices.Kind // nil: all there are
}

func (l loader) load(name string, src []byte, size string) (*Scenario, Faults) {
	if l.kinds == nil {
		l.kinds = devices.Kinds()
	}
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
	sum := sha256.Sum256(src)
	read := func(doc *tomlfault.Document, size string) (*Scenario, Faults) {
		s := &Scenario{Name: name, Digest: hex.EncodeToString(sum[:])}
		if len(names) > 0 {
			s.Size, s.sizes = size, append([]string{DefaultSize}, names...)
		}
		return s, l.read(doc, s)
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
	for _, part := range sections() {
		if part.read != nil {
			part.read(r)
		}
	}
	doc.Unknown()
	return s.check(doc)
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
	return s.check(tomlfault.New(name))
}

func (s *Scenario) check(doc *tomlfault.Document) Faults {
	c := &checker{doc: doc, s: s}
	for _, part := range sections() {
		part.check(c)
	}
	return doc.Faults()
}

// fill puts the defaults in the place of what a Go author left out.
func (s *Scenario) fill() {
	if !s.filled {
		s.Time = orDefault(s.Time, defaultTime)
		s.Start = orDefault(s.Start, defaultStart)
		s.filled = true
	}
	s.Connect.fill()
	for i := range s.Groups {
		s.Groups[i].fill(&s.Connect)
	}
	for i := range s.Controllers {
		s.Controllers[i].fill(i)
	}
	for i := range s.Watchers {
		s.Watchers[i].fill(i, s)
	}
	fillIncidents(s.Incidents)
	s.Audit.fill(len(s.Incidents) > 0)
	s.Phases.fill(s)
}

// orDefault returns what a field says: its default for zero, zero for None.
func orDefault[T ~int | ~int64 | ~float64](v, byDefault T) T {
	switch v {
	case 0:
		return byDefault
	case None:
		return 0
	}
	return v
}

const (
	defaultTime  = 1.0
	defaultStart = 8 * time.Hour
)

func readTop(r *reader) {
	s := r.s
	s.Time, s.Start, s.filled = defaultTime, defaultStart, true
	r.top.Text("title", &s.Title)
	tomlfault.Int(r.top, "seed", 0, 1<<63-1, &s.Seed)
	r.top.Duration("duration", &s.Duration)
	r.top.Factor("time", &s.Time)
	readTimeOfDay(r.top, "start", &s.Start)
	r.top.Known("size") // whose tables are read by readSizes
}

// readTimeOfDay reads "08:00" or "08:00:30".
func readTimeOfDay(t *tomlfault.Table, key string, dst *time.Duration) {
	if clock, ok := t.TimeOfDay(key); ok {
		t.Errorf(key, "did you mean \""+clock+"\"?", "%s is a TOML time; want text such as \"08:00\"", key)
		return
	}
	var text string
	if !t.Text(key, &text) {
		return
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil && len(text) == len(layout) {
			h, m, s := at.Clock()
			*dst = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
			return
		}
	}
	t.Errorf(key, "", "%s is %q; want a time of day from \"00:00\" to \"23:59\"", key, tomlfault.Short(text))
}

func checkTop(c *checker) {
	r, s := c.rules(""), c.s
	if i := strings.IndexFunc(s.Title, unicode.IsControl); i >= 0 {
		char, _ := utf8.DecodeRuneInString(s.Title[i:])
		r.errorf("title", "", "title has the control character %U; want one line of text", char)
	}
	if s.Duration < 0 {
		r.errorf("duration", "", "%s is negative; want 0, for until stopped, or more", tomlfault.FormatDuration(s.Duration))
	}
	if !(s.Time >= 0.001 && s.Time <= 86400) {
		r.errorf("time", "", "%v is out of range; want 0.001 to 86400", s.Time)
	}
	if s.Start < 0 || s.Start >= 24*time.Hour {
		r.errorf("start", "", "%s is no time of day; want 0s to less than 24h", tomlfault.FormatDuration(s.Start))
	}
	if s.Seed > 1<<63-1 {
		r.errorf("seed", "", "%d is out of range; want 0 to 2^63-1", s.Seed)
	}
}
