package report

import (
	"bytes"
	"testing"

	"homefleet/fleet/metrics"
)

func TestJUnitGolden(t *testing.T) {
	for name, r := range fixtures() {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := JUnit(&b, r); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".xml", b.String())
			checkJUnit(t, b.Bytes(), r)
		})
	}
}

// A build is green if and only if the verdict is good.
func TestJUnitAgreesWithTheVerdict(t *testing.T) {
	all := fixtures()
	interrupted, broken, aborted := tiny(), tiny(), tiny()
	interrupted.Interrupted = true
	broken.Totals.Lost++
	aborted.Aborted = "requests.lost is 3; want == 0"
	for name, r := range map[string]*metrics.Result{"interrupted": interrupted, "broken": broken, "aborted": aborted} {
		r.Expectations = nil
		r.Judge()
		all[name] = r
	}
	for name, r := range all {
		var b bytes.Buffer
		if err := JUnit(&b, r); err != nil {
			t.Fatal(err)
		}
		green := !bytes.Contains(b.Bytes(), []byte("<failure"))
		if want := r.Verdict.Good(); green != want {
			t.Errorf("%s: verdict %q, no failure in the document: %v; want %v", name, r.Verdict, green, want)
		}
	}
}

func TestJUnitEscapes(t *testing.T) {
	for _, text := range hostileTexts() {
		r := hostile(text)
		var b bytes.Buffer
		if err := JUnit(&b, r); err != nil {
			t.Fatal(err)
		}
		checkJUnit(t, b.Bytes(), r)
	}
}
