package scenarios

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func stagedGroup(t *testing.T, stages string, keys ...string) *Scenario {
	t.Helper()
	src := "[[device]]\nkind = \"plug\"\ntelemetry = \"1s\"\n" + strings.Join(keys, "\n") + "\n" + stages
	s, faults := Load("x.toml", []byte(src))
	if s == nil {
		t.Fatalf("Load(%s) finds %v", src, faults)
	}
	return s
}

func deviceStage(length, from, to string) string {
	return fmt.Sprintf("[[device.stage]]\nfor = %q\nfrom = %q\nto = %q\n", length, from, to)
}

// The devices come and go as the stages say, one after the other, and evenly: at each moment
// there are as many as the line has that the stages draw.
func TestMoves(t *testing.T) {
	plateau := "[[device.stage]]\nfor = \"30s\"\nshare = \"50%\"\n"
	for _, tt := range []struct {
		stages string
		keys   []string
		line   func(at float64) float64 // the share at a second
		most   time.Duration
	}{
		{deviceStage("20s", "0%", "100%"), []string{"count = 10"}, func(at float64) float64 { return at / 20 }, 20 * time.Second},
		{deviceStage("20s", "100%", "0%"), []string{"count = 7", "homes = 3", "first = 5", "first_home = 4"}, func(at float64) float64 { return 1 - at/20 }, 20 * time.Second},
		{deviceStage("10s", "0%", "50%") + plateau + deviceStage("10s", "50%", "10%"), []string{"count = 1000"}, func(at float64) float64 {
			return max(min(at/20, 0.5), 0) - max(at-40, 0)*0.04
		}, 50 * time.Second},
		{plateau + deviceStage("10s", "100%", "100%"), []string{"count = 9"}, func(at float64) float64 {
			if at < 30 {
				return 0.5
			}
			return 1
		}, 30 * time.Second},
	} {
		s := stagedGroup(t, tt.stages, tt.keys...)
		g := &s.Groups[0]
		there := make([]bool, g.Total())
		count := 0
		for d := range s.Devices() {
			there[d.Number] = !d.AbsentAtFirst()
			if there[d.Number] {
				count++
			}
		}
		if count != g.PresentAtFirst() || s.Absent() != g.Total()-count {
			t.Errorf("%d devices are there at first, %d by PresentAtFirst, %d are absent", count, g.PresentAtFirst(), s.Absent())
		}
		last := time.Duration(0)
		for m := g.Moves(); ; {
			one, ok := m.Next()
			if !ok {
				break
			}
			if one.At < last || one.At > tt.most || there[one.Device] == one.Comes {
				t.Fatalf("%q: after %v comes %+v; want them in order, to %v, and each to change something", tt.stages, last, one, tt.most)
			}
			last, there[one.Device] = one.At, one.Comes
			if count++; !one.Comes {
				count -= 2
			}
			if want := tt.line(one.At.Seconds()) * float64(g.Total()); float64(count) < want-1.01 || float64(count) > want+1.01 {
				if one.At != 30*time.Second { // where it jumps
					t.Errorf("%q: %d devices are there at %v; want %.1f", tt.stages, count, one.At, want)
				}
			}
		}
		for i := range there {
			if there[i] != (i < count) {
				t.Errorf("%q: in the end device %d is there: %t; want the first %d", tt.stages, i, there[i], count)
			}
		}
		if want := int(tt.line(tt.most.Seconds())*float64(g.Total()) + 0.5); count != want {
			t.Errorf("%q: %d devices are there in the end; want %d", tt.stages, count, want)
		}
		if !s.Measured() || s.Phases.Measure < tt.most {
			t.Errorf("%q: measured %t, for %v; want the stages to say how long", tt.stages, s.Measured(), s.Phases.Measure)
		}
	}
}

func TestDeviceStageFaults(t *testing.T) {
	const head = "[[device]]\nkind = \"plug\"\ncount = 10\n"
	for _, tt := range []struct{ rest, want string }{
		{"[[device.stage]]\nshare = \"50%\"\n", "a stage without a length"},
		{"[[device.stage]]\nfor = \"1m\"\n", "a stage without a share of the devices"},
		{"[[device.stage]]\nfor = \"1m\"\nfrom = \"0%\"\n", "from without to"},
		{"[[device.stage]]\nfor = \"1m\"\nto = \"0%\"\nshare = \"1%\"\n", "to stands beside share"},
		{"[[device.stage]]\nfor = \"1m\"\nshare = \"110%\"\n", "share is"},
		{"[[device.stage]]\nfor = \"1m\"\nfrom = \"10\"\nto = \"100%\"\n", "from is"},
		{"present = false\n" + deviceStage("1m", "0%", "100%"), "present = false stands beside stages"},
		{deviceStage("1m", "0%", "100%") + "[phases]\nmeasure = \"30s\"\n", "measure is 30s, but the stages of device[0] last 1m"},
	} {
		s, faults := Load("x.toml", []byte(head+tt.rest))
		if s != nil || len(faults) != 1 || !strings.Contains(faults[0].Message, tt.want) || faults[0].Line == 0 {
			t.Errorf("Load(%s) finds %v; want one fault: %s", tt.rest, faults, tt.want)
		}
	}
}
