package scenarios

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLargeFilesLoadInTime holds the loader to a time that does not grow with
// the square of the file, whatever it is full of.
func TestLargeFilesLoadInTime(t *testing.T) {
	largeFiles := some(25, 1)
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n / largeFiles {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const light = "[[device]]\nkind = \"light\"\n"
	for _, tt := range []struct{ name, src string }{
		{"groups", numbered(3_000, light+"id = \"x%d\"\n")},
		{"groups with unknown keys", numbered(3_000, light+"id = \"x%d\"\nzzz = 1\n")},
		{"unknown keys", light + numbered(8_000, "k%d = 1\n")},
		{"user properties", light + "[device.will.user_properties]\n" + numbered(8_000, "k%d = \"{n}\"\n")},
		{"one line", light + "[connect]\nx = {" + numbered(8_000, "k%d = 1, ") + "y = 1}\n"},
		{"incidents", light + numbered(10_000, "[[incident]]\nkind = \"offline\"\nfor = \"1s\"\nname = \"x%d\"\n")},
		{"incidents that strike nobody", light + "count = 10000\n" + numbered(255, "[[incident]]\nkind = \"offline\"\nfor = \"1s\"\ntarget.id = \"z*9*-3%d\"\n")},
		{"occurrences", light + "[phases]\nmeasure = \"1d\"\n" + numbered(255, "[[incident]]\nkind = \"offline\"\nname = \"x%d\"\nfor = \"1ns\"\nevery = \"5m\"\n")},
		{"many devices", light + "homes = 50\ncount = 1000\n"},
	} {
		if len(tt.src) > 1<<20 {
			t.Fatalf("%s: %d bytes; want a file that is read", tt.name, len(tt.src))
		}
		start := time.Now()
		_, faults := Load("large.toml", []byte(tt.src))
		_ = faults.Error()
		if took := time.Since(start); took > longestLoad {
			t.Errorf("%s: Load takes %v; want less than %v", tt.name, took, longestLoad)
		} else {
			t.Logf("%s: %v, %d faults", tt.name, took, len(faults))
		}
	}
}

func BenchmarkLoadMillion(b *testing.B) {
	src := []byte("[[device]]\nkind = \"light\"\ncount = 1000000\n")
	for b.Loop() {
		if _, faults := Load("million.toml", src); len(faults) > 0 {
			b.Fatal(faults)
		}
	}
}
