package scenarios

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is rendered now into testdata")

// TestFaults reads every file of testdata/faults: a scenario, a line of dashes,
// and the faults as they are to be rendered.
func TestFaults(t *testing.T) {
	golden(t, "testdata/faults/*.txt", func(src []byte) (loaded bool, faults Faults) {
		s, faults := Load("fleet.toml", src)
		return s != nil, faults
	})
}

// TestUsersFaults does the same for users files.
func TestUsersFaults(t *testing.T) {
	golden(t, "testdata/users/*.txt", func(src []byte) (loaded bool, faults Faults) {
		f, faults := LoadUsers("users.toml", src)
		return f != nil, faults
	})
}

// catalogue is the list of all metrics in a hint: they are the affair of package
// metrics, and TestUnknownMetric's.
var catalogue = regexp.MustCompile(`(?m)(want one of )response\.\*,.*$`)

const dashes = "----\n"

func golden(t *testing.T, pattern string, load func(src []byte) (bool, Faults)) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) < 10 {
		t.Fatalf("Glob(%q) = %d files, %v; want the golden files", pattern, len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src, want, ok := bytes.Cut(text, []byte(dashes))
			if !ok {
				t.Fatalf("%s has no line %q", file, dashes)
			}
			loaded, faults := load(src)
			got := catalogue.ReplaceAllString(faults.Error(), "${1}...")
			if *update {
				if err := os.WriteFile(file, []byte(string(src)+dashes+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("Load(%q) finds\n%s\nwant\n%s", src, got, want)
			}
			if failed := faults.Err() != nil; failed == loaded {
				t.Errorf("Load(%q): loaded %v with %d errors; want one or the other", src, loaded, len(faults.Errors()))
			}
		})
	}
}

// TestUnknownMetric checks that a metric which there is not brings some that are like it and
// says where the list is: all of them are more than a screen.
func TestUnknownMetric(t *testing.T) {
	_, faults := Load("x", []byte("[[device]]\nkind = \"light\"\n[expect]\n\"telemetry.temperatures\" = \"< 1\"\n"))
	if len(faults) != 1 {
		t.Fatalf("Load finds %v; want one fault", faults)
	}
	hint := faults[0].Hint
	if strings.Count(hint, "telemetry.") != 3 || !strings.Contains(hint, "`homefleet metrics`") || len(hint) > 160 {
		t.Errorf("the hint is %q; want three that are like it, and where the list is", hint)
	}
}
