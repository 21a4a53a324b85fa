package scenarios

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
)

func TestOccurrences(t *testing.T) {
	light, _ := devices.KindByName("light")
	const s = time.Second
	for _, tt := range []struct {
		name    string
		i       Incident
		measure time.Duration
		from    []time.Duration
	}{
		{"once", Incident{At: 5 * s, For: 3 * s}, 30 * s, []time.Duration{5 * s}},
		{"at once", Incident{For: 3 * s}, 30 * s, []time.Duration{0}},
		{"beyond the end", Incident{At: 28 * s, For: 3 * s}, 30 * s, []time.Duration{28 * s}},
		{"as the measuring ends", Incident{At: 30 * s, For: 3 * s}, 30 * s, nil},
		{"three times", Incident{At: s, For: 3 * s, Every: 5 * s, Times: 3}, 30 * s, []time.Duration{s, 6 * s, 11 * s}},
		{"three times, the last cut short", Incident{At: s, For: 3 * s, Every: 5 * s, Times: 3}, 12 * s, []time.Duration{s, 6 * s, 11 * s}},
		{"three times, the last too late", Incident{At: s, For: 3 * s, Every: 5 * s, Times: 3}, 11 * s, []time.Duration{s, 6 * s}},
		{"without end", Incident{At: s, For: 3 * s, Every: 5 * s}, 14 * s, []time.Duration{s, 6 * s, 11 * s}},
		{"without end, the last too long", Incident{At: s, For: 3 * s, Every: 5 * s}, 14*s - 1, []time.Duration{s, 6 * s}},
		{"without end, the last too long with its spread", Incident{At: s, For: 3 * s, Every: 5 * s, Spread: 1}, 14 * s, []time.Duration{s, 6 * s}},
		{"without end, the first too long", Incident{At: s, For: 30 * s, Every: 50 * s}, 14 * s, []time.Duration{s}},
	} {
		tt.i.Kind = Offline
		sc := &Scenario{Groups: []Group{{Kind: light}}, Phases: Phases{Measure: tt.measure}, Incidents: []Incident{tt.i}}
		if err := sc.Check(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var from []time.Duration
		for _, o := range sc.Occurrences(tt.measure) {
			if o.Incident != 0 || o.N != len(from) || o.To != o.From+tt.i.For {
				t.Errorf("%s: Occurrences() has %+v; want number %d, for %v", tt.name, o, len(from), tt.i.For)
			}
			from = append(from, o.From)
		}
		if !slices.Equal(from, tt.from) {
			t.Errorf("%s: Occurrences(%v) begin at %v; want %v", tt.name, tt.measure, from, tt.from)
		}
	}
}

// TestOccurrencesInOrder checks that those of several incidents come by their
// beginning, and then in the order of the file.
func TestOccurrencesInOrder(t *testing.T) {
	sc := &Scenario{Incidents: []Incident{
		{Kind: Offline, At: 4, For: 1, Every: 4, Times: 2, Chance: 1},
		{Kind: Flapping, At: 2, For: 1, Every: 2, Times: 3, Chance: 1},
	}}
	want := []Occurrence{{1, 0, 2, 3}, {0, 0, 4, 5}, {1, 1, 4, 5}, {1, 2, 6, 7}, {0, 1, 8, 9}}
	if got := sc.Occurrences(time.Second); !slices.Equal(got, want) {
		t.Errorf("Occurrences() = %v; want %v", got, want)
	}
}

// TestChance checks that an incident happens about as often as it says, as the
// seed has it, and the same way when more is measured.
func TestChance(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var seen []string
	for range 20 {
		chance := 0.05 + 0.9*r.Float64()
		sc := &Scenario{Seed: r.Uint64N(1 << 63), Incidents: []Incident{{Kind: Offline, For: 1, Every: 2, Chance: chance}}}
		all := sc.Occurrences(4000)
		if off := math.Abs(float64(len(all)) - 2000*chance); off > 5*math.Sqrt(2000*chance*(1-chance)) {
			t.Errorf("with a chance of %.3f it happens %d times in 2000", chance, len(all))
		}
		if few := sc.Occurrences(400); !slices.Equal(few, all[:len(few)]) {
			t.Errorf("measuring for longer, the first occurrences are %v; want %v", all[:len(few)], few)
		}
		sc.Incidents[0].Chance = 1
		for _, o := range all[:3] {
			if !slices.Contains(sc.Occurrences(4000), o) {
				t.Errorf("%+v is gone when the chance grows; want it to stay", o)
			}
		}
		sc.Incidents[0].Chance = 0.5
		seen = append(seen, fmt.Sprint(sc.Occurrences(400)))
	}
	slices.Sort(seen)
	if n := len(slices.Compact(seen)); n < 20 {
		t.Errorf("20 seeds draw %d ways; want each its own", n)
	}
}

func TestAffected(t *testing.T) {
	const incident = "[[incident]]\nkind = \"offline\"\nfor = \"1s\"\n%s\n"
	for _, tt := range []struct {
		keys  string
		count int
	}{
		{``, 24},
		{`target.kind = "plug"`, 7},
		{`target.kind = "thermostat"`, 5},
		{`target.id = "*-1"`, 6},
		{`target.home = "flat-00*"`, 12},
		{`target = { id = "*1", home = "flat-001" }`, 1},
		{`target = { share = "100%" }`, 24},
	} {
		s, faults := Load("x", fmt.Appendf(nil, village+incident, 1, 4, tt.keys))
		if len(faults) > 0 {
			t.Errorf("%s: %v", tt.keys, faults)
			continue
		}
		got := s.Affected(Occurrence{})
		if len(got) != tt.count || !slices.IsSorted(got) {
			t.Errorf("Affected with %q = %v; want %d, in order", tt.keys, got, tt.count)
		}
	}
	s, faults := Load("x", fmt.Appendf(nil, village+"[[incident]]\nkind = \"broker-outage\"\nfor = \"1s\"\n", 1, 4))
	if len(faults) > 0 || len(s.Affected(Occurrence{})) != 24 {
		t.Errorf("a broker-outage strikes %v, %v; want all 24", s.Affected(Occurrence{}), faults)
	}
}

// TestAffectedShare checks that a share is about as large as it says, and that
// each incident and each of its times draws it anew.
func TestAffectedShare(t *testing.T) {
	light, _ := devices.KindByName("light")
	again := Incident{Kind: Offline, For: 1, Every: 2, Times: 50, Target: Target{Share: 0.3}}
	s := &Scenario{Seed: 7, Groups: []Group{{Kind: light, Count: 1000}}, Incidents: []Incident{again, again}}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	often := make([]int, 1000)
	var draws [][]int
	for incident := range 2 {
		for n := range 50 {
			o := Occurrence{Incident: incident, N: n}
			one := s.Affected(o)
			if off := math.Abs(float64(len(one)) - 300); off > 5*math.Sqrt(1000*0.3*0.7) {
				t.Errorf("Affected(%+v) strikes %d of 1000; want about 300", o, len(one))
			}
			if !slices.Equal(one, s.Affected(o)) {
				t.Errorf("Affected(%+v) differs from one time to the next", o)
			}
			for _, other := range draws {
				if slices.Equal(one, other) {
					t.Errorf("Affected(%+v) strikes those that another occurrence does; want a draw of its own", o)
				}
			}
			draws = append(draws, one)
			for _, d := range one {
				often[d]++
			}
		}
	}
	// Each is struck about 30 times in 100: nobody never, nobody always.
	if low, high := slices.Min(often), slices.Max(often); low < 5 || high > 60 {
		t.Errorf("in 100 occurrences a device is struck %d to %d times; want about 30", low, high)
	}
}

func TestIncidentPlan(t *testing.T) {
	s, faults := Load("x", []byte(`
[[device]]
kind = "light"
count = 4
id = "lamp-{n}"
[[incident]]
kind = "offline"
at = "5s"
for = "1s"
every = "5s"
times = 3
target = { id = "*-2" }
[[incident]]
kind = "power-cut"
for = "1s"
`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := []IncidentPlan{
		{&s.Incidents[0], 3, Occurrence{0, 0, 5 * time.Second, 6 * time.Second}, Occurrence{0, 2, 15 * time.Second, 16 * time.Second}, 1},
		{&s.Incidents[1], 1, Occurrence{1, 0, 0, time.Second}, Occurrence{1, 0, 0, time.Second}, 4},
	}
	if got := s.LoadPlan().Incidents; !slices.Equal(got, want) {
		t.Errorf("LoadPlan().Incidents = %+v; want %+v", got, want)
	}
}

// An incident at a time of day happens when the simulated clock shows that, each day, from the
// start of measuring, when it shows the scenario's start.
func TestIncidentsByClock(t *testing.T) {
	for _, tt := range []struct {
		top, incident string
		measure       time.Duration
		want          []time.Duration
	}{
		{"start = \"06:00\"", "at = \"07:30\"", 48 * time.Hour, []time.Duration{90 * time.Minute, 25*time.Hour + 30*time.Minute}},
		{"", "at = \"07:30\"", 48 * time.Hour, []time.Duration{23*time.Hour + 30*time.Minute, 47*time.Hour + 30*time.Minute}},
		{"time = \"60x\"\nstart = \"07:00:30\"", "at = \"07:00\"", time.Hour, []time.Duration{24*time.Minute - 500*time.Millisecond, 48*time.Minute - 500*time.Millisecond}},
		{"start = \"07:30\"", "at = \"07:30:00\"\ntimes = 1\nevery = \"1h\"", 48 * time.Hour, []time.Duration{0}},
		{"start = \"00:00\"", "at = \"00:00\"\nevery = \"36h\"", 73 * time.Hour, []time.Duration{0, 36 * time.Hour, 72 * time.Hour}},
	} {
		src := tt.top + "\n[[device]]\nkind = \"light\"\n[[incident]]\nkind = \"offline\"\nfor = \"1s\"\n" + tt.incident + "\n[phases]\nmeasure = \"" + tt.measure.String() + "\"\n"
		s, faults := Load("x.toml", []byte(src))
		if s == nil {
			t.Fatalf("Load(%s) finds %v", src, faults)
		}
		for range 2 { // checked again, it is the same
			var got []time.Duration
			for _, o := range s.Occurrences(tt.measure) {
				got = append(got, o.From)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("with %s %s it happens at %v; want %v", tt.top, tt.incident, got, tt.want)
			}
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, wrong := range []string{"at = \"24:00\"", "at = 7", "at = 07:30:00", "at = \"7:30\""} {
		if s, _ := Load("x.toml", []byte("[[device]]\nkind = \"light\"\n[[incident]]\nkind = \"offline\"\nfor = \"1s\"\n"+wrong+"\n")); s != nil {
			t.Errorf("Load takes %s; want a fault", wrong)
		}
	}
}

// One on some days of the week happens on those alone, by a calendar that shares nothing with
// what is tested: that of package time.
func TestIncidentsByWeekday(t *testing.T) {
	for _, tt := range []struct {
		start, at, more string
		days            string // as package time has them
		factor          float64
		measure         time.Duration
		most            int
	}{
		{"Mon 00:00", "Mon..Fri 07:30", "", "MonTueWedThuFri", 1, 15 * 24 * time.Hour, 0},
		{"Sat 09:00", "Sat,Sun 09:00", "", "SatSun", 1, 15 * 24 * time.Hour, 0},
		{"Sat 09:00:01", "Sat 09:00", "", "Sat", 1, 15 * 24 * time.Hour, 0},
		{"08:00", "Mon 07:30", "", "Mon", 1, 15 * 24 * time.Hour, 0},
		{"Sun 23:59:59", "Fri..Mon,Wed 00:00", "", "FriSatSunMonWed", 1, 15 * 24 * time.Hour, 0},
		{"Wed 12:00", "Mon..Sun 12:00:30", "", "MonTueWedThuFriSatSun", 1, 15 * 24 * time.Hour, 0},
		{"Thu 12:00", "Tue,Fri 06:00", "times = 3", "TueFri", 1, 40 * 24 * time.Hour, 3},
		{"Thu 12:00", "Tue,Fri 06:00", "times = 1", "TueFri", 1, 40 * 24 * time.Hour, 1},
		{"Thu 12:00", "06:00", "times = 1", "MonTueWedThuFriSatSun", 1, 40 * 24 * time.Hour, 1},
		{"Thu 12:00", "06:00", "times = 4", "MonTueWedThuFriSatSun", 1, 40 * 24 * time.Hour, 4},
		{"Sat 12:00", "Mon..Fri 06:00", "", "MonTueWedThuFri", 60, 10 * time.Hour, 0},
	} {
		src := fmt.Sprintf("start = %q\ntime = \"%gx\"\n[[device]]\nkind = \"light\"\n[[incident]]\nkind = \"offline\"\nfor = \"1s\"\nat = %q\n%s\n[phases]\nmeasure = \"%v\"\n",
			tt.start, tt.factor, tt.at, tt.more, tt.measure)
		s, faults := Load("x.toml", []byte(src))
		if s == nil {
			t.Errorf("Load(%s) finds %v", src, faults)
			continue
		}
		begin := calendar(t, tt.start)
		at := tt.at[strings.LastIndex(tt.at, " ")+1:]
		if len(at) == len("15:04") {
			at += ":00"
		}
		var want []time.Duration
		for sim := time.Duration(0); sim < time.Duration(float64(tt.measure)*tt.factor) && (tt.most == 0 || len(want) < tt.most); sim += time.Second {
			if now := begin.Add(sim); now.Format("15:04:05") == at && strings.Contains(tt.days, now.Format("Mon")) {
				want = append(want, time.Duration(float64(sim)/tt.factor))
			}
		}
		for range 2 { // checked again, it is the same
			got := s.Occurrences(tt.measure)
			same := slices.EqualFunc(got, want, func(o Occurrence, want time.Duration) bool { return (o.From - want).Abs() < time.Millisecond })
			if !same || len(want) == 0 {
				t.Errorf("from %s, with at = %q %s it happens at %v; want %v", tt.start, tt.at, tt.more, got, want)
			}
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// calendar returns a moment of a week that begins with a Monday.
func calendar(t *testing.T, clock string) time.Time {
	t.Helper()
	weekday, rest, ok := strings.Cut(clock, " ")
	if !ok {
		weekday, rest = "Mon", clock
	}
	if len(rest) == len("15:04") {
		rest += ":00"
	}
	for date := range 7 {
		now, err := time.Parse("2006-01-02 15:04:05", fmt.Sprintf("2026-12-%02d %s", date+1, rest))
		if err != nil {
			t.Fatal(err)
		}
		if now.Format("Mon") == weekday {
			return now
		}
	}
	t.Fatalf("%q is no day", weekday)
	return time.Time{}
}

// What is no time of day is told with its line, and with what may have been meant.
func TestMomentFaults(t *testing.T) {
	for _, tt := range []struct{ line, want, hint string }{
		{`at = "Mon-Fri 07:30"`, `at is "Mon-Fri 07:30"; want a duration such as "30s", or a time of day such as "07:30" or "Mon..Fri 07:30"`, `did you mean "Mon..Fri 07:30"?`},
		{`at = "monday to friday 7:30"`, "want a duration", `did you mean "Mon..Fri 07:30"?`},
		{`at = "weekdays at 07:30"`, "want a duration", `did you mean "Mon..Fri 07:30"?`},
		{`at = "Sat, Sun 9:00"`, "want a duration", `did you mean "Sat,Sun 09:00"?`},
		{`at = "sat/sun 09:00"`, "want a duration", `did you mean "Sat,Sun 09:00"?`},
		{`at = "07:30 weekends"`, "want a duration", `did you mean "Sat,Sun 07:30"?`},
		{`at = "Saturdays and Wednessday 09:00"`, "want a duration", `did you mean "Sat,Wed 09:00"?`},
		{`at = "daily 07:30"`, "want a duration", `did you mean "07:30"?`},
		{`at = "every day 24:00"`, "want a duration", `did you mean "00:00"?`},
		{`at = "7:30"`, "want a duration", `did you mean "07:30"?`},
		{`at = "Mon..Fri"`, "want a duration", `add the time of day, as in "Mon..Fri 07:30"`},
		{`at = "Mon..Fri 25:00"`, "want a duration", ""},
		{`at = "Xyz 07:30"`, "want a duration", ""},
		{`at = "Mon.Fri 07:30"`, "want a duration", ""},
		{`at = " 07:30"`, "want a duration", `did you mean "07:30"?`},
		{`at = "soon"`, "want a duration", ""},
		{`at = 07:30:00`, `at is a TOML time; want text such as "07:30"`, `did you mean "07:30"?`},
		{"at = \"Mon..Fri 07:30\"\nevery = \"1h\"", "every is 1h, but at says that it happens each Mon..Fri; want one of the two", "leave one of the two out"},
		{"at = \"Mon..Fri 07:30\"\nfor = \"25h\"", "it happens again after 24h, but lasts 25h, spread included; want the next to begin when the last is over", ""},
		{"times = 3", "times without every: there is nothing to repeat", `add every = "1m", say`},
	} {
		src := "[[device]]\nkind = \"light\"\n[[incident]]\nkind = \"offline\"\n" + tt.line
		if !strings.Contains(tt.line, "for =") {
			src += "\nfor = \"1s\""
		}
		s, faults := Load("x.toml", []byte(src+"\n"))
		if s != nil || len(faults) != 1 || !strings.Contains(faults[0].Message, tt.want) || faults[0].Hint != tt.hint || faults[0].Line < 5 {
			t.Errorf("Load with %s finds %v; want %q with the hint %q", tt.line, faults, tt.want, tt.hint)
		}
	}
	for _, tt := range []struct{ start, want, hint string }{
		{"Mon..Fri 08:00", `start is "Mon..Fri 08:00", which is 5 days; want one, as in "Mon 08:00"`, ""},
		{"monday 8:00", `start is "monday 8:00"; want a time of day from "00:00" to "23:59", perhaps with a day, as "Fri 18:00"`, `did you mean "Mon 08:00"?`},
		{"25:00", "want a time of day", ""},
	} {
		s, faults := Load("x.toml", []byte("title = \"x\"\nstart = \""+tt.start+"\"\n[[device]]\nkind = \"light\"\n"))
		if s != nil || len(faults) != 1 || !strings.Contains(faults[0].Message, tt.want) || faults[0].Hint != tt.hint || faults[0].Line != 2 {
			t.Errorf("Load with start %s finds %v; want %q with the hint %q", tt.start, faults, tt.want, tt.hint)
		}
	}
}
