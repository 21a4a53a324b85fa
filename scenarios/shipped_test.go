package scenarios

import (
	"slices"
	"strings"
	"testing"
)

func TestShipped(t *testing.T) {
	var names []string
	for _, info := range Shipped() {
		names = append(names, info.Name)
		src, ok := ReadShipped(info.Name)
		if !ok {
			t.Fatalf("ReadShipped(%q) finds nothing; want the scenario that Shipped lists", info.Name)
		}
		s, faults := Load(info.Name+".toml", src)
		if len(faults) > 0 {
			t.Errorf("Load(%s) finds\n%swant nothing, not even a warning", info.Name, faults)
			continue
		}
		if info.Title == "" || info.Title != s.Title || info.Devices != s.Count() {
			t.Errorf("Shipped() says %+v; want the scenario's title and count, %q and %d", info, s.Title, s.Count())
		}
		if !strings.HasSuffix(info.Summary, ".") || strings.HasPrefix(info.Summary, "#") {
			t.Errorf("the summary of %s is %q; want one sentence", info.Name, info.Summary)
		}
		for i, line := range strings.Split(string(src), "\n") {
			if len(line) > 80 || strings.ContainsAny(line, "\t\r") || strings.TrimRight(line, " ") != line {
				t.Errorf("%s.toml:%d: %q; want at most 80 characters, no tabs, and no space at the end", info.Name, i+1, line)
			}
		}
	}
	if want := []string{"bedroom", "apartment", "apartment-block"}; !slices.Equal(names, want) {
		t.Errorf("Shipped() lists %q; want %q", names, want)
	}
	for _, name := range []string{"", "nothing", "../go", "bedroom.toml", "/bedroom"} {
		if _, ok := ReadShipped(name); ok {
			t.Errorf("ReadShipped(%q) finds a file; want none", name)
		}
	}
}

// TestBedroom holds the shipped scenario to what the README types.
func TestBedroom(t *testing.T) {
	src, _ := ReadShipped("bedroom")
	s, faults := Load("bedroom.toml", src)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	d := s.Device(0)
	if s.Count() != 1 || d.ID != "light-in-bedroom" || d.Group.Kind.Name != "light" || d.Group.QoS != 0 || d.Group.Retain || s.Broker.URL != "" {
		t.Errorf("bedroom is %+v; want one light-in-bedroom at QoS 0 on the embedded broker", d)
	}
	w := d.Group.Will.Expand(d.Vars("7"))
	if w.Topic != "tele/light-in-bedroom/lwt" || w.Payload != "Offline" || w.ResponseTopic != "will/seen/light-in-bedroom" || w.CorrelationData != "light-in-bedroom/7" {
		t.Errorf("bedroom's Will is %+v; want Offline with a Response Topic and Correlation Data", w)
	}
}

func TestApartmentBlock(t *testing.T) {
	src, _ := ReadShipped("apartment-block")
	s, faults := Load("apartment-block.toml", src)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	perHome := make(map[string]int)
	for d := range s.Devices() {
		perHome[d.Home]++
	}
	if s.Count() != 1000 || len(perHome) != 40 || s.Connect.Rate < 250 {
		t.Errorf("apartment-block has %d devices in %d homes at %v a second; want 1000 in 40, in well under 5 s", s.Count(), len(perHome), s.Connect.Rate)
	}
	for home, n := range perHome {
		if n != 25 {
			t.Errorf("%s has %d devices; want 25", home, n)
		}
	}
}
