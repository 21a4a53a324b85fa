package report

import (
	"bytes"
	"encoding/xml"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"homefleet/fleet/metrics"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not as it was; if it is right, run the test with -update. Got:\n%s", file, got)
	}
}

// checkText finds what must hold for every text.
func checkText(t testing.TB, text string, columns int) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if width(line) > columns {
			t.Errorf("a line is %d columns wide; want at most %d: %q", width(line), columns, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("a line ends in spaces: %q", line)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }); i >= 0 {
			t.Errorf("a line has a control character: %q", line)
		}
	}
}

// checkJUnit finds what must hold for every JUnit document.
func checkJUnit(t testing.TB, doc []byte, r *metrics.Result) {
	t.Helper()
	var got junitSuites
	d := xml.NewDecoder(bytes.NewReader(doc))
	if err := d.Decode(&got); err != nil {
		t.Fatalf("the document cannot be read: %v\n%s", err, doc)
	}
	failures := 0
	for _, c := range got.Suites[0].Cases {
		if c.Name == "" || c.Class == "" {
			t.Errorf("a test case has the name %q and the class %q", c.Name, c.Class)
		}
		if c.Failure != nil {
			failures++
		}
	}
	const always = 3
	if n := len(r.Expectations) + always; len(got.Suites[0].Cases) != n || got.Tests != n || got.Suites[0].Tests != n {
		t.Errorf("there are %d test cases, and it says %d and %d; want %d", len(got.Suites[0].Cases), got.Tests, got.Suites[0].Tests, n)
	}
	if got.Failures != failures || got.Suites[0].Failures != failures {
		t.Errorf("it says there are %d and %d failures; there are %d", got.Failures, got.Suites[0].Failures, failures)
	}
}

// contrast is the contrast of two colours as WCAG defines it.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(colour string) float64 {
		hex := strings.TrimPrefix(colour, "#")
		if len(hex) == 3 {
			hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
		}
		if len(hex) != 6 {
			t.Fatalf("%q is no colour", colour)
		}
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			v := float64(n) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			sum += weight * v
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
