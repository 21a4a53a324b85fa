package tomlfault

import (
	"fmt"
	"strings"
	"testing"
)

// TestRenderParts checks that a painter is given every word once and that
// nothing but what it returns is shown, besides line ends and padding.
func TestRenderParts(t *testing.T) {
	faults := Faults{
		{File: "a.toml", Line: 2, Col: 3, Width: 2, Source: "\tüxy", Severity: Error, Message: "bad", Hint: "do better"},
		{File: "a.toml", Path: "device[0].id", Severity: Warning, Message: "odd"},
	}
	names := map[Part]string{
		Location: "loc", ErrorWord: "err", WarningWord: "warn", Message: "msg", Gutter: "gut",
		Source: "src", Carets: "car", HintWord: "hw", Hint: "hint", Count: "count",
	}
	got := faults.Render(func(p Part, text string) string { return "<" + names[p] + " " + text + ">" })
	want := `<loc a.toml:2:3>: <err error>: <msg bad>
<gut   2 |> <src 	üxy>
<gut     |> 	 <car ^^>
<hw hint:> <hint do better>
<loc a.toml>: <warn warning>: <msg device[0].id: odd>
<count 1 error, 1 warning>
`
	if got != want {
		t.Errorf("Render = \n%s\nwant\n%s", got, want)
	}
}

func TestRenderOfNothingAndOfMuch(t *testing.T) {
	if got := (Faults{}).Error(); got != "" {
		t.Errorf("Render of no faults = %q; want nothing", got)
	}
	if err := (Faults{{Severity: Warning}}).Err(); err != nil {
		t.Errorf("Err of a warning = %v; want none", err)
	}
	many := make(Faults, 150)
	for i := range many {
		many[i] = Fault{File: "x", Severity: Error, Message: "m"}
	}
	if got := many.Error(); strings.Count(got, "x: error: m\n") != 100 || !strings.HasSuffix(got, "... and 50 more\n150 errors\n") {
		t.Errorf("Render of 150 faults = %q; want 100 of them and the count", got)
	}
}

// TestFaultsAreBounded checks that a file of another kind costs no more than a
// file with a few mistakes.
func TestFaultsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "k%d = 1\n", i)
	}
	d := Parse("x", []byte(b.String()))
	d.Unknown()
	if n := len(d.Faults()); n != maxFaults {
		t.Errorf("Faults of a file with thousands of unknown keys = %d; want %d", n, maxFaults)
	}
}
