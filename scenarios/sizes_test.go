package scenarios

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// assignment is one key of a scenario with a value, as TOML has them.
type assignment struct{ section, name, value string }

// TestOverlays lays random keys over a file, and compares what comes of it with
// the file that has those keys in their place.
func TestOverlays(t *testing.T) {
	base := []assignment{
		{"connect", "rate", `"100/s"`}, {"connect", "keep_alive", `"30s"`},
		{"device 0", "kind", `"light"`}, {"device 0", "count", "3"}, {"device 0", "id", `"lamp-{n}"`}, {"device 0", "groups", `["a", "b"]`}, {"device 0", "will.response_topic", `"seen/{id}"`},
		{"device 1", "kind", `"plug"`}, {"device 1", "load", `"tv"`}, {"device 1", "will", "false"},
		{"controller 0", "attribute", `"power"`}, {"controller 0", "rate", `"5/s"`}, {"controller 0", "target", `{ kind = "light", id = "lamp-*" }`},
		{"controller 1", "attribute", `"power"`}, {"controller 1", "rate_per_controller", `"2/s"`}, {"controller 1", "payloads", `["ON", "OFF"]`},
		{"watcher 0", "count", "2"}, {"watcher 0", "topics", `["state/#"]`},
		{"incident 0", "kind", `"offline"`}, {"incident 0", "for", `"2s"`}, {"incident 0", "target.share", `"50%"`},
		{"audit", "slack", `"2s"`},
		{"phases", "measure", `"10s"`},
		{"expect", `"requests.lost"`, `"== 0"`}, {"expect", `"response.p99"`, `{ want = "< 1s" }`},
	}
	changes := []assignment{
		{"connect", "rate", `"7/s"`}, {"connect", "backoff", `"naive"`}, {"connect", "session_expiry", `"1h"`},
		{"device 0", "count", "9"}, {"device 0", "telemetry", `"5s"`}, {"device 0", "groups", `["c"]`}, {"device 0", "brightness", "7"},
		{"device 1", "count", "4"}, {"device 1", "load", `"kettle"`}, {"device 1", "qos", "2"},
		{"controller 0", "rate", `"50/s"`}, {"controller 0", "count", "3"}, {"controller 0", "qos", "1"},
		{"controller 1", "rate_per_controller", `"9/s"`}, {"controller 1", "payloads", `["TOGGLE"]`}, {"controller 1", "name", `"x"`},
		{"watcher 0", "slow", `"1s"`}, {"watcher 0", "topics", `["tele/#", "state/#"]`},
		{"incident 0", "for", `"5s"`}, {"incident 0", "way", `"reset"`}, {"incident 0", "target.share", `"70%"`},
		{"audit", "wait", `"3s"`}, {"audit", "slack", `"4s"`},
		{"device 0", "backoff_min", `"3s"`}, {"device 1", "misbehave", `{ drop = "5%" }`}, {"watcher 0", "answers", "true"},
		{"phases", "measure", `"20s"`}, {"phases", "warm_up", `"1s"`},
		{"expect", `"requests.lost"`, `"< 5"`}, {"expect", `"requests.late"`, `"== 0"`},
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range some(15, 300) {
		var over []assignment
		for _, c := range changes {
			if r.IntN(3) == 0 {
				over = append(over, c)
			}
		}
		merged := slices.Clone(base)
		for _, o := range over {
			if i := slices.IndexFunc(merged, func(k assignment) bool { return k.section == o.section && k.name == o.name }); i >= 0 {
				merged[i].value = o.value
			} else {
				merged = append(merged, o)
			}
		}
		src := write("", base) + write("size.m.", over) + "[size.m]\n"
		got, faults := LoadSize("x", []byte(src), "m")
		if len(faults) > 0 {
			t.Fatalf("LoadSize(%s) finds\n%s", src, faults)
		}
		want, faults := Load("x", []byte(write("", merged)))
		if len(faults) > 0 {
			t.Fatalf("Load(%s) finds\n%s", write("", merged), faults)
		}
		want.Digest, want.Size, want.sizes = got.Digest, "m", []string{"s", "m"}
		// A replaced expectation keeps its place, a new one comes last: as here.
		if !same(got, want) {
			t.Fatalf("LoadSize(%s, m) = %+v; want %+v", src, got, want)
		}
		plain, _ := LoadSize("x", []byte(src), "s")
		first, _ := Load("x", []byte(src))
		alone, _ := Load("x", []byte(write("", base)))
		alone.Digest, alone.Size, alone.sizes = first.Digest, "s", []string{"s", "m"}
		if !same(first, alone) || !same(first, plain) {
			t.Fatalf("Load(%s) = %+v; want the file as it stands, %+v", src, first, alone)
		}
	}
}

// write puts keys under their headers, and every element of an array in its
// place.
func write(prefix string, keys []assignment) string {
	var b strings.Builder
	for _, section := range []string{"connect", "device 0", "device 1", "controller 0", "controller 1", "watcher 0", "incident 0", "audit", "phases", "expect"} {
		name, n, isArray := strings.Cut(section, " ")
		mine := slices.DeleteFunc(slices.Clone(keys), func(k assignment) bool { return k.section != section })
		later := slices.ContainsFunc(keys, func(k assignment) bool { return isArray && strings.HasPrefix(k.section, name) && k.section > section })
		switch {
		case len(mine) == 0 && !later:
			continue
		case isArray:
			_ = n
			fmt.Fprintf(&b, "[[%s%s]]\n", prefix, name)
		default:
			fmt.Fprintf(&b, "[%s%s]\n", prefix, name)
		}
		for _, k := range mine {
			fmt.Fprintf(&b, "%s = %s\n", k.name, k.value)
		}
	}
	return b.String()
}

func TestLoadSize(t *testing.T) {
	const src = "[[device]]\nkind = \"light\"\n[size.medium]\n[[size.large.device]]\ncount = 10\n"
	for _, tt := range []struct {
		size  string
		count int
		fault string
	}{
		{"", 1, ""}, {"s", 1, ""}, {"medium", 1, ""}, {"large", 10, ""},
		{"lagre", 0, "x.toml: error: there is no size \"lagre\"; want \"s\", \"medium\" or \"large\"\nhint: did you mean \"large\"?\n1 error\n"},
		{"S", 0, "x.toml: error: there is no size \"S\"; want \"s\", \"medium\" or \"large\"\nhint: did you mean \"s\"?\n1 error\n"},
	} {
		s, faults := LoadSize("x.toml", []byte(src), tt.size)
		if got := faults.Error(); got != tt.fault || (s != nil) != (tt.fault == "") {
			t.Errorf("LoadSize(%q) = %v, %q; want %q", tt.size, s, got, tt.fault)
		}
		if s != nil && s.Count() != tt.count {
			t.Errorf("LoadSize(%q) has %d devices; want %d", tt.size, s.Count(), tt.count)
		}
	}
	s, faults := LoadSize("x.toml", []byte("[[device]]\nkind = \"light\"\n"), "s")
	if s == nil || s.Size != "" || len(s.Sizes()) > 0 {
		t.Errorf("LoadSize(s) of a file without sizes = %+v, %v; want it, as it stands", s, faults)
	}
	if _, faults := LoadSize("x.toml", []byte("[[device]]\nkind = \"light\"\n"), "m"); faults.Error() != "x.toml: error: there is no size \"m\"; want \"s\"\n1 error\n" {
		t.Errorf("LoadSize(m) of a file without sizes finds %q; want it to say so", faults.Error())
	}
}

// TestOverlayPaths checks that a fault in an overlay says in its path too where
// it is.
func TestOverlayPaths(t *testing.T) {
	const src = "[[device]]\nkind = \"light\"\n[[size.m.device]]\ncount = 0\nwill.qos = 7\n[size.m.expect]\n\"connect.failde\" = \"== 0\"\n[size.m.phases]\nx = 1\n"
	_, faults := Load("x", []byte(src))
	var paths []string
	for _, f := range faults {
		paths = append(paths, fmt.Sprintf("%d:%s", f.Line, f.Path))
	}
	want := []string{"4:size.m.device[0].count", "5:size.m.device[0].will.qos", `7:size.m.expect."connect.failde"`, "9:size.m.phases.x"}
	if !slices.Equal(paths, want) {
		t.Errorf("Load finds faults at %q; want %q", paths, want)
	}
}

// TestEverySizeIsChecked checks that it does not matter for the faults which
// size is asked for.
func TestEverySizeIsChecked(t *testing.T) {
	const src = "[[device]]\nkind = \"light\"\nid = \"lamp\"\n[[size.m.device]]\ncount = 2\n[[size.l.device]]\nkind = \"lite\"\n"
	_, want := Load("x", []byte(src))
	if len(want) != 2 {
		t.Errorf("Load finds %v; want a fault of each size", want)
	}
	for _, size := range []string{"s", "m", "l"} {
		if s, got := LoadSize("x", []byte(src), size); s != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("LoadSize(%q) = %v, %v; want the faults of all sizes, %v", size, s, got, want)
		}
	}
}

// TestSizesLoadInTime holds files of several sizes to a time.
func TestSizesLoadInTime(t *testing.T) {
	n := some(50, 500)
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[[device]]\nkind = \"light\"\nid = \"x%d-{n}\"\n", i)
	}
	for i := range maxSizes {
		for range n {
			fmt.Fprintf(&b, "[[size.z%d.device]]\ncount = 3\n", i)
		}
	}
	for i := range some(40, 200) {
		fmt.Fprintf(&b, "[[controller]]\nattribute = \"power\"\nrate = \"1/s\"\ntarget.id = \"x9*9-3%d\"\n", i)
	}
	start := time.Now()
	_, faults := Load("large.toml", []byte(b.String()))
	_ = faults.Error()
	if took := time.Since(start); took > longestLoad {
		t.Errorf("Load takes %v; want less than %v", took, longestLoad)
	} else {
		t.Logf("%v, %d faults", took, len(faults))
	}
}
