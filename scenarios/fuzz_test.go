package scenarios

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzLoad checks that no text panics the loader, that every fault points into
// the text, and that what loads is sound and loads the same way again.
func FuzzLoad(f *testing.F) {
	seeds(f, "testdata/faults/*.txt", everyKey, everyLoadKey, everyIncidentKey)
	for _, info := range Shipped() {
		if src, _ := ReadShipped(info.Name); info.Devices <= some(100, MaxDevices) {
			f.Add(string(src))
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		s, faults := Load("fuzz.toml", []byte(src))
		again, faultsAgain := Load("fuzz.toml", []byte(src))
		if !same(s, again) || !reflect.DeepEqual(faults, faultsAgain) {
			t.Errorf("Load(%q) differs from one time to the next:\n%s\n%s", src, faults, faultsAgain)
		}
		checkFaults(t, src, faults, s != nil)
		if s == nil || s.Count() > 10_000 {
			return
		}
		ids := make(map[string]bool)
		for d := range s.Devices() {
			if d.ID == "" || ids[d.ID] || strings.ContainsAny(d.ID, "/+#\x00") || s.Device(d.Number) != d {
				t.Fatalf("Load(%q) has device %+v; want an id that is a topic level of its own", src, d)
			}
			ids[d.ID] = true
		}
		s.Plan()
		s.LoadPlan()
		checkTargets(t, src, s)
		checkStruckDevices(t, src, s)
		checkWillFilters(t, src, s)
		for _, size := range s.Sizes() {
			one, same := LoadSize("fuzz.toml", []byte(src), size)
			if one == nil || one.Size != size || !reflect.DeepEqual(same, faults) {
				t.Errorf("LoadSize(%q, %q) = %+v, %v; want that size, and the faults of all, %v", src, size, one, same, faults)
			}
		}
		if err := s.Check(); err != nil || !same(s, again) {
			t.Errorf("Check() of what Load(%q) returns = %v, or changes it; want neither", src, err)
		}
	})
}

// checkTargets checks that whoever is commanded can be.
func checkTargets(t *testing.T, src string, s *Scenario) {
	for i := range s.Controllers {
		c := &s.Controllers[i]
		last := -1
		for _, n := range s.Targets(c) {
			d := s.Device(n)
			if _, ok := d.Group.Kind.Attribute([]byte(c.Attribute)); !ok || n <= last || !slow(s, c, d) {
				t.Fatalf("Load(%q): %s commands device %d, %+v, after %d; want one that is meant, in order", src, c.Name, n, d, last)
			}
			last = n
		}
		if last < 0 || c.Count < 1 || s.Phases.Measure <= 0 || !(c.Requests(s.Phases.Measure) >= 0) {
			t.Fatalf("Load(%q): %+v for %v; want somebody to command, for some time", src, c, s.Phases.Measure)
		}
	}
}

// checkStruckDevices checks that incidents happen in their time, in order, and
// strike whom they mean.
func checkStruckDevices(t *testing.T, src string, s *Scenario) {
	var last time.Duration
	for k, o := range s.Occurrences(s.Phases.Measure) {
		i := &s.Incidents[o.Incident]
		if o.From < last || o.From < i.At || o.From >= s.Phases.Measure || o.To != o.From+i.For || o.From != i.At+time.Duration(o.N)*i.Every {
			t.Fatalf("Load(%q): occurrence %+v of %+v after %v; want order, and times that fit", src, o, i, last)
		}
		if last = o.From; k >= 3 {
			continue
		}
		before := -1
		for _, n := range s.Affected(o) {
			d, target := s.Device(n), i.Target
			if n <= before || target.Kind != nil && target.Kind != d.Group.Kind ||
				target.ID != "" && !slowMatch(target.ID, d.ID) || target.Home != "" && !slowMatch(target.Home, d.Home) {
				t.Fatalf("Load(%q): %s strikes device %d, %+v, after %d; want one that is meant, in order", src, i.Name, n, d, before)
			}
			before = n
		}
	}
}

// checkWillFilters checks that the filters match the Will topics.
func checkWillFilters(t *testing.T, src string, s *Scenario) {
	filters := s.WillFilters()
	for d := range s.Devices() {
		w := &d.Group.Will
		if w.Off {
			continue
		}
		topic := w.Topic.Expand(d.Vars("run"))
		matched := slices.ContainsFunc(filters, func(f string) bool { return topicMatches(f, topic) })
		if !topicMatches(d.Group.WillFilter(), topic) || !matched {
			t.Fatalf("Load(%q): WillFilter() = %q, WillFilters() = %q; want %q matched", src, d.Group.WillFilter(), filters, topic)
		}
	}
}

