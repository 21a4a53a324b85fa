package report

import (
	"maps"
	"strings"
	"testing"
)

// What devices did wrong on purpose stands beside the books of those who asked,
// and nothing does where all behaved.
func TestMisbehavior(t *testing.T) {
	r := *steady()
	if got := text(t, &r, TextOptions{}); strings.Contains(got, "misbehaving") {
		t.Errorf("the text speaks of misbehaving devices; want nothing where all behaved:\n%s", got)
	}
	r.Counts = maps.Clone(r.Counts)
	r.Counts["misbehaved.dropped"], r.Counts["misbehaved.wrong_correlation"], r.Counts["misbehaved.late"] = 1200, 1, 0
	want := "what misbehaving devices did\n  dropped 1,200, wrong correlation 1\n"
	if got := text(t, &r, TextOptions{}); !strings.Contains(got, want) {
		t.Errorf("the text does not say %q:\n%s", want, got)
	}
	words := plain(render1(t, &r))
	for _, want := range []string{"What misbehaving devices did Dropped 1,200 answers that misbehaving devices did not send", "Wrong correlation 1"} {
		if !strings.Contains(words, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
