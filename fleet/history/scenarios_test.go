package history_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"homefleet/fleet/broker"
	"homefleet/fleet/history"
	"homefleet/scenarios"
)

// fewer is a scenario with fewer devices, where it has thousands.
var fewer = strings.NewReplacer("count       = 2500", "count       = 25", "== 5000", "== 50", "> 10000", "> 100", "homes     = 80", "homes     = 4")

// auditedScenarios are the shipped ones that have an audit.
var auditedScenarios = []string{"flapping", "id-fight", "mass-offline", "mixed-street", "power-cut", "reconnect-storm", "retained-boot", "router-reboot", "soak", "soak-trouble", "will-consumed"}

var kindOfLine = regexp.MustCompile(`"(wills|requests|messages)":\{.*?"what":"([^"]+)"`)

// byKind are the places of the lines of each kind of fact: whose it is, and what it says.
func byKind(lines []string) map[string][]int {
	kinds := make(map[string][]int)
	for i, l := range lines {
		if m := kindOfLine.FindStringSubmatch(l); m != nil {
			kinds[m[1]+": "+m[2]] = append(kinds[m[1]+": "+m[2]], i)
		}
	}
	return kinds
}

// mayLack are kinds of facts of which one may be missing, with a checksum that was made to fit,
// and all figures are the same: what they say follows from others, too.
var mayLack = map[string]string{
	"messages: cut":          "what was on its way is told by what came",
	"messages: watcher up":   "it may have been up from the beginning",
	"messages: watcher down": "likewise",
	"messages: topic":        "its messages are told by their numbers",
	"messages: sent":         "nobody watched its topic",
	"requests: acknowledged": "its answer says so as well",
	"wills: lost":            "the end of the connection says so as well",
	"requests: expired":      "a later one says so as well",
	"requests: remember":     "it bounds how many are kept",
	"requests: disconnected": "what was on its way then may have been acknowledged",
	"wills: consumed":        "the device learned of it",
	"wills: not watching":    "the audit was closed in the same moment",
	"wills: unanswered":      "the connection came in the end",
}

// The history of every shipped scenario that has an audit bears its run out. One that is cut
// says so, wherever that is; so does one that lacks a line of any kind of fact, and where a
// figure rests upon that it does not bear the run out although its checksum was made to fit.
func TestEveryAuditedScenario(t *testing.T) {
	t.Parallel()
	names := auditedScenarios
	for _, info := range scenarios.Shipped() {
		src, _ := scenarios.ReadShipped(info.Name)
		audits := bytes.Contains(src, []byte("\n\"wills.")) || bytes.Contains(src, []byte("\n\"retained.")) || bytes.Contains(src, []byte("\naudit = true"))
		if slices.Contains(names, info.Name) != audits {
			t.Errorf("%s has an audit: %v; want it in the list if it has one", info.Name, audits)
		}
	}
	if os.Getenv("HOMEFLEET_FULL") != "1" {
		names = []string{"will-consumed", "id-fight"}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, _ := scenarios.ReadShipped(name)
			sc, faults := scenarios.Load(name, []byte(fewer.Replace(string(src))))
			if faults.Err() != nil {
				t.Fatal(faults.Err())
			}
			res, file := recorded(t, sc, broker.Config{}, 0)
			if res.Audit == nil {
				t.Fatal("it has no audit")
			}
			j := judged(t, file)
			if !j.BearsOut() || j.Result.Verdict != res.Verdict {
				t.Errorf("verdict %q, cut %q, altered %q, differences:\n  %s\nwant %q, and none", j.Result.Verdict, j.Cut, j.Altered, strings.Join(j.Differences, "\n  "), res.Verdict)
			}
			for _, n := range []int{len(file) / 10, len(file) / 2, len(file) - 9} {
				if j, err := history.Judge(bytes.NewReader(file[:n])); err != nil || j.BearsOut() || j.Cut == "" {
					t.Errorf("the first %d of %d bytes: %+v, %v; want it told that it is not whole", n, len(file), j, err)
				}
			}
			lines := linesOf(t, file)
			kinds := byKind(lines)
			every := 1
			switch full := os.Getenv("HOMEFLEET_FULL") == "1"; {
			case !full && name == "id-fight":
				every = 10 // with it, all
			case full && len(lines) > 5000:
				every = 3 // the shorter ones have these kinds as well
			}
			for n, kind := range slices.Sorted(maps.Keys(kinds)) {
				if n%every != 0 {
					continue
				}
				at := kinds[kind]
				i := at[len(at)/2]
				without := func(lines []string) []string { return slices.Delete(lines, i, i+1) }
				if kind == "wills: slack" { // it is said as often as the broker says what it is
					without = func(lines []string) []string {
						return slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, `"what":"slack"`) })
					}
				}
				j, err := history.Judge(bytes.NewReader(doctored(t, file, true, without)))
				if err == nil && j.BearsOut() && mayLack[kind] == "" {
					t.Errorf("without line %d of %d, %s, and with a checksum that fits: it bears the run out; want that not", i+1, len(lines), lines[i])
				}
			}
			some := func(lines []string) []string { return slices.Delete(lines, len(lines)/2, len(lines)/2+1) }
			if j, err := history.Judge(bytes.NewReader(doctored(t, file, false, some))); err == nil && j.BearsOut() {
				t.Error("without a line in the middle: it bears the run out; want that not")
			}
			more := func(lines []string) []string { return append(lines, lines[1]) }
			if j := judged(t, doctored(t, file, false, more)); j.BearsOut() || j.Altered == "" {
				t.Errorf("with a line behind its end: BearsOut = %v, Altered = %q; want it told", j.BearsOut(), j.Altered)
			}
			t.Logf("%d lines, %d bytes: %s", len(lines), len(file), counted(byKind(lines)))
		})
	}
}

func counted(kinds map[string][]int) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		all = append(all, fmt.Sprintf("%s %d", k, len(kinds[k])))
	}
	return strings.Join(all, ", ")
}