// topicMatches reports whether a filter without # matches a topic (4.7.1), but
// for the rule about $.
func topicMatches(filter, topic string) bool {
	return slices.EqualFunc(strings.Split(filter, "/"), strings.Split(topic, "/"), func(f, level string) bool { return f == "+" || f == level })
}

// FuzzMatches checks the patterns of targets against another implementation.
func FuzzMatches(f *testing.F) {
	for _, seed := range [][2]string{{"a*b*c", "aXbbYc"}, {"*", ""}, {"", "x"}, {"**a", "ba"}, {"light-*", "light-1"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern)*len(text) > 1e6 {
			return
		}
		if got, want := matches(pattern, []byte(text)), slowMatch(pattern, text); got != want {
			t.Errorf("matches(%q, %q) = %v; want %v", pattern, text, got, want)
		}
	})
}

// FuzzUsers does the same for users files.
func FuzzUsers(f *testing.F) {
	seeds(f, "testdata/users/*.txt", house)
	f.Fuzz(func(t *testing.T, src string) {
		u, faults := LoadUsers("fuzz.toml", []byte(src))
		if _, again := LoadUsers("fuzz.toml", []byte(src)); !reflect.DeepEqual(faults, again) {
			t.Errorf("LoadUsers(%q) differs from one time to the next:\n%s\n%s", src, faults, again)
		}
		checkFaults(t, src, faults, u != nil)
		if u == nil {
			return
		}
		for i := range u.Users {
			for _, f := range slices.Concat(u.Users[i].Publish, u.Users[i].Subscribe) {
				filter := strings.NewReplacer("{user}", "u", "{client}", "c").Replace(string(f))
				if problem := filterFault(filter); problem != "" || strings.ContainsAny(filter, "{}") {
					t.Errorf("LoadUsers(%q) grants %q, which %s", src, filter, problem)
				}
			}
			own := string(u.Users[i].ResponseInformation)
			if own != "" && !strings.HasSuffix(own, "/") {
				t.Errorf("LoadUsers(%q) has the Response Information %q; want it to end in a slash", src, own)
			}
		}
	})
}

func seeds(f *testing.F, pattern string, more ...string) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		f.Fatal(err)
	}
	for i, file := range files {
		if i%some(5, 1) > 0 {
			continue // TestFaults reads all of them
		}
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		src, _, _ := strings.Cut(string(text), dashes)
		f.Add(src)
	}
	for _, src := range more {
		f.Add(src)
	}
}

// checkFaults checks that every fault points to where it says.
func checkFaults(t *testing.T, src string, faults Faults, loaded bool) {
	t.Helper()
	if loaded != (faults.Err() == nil) {
		t.Errorf("Load(%q): loaded %v with %d errors; want one or the other", src, loaded, len(faults.Errors()))
	}
	lines := strings.Split(strings.TrimPrefix(src, "\ufeff"), "\n")
	last := 0
	for _, fault := range faults {
		switch {
		case fault.Line == 0:
			last = len(lines) + 1
			continue
		case fault.Line < last || fault.Line > len(lines):
			t.Errorf("Load(%q): fault at line %d after line %d of %d; want file order", src, fault.Line, last, len(lines))
			continue
		}
		last = fault.Line
		source := strings.TrimSuffix(lines[fault.Line-1], "\r")
		if length := utf8.RuneCountInString(source); !shows(fault.Source, source) || fault.Col < 1 || fault.Col > length+1 ||
			fault.Width < 1 || fault.Col-1+fault.Width > max(length, fault.Col) || fault.Message == "" {
			t.Errorf("Load(%q): %+v; want a place in line %q", src, fault, source)
		}
	}
	if text := faults.Error(); strings.ContainsAny(strings.ReplaceAll(text, "\n", ""), "\x00\x07\x1b\r") {
		t.Errorf("Load(%q) renders a control character: %q", src, text)
	}
}

// shows reports whether the source of a fault is the line, but for asterisks in
// the place of what is secret.
func shows(shown, line string) bool {
	of := []rune(line)
	for i, r := range []rune(shown) {
		if i >= len(of) || r != of[i] && r != '*' {
			return false
		}
	}
	return utf8.RuneCountInString(shown) == len(of)
}
