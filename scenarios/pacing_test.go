package scenarios

import (
	"strings"
	"testing"
	"time"
)

// A size may have another pacing than the file, and the file keeps its own; one that
// there is not is a fault, also where the scenario was built in Go.
func TestPacing(t *testing.T) {
	src := []byte("[phases]\npacing = \"precise\"\n[[device]]\nkind = \"light\"\n[[controller]]\nattribute = \"power\"\nrate = \"1/s\"\n[size.m.phases]\npacing = \"thrifty\"\n[size.l.phases]\nmeasure = \"1m\"\n")
	for size, want := range map[string]Pacing{"": Precise, "m": Thrifty, "l": Precise} {
		s, faults := LoadSize("test.toml", src, size)
		if len(faults) > 0 || s.Phases.Pacing != want {
			t.Errorf("in size %q the pacing is %q, with %v; want %q", size, s.Phases.Pacing, faults, want)
		}
	}
	s, _ := LoadSize("test.toml", src, "")
	s.Phases.Pacing = "hasty"
	const want = `pacing has no choice "hasty"; want "precise" or "thrifty"`
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Check() of a pacing that there is not = %v; want %q", err, want)
	}
	s.Phases.Pacing, s.Phases.Measure = "", time.Second
	if err := s.Check(); err != nil {
		t.Errorf("Check() without a pacing = %v; want nil", err)
	}
}
